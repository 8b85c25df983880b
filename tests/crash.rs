//! `kill -9` at every point of a load, then a second run: the rows are those of one load.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::{TestDatabase, sample, stdout};

/// Starts a load and waits until it stands at a point.
fn stop_at(database: &TestDatabase, point: &str, mode: &str) -> Child {
    let command = database.stevedore(&["load", "--mode", mode, &sample("user_status_sample.json")]);
    wait_at(command, point)
}

/// Starts the binary and waits until it stands at a point.
pub(crate) fn wait_at(mut command: Command, point: &str) -> Child {
    let mut load = command
        .env("STEVEDORE_FAILPOINT", point)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(load.stderr.take().unwrap()).lines();
    let reached = lines.any(|line| line.unwrap() == format!("failpoint: {point}"));
    assert!(reached, "it never reached {point}");
    load
}

async fn killed_at(point: &str, mode: &str) {
    let database = if mode == "merge" {
        TestDatabase::empty().await
    } else {
        TestDatabase::with_old_tables().await
    };
    let mut load = stop_at(&database, point, mode);
    load.kill().unwrap();
    load.wait().unwrap();
    let is_committed = point == "committed";
    // The server may still be noticing that its client is gone; a load waits for it to be done.
    let again = database.load(&["--mode", mode, &sample("user_status_sample.json")]);
    assert_eq!(
        again[0]["state"],
        if is_committed { "already_loaded" } else { "loaded" },
        "{point}"
    );
    assert_eq!(database.counts().await, [7, 13, 3], "{point}");
    assert_eq!(database.count("stevedore.loads where state = 'loaded'").await, 1, "{point}");
}

#[tokio::test]
async fn a_merge_that_is_killed_anywhere_is_whole_after_the_next_run() {
    for point in
        ["children_copied", "rejects_copied", "root_copied", "merged", "recorded", "committed"]
    {
        killed_at(point, "merge").await;
    }
}

#[tokio::test]
async fn an_append_that_is_killed_anywhere_is_whole_after_the_next_run() {
    for point in ["children_copied", "rejects_copied", "root_copied", "recorded", "committed"] {
        killed_at(point, "append").await;
    }
}

#[tokio::test]
async fn a_connection_that_the_server_ends_midway_fails_the_load_and_nothing_is_written() {
    let database = TestDatabase::empty().await;
    database.migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.ndjson");
    let line = crate::support::record("u", 1, "s");
    std::fs::write(&path, format!("{line}\n").repeat(200_000)).unwrap();
    let load = database
        .stevedore(&["load", "--json", path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let admin = database.connect().await;
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid() and query like 'copy user_status_log%'";
    while admin.query(end, &[]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let output = load.wait_with_output().unwrap();
    let said = crate::support::stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    // What the server said before it hung up is lost when we were writing just then.
    let causes =
        ["terminating connection due to administrator", "connection closed", "communicating"];
    assert!(causes.iter().any(|cause| said.contains(cause)), "{said}");
    assert!(said.contains("hint: run the same command again"), "{said}");
    assert_eq!(database.counts().await, [0, 0, 0]);
    assert_eq!(database.load(&[path.to_str().unwrap()])[0]["loaded"], 200_000);
}

#[tokio::test]
async fn a_crawl_that_is_killed_midway_reads_only_the_rest_and_finds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..600 {
        let odd = if at % 7 == 0 { r#","extra":"x""# } else { "" };
        let text = format!(r#"{{"id":{at},"name":"n{at}","tags":[{at}]{odd}}}"#);
        std::fs::write(folder.path().join(format!("{at}.json")), text).unwrap();
    }
    let (killed, whole) = (TestDatabase::empty().await, TestDatabase::empty().await);
    let args = ["crawl", "objects", folder.path().to_str().unwrap(), "--json", "--name", "c"];
    let mut crawl = wait_at(killed.stevedore(&args), "objects_kept");
    crawl.kill().unwrap();
    crawl.wait().unwrap();
    // The server may still be noticing that its client is gone.
    while killed.count("stevedore.crawlers where stevedore.is_crawling(name)").await > 0 {
        tokio::task::yield_now().await;
    }
    let run = |database: &TestDatabase| {
        let output = database.stevedore(&args).output().unwrap();
        serde_json::from_str::<serde_json::Value>(&stdout(&output)).unwrap()
    };
    let (again, once) = (run(&killed), run(&whole));
    assert_eq!((&again["unchanged"], &again["read"]), (&500.into(), &100.into()));
    assert_eq!((&once["unchanged"], &once["read"]), (&0.into(), &600.into()));
    let catalog = "select name, t.version, location, format, objects, records, bytes, columns \
        from stevedore.catalog_tables t join stevedore.catalog_versions v using (table_id)";
    let found = killed.rows(catalog).await;
    assert_eq!(found[0]["records"], 600);
    assert_eq!(found, whole.rows(catalog).await);
}
