//! The flags of `load`, and those of `verify` that go with it.

use serde_json::{Value, json};

use crate::support::{TestDatabase, json_lines, record, sample, stderr, stdout};

/// A file with a text.
fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ndjson");
    std::fs::write(&path, text).unwrap();
    (folder, path.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_format_is_the_one_that_is_named() {
    let database = TestDatabase::empty().await;
    let array = format!("[{},{}]\n", record("u", 1, "s"), record("v", 1, "s"));
    let (_folder, path) = file(&array);
    for (args, loaded, reasons) in [
        (&[][..], 2, json!({})),
        (&["--format", "array"], 2, json!({})),
        (&["--format", "ndjson"], 0, json!({"not_an_object": 1})),
    ] {
        let args = [&["--dry-run", "--no-preflight", &path], args].concat();
        let summary = database.load(&args).remove(0);
        let found = (&summary["loaded"], &summary["rejected_by_reason"]);
        assert_eq!(found, (&json!(loaded), &reasons), "{args:?}");
    }
}

#[tokio::test]
async fn records_that_are_too_long_are_rejected() {
    let database = TestDatabase::empty().await;
    let (_folder, path) = file(&(record("u", 1, "s") + "\n" + &record("v", 1, &"s".repeat(400))));
    let limit = ["--max-record-bytes", "400"];
    let summary = database.load(&[&limit[..], &[&path]].concat()).remove(0);
    assert_eq!(summary["rejected_by_reason"], json!({"too_large": 1}));
    database.load(&[&sample("user_status_sample.ndjson")]);
    let verify = |args: &[&str]| -> (Option<i32>, Vec<Value>) {
        let output = database.stevedore(&["verify", "--json"]).args(args).output().unwrap();
        let ids = json_lines(&output).into_iter().map(|load| load["load_id"].clone()).collect();
        (output.status.code(), ids)
    };
    // Read with another limit, the object has other records than the ledger.
    assert_eq!(verify(&[]), (Some(1), vec![json!(1), json!(2)]));
    assert_eq!(verify(&["--load", "2"]), (Some(0), vec![json!(2)]));
    assert_eq!(verify(&["--load", "1"]), (Some(1), vec![json!(1)]));
    assert_eq!(verify(&["--tables-only"]).0, Some(0));
    assert_eq!(verify(&limit).0, Some(0));
    let for_people = database.stevedore(&["verify", "--tables-only"]).output().unwrap();
    assert!(stdout(&for_people).contains("agrees"), "{}", stdout(&for_people));
}

#[tokio::test]
async fn switches_do_what_they_say() {
    let database = TestDatabase::empty().await;
    let sample = sample("user_status_sample.ndjson");
    let states: Vec<Value> = [&["--dry-run"][..], &[], &[], &["--reload"]]
        .map(|switch| database.load(&[switch, &[&sample]].concat()).remove(0)["state"].clone())
        .into();
    assert_eq!(states, ["dry_run", "loaded", "already_loaded", "loaded"]);
    assert_eq!(database.counts().await, [7, 26, 6]);
    // `database.load` asks for `--json`; without it the summary is for people.
    let for_people = database.stevedore(&["load", &sample]).output().unwrap();
    assert!(stdout(&for_people).contains("is loaded already"), "{}", stderr(&for_people));
    let with_json = database.stevedore(&["load", &sample, "--json"]).output().unwrap();
    assert_eq!(json_lines(&with_json).len(), 1);
}

#[tokio::test]
async fn the_catalog_is_left_alone() {
    for (args, crawlers) in [(&["--no-preflight"][..], 0), (&[], 1)] {
        let database = TestDatabase::empty().await;
        let (_folder, path) = file(&record("u", 1, "s"));
        database.load(&[args, &[&path]].concat());
        assert_eq!(database.count("stevedore.crawlers").await, crawlers, "{args:?}");
    }
}

#[tokio::test]
async fn as_many_rows_are_shown_as_are_asked_for() {
    let database = TestDatabase::empty().await;
    let sample = sample("user_status_sample.ndjson");
    // The sample has 13 rows of the log, and shows 10 if nothing is said.
    for (args, rows) in [
        (&[][..], 10),
        (&["--preview", "2"], 2),
        (&["--preview", "100"], 13),
        (&["--preview", "0"], 0),
    ] {
        let shown = database.stevedore(&["load", &sample]).args(args).output().unwrap();
        let shown = stdout(&shown);
        let of_log = shown.split("\nuser_status_log, ").nth(1).unwrap_or_default();
        let of_log = of_log.split("\nuser_status_error_rec, ").next().unwrap();
        let found = of_log.lines().filter(|line| line.starts_with("│ u-")).count();
        assert_eq!(found, rows, "{args:?}: {shown}");
    }
}
