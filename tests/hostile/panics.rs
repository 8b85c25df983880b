//! A panic in an attempt ends that attempt, and nothing else.

use serde_json::json;

use crate::support::{Serve, TestDatabase, sample};

/// Two objects that are each loaded by a job of its own, and crawled by a crawler.
fn bucket() -> tempfile::TempDir {
    let bucket = tempfile::tempdir().unwrap();
    std::fs::copy(sample("user_status_sample.json"), bucket.path().join("users.json")).unwrap();
    std::fs::write(bucket.path().join("hold"), "").unwrap();
    bucket
}

#[tokio::test]
async fn a_panic_in_a_load_leaves_a_crawl_that_runs_beside_it_alone() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let hold = bucket.path().join("hold");
    let serve = Serve::start_with(&database, &["--no-preflight"], bucket.path(), |command| {
        command
            .env("STEVEDORE_FAILPOINT", "objects_kept")
            .env("STEVEDORE_FAILPOINT_FILE", &hold)
            .env("STEVEDORE_FAILPOINT_PANIC", "recorded")
    });
    let target = json!({ "kind": "objects", "bucket": "bucket" });
    let new = json!({ "name": "mine", "target": target });
    assert_eq!(serve.post_json("/v1/crawlers", &new).await.status, 201);
    assert_eq!(serve.post("/v1/crawlers/mine/runs").await.status, 202);
    serve.wait_for("failpoint: objects_kept");
    let job = serve.load("users.json").await;
    let ended = serve.ended(&job).await;
    assert_eq!(
        (&ended["state"], &ended["attempts"], &ended["error"]["code"]),
        (&json!("failed"), &json!(1), &json!("internal")),
        "{ended}"
    );
    let line = serve.wait_for("a thread panicked");
    assert!(line.contains("failpoint: recorded"), "{line}");
    // What the attempt had written is undone, and its lock is free.
    assert_eq!(database.counts().await, [0, 0, 0]);
    std::fs::remove_file(&hold).unwrap();
    let crawler = serve.crawled("mine").await;
    assert_eq!(crawler["last_run"]["error"], json!(null), "{crawler}");
    // The slot is free: an attempt at another job is made, and ends the same way.
    let job = json!({ "bucket": "bucket", "key": "users.json", "reload": true });
    let job = serve.post_json("/v1/jobs", &job).await.json();
    assert_eq!(serve.ended(&job).await["error"]["code"], "internal");
    assert_eq!(serve.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_panic_in_a_crawl_leaves_a_load_that_runs_beside_it_alone() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let hold = bucket.path().join("hold");
    let serve = Serve::start_with(&database, &["--no-preflight"], bucket.path(), |command| {
        command
            .env("STEVEDORE_FAILPOINT", "recorded")
            .env("STEVEDORE_FAILPOINT_FILE", &hold)
            .env("STEVEDORE_FAILPOINT_PANIC", "objects_kept")
    });
    let job = serve.load("users.json").await;
    serve.wait_for("failpoint: recorded");
    let target = json!({ "kind": "objects", "bucket": "bucket" });
    let new = json!({ "name": "mine", "target": target });
    assert_eq!(serve.post_json("/v1/crawlers", &new).await.status, 201);
    assert_eq!(serve.post("/v1/crawlers/mine/runs").await.status, 202);
    let crawler = serve.crawled("mine").await;
    assert_eq!(crawler["last_run"]["error"]["code"], "internal", "{crawler}");
    std::fs::remove_file(&hold).unwrap();
    assert_eq!(serve.ended(&job).await["state"], "succeeded");
    assert_eq!(database.counts().await, [7, 13, 3]);
}
