//! Jobs: what becomes of them, whoever is killed, at whatever point.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;

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
        let bucket = format!("bucket={}", bucket.display());
        let mut command = database.stevedore(&["worker", "--bucket", &bucket]);
        command.args(["--concurrency", "2"]);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
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
async fn a_job_that_waits_is_cancelled_at_once() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let asked = serve.load("users.json").await;
    let path = format!("/v1/jobs/{}/cancel", asked["job_id"].as_str().unwrap());
    assert_eq!(serve.post(&path).await.json()["state"], "cancelled");
    let _worker = Worker::start(&database, bucket.path());
    // The next job for the same version is another one, and is done.
    let next = serve.load("users.json").await;
    assert_ne!(next["job_id"], asked["job_id"]);
    assert_eq!(serve.ended(&next).await["state"], "succeeded");
    assert_eq!(job(&serve, &asked).await["state"], "cancelled");
    assert_eq!(serve.post(&path).await.status, 202);
}

async fn cancelled_at(point: &str) {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = held(&database, bucket.path(), point);
    // The servers of all points start first: a connection that is opened meanwhile would say nothing
    // for so long that its server gives it up.
    tokio::task::yield_now().await;
    let asked = serve.load("users.json").await;
    serve.wait_for(&format!("failpoint: {point}"));
    let path = format!("/v1/jobs/{}/cancel", asked["job_id"].as_str().unwrap());
    assert_eq!(serve.post(&path).await.json()["cancel_requested"], true);
    serve.wait_for("is to be cancelled");
    std::fs::remove_file(bucket.path().join("hold")).unwrap();
    let ended = serve.ended(&asked).await;
    let expected = match ended["state"].as_str().unwrap() {
        "succeeded" => [7, 13, 3],
        "cancelled" => [0, 0, 0],
        state => panic!("{point}: {state}"),
    };
    assert_eq!(database.counts().await, expected, "{point}");
    match point {
        "recorded" => {}
        "committed" => assert_eq!(ended["state"], "succeeded"),
        _ => assert_eq!(ended["state"], "cancelled", "{point}"),
    }
}

#[tokio::test]
async fn a_cancel_says_what_really_happened() {
    join_all(POINTS.map(cancelled_at)).await;
}

async fn killed_at(point: &str) {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let mut first = held(&database, bucket.path(), point);
    // As in `cancelled_at`.
    tokio::task::yield_now().await;
    let asked = first.load("users.json").await;
    first.wait_for(&format!("failpoint: {point}"));
    first.kill();
    let second = Serve::start(&database, &[], bucket.path());
    let done = second.ended(&asked).await;
    assert_eq!(done["state"], "succeeded", "{point}: {done}");
    assert_eq!(done["attempts"], 2, "{point}: {done}");
    assert_eq!(done["first_error"]["code"], "worker_died", "{point}: {done}");
    assert_eq!(database.counts().await, [7, 13, 3], "{point}");
    let loads = database.count("stevedore.loads where state = 'loaded'").await;
    assert_eq!(loads, 1, "{point}");
}

#[tokio::test]
async fn a_job_whose_worker_is_killed_is_taken_over_and_loads_once() {
    join_all(POINTS.map(killed_at)).await;
}

#[tokio::test]
async fn a_job_that_kills_its_worker_twice_fails() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let mut serve = held(&database, bucket.path(), "merged");
    let asked = serve.load("users.json").await;
    serve.wait_for("failpoint: merged");
    // The first one is killed here, and the second one takes its job over.
    serve = held(&database, bucket.path(), "merged");
    serve.wait_for("failpoint: merged");
    serve.kill();
    let serve = Serve::start(&database, &[], bucket.path());
    let failed = serve.ended(&asked).await;
    assert_eq!((&failed["state"], &failed["attempts"]), (&json!("failed"), &json!(3)));
    assert_eq!(failed["error"]["code"], "worker_died");
    assert_eq!(database.counts().await, [0, 0, 0]);
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
async fn a_job_whose_database_is_killed_is_done_once_it_is_back() {
    let mut server = TestServer::start().await;
    let database = TestDatabase { url: server.url("postgres") };
    let bucket = bucket();
    let serve = held(&database, bucket.path(), "children_copied");
    let asked = serve.load("users.json").await;
    serve.wait_for("failpoint: children_copied");
    server.kill();
    std::fs::remove_file(bucket.path().join("hold")).unwrap();
    assert_eq!(serve.get("/readyz").await.status, 503);
    assert_eq!(serve.get("/healthz").await.status, 200);
    server.restart().await;
    let done = until(&serve, &asked, |job| job["state"] == "succeeded").await;
    assert_eq!(done["first_error"]["code"], "database_failed", "{done}");
    assert_eq!(database.counts().await, [7, 13, 3]);
    assert_eq!(database.count("stevedore.loads where state = 'loaded'").await, 1);
}

#[tokio::test]
async fn a_worker_that_stops_finishes_or_hands_back() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    write_large(bucket.path());
    let mut first = Serve::start(&database, &["--grace-secs", "0"], bucket.path());
    let asked = first.load("large.ndjson").await;
    until(&first, &asked, |job| job["records"].as_u64() > Some(0)).await;
    assert!(first.terminate().success());
    assert_eq!(database.counts().await, [0, 0, 0]);
    let mut second = Serve::start(&database, &["--grace-secs", "60"], bucket.path());
    let again = until(&second, &asked, |job| job["state"] == "running").await;
    assert_eq!((&again["attempts"], &again["first_error"]), (&json!(2), &Value::Null));
    assert!(second.terminate().success());
    let third = Serve::start(&database, &["--no-worker"], bucket.path());
    assert_eq!(job(&third, &asked).await["state"], "succeeded");
    assert_eq!(database.counts().await, [MANY, MANY, 0]);
}

#[tokio::test]
async fn clients_that_ask_at_once_get_one_load() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], bucket.path());
    let asked = join_all((0..20).map(|_| async {
        let answer = serve.get("/trigger?bucket=bucket&key=users.json").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        serve.ended(&answer.json()).await["state"].clone()
    }));
    assert!(asked.await.iter().all(|state| state == "succeeded"));
    assert_eq!(database.counts().await, [7, 13, 3]);
    assert_eq!(database.count("stevedore.loads").await, 1);
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
async fn a_thousand_objects_over_three_workers_are_each_loaded_once() {
    const OBJECTS: i64 = 1000;
    let (database, bucket) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    std::fs::create_dir(bucket.path().join("small")).unwrap();
    for at in 0..OBJECTS {
        let path = bucket.path().join(format!("small/{at}.ndjson"));
        std::fs::write(path, record(&format!("u{at}"), at, "ACTIVE")).unwrap();
    }
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let workers = [(); 3].map(|()| Worker::start(&database, bucket.path()));
    let wanted = json!({"bucket": "bucket", "prefix": "small/"});
    let asked = serve.post_json("/v1/jobs", &wanted).await.json();
    let done = serve.ended(&asked).await;
    assert_eq!(done["state"], "succeeded", "{done}");
    assert_eq!(done["jobs"]["succeeded"], OBJECTS, "{done}");
    assert_eq!(done["loaded"], OBJECTS, "{done}");
    assert_eq!(database.counts().await, [OBJECTS, OBJECTS, 0]);
    assert_eq!(database.count("stevedore.loads").await, OBJECTS);
    let at_it = "(select distinct worker from stevedore.job_events where state = 'running') w";
    assert!(database.count(at_it).await >= workers.len() as i64);
}

#[tokio::test]
async fn a_job_over_many_objects_tells_of_all_of_them() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    std::fs::write(bucket.path().join("broken.json"), b"\x1f\x8b\x08 cut off").unwrap();
    std::fs::write(bucket.path().join("notes.txt"), "not looked at").unwrap();
    let serve = Serve::start(&database, &[], bucket.path());
    let wanted = json!({"bucket": "bucket", "prefix": ""});
    let asked = serve.post_json("/v1/jobs", &wanted).await.json();
    let failed = serve.ended(&asked).await;
    assert_eq!(failed["state"], "failed", "{failed}");
    assert_eq!((&failed["jobs"]["succeeded"], &failed["jobs"]["failed"]), (&json!(1), &json!(1)));
    let parent = asked["job_id"].as_str().unwrap();
    let list = serve.get(&format!("/v1/jobs?parent_id={parent}&state=failed")).await.json();
    assert_eq!(list["jobs"][0]["first_error"]["code"], "decompress_failed");
    std::fs::write(bucket.path().join("broken.json"), record("mended", 1, "ACTIVE")).unwrap();
    assert_eq!(serve.post(&format!("/v1/jobs/{parent}/retry")).await.status, 202);
    let done = until(&serve, &asked, |job| job["state"] == "succeeded").await;
    assert_eq!(done["jobs"]["succeeded"], 2);
    assert_eq!(database.counts().await, [8, 14, 3]);
    let none = json!({"bucket": "bucket", "glob": "no/*.json"});
    let none = serve.ended(&serve.post_json("/v1/jobs", &none).await.json()).await;
    assert_eq!(none["first_error"]["code"], "no_objects");
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

#[tokio::test]
async fn a_worker_that_was_taken_for_dead_and_is_not_does_no_harm() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let first = held(&database, bucket.path(), "merged");
    let asked = first.load("users.json").await;
    first.wait_for("failpoint: merged");
    signal("-STOP", first.id());
    let second = Serve::start(&database, &[], bucket.path());
    until(&second, &asked, |job| job["attempts"] == 2).await;
    std::fs::remove_file(bucket.path().join("hold")).unwrap();
    signal("-CONT", first.id());
    let done = second.ended(&asked).await;
    assert_eq!((&done["state"], &done["attempts"]), (&json!("succeeded"), &json!(2)));
    assert_eq!(database.counts().await, [7, 13, 3]);
    assert_eq!(database.count("stevedore.loads where state = 'loaded'").await, 1);
}

fn signal(signal: &str, process: u32) {
    let sent = std::process::Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(sent.unwrap().success());
}

#[tokio::test]
async fn a_job_that_has_lost_its_entry_in_the_queue_is_found() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let asked = serve.load("users.json").await;
    let lose = "delete from stevedore_queue._private_jobs";
    database.connect().await.batch_execute(lose).await.unwrap();
    let _worker = Worker::start(&database, bucket.path());
    assert_eq!(serve.ended(&asked).await["state"], "succeeded");
}

#[tokio::test]
async fn a_job_over_many_objects_is_not_done_before_all_of_them_are() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    std::fs::copy(sample("user_status_sample.json"), bucket.path().join("more.json")).unwrap();
    let hold = bucket.path().join("hold");
    std::fs::write(&hold, "").unwrap();
    let serve = Serve::start_with(&database, &["--concurrency", "1"], bucket.path(), |command| {
        command.env("STEVEDORE_FAILPOINT", "merged").env("STEVEDORE_FAILPOINT_FILE", &hold)
    });
    let wanted = json!({"bucket": "bucket", "prefix": ""});
    let parent = serve.post_json("/v1/jobs", &wanted).await.json();
    serve.wait_for("failpoint: merged");
    let path = format!("/v1/jobs?parent_id={}&state=queued", parent["job_id"].as_str().unwrap());
    let waiting = serve.get(&path).await.json()["jobs"][0].clone();
    let cancel = format!("/v1/jobs/{}/cancel", waiting["job_id"].as_str().unwrap());
    assert_eq!(serve.post(&cancel).await.json()["state"], "cancelled");
    std::fs::remove_file(&hold).unwrap();
    let ended = until(&serve, &parent, |job| job["state"] != "running").await;
    assert_eq!((&ended["state"], &ended["loaded"]), (&json!("cancelled"), &json!(7)));
    let retry = format!("/v1/jobs/{}/retry", parent["job_id"].as_str().unwrap());
    assert_eq!(serve.post(&retry).await.status, 202);
    let done = until(&serve, &parent, |job| job["state"] == "succeeded").await;
    assert_eq!(done["jobs"]["succeeded"], 2);
    assert_eq!(database.count("stevedore.loads").await, 2);
}
