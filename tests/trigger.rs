//! `/trigger`, as the clients of the old API use it.

use std::os::unix::fs::symlink;

use reqwest::Method;
use tempfile::TempDir;

use crate::support::serve::{Answer, answer};
use crate::support::{Serve, TestDatabase, sample};

/// A bucket with an object, a folder, and ways out of it.
fn bucket() -> TempDir {
    let parent = tempfile::tempdir().unwrap();
    let bucket = parent.path().join("bucket");
    std::fs::create_dir_all(bucket.join("folder")).unwrap();
    let records = std::fs::read(sample("user_status_sample.ndjson")).unwrap();
    for path in ["bucket/users.ndjson", "bucket/folder/more.ndjson", "outside.ndjson"] {
        std::fs::write(parent.path().join(path), &records).unwrap();
    }
    symlink("../outside.ndjson", bucket.join("link.ndjson")).unwrap();
    symlink("..", bucket.join("up")).unwrap();
    symlink("users.ndjson", bucket.join("inside.ndjson")).unwrap();
    parent
}

async fn trigger(serve: &Serve, method: Method, query: &str) -> Answer {
    answer(serve.request(method, &format!("/trigger?{query}"))).await
}

#[tokio::test]
async fn an_object_that_is_there_is_found_and_loaded() {
    let (database, parent) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], &parent.path().join("bucket"));
    for (method, key) in [(Method::GET, "users.ndjson"), (Method::POST, "folder/more.ndjson")] {
        let found = trigger(&serve, method, &format!("bucket=bucket&key={key}")).await;
        assert_eq!(found.status, 200, "{found:?}");
        let body = found.json();
        let state = body["state"].as_str().unwrap();
        assert_eq!(
            body["message"],
            format!("File {key} found in the bucket bucket. Job status: {state}")
        );
        assert_eq!(body.as_object().unwrap().len(), 3);
        assert_eq!(serve.ended(&body).await["state"], "succeeded");
    }
    assert_eq!(database.counts().await, [7, 26, 6]);
}

#[tokio::test]
async fn a_version_that_is_loaded_is_not_loaded_again() {
    let (database, parent) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], &parent.path().join("bucket"));
    for _ in 0..2 {
        let found = trigger(&serve, Method::POST, "bucket=bucket&key=users.ndjson").await;
        assert_eq!(serve.ended(&found.json()).await["state"], "succeeded");
    }
    assert_eq!(database.counts().await, [7, 13, 3]);
}

#[tokio::test]
async fn what_is_missing_is_400_with_a_message() {
    let (database, parent) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], &parent.path().join("bucket"));
    let required = "The parameters bucket and key are required.";
    for (query, code, message) in [
        ("", "parameter_missing", required.to_owned()),
        ("bucket=bucket", "parameter_missing", required.to_owned()),
        ("key=users.ndjson", "parameter_missing", required.to_owned()),
        ("bucket=&key=", "parameter_missing", required.to_owned()),
        ("bucket=bucket&key=no.json", "object_not_found", missing("no.json", "bucket")),
        ("bucket=bucket&key=folder", "object_not_found", missing("folder", "bucket")),
        ("bucket=bucket&key=folder/", "object_not_found", missing("folder/", "bucket")),
        ("bucket=other&key=users.ndjson", "bucket_not_found", missing("users.ndjson", "other")),
    ] {
        for method in [Method::GET, Method::POST] {
            let refused = trigger(&serve, method, query).await;
            assert_eq!(refused.outcome(), (400, code.to_owned()), "{query} {refused:?}");
            assert_eq!(refused.header("content-type"), Some("application/problem+json"));
            let body = refused.json();
            assert_eq!((&body["message"], &body["status"]), (&message.clone().into(), &400.into()));
            assert_eq!(body["request_id"], refused.header("x-request-id").unwrap());
        }
    }
}

#[tokio::test]
async fn every_problem_has_a_message() {
    let (database, parent) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], &parent.path().join("bucket"));
    for query in ["bucket=bucket&key=a%00b", "bucket=bucket&bucket=x&key=y"] {
        let refused = trigger(&serve, Method::GET, query).await;
        assert_eq!(refused.status, 400, "{query} {refused:?}");
        let body = refused.json();
        assert_eq!((&body["message"], body["detail"].is_string()), (&body["detail"], true));
    }
    let other = trigger(&serve, Method::PUT, "bucket=bucket&key=users.ndjson").await;
    assert_eq!((other.status, &other.json()["message"]), (405, &other.json()["detail"]));
}

#[tokio::test]
async fn who_only_looks_starts_no_load() {
    let (database, parent) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], &parent.path().join("bucket"));
    let looked = trigger(&serve, Method::HEAD, "bucket=bucket&key=users.ndjson").await;
    assert_eq!((looked.status, looked.header("allow")), (405, Some("GET,POST")));
    assert_eq!(database.count("stevedore.jobs").await, 0);
    let made_up = Method::from_bytes(b"BREW").unwrap();
    assert_eq!(trigger(&serve, made_up, "").await.status, 405);
    let counts = serve.get("/metrics").await.body;
    assert!(counts.contains("method=\"other\"") && !counts.contains("BREW"), "{counts}");
}

fn missing(key: &str, bucket: &str) -> String {
    format!("File {key} was not found in the bucket {bucket}.")
}

#[tokio::test]
async fn no_key_leads_out_of_the_bucket() {
    let (database, parent) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], &parent.path().join("bucket"));
    let outside = parent.path().join("outside.ndjson");
    let absolute = format!("bucket=bucket&key={}", outside.display());
    for query in [
        "bucket=bucket&key=../outside.ndjson",
        "bucket=bucket&key=folder/../../outside.ndjson",
        "bucket=bucket&key=folder/../users.ndjson",
        "bucket=bucket&key=%2e%2e/outside.ndjson",
        "bucket=bucket&key=%2e%2e%2foutside.ndjson",
        "bucket=bucket&key=%252e%252e%252foutside.ndjson",
        "bucket=bucket&key=..%5coutside.ndjson",
        "bucket=bucket&key=./users.ndjson",
        "bucket=bucket&key=/users.ndjson",
        "bucket=bucket&key=//users.ndjson",
        "bucket=bucket&key=folder//more.ndjson",
        "bucket=bucket&key=/etc/passwd",
        "bucket=bucket&key=file:///etc/passwd",
        "bucket=bucket&key=link.ndjson",
        "bucket=bucket&key=up/outside.ndjson",
        "bucket=bucket&key=users.ndjson%00",
        "bucket=bucket&key=users%00.ndjson",
        "bucket=bucket%00&key=users.ndjson",
        "bucket=..&key=outside.ndjson",
        "bucket=bucket&key=%ff",
        "bucket=bucket&key=.",
        "bucket=bucket&key=..",
        &absolute,
    ] {
        let refused = trigger(&serve, Method::GET, query).await;
        assert_eq!(refused.status, 400, "{query} {refused:?}");
        let path = parent.path().to_str().unwrap();
        assert!(query == absolute || !refused.body.contains(path), "{query} {refused:?}");
    }
    assert_eq!(database.count("stevedore.jobs").await, 0);
}

#[tokio::test]
async fn a_link_within_the_bucket_is_an_object() {
    let (database, parent) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], &parent.path().join("bucket"));
    let found = trigger(&serve, Method::GET, "bucket=bucket&key=inside.ndjson").await;
    assert_eq!(serve.ended(&found.json()).await["state"], "succeeded", "{found:?}");
}
