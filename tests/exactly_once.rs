//! Exactly once: for whoever asks, also at the same time.

use std::process::Stdio;

use serde_json::json;

use crate::support::{Serve, TestDatabase, json_lines, repository, sample, stderr};

const SAMPLE: &str = "user_status_sample.json";

#[tokio::test]
async fn loading_again_writes_nothing_and_says_so() {
    let database = TestDatabase::empty().await;
    let first = database.load(&[&sample(SAMPLE)]);
    let counts = database.counts().await;
    assert_eq!(counts, [7, 13, 3]);
    let second = database.load(&[&sample(SAMPLE)]);
    assert_eq!(
        (&first[0]["state"], &second[0]["state"]),
        (&json!("loaded"), &json!("already_loaded"))
    );
    assert_eq!(second[0]["load_id"], first[0]["load_id"]);
    assert_eq!(second[0]["rejected_by_reason"], first[0]["rejected_by_reason"]);
    assert_eq!(database.counts().await, counts);
}

#[tokio::test]
async fn reload_loads_again_on_purpose() {
    let database = TestDatabase::empty().await;
    database.load(&[&sample(SAMPLE)]);
    for load in 2..4 {
        let again = database.load(&["--reload", &sample(SAMPLE)]);
        assert_eq!(again[0]["state"], "loaded");
        assert_eq!(database.counts().await, [7, 13 * load, 3 * load]);
    }
    let reloads =
        database.rows("select reload, count(*) from stevedore.loads group by reload").await;
    assert_eq!(
        reloads,
        [json!({"reload": false, "count": 1}), json!({"reload": true, "count": 2})]
    );
}

#[tokio::test]
async fn a_changed_file_is_another_version() {
    let database = TestDatabase::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.json");
    std::fs::copy(sample(SAMPLE), &path).unwrap();
    let path = path.to_str().unwrap();
    database.load(&[path]);
    std::fs::write(path, "[]").unwrap();
    assert_eq!(database.load(&[path])[0]["state"], "loaded");
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let database = TestDatabase::empty().await;
    let summary = database.load(&["--dry-run", &sample("user_status_dirty.ndjson")]);
    assert_eq!(summary[0]["state"], "dry_run");
    assert_eq!(
        (&summary[0]["records"], &summary[0]["loaded"], &summary[0]["rejected"]),
        (&json!(15), &json!(3), &json!(12))
    );
    assert_eq!(summary[0]["load_id"], json!(null));
    let tables = "select count(*) from pg_tables where schemaname in ('public', 'stevedore')";
    assert_eq!(database.rows(tables).await, [json!({"count": 0})]);
}

#[tokio::test]
async fn of_loaders_that_race_one_loads() {
    let database = TestDatabase::empty().await;
    let spawn = |_| {
        let mut command = database.stevedore(&["load", "--json", &sample(SAMPLE)]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let loaders: Vec<_> = (0..6).map(spawn).collect();
    let mut states = Vec::new();
    for loader in loaders {
        let output = loader.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        states.push(json_lines(&output)[0]["state"].as_str().unwrap().to_owned());
    }
    states.sort();
    assert_eq!(
        states,
        [
            "already_loaded",
            "already_loaded",
            "already_loaded",
            "already_loaded",
            "already_loaded",
            "loaded"
        ]
    );
    assert_eq!(database.counts().await, [7, 13, 3]);
}

#[tokio::test]
async fn a_path_a_url_and_a_job_mean_one_object() {
    let (database, path) = (TestDatabase::empty().await, sample(SAMPLE));
    assert_eq!(database.load(&[&path])[0]["state"], "loaded");
    assert_eq!(database.load(&[&format!("file://{path}")])[0]["state"], "already_loaded");
    let serve = Serve::start(&database, &[], &repository("data"));
    let job = serve.ended(&serve.load(SAMPLE).await).await;
    assert_eq!((&job["state"], &job["already_loaded"]), (&json!("succeeded"), &json!(true)));
    assert_eq!(database.counts().await, [7, 13, 3]);
}
