//! Jobs: what becomes of them, whoever is killed, at whatever point.

mod bulk;
mod cancelled;
mod history;
mod killed;
mod many;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Child;

use crate::support::{Serve, TestDatabase, TestServer, record, sample};

/// Longest time that anything may take.
const PATIENCE: Duration = Duration::from_secs(90);

const POINTS: [&str; 6] =
    ["children_copied", "rejects_copied", "root_copied", "merged", "recorded", "committed"];

/// A bucket with the sample.
fn bucket() -> TempDir {
    let bucket = tempfile::tempdir().unwrap();
    std::fs::copy(sample("user_status_sample.json"), bucket.path().join("users.json")).unwrap();
    bucket
}

/// Records of an object that takes some seconds: several times as long as until its progress is noted.
const MANY: i64 = 200_000;

fn write_large(bucket: &Path) {
    let lines: String =
        (0..MANY).map(|at| record(&format!("u{at}"), at, "ACTIVE") + "\n").collect();
    std::fs::write(bucket.join("large.ndjson"), lines).unwrap();
}

/// A server whose loads stop at a point, until they are killed or the bucket's file `hold` is gone.
fn held(database: &TestDatabase, bucket: &Path, point: &str) -> Serve {
    let hold = bucket.join("hold");
    std::fs::write(&hold, "").unwrap();
    Serve::start_with(database, &[], bucket, |command| {
        command.env("STEVEDORE_FAILPOINT", point).env("STEVEDORE_FAILPOINT_FILE", hold)
    })
}

async fn job(serve: &Serve, job: &Value) -> Value {
    serve.get(&format!("/v1/jobs/{}", job["job_id"].as_str().unwrap())).await.json()
}

/// Waits until a job is as it should be: looks at it whenever something happens to it.
async fn until(serve: &Serve, wanted: &Value, is_so: impl Fn(&Value) -> bool) -> Value {
    let looked = async {
        loop {
            let changes = serve.changes(wanted["job_id"].as_str().unwrap()).await;
            let mut changes = std::pin::pin!(changes);
            while changes.next().await.is_some() {
                let now = job(serve, wanted).await;
                if is_so(&now) {
                    return now;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, looked).await.unwrap()
}

/// A worker process that is there while this is.
struct Worker(Child);

impl Worker {
    fn start(database: &TestDatabase, bucket: &Path) -> Self {
        Self::start_with(database, bucket, |command| command)
    }

    fn start_with(
        database: &TestDatabase,
        bucket: &Path,
        more: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let bucket = format!("bucket={}", bucket.display());
        let mut command = database.stevedore(&["worker", "--bucket", &bucket]);
        more(command.args(["--concurrency", "2"]));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap())
    }

    /// Returns when the process has ended.
    async fn died(&mut self) {
        self.0.wait().await.unwrap();
    }
}

#[tokio::test]
async fn a_job_is_queued_then_runs_then_succeeds() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], bucket.path());
    let asked = serve.load("users.json").await;
    assert_eq!((&asked["state"], &asked["attempts"]), (&json!("queued"), &json!(0)));
    let done = serve.ended(&asked).await;
    let expected = json!({"state": "succeeded", "attempts": 1, "records": 10, "loaded": 7,
        "rejected": 3, "load_id": 1, "bytes_read": asked["bytes"]});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&done[field], value, "{field} of {done}");
    }
    assert_eq!(done["summary"]["rejected_by_reason"], json!({"null_field": 2, "empty_text": 1}));
    let load = serve.get("/v1/loads/1").await.json();
    assert_eq!(load["job_id"], asked["job_id"]);
    assert_eq!(database.counts().await, [7, 13, 3]);
}

#[tokio::test]
async fn what_cannot_be_done_fails_at_once_and_can_be_repeated() {
    let (database, bucket) = (TestDatabase::with_old_tables().await, bucket());
    let serve = Serve::start(&database, &[], bucket.path());
    let merge = json!({"bucket": "bucket", "key": "users.json", "mode": "merge"});
    let failed = serve.ended(&serve.post_json("/v1/jobs", &merge).await.json()).await;
    assert_eq!((&failed["state"], &failed["attempts"]), (&json!("failed"), &json!(1)));
    assert_eq!(failed["first_error"]["code"], "target_unfit");
    assert_eq!(failed["first_error"]["retryable"], false);
    let key = "alter table user_status add primary key (userid)";
    database.connect().await.batch_execute(key).await.unwrap();
    let path = format!("/v1/jobs/{}/retry", failed["job_id"].as_str().unwrap());
    assert_eq!(serve.post(&path).await.status, 202);
    let done = until(&serve, &failed, |job| job["state"] == "succeeded").await;
    assert_eq!((&done["attempts"], &done["first_error"]), (&json!(2), &Value::Null));
    assert_eq!(serve.post(&path).await.outcome(), (409, "job_not_repeatable".to_owned()));
}

#[tokio::test]
async fn what_can_pass_is_tried_again() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &["--lock-timeout-secs", "1"], bucket.path());
    serve.ended(&serve.load("users.json").await).await;
    let mut other = database.connect().await;
    let lock = other.transaction().await.unwrap();
    lock.batch_execute("lock table user_status_log in access exclusive mode").await.unwrap();
    write_large(bucket.path());
    let asked = serve.load("large.ndjson").await;
    let waiting = until(&serve, &asked, |job| job.get("next_attempt_at").is_some()).await;
    assert_eq!(waiting["state"], "queued");
    assert_eq!(waiting["first_error"]["code"], "database_failed");
    assert!(!waiting.to_string().contains("lock timeout"), "the database's words: {waiting}");
    lock.commit().await.unwrap();
    let done = serve.ended(&asked).await;
    assert_eq!(done["state"], "succeeded");
    assert!(done["attempts"].as_u64().unwrap() > 1, "{done}");
}

#[tokio::test]
async fn a_version_that_is_loaded_again_on_purpose_is_so_once_for_each_job() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let mut first = held(&database, bucket.path(), "committed");
    let wanted = json!({"bucket": "bucket", "key": "users.json", "reload": true});
    let asked = first.post_json("/v1/jobs", &wanted).await.json();
    first.wait_for("failpoint: committed");
    first.kill();
    let second = Serve::start(&database, &[], bucket.path());
    assert_eq!(second.ended(&asked).await["summary"]["state"], "already_loaded");
    assert_eq!(database.counts().await, [7, 13, 3]);
    let again = second.post_json("/v1/jobs", &wanted).await.json();
    assert_eq!(second.ended(&again).await["summary"]["state"], "loaded");
    assert_eq!(database.counts().await, [7, 26, 6]);
}

#[tokio::test]
async fn what_the_command_line_has_loaded_of_a_bucket_is_loaded() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let path = bucket.path().join("users.json");
    database.load(&[path.to_str().unwrap()]);
    let serve = Serve::start(&database, &[], bucket.path());
    let done = serve.ended(&serve.load("users.json").await).await;
    assert_eq!(done["summary"]["state"], "already_loaded");
    assert_eq!(database.load(&[path.to_str().unwrap()])[0]["state"], "already_loaded");
    assert_eq!(database.counts().await, [7, 13, 3]);
}

#[tokio::test]
async fn what_a_server_has_loaded_is_loaded_for_the_command_line() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], bucket.path());
    serve.ended(&serve.load("users.json").await).await;
    let path = bucket.path().join("users.json");
    assert_eq!(database.load(&[path.to_str().unwrap()])[0]["state"], "already_loaded");
    assert_eq!(database.counts().await, [7, 13, 3]);
}

#[tokio::test]
async fn one_job_at_a_time_is_about_a_version() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let first = serve.load("users.json").await;
    assert_eq!(serve.load("users.json").await["job_id"], first["job_id"]);
    let other = json!({"bucket": "bucket", "key": "users.json", "mode": "append"});
    let refused = serve.post_json("/v1/jobs", &other).await;
    assert_eq!(refused.outcome(), (409, "object_busy".to_owned()));
    let checked = json!({"bucket": "bucket", "key": "users.json", "dry_run": true});
    assert_eq!(serve.post_json("/v1/jobs", &checked).await.status, 202);
}

#[tokio::test]
async fn an_object_that_changes_while_it_waits_is_loaded_as_it_is() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let asked = serve.load("users.json").await;
    std::fs::write(bucket.path().join("users.json"), record("new", 1, "ACTIVE")).unwrap();
    let _worker = Worker::start(&database, bucket.path());
    let done = serve.ended(&asked).await;
    assert_eq!((&done["records"], &done["state"]), (&json!(1), &json!("succeeded")));
    assert_ne!(done["version"], asked["version"]);
}

#[tokio::test]
async fn progress_is_told_while_a_job_runs() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    write_large(bucket.path());
    let serve = Serve::start(&database, &[], bucket.path());
    let asked = serve.load("large.ndjson").await;
    let events = serve.events(asked["job_id"].as_str().unwrap(), None).await;
    let events = events.collect::<Vec<_>>().await;
    let names: Vec<_> = events.iter().map(|event| event.event.as_str()).collect();
    assert!(names.contains(&"progress"), "{names:?}");
    assert_eq!(names.last(), Some(&"done"));
}
