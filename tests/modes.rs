//! The modes: which of them `auto` chooses, what tables each creates, and that everybody who is asked
//! says which one was used.

use pipeline::error::Error;
use pipeline::sink::{Mode, RequestedMode};
use serde_json::{Value, json};

use crate::support::{
    Serve, TestDatabase, load_text, options, record, sample, stderr, stdout, stevedore,
};

const KEY: &str = "alter table user_status add primary key (userid)";

/// The modes that the ledger has, in the order of its loads.
async fn ledger(database: &TestDatabase) -> Vec<Value> {
    let rows = "select load_id, state, mode from stevedore.loads";
    let rows = database.rows(rows).await.into_iter();
    rows.map(|row| json!([row["state"], row["mode"]])).collect()
}

#[tokio::test]
async fn auto_merges_into_a_table_with_a_key_and_appends_to_one_without() {
    let sample = sample("user_status_sample.ndjson");
    let (new, old, keyed) = (
        TestDatabase::empty().await,
        TestDatabase::with_old_tables().await,
        TestDatabase::with_old_tables().await,
    );
    keyed.connect().await.batch_execute(KEY).await.unwrap();
    for (database, mode, rows) in
        [(&new, "merge", [7, 26, 6]), (&old, "append", [14, 26, 6]), (&keyed, "merge", [7, 26, 6])]
    {
        let by_auto = ["--mode", "auto", &sample];
        assert_eq!(database.load(&["--dry-run", &sample])[0]["strategy"], mode);
        let loaded = database.load(&[&sample]).remove(0);
        assert_eq!((&loaded["strategy"], &loaded["state"]), (&json!(mode), &json!("loaded")));
        assert_eq!(database.load(&[&by_auto[..], &["--reload"]].concat())[0]["strategy"], mode);
        assert_eq!(ledger(database).await, vec![json!(["loaded", mode]); 2]);
        assert_eq!(database.counts().await, rows, "{mode}");
        let again = database.load(&by_auto).remove(0);
        assert_eq!((&again["strategy"], &again["state"]), (&json!(mode), &json!("already_loaded")));
        for (args, load) in [(&["--reload"][..], "load 3, "), (&["--dry-run"], "")] {
            let shown =
                database.stevedore(&["load", &sample, "--preview", "0"]).args(args).output();
            let shown = stdout(&shown.unwrap());
            assert!(shown.contains(&format!(" ({load}mode {mode})\n")), "{shown}");
        }
    }
}

#[tokio::test]
async fn what_is_loaded_already_has_the_mode_in_which_it_was_loaded() {
    let database = TestDatabase::with_old_tables().await;
    let sample = sample("user_status_sample.ndjson");
    database.load(&[&sample]);
    database.connect().await.batch_execute(&KEY.replace("primary key", "unique")).await.unwrap();
    let again = database.load(&[&sample]).remove(0);
    assert_eq!((&again["strategy"], &again["state"]), (&json!("append"), &json!("already_loaded")));
}

#[tokio::test]
async fn append_creates_its_table_without_a_key_and_later_loads_go_by_that() {
    let database = TestDatabase::empty().await;
    let sample = sample("user_status_sample.ndjson");
    let args = ["--mode", "append", &sample];
    assert_eq!(database.load(&[&args[..], &["--dry-run"]].concat())[0]["strategy"], "append");
    database.load(&args);
    let keys = "pg_index where indrelid = 'user_status'::regclass";
    assert_eq!(database.count(keys).await, 0);
    assert_eq!(database.load(&[&sample, "--reload"])[0]["strategy"], "append");
    assert_eq!(database.counts().await, [14, 26, 6]);

    let error = load_text(&database, &record("u", 1, "s"), Mode::Merge).await.unwrap_err();
    let Error::Target { problem, remedy, .. } = error else { panic!("{error}") };
    assert_eq!(problem, "mode merge needs a unique key on userid");
    assert!(remedy.contains("add primary key (userid), or load with --mode append"), "{remedy}");
    assert_eq!(ledger(&database).await.last(), Some(&json!(["failed", "merge"])));
}

#[tokio::test]
async fn auto_and_merge_create_the_table_with_a_key_and_so_does_migrate() {
    for args in [&["load", "x.ndjson"][..], &["load", "x.ndjson", "--mode", "merge"], &["migrate"]]
    {
        let database = TestDatabase::empty().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.ndjson"), record("u", 1, "s")).unwrap();
        let done = database.stevedore(args).current_dir(folder.path()).output().unwrap();
        assert!(done.status.success(), "{}", stderr(&done));
        let keys = "pg_index where indrelid = 'user_status'::regclass and indisprimary";
        assert_eq!(database.count(keys).await, 1, "{args:?}");
    }
}

#[test]
fn a_dry_run_without_a_database_says_what_a_new_table_gets() {
    let folder = tempfile::tempdir().unwrap();
    for (args, mode) in [(&[][..], "merge"), (&["--mode", "append"], "append")] {
        let args = [&["load", "--json", "--dry-run", &sample("user_status_sample.ndjson")], args];
        let output = stevedore(&args.concat()).current_dir(folder.path()).output().unwrap();
        let summary: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!((&summary["strategy"], &summary["loaded"]), (&json!(mode), &json!(7)));
    }
}

#[tokio::test]
async fn bundles_go_by_the_tables_too() {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..40 {
        let path = folder.path().join(format!("{at}.ndjson"));
        std::fs::write(path, record("u", at, "s")).unwrap();
    }
    let folder = folder.path().to_str().unwrap();
    for (database, mode, rows) in [
        (TestDatabase::empty().await, "merge", 1),
        (TestDatabase::with_old_tables().await, "append", 40),
    ] {
        let loaded = database.load(&[folder]);
        assert!(loaded.iter().all(|load| load["strategy"] == mode), "{loaded:?}");
        assert_eq!(ledger(&database).await, vec![json!(["loaded", mode]); 40]);
        assert_eq!(database.count("user_status").await, rows);
    }
}

#[tokio::test]
async fn a_load_that_failed_before_its_tables_had_chosen_is_auto_in_the_ledger() {
    let database = TestDatabase::with_old_tables().await;
    let other = "create unique index on user_status (createdat)";
    database.connect().await.batch_execute(other).await.unwrap();
    let auto = RequestedMode::Auto;
    let error = load_text(&database, &record("u", 1, "s"), auto).await.unwrap_err();
    assert!(error.to_string().contains("there is a unique key on createdat"), "{error}");
    assert_eq!(ledger(&database).await, [json!(["failed", "auto"])]);

    // Once they have, it is the chosen one.
    let database = TestDatabase::with_old_tables().await;
    let swallow = "create function swallow() returns trigger language plpgsql as 'begin return null; end';
        create trigger swallow before insert on user_status_log for each row execute function swallow()";
    database.connect().await.batch_execute(swallow).await.unwrap();
    load_text(&database, &record("u", 1, "s"), auto).await.unwrap_err();
    assert_eq!(ledger(&database).await, [json!(["failed", "append"])]);
    assert_eq!(options(auto).mode, RequestedMode::default());
}

/// A bucket with the sample.
fn bucket() -> tempfile::TempDir {
    let bucket = tempfile::tempdir().unwrap();
    std::fs::copy(sample("user_status_sample.ndjson"), bucket.path().join("users.ndjson")).unwrap();
    bucket
}

#[tokio::test]
async fn a_job_has_the_mode_that_was_asked_for_and_its_summary_the_one_that_was_used() {
    for (database, used) in
        [(TestDatabase::empty().await, "merge"), (TestDatabase::with_old_tables().await, "append")]
    {
        let bucket = bucket();
        let serve = Serve::start(&database, &[], bucket.path());
        let wanted = json!({"bucket": "bucket", "key": "users.ndjson", "dry_run": true});
        let checked = serve.ended(&serve.post_json("/v1/jobs", &wanted).await.json()).await;
        assert_eq!(
            (&checked["mode"], &checked["summary"]["strategy"]),
            (&json!("auto"), &json!(used))
        );
        let prefix = json!({"bucket": "bucket", "prefix": "users", "mode": "auto"});
        serve.ended(&serve.post_json("/v1/jobs", &prefix).await.json()).await;
        let jobs = serve.get("/v1/jobs?key=users.ndjson&limit=1").await.json();
        let job = &jobs["jobs"][0];
        assert_eq!((&job["mode"], &job["summary"]["strategy"]), (&json!("auto"), &json!(used)));
        let load = serve.get(&format!("/v1/loads/{}", job["load_id"])).await.json();
        assert_eq!(load["mode"], used);
        let args = ["jobs", "show", job["job_id"].as_str().unwrap(), "--server", &serve.url];
        let shown = stdout(&stevedore(&args).output().unwrap());
        assert!(shown.contains(&format!("mode {used}, chosen by auto)\n")), "{shown}");
    }
}

#[tokio::test]
async fn modes_of_jobs_are_compared_as_they_were_asked_for() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let auto = serve.load("users.ndjson").await;
    for (mode, outcome) in [("auto", (202, "")), ("merge", (409, "object_busy"))] {
        let wanted = json!({"bucket": "bucket", "key": "users.ndjson", "mode": mode});
        let answer = serve.post_json("/v1/jobs", &wanted).await;
        assert_eq!(answer.outcome(), (outcome.0, outcome.1.to_owned()), "{mode}");
    }
    // The old trigger names no mode: whatever is under way will do.
    let trigger = "/trigger?bucket=bucket&key=users.ndjson";
    let found = serve.post(trigger).await;
    assert_eq!((found.status, &found.json()["job_id"]), (200, &auto["job_id"]));
    let same = serve.post(&format!("{trigger}&mode=auto")).await;
    assert_eq!((same.status, &same.json()["job_id"]), (200, &auto["job_id"]));
    let other = serve.post(&format!("{trigger}&mode=append")).await;
    assert_eq!(other.outcome(), (400, "object_busy".to_owned()));
}

#[tokio::test]
async fn a_job_whose_mode_is_not_known_fails_and_writes_nothing() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let job = serve.load("users.ndjson").await;
    let newer = "alter table stevedore.jobs drop constraint jobs_mode_known; update stevedore.jobs set mode = 'overwrite'";
    database.connect().await.batch_execute(newer).await.unwrap();
    let worker = Serve::start(&database, &[], bucket.path());
    let failed = worker.ended(&job).await;
    let error = json!({"code": "unknown_mode", "retryable": false, "detail":
        "this worker does not know the job's mode (expected auto, merge, append or replace, found overwrite): \
         upgrade the workers to the version that accepted the job, and retry it"});
    assert_eq!((&failed["state"], &failed["first_error"]), (&json!("failed"), &error));
    assert_eq!(database.counts().await, [0, 0, 0]);
}
