//! A watch over many keys: how many statements it takes, and what is left of a listing that was killed.

use std::path::Path;

use serde_json::json;

use super::{counts, define, ended, hours_ago, loaded, objects, put, run, seldom, until};
use crate::support::{Serve, TestDatabase};

const KEYS: usize = 100_000;

/// Empty files in some folders, all of an hour ago.
fn fill(folder: &Path) {
    for number in 0..KEYS {
        let below = folder.join((number / 1000).to_string());
        if number % 1000 == 0 {
            std::fs::create_dir(&below).unwrap();
        }
        let file = std::fs::File::create(below.join(format!("{number}.json"))).unwrap();
        file.set_modified(hours_ago(1)).unwrap();
    }
}

#[tokio::test]
async fn a_listing_of_a_hundred_thousand_keys_takes_one_statement_for_a_thousand() {
    let (database, folder) = (TestDatabase::empty().await, objects(&[]));
    fill(folder.path());
    let serve = Serve::start(&database, &[], folder.path());
    // Fired once by each statement, also by one that has nothing to write.
    let count = "create table statements (at timestamptz);
        create function count_statement() returns trigger language plpgsql as
        $$ begin insert into public.statements values (clock_timestamp()); return null; end $$;
        create trigger counted after insert on stevedore.watch_objects
        for each statement execute function count_statement();";
    database.connect().await.batch_execute(count).await.unwrap();
    let mut plan = seldom();
    plan["backfill"] = false.into();
    define(&serve, "all", plan).await;
    // Without backfill it lists at once.
    let first = until("the first listing", async || {
        let watch = serve.get("/v1/watches/all").await.json();
        watch["last_success_at"].is_string().then(|| watch["last_run"].clone())
    });
    let keys = KEYS as u64;
    assert_eq!(counts(&first.await), [keys, 0, 0, 0]);
    assert_eq!(database.count("statements").await, 100);
    put(folder.path(), "new.json", "new");
    assert_eq!(counts(&run(&serve, "all").await), [keys + 1, 1, 1, 0]);
    assert_eq!(database.count("statements").await, 201);
    loaded(&database, 1).await;
}

#[tokio::test]
async fn a_listing_whose_worker_is_killed_is_made_by_another_and_nothing_is_loaded_twice() {
    let (database, folder) = (TestDatabase::empty().await, objects(&[]));
    for number in 0..1500 {
        put(folder.path(), &format!("{number}.json"), &number.to_string());
    }
    let mut dying = Serve::start_with(&database, &[], folder.path(), |command| {
        command.env("STEVEDORE_FAILPOINT", "page_noted")
    });
    define(&dying, "all", seldom()).await;
    let run = dying.post("/v1/watches/all/runs").await.json();
    dying.wait_for("failpoint: page_noted");
    dying.kill();
    let serve = Serve::start(&database, &[], folder.path());
    let run = ended(&serve, "all", &run["run_id"]).await;
    assert_eq!(counts(&run), [1500, 1500, 1500, 0], "{run}");
    loaded(&database, 1500).await;
    let job = until("the job of the run", async || {
        let job = serve.get(&format!("/v1/jobs/{}", run["run_id"].as_str().unwrap())).await.json();
        (job["state"] == "succeeded").then_some(job)
    });
    assert_eq!(job.await["jobs"]["succeeded"], json!(1500));
    assert_eq!(database.count("user_status").await, 1500);
}
