//! `stevedore watch`: what it prints.

use std::process::Output;

use serde_json::json;

use super::{loaded, objects, put, until};
use crate::support::{Serve, TestDatabase, json_lines, stderr, stdout};

fn watch(database: &TestDatabase, serve: &Serve, args: &[&str]) -> Output {
    database.stevedore(&["watch", "--server", &serve.url]).args(args).output().unwrap()
}

#[tokio::test]
async fn a_watch_is_added_run_shown_paused_and_removed() {
    let (database, folder) = (TestDatabase::empty().await, objects(&["in/a.json"]));
    let serve = Serve::start(&database, &[], folder.path());
    let ask = |args: &[&str]| {
        let output = watch(&database, &serve, args);
        assert!(output.status.success(), "{}", stderr(&output));
        output
    };
    assert!(stderr(&ask(&["list"])).contains("there are no watches"));
    let added = ask(&["add", "mine", "--bucket", "bucket", "--prefix", "in/", "--every", "1h"]);
    let url = format!("{}/v1/arrivals/mine?token=sv_", serve.url);
    assert!(stdout(&added).contains(&url), "{}", stdout(&added));
    loaded(&database, 1).await;
    assert!(stdout(&ask(&["list"])).contains("bucket/in/*"));
    assert!(stdout(&ask(&["show", "mine"])).contains("every 1h"));
    until("no run is under way", async || {
        watch(&database, &serve, &["run", "mine"]).status.success().then_some(())
    })
    .await;
    let runs = json_lines(&ask(&["runs", "mine", "--limit", "2", "--json"]));
    assert!((1..=2).contains(&runs.len()), "{runs:?}");
    assert!(stdout(&ask(&["runs", "mine"])).contains("submitted"));
    assert!(stdout(&ask(&["pause", "mine"])).contains("paused"));
    assert!(!stdout(&ask(&["resume", "mine"])).contains("paused"));
    assert!(stdout(&ask(&["token", "mine"])).starts_with(&url));
    assert!(stdout(&ask(&["remove", "mine"])).contains("the watch mine is removed"));
    let missing = watch(&database, &serve, &["show", "mine"]);
    assert!(
        stderr(&missing).contains("there is no watch mine (watch_not_found"),
        "{}",
        stderr(&missing)
    );
    assert_eq!(missing.status.code(), Some(1));
}

#[tokio::test]
async fn a_watch_is_what_its_flags_say() {
    let (database, folder) = (TestDatabase::empty().await, objects(&[]));
    put(folder.path(), "a.json", "a");
    let serve = Serve::start(&database, &["--no-worker"], folder.path());
    let flags = [
        "add",
        "mine",
        "--bucket",
        "bucket",
        "--glob",
        "*.json",
        "--feed",
        "user_status",
        "--mode",
        "append",
        "--label",
        "team=a",
        "--label",
        "run=b",
        "--schedule",
        "0 3 * * *",
        "--settle-secs",
        "1",
        "--min-interval-secs",
        "2",
        "--only-new",
        "--json",
        "--queue",
        "https://sqs.eu-west-1.amazonaws.com/1/q",
    ];
    let added = json_lines(&watch(&database, &serve, &flags)).remove(0);
    let expected = json!({ "bucket": "bucket", "glob": "*.json", "feed": "user_status", "mode": "append",
        "labels": { "team": "a", "run": "b" }, "schedule": "0 3 * * *", "settle_secs": 1,
        "min_interval_secs": 2, "backfill": false, "queue": "https://sqs.eu-west-1.amazonaws.com/1/q" });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&added[field], value, "{field}");
    }
    // Another server has no such watch; a key that it does not know is refused.
    let key = format!("ci:read:{}", "0".repeat(64));
    let guarded = Serve::start(&database, &["--no-worker", "--key", &key], folder.path());
    let refused = watch(&database, &guarded, &["list", "--api-key", "wrong"]);
    assert!(stderr(&refused).contains("key_unknown"), "{}", stderr(&refused));
}
