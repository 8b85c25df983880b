//! `/trigger`, as the clients of the old API use it.

use std::os::unix::fs::symlink;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::support::serve::{Answer, answer};
use crate::support::{OLD_TABLES, Serve, TestDatabase, sample};

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
async fn the_tables_of_the_old_job_are_appended_to_as_it_did() {
    let (database, parent) = (TestDatabase::empty().await, bucket());
    database.connect().await.batch_execute(OLD_TABLES).await.unwrap();
    let of_old_job = "insert into user_status values
            ('u-1001', '2020-01-01', 'ACTIVE', 7, false, '2021-01-01'), ('u-1001', '2020-01-01', 'ACTIVE', 7, false, '2021-01-01');
        insert into user_status_log values ('u-1001', null, 'ACTIVE', '2021-01-01');
        insert into user_status_error_rec values ('userid:null,createdAt:null')";
    database.connect().await.batch_execute(of_old_job).await.unwrap();
    let old = [
        "select * from user_status where ingested_at = '2021-01-01'",
        "select * from user_status_log where ingested_at = '2021-01-01'",
        "select error_rec from user_status_error_rec where error_rec = 'userid:null,createdAt:null'",
    ];
    let rows = async || {
        let mut rows = Vec::new();
        for query in old {
            rows.push(database.rows(query).await);
        }
        rows
    };
    let before = rows().await;
    assert_eq!(before.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1]);

    let serve = Serve::start(&database, &[], &parent.path().join("bucket"));
    for method in [Method::GET, Method::POST, Method::GET] {
        let found = trigger(&serve, method, "bucket=bucket&key=users.ndjson").await;
        assert_eq!(found.status, 200, "{found:?}");
        assert_eq!(serve.ended(&found.json()).await["state"], "succeeded");
    }
    assert_eq!(database.counts().await, [2 + 7, 1 + 13, 1 + 3]);
    assert_eq!(rows().await, before);
    let new = "select count(*), count(distinct ingested_at) as loads from user_status where ingested_at > '2021-01-01'";
    assert_eq!(database.rows(new).await, [json!({"count": 7, "loads": 1})]);
    let columns = "select attname as name from pg_attribute where attrelid = 'user_status'::regclass and attnum > 0";
    assert_eq!(database.rows(columns).await.len(), 6);
    let loads = database.rows("select state, mode from stevedore.loads").await;
    assert_eq!(loads, [json!({"state": "loaded", "mode": "append"})]);
}

#[tokio::test]
async fn the_feed_and_the_mode_can_be_asked_for() {
    let (database, parent) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], &parent.path().join("bucket"));
    let query = "bucket=bucket&key=users.ndjson&feed=user_status&mode=append";
    let done = serve.ended(&trigger(&serve, Method::POST, query).await.json()).await;
    assert_eq!((&done["mode"], &done["state"]), (&json!("append"), &json!("succeeded")));
    let query = "bucket=bucket&key=folder/more.ndjson&mode=auto";
    let done = serve.ended(&trigger(&serve, Method::GET, query).await.json()).await;
    assert_eq!((&done["mode"], &done["summary"]["strategy"]), (&json!("auto"), &json!("append")));
    assert_eq!(database.counts().await, [14, 26, 6]);
}

#[tokio::test]
async fn parameters_that_are_unknown_repeated_or_wrong_are_400_and_load_nothing() {
    let (database, parent) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], &parent.path().join("bucket"));
    for (more, code, detail) in [
        (
            "Mode=append",
            "parameter_unknown",
            "there is no parameter \"Mode\"; there are bucket, key, feed and mode",
        ),
        (
            "dry_run=true",
            "parameter_unknown",
            "there is no parameter \"dry_run\"; there are bucket, key, feed and mode",
        ),
        ("key=users.ndjson", "parameter_repeated", "the parameter key is given more than once"),
        ("mode=auto&mode=auto", "parameter_repeated", "the parameter mode is given more than once"),
        (
            "mode=overwrite",
            "invalid_parameter",
            "mode: expected auto, merge, append or replace, found overwrite",
        ),
        ("mode=", "invalid_parameter", "mode: expected auto, merge, append or replace, found "),
        ("feed=orders", "feed_not_found", "there is no feed orders: expected one of user_status"),
    ] {
        for method in [Method::GET, Method::POST] {
            let query = format!("bucket=bucket&key=users.ndjson&{more}");
            let refused = trigger(&serve, method, &query).await;
            assert_eq!(refused.outcome(), (400, code.to_owned()), "{query} {refused:?}");
            let body = refused.json();
            let detail = json!(detail);
            assert_eq!((&body["detail"], &body["message"]), (&detail, &detail));
        }
    }
    assert_eq!(database.count("stevedore.jobs").await, 0);
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
