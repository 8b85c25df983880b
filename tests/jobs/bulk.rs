//! Jobs by lists of keys, of one version, with labels; and what is asked of all jobs that a filter matches.

use super::*;
use crate::support::{moto::Moto, s3};

/// Waits until an action on jobs is done: how many it changed.
async fn done(serve: &Serve, accepted: &Value) -> i64 {
    let path = format!("/v1/job-actions/{}", accepted["action_id"].as_str().unwrap());
    let asked = async {
        loop {
            let action = serve.get(&path).await.json();
            if action.get("finished_at").is_some() {
                return action["changed"].as_i64().unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("the action ends")
}

async fn keys_of(serve: &Serve, query: &str) -> Vec<String> {
    let page = serve.get(&format!("/v1/jobs?{query}")).await.json();
    let keys = page["jobs"].as_array().unwrap().iter();
    let mut keys: Vec<_> =
        keys.map(|job| job["key"].as_str().unwrap_or_default().to_owned()).collect();
    keys.sort();
    keys
}

#[tokio::test]
async fn a_list_of_keys_gives_each_a_job_with_the_labels_and_one_that_is_not_there_fails_alone() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    std::fs::write(bucket.path().join("more.ndjson"), record("more", 1, "ACTIVE")).unwrap();
    let serve = Serve::start(&database, &[], bucket.path());
    let wanted = json!({"bucket": "bucket", "keys": ["users.json", "gone.json", "more.ndjson", "users.json"],
        "labels": {"team": "billing", "run": "7"}});
    let asked = serve.post_json("/v1/jobs", &wanted).await.json();
    assert_eq!((&asked["key_count"], &asked["labels"]["run"]), (&json!(3), &json!("7")));
    let ended = serve.ended(&asked).await;
    assert_eq!((&ended["jobs"]["succeeded"], &ended["jobs"]["failed"]), (&json!(2), &json!(1)));
    assert_eq!(database.counts().await, [8, 14, 3]);
    assert_eq!(
        keys_of(&serve, "label=team=billing,run=7&state=succeeded").await,
        ["more.ndjson", "users.json"]
    );
    assert_eq!(
        keys_of(&serve, "label=team=billing&error_code=object_not_found").await,
        ["gone.json"]
    );
    assert!(keys_of(&serve, "label=team=sales").await.is_empty());
    let bare = serve.get("/v1/jobs?label=team").await;
    assert_eq!(bare.outcome(), (400, "invalid_parameter".to_owned()));
    for wrong in [json!([]), json!(["a\u{0}"])] {
        let wanted = json!({"bucket": "bucket", "keys": wrong});
        assert!([400, 422].contains(&serve.post_json("/v1/jobs", &wanted).await.status));
    }
    let counts = serve.get("/v1/jobs/counts").await.json();
    let failed = json!({"state": "failed", "error_code": "object_not_found", "jobs": 1, "feed": "user_status"});
    assert!(counts["counts"].as_array().unwrap().contains(&failed), "{counts}");
}

#[tokio::test]
async fn a_version_that_is_asked_for_is_loaded_or_none() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], bucket.path());
    let first = serve.load("users.json").await;
    let version = first["version"].as_str().unwrap();
    serve.ended(&first).await;
    let wanted =
        json!({"bucket": "bucket", "key": "users.json", "version": version, "reload": true});
    let again = serve.post_json("/v1/jobs", &wanted).await.json();
    assert_eq!((&again["pinned"], &again["version"]), (&json!(true), &json!(version)));
    assert_eq!(serve.ended(&again).await["state"], "succeeded");
    std::fs::write(bucket.path().join("users.json"), record("other", 1, "ACTIVE")).unwrap();
    let gone = serve.post_json("/v1/jobs", &wanted).await;
    assert_eq!(gone.outcome(), (404, "version_not_found".to_owned()));
    let wanted = json!({"bucket": "bucket", "prefix": "", "version": version});
    assert_eq!(serve.post_json("/v1/jobs", &wanted).await.outcome().1, "invalid_body");
}

#[tokio::test]
async fn an_older_version_is_loaded_from_a_bucket_that_keeps_versions() {
    let Some(moto) = Moto::start() else { return };
    moto.keep_versions();
    moto.put("bucket/users.json", &record("old", 1, "ACTIVE"));
    let (database, folder) = (TestDatabase::empty().await, bucket());
    let environment = s3::environment(&moto.endpoint);
    let args = ["--bucket", "kept=s3://bucket/"];
    let serve = Serve::start_with(&database, &args, folder.path(), |it| it.envs(environment));
    let wanted = json!({"bucket": "kept", "key": "users.json", "dry_run": true});
    let old = serve.post_json("/v1/jobs", &wanted).await.json();
    assert_eq!(serve.ended(&old).await["state"], "succeeded");
    moto.put("bucket/users.json", &record("new", 2, "ACTIVE"));

    let wanted = json!({"bucket": "kept", "key": "users.json", "version": old["version"]});
    let pinned = serve.post_json("/v1/jobs", &wanted).await.json();
    assert_eq!(serve.ended(&pinned).await["state"], "succeeded");
    let users = "select string_agg(userid, ', ') from user_status";
    assert_eq!(database.psql(users)[0][0].as_deref(), Some("old"));
    let newest =
        serve.post_json("/v1/jobs", &json!({"bucket": "kept", "key": "users.json"})).await.json();
    assert_ne!(newest["version"], old["version"]);
    assert_eq!(serve.ended(&newest).await["state"], "succeeded");
    assert_eq!(database.psql("select count(*) from user_status")[0][0].as_deref(), Some("2"));

    let wanted = json!({"bucket": "kept", "key": "users.json", "version": "never"});
    let never = serve.post_json("/v1/jobs", &wanted).await;
    assert_eq!(never.outcome(), (404, "version_not_found".to_owned()));
}

#[tokio::test]
async fn all_jobs_that_a_filter_matches_are_cancelled_and_retried_by_a_worker() {
    const OBJECTS: i64 = 1200;
    let (database, bucket) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    for at in 0..OBJECTS {
        let path = bucket.path().join(format!("{at}.ndjson"));
        std::fs::write(path, record(&format!("u{at}"), at, "ACTIVE")).unwrap();
    }
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let keys: Vec<_> = (0..OBJECTS).map(|at| format!("{at}.ndjson")).collect();
    let wanted = json!({"bucket": "bucket", "keys": keys, "labels": {"run": "1"}});
    let parent = serve.post_json("/v1/jobs", &wanted).await.json();
    std::fs::write(bucket.path().join("other.json"), record("other", 1, "ACTIVE")).unwrap();
    let other = serve.load("other.json").await;
    let cancel = json!({"labels": {"run": "1"}});
    let accepted = serve.post_json("/v1/jobs/cancel", &cancel).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let _worker = Worker::start(&database, bucket.path());
    assert!(done(&serve, &accepted.json()).await >= 1);
    assert_eq!(serve.ended(&parent).await["state"], "cancelled");
    assert_eq!(serve.ended(&other).await["state"], "succeeded");
    let all = json!({});
    let refused = serve.post_json("/v1/jobs/retry", &all).await;
    assert_eq!(refused.outcome(), (400, "invalid_parameter".to_owned()));
    // The job that lists the keys, and then the children that it brings about.
    let retry = json!({"labels": {"run": "1"}, "state": "cancelled"});
    let accepted = serve.post_json("/v1/jobs/retry", &retry).await.json();
    assert!(done(&serve, &accepted).await >= 1);
    let succeeded = until(&serve, &parent, |job| job["state"] == "succeeded").await;
    assert_eq!(succeeded["jobs"]["succeeded"], OBJECTS, "{succeeded}");
    assert_eq!(database.counts().await, [OBJECTS + 1, OBJECTS + 1, 0]);
}

#[tokio::test]
async fn failed_jobs_are_retried_by_their_error() {
    const OBJECTS: i64 = 30;
    let (database, bucket) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let path = |at: i64| bucket.path().join(format!("{at}.json"));
    (0..OBJECTS).for_each(|at| std::fs::write(path(at), b"\x1f\x8b\x08 cut off").unwrap());
    let serve = Serve::start(&database, &[], bucket.path());
    let mut jobs = Vec::new();
    for at in 0..OBJECTS {
        jobs.push(serve.load(&format!("{at}.json")).await);
    }
    for job in &jobs {
        assert_eq!(serve.ended(job).await["error"]["code"], "decompress_failed");
    }
    (0..OBJECTS)
        .for_each(|at| std::fs::write(path(at), record(&format!("u{at}"), at, "A")).unwrap());
    let retry = json!({"error_code": "decompress_failed"});
    let accepted = serve.post_json("/v1/jobs/retry", &retry).await.json();
    assert_eq!(done(&serve, &accepted).await, OBJECTS);
    for job in &jobs {
        let job = until(&serve, job, |job| job["state"] == "succeeded").await;
        assert_eq!(job["attempts"], 2);
    }
    assert_eq!(database.counts().await, [OBJECTS, OBJECTS, 0]);
}
