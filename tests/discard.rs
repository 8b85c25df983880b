//! Unfinished loads in parts are discarded: nothing of them is left, and all else stays.

use std::num::NonZeroUsize;
use std::process::Output;
use std::sync::OnceLock;
use std::thread;

use pipeline::database::Database;
use pipeline::error::Error;
use pipeline::feed::Feeds;
use pipeline::load::{Connections, Failpoint, LoadOptions, State, discard};
use pipeline::sink::{Mode, RequestedMode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::parts::{interrupted, lines, load_object, object};
use crate::parts_of_processes::{Large, run, start, wait_for};
use crate::rights::with_role;
use crate::support::{TestDatabase, json_lines, options, record, stderr};

fn discarded(database: &TestDatabase, load_id: &Value) -> Output {
    let load_id = load_id.to_string();
    database.stevedore(&["loads", "discard", &load_id, "--json"]).output().unwrap()
}

fn refused(database: &TestDatabase, load_id: &Value, expected: &str) {
    let output = discarded(database, load_id);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
}

#[tokio::test]
async fn what_a_killed_load_in_parts_has_written_is_discarded_and_nothing_else() {
    let (large, database) = (Large::new(), TestDatabase::with_old_tables().await);
    let other =
        database.load(&["--mode", "append", &crate::support::sample("user_status_sample.json")]);
    let others = database.counts().await;

    // A process is at a part.
    let mut load = start(&database, &large.args(), "part_recorded");
    wait_for(&mut load, "part_recorded");
    let load_id = &database
        .rows("select load_id from stevedore.loads where state = 'loading'")
        .await[0]["load_id"];
    refused(&database, load_id, "another process loads");
    load.kill().unwrap();
    load.wait().unwrap();
    let mut load = start(&database, &large.args(), "part_committed");
    wait_for(&mut load, "part_committed");
    load.kill().unwrap();
    load.wait().unwrap();
    let there = database.counts().await;
    assert!(there[0] > others[0] && there[2] > others[2], "{there:?}");

    // The role that loads may remove nothing. The server may need a moment to see that the process is gone.
    let etl = with_role(&database, "etl_that_discards").await;
    let running = "another process loads";
    let after = |of: &TestDatabase| loop {
        let output = discarded(of, load_id);
        if !stderr(&output).contains(running) {
            break output;
        }
    };
    let denied = stderr(&after(&etl));
    assert!(
        denied.contains("this role may not remove") && denied.contains("as the owner"),
        "{denied}"
    );
    assert_eq!(database.counts().await, there);

    let output = after(&database);
    let removed = json_lines(&output).remove(0);
    let rows = |at: usize| there[at] - others[at];
    let tables = json!([
        {"table": "user_status", "deleted": rows(0)},
        {"table": "user_status_log", "deleted": rows(1)},
        {"table": "user_status_error_rec", "deleted": rows(2)},
    ]);
    assert_eq!((&removed["tables"], &removed["load_id"]), (&tables, load_id), "{removed}");
    assert_eq!((&removed["committed"], &removed["parts"]), (&json!(1), &json!(4)), "{removed}");
    assert_eq!(database.counts().await, others);
    assert_eq!(database.count("stevedore.load_parts").await, 0);
    refused(&database, load_id, &format!("there is no load {load_id}"));
    refused(&database, &other[0]["load_id"], "is complete, and its rows stay");

    let again = run(&database, &large.args());
    assert_eq!(json_lines(&again)[0]["state"], "loaded", "{}", stderr(&again));
    let all: Vec<_> = large.counts().iter().zip(others).map(|(one, other)| one + other).collect();
    assert_eq!(database.counts().await, *all);
    let verified = database.stevedore(&["verify", "--tables-only"]).output().unwrap();
    assert!(verified.status.success(), "{}", stderr(&verified));
}

#[tokio::test]
async fn rows_that_are_no_load_s_are_not_removed_with_it() {
    let database = TestDatabase::with_old_tables().await;
    let error = interrupted(&database, &object(lines(60).as_bytes()).await).await;
    let Error::Incomplete { load_id, .. } = error else { panic!("{error}") };
    let mut connection = database.connect().await;
    let add = "insert into user_status (ingested_at) \
        select started_at at time zone 'UTC' from stevedore.loads where state = 'loading'";
    connection.batch_execute(add).await.unwrap();
    let there = database.counts().await;
    let feeds = Feeds::built_in().unwrap();
    let error = discard(&mut connection, &feeds, load_id).await.unwrap_err();
    assert_eq!(error.code(), "count_mismatch");
    assert!(error.to_string().contains("rows of user_status are marked as the load's"), "{error}");
    assert_eq!(database.counts().await, there);
    // Fewer may be there, and the column may have a zone.
    let fewer = "delete from user_status; \
        alter table user_status_log alter ingested_at type timestamptz using ingested_at at time zone 'UTC'";
    connection.batch_execute(fewer).await.unwrap();
    discard(&mut connection, &feeds, load_id).await.unwrap();
    assert_eq!(database.counts().await, [0, 0, 0]);
    assert_eq!(database.count("stevedore.loads").await, 0);
}

/// Where the load is that is discarded when its next part is committed.
static DISCARDED: OnceLock<(String, i64)> = OnceLock::new();

/// Discards the load while it holds no part.
fn discard_now(point: Failpoint) {
    if point != Failpoint::PartCommitted {
        return;
    }
    let discarding = thread::spawn(|| {
        let (url, load_id) = DISCARDED.get().unwrap();
        Runtime::new().unwrap().block_on(async {
            let mut connection = Database::new(url).unwrap().connect().await.unwrap();
            discard(&mut connection, &Feeds::built_in().unwrap(), *load_id).await.map(|_| ())
        })
    });
    discarding.join().unwrap().unwrap();
}

#[tokio::test]
async fn a_load_that_is_discarded_while_it_runs_says_so_and_leaves_nothing() {
    let database = TestDatabase::with_old_tables().await;
    let object = object((lines(60) + &record("last", 1, "s")).as_bytes()).await;
    let error = interrupted(&database, &object).await;
    let Error::Incomplete { load_id, .. } = error else { panic!("{error}") };
    DISCARDED.set((database.url.clone(), load_id)).unwrap();
    let connections = Connections { wanted: NonZeroUsize::new(1), ..Connections::default() };
    let on_one = LoadOptions { hit: discard_now, connections, ..options(RequestedMode::Auto) };
    let error = load_object(&database, &object, &on_one).await.unwrap_err();
    assert!(matches!(error, Error::Discarded { .. }), "{error}");
    assert_eq!(database.counts().await, [0, 0, 0]);
    let states = database.rows("select state, error_code from stevedore.loads").await;
    assert_eq!(states, [json!({"state": "failed", "error_code": "load_discarded"})]);
    let summary = load_object(&database, &object, &options(Mode::Append)).await.unwrap();
    assert_eq!((summary.state, summary.records), (State::Loaded, 61));
}
