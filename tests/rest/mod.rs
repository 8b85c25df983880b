//! The REST API: jobs and their events, health, the examples of the guide.

mod events;
mod health;
mod idempotency;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::refused::assert_problem;
use crate::support::serve::{Answer, answer};
use crate::support::{Serve, TestDatabase, TestServer, record, repository, sample, stderr, stdout};

pub(crate) const NO_JOB: &str = "01990a7e-6c1f-7c3e-9d2b-0c8f6f6f6f6f";

pub(crate) fn samples() -> PathBuf {
    repository("data")
}

/// A server that accepts jobs and leaves them be.
pub(crate) async fn without_worker() -> (TestDatabase, Serve) {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &["--no-worker"], &samples());
    (database, serve)
}

/// A bucket with an object of a broken gzip.
pub(crate) fn broken() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(sample("user_status_sample.ndjson.gz")).unwrap();
    std::fs::write(folder.path().join("broken.ndjson.gz"), &bytes[..bytes.len() / 2]).unwrap();
    folder
}

pub(crate) fn id(job: &Value) -> &str {
    job["job_id"].as_str().unwrap()
}

fn ids(page: &Answer) -> Vec<String> {
    let page = page.json();
    page["jobs"].as_array().unwrap().iter().map(|job| id(job).to_owned()).collect()
}

pub(crate) async fn create(serve: &Serve, body: Value) -> Answer {
    serve.post_json("/v1/jobs", &body).await
}

#[tokio::test]
async fn a_job_is_accepted_followed_and_done() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], &samples());
    let wanted = json!({"bucket": "bucket", "key": "user_status_sample.json"});
    let accepted = create(&serve, wanted).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let job = accepted.json();
    assert_eq!(accepted.header("location").unwrap(), format!("/v1/jobs/{}", id(&job)));
    assert_eq!(job["request_id"], accepted.header("x-request-id").unwrap());
    let done = serve.ended(&job).await;
    let expected = json!({"state": "succeeded", "records": 10, "loaded": 7, "rejected": 3,
        "load_id": 1, "attempts": 1, "mode": "auto", "requested_by": "anybody"});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&done[field], value, "{field} {done}");
    }
    assert_eq!(serve.get(accepted.header("location").unwrap()).await.json(), done);
    assert_eq!(database.counts().await, [7, 13, 3]);
}

#[tokio::test]
async fn a_prefix_or_glob_is_a_job_for_each_object() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], &samples());
    let by_prefix = json!({"bucket": "bucket", "prefix": "user_status_merge_"});
    let by_glob = json!({"bucket": "bucket", "glob": "*_sample.ndjson*", "dry_run": true});
    for (wanted, keys) in [
        (by_prefix, ["user_status_merge_1.ndjson", "user_status_merge_2.ndjson"]),
        (by_glob, ["user_status_sample.ndjson", "user_status_sample.ndjson.gz"]),
    ] {
        let job = create(&serve, wanted).await.json();
        let done = serve.ended(&job).await;
        assert_eq!((&done["state"], &done["jobs"]["succeeded"]), (&json!("succeeded"), &json!(2)));
        let children = serve.get(&format!("/v1/jobs?parent_id={}", id(&job))).await.json();
        let children = children["jobs"].as_array().unwrap();
        let mut found: Vec<_> = children.iter().map(|job| job["key"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, keys);
    }
    let nothing = create(&serve, json!({"bucket": "bucket", "prefix": "nothing"})).await.json();
    assert_eq!(serve.ended(&nothing).await["first_error"]["code"], "no_objects");
}

#[tokio::test]
async fn jobs_are_listed_newest_first_filtered_and_by_pages() {
    let (_database, serve) = without_worker().await;
    let mut made = Vec::new();
    for key in ["user_status_sample.json", "user_status_dirty.ndjson", "user_status_sample.ndjson"]
    {
        made.insert(0, serve.load(key).await);
    }
    let expected: Vec<_> = made.iter().map(|job| id(job).to_owned()).collect();
    assert_eq!(ids(&serve.get("/v1/jobs").await), expected);
    let middle = made[1]["created_at"].as_str().unwrap();
    for (query, found) in [
        ("state=queued", &expected[..]),
        ("state=running", &[]),
        ("bucket=bucket", &expected[..]),
        ("bucket=other", &[]),
        ("key=user_status_dirty.ndjson", &expected[1..2]),
        (&format!("since={middle}"), &expected[..2]),
        (&format!("until={middle}"), &expected[2..]),
        ("since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59%2B14:00", &expected[..]),
    ] {
        let page = serve.get(&format!("/v1/jobs?{query}")).await;
        assert_eq!((page.status, &ids(&page)[..]), (200, found), "{query} {page:?}");
    }
    let mut found = Vec::new();
    let mut path = "/v1/jobs?limit=2".to_owned();
    loop {
        let page = serve.get(&path).await;
        found.extend(ids(&page));
        match page.json()["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/jobs?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_waits_is_cancelled_at_once_and_repeated_when_asked() {
    let (_database, serve) = without_worker().await;
    let job = serve.load("user_status_sample.json").await;
    let (cancel, retry) =
        (format!("/v1/jobs/{}/cancel", id(&job)), format!("/v1/jobs/{}/retry", id(&job)));
    assert_eq!(serve.post(&retry).await.outcome(), (409, "job_not_repeatable".into()));
    for _ in 0..2 {
        let cancelled = serve.post(&cancel).await;
        assert_eq!((cancelled.status, &cancelled.json()["state"]), (202, &"cancelled".into()));
    }
    assert_eq!(serve.ended(&job).await["state"], "cancelled");
    let again = serve.post(&retry).await;
    assert_eq!((again.status, &again.json()["state"]), (202, &"queued".into()));
    serve.post(&cancel).await;
    serve.load("user_status_sample.json").await;
    assert_eq!(serve.post(&retry).await.outcome(), (409, "object_busy".into()));
}

#[tokio::test]
async fn what_runs_is_cancelled_and_rolled_back() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], &samples());
    let first = serve.load("user_status_sample.json").await;
    serve.ended(&first).await;
    let holder = database.connect().await;
    holder.batch_execute("begin; lock table user_status in access exclusive mode").await.unwrap();
    let job = serve.load("user_status_merge_1.ndjson").await;
    let mut events = Box::pin(serve.events(id(&job), None).await);
    while !events.next().await.unwrap().data.contains("running") {}
    let cancelled = serve.post(&format!("/v1/jobs/{}/cancel", id(&job))).await;
    assert_eq!(cancelled.status, 202, "{cancelled:?}");
    assert_eq!(serve.ended(&job).await["state"], "cancelled");
    holder.batch_execute("rollback").await.unwrap();
    assert_eq!(database.counts().await, [7, 13, 3]);
    let late = serve.post(&format!("/v1/jobs/{}/cancel", id(&first))).await;
    assert_eq!(late.outcome(), (409, "job_ended".into()));
}

/// Waits for all jobs, which have succeeded then.
async fn have_ended(serve: &Serve) {
    for job in serve.get("/v1/jobs").await.json()["jobs"].as_array().unwrap() {
        assert_eq!(serve.ended(job).await["state"], "succeeded");
    }
}

#[tokio::test]
async fn the_examples_of_the_guides_work() {
    let database = TestDatabase::empty().await;
    let bucket = format!("microservice-hw={}", samples().display());
    let serve = Serve::start(&database, &["--bucket", &bucket], &samples());
    let guide = |name| std::fs::read_to_string(repository("docs/guides").join(name)).unwrap();
    let guides = guide("rest.md") + &guide("crawling.md");
    let examples: Vec<_> = guides.lines().filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(examples.len(), 16);
    for example in examples {
        // Tables are there when something was loaded.
        if example.contains("/v1/tables/") {
            have_ended(&serve).await;
        }
        let example = example.replace("127.0.0.1:8080", serve.address());
        let checked = example.replacen("curl", "curl -sS --fail-with-body --max-time 30", 1);
        let output = Command::new("sh").args(["-c", &checked]).output().unwrap();
        if output.status.code() == Some(127) {
            eprintln!("curl is not installed: not tested");
            return;
        }
        assert!(output.status.success(), "{example} {}{}", stdout(&output), stderr(&output));
        if example.ends_with("/runs") {
            serve.crawled("samples").await;
        }
    }
    have_ended(&serve).await;
}
