//! Requests that are refused, each with a problem that says why.

use reqwest::Method;
use serde_json::json;

use crate::rest::{NO_JOB, create, without_worker};
use crate::support::serve::{Answer, answer};
use crate::support::{Serve, TestDatabase, record};

#[tokio::test]
async fn parameters_that_are_none_are_refused() {
    let (_database, serve) = without_worker().await;
    for query in [
        "jobs?limit=0",
        "jobs?limit=501",
        "jobs?limit=-1",
        "jobs?limit=x",
        "jobs?limit=1&limit=2",
        "jobs?state=done",
        "jobs?state=",
        "jobs?since=yesterday",
        "jobs?since=",
        "jobs?parent_id=1",
        "jobs?parent_id=",
        "jobs?bucket=%00",
        "jobs?key=%00",
        "jobs?stat=queued",
        "jobs?cursor=",
        "jobs?cursor=x",
        "jobs?cursor=MQ",
        "jobs?cursor=%00",
        "loads?state=queued",
        "loads?cursor=Ig",
        "loads?bucket=%00",
        "loads?key=%00",
        "loads?unknown",
        "loads?limit=9999",
        "rejects?load_id=x",
        "rejects?load_id=9223372036854775808",
        "rejects?reason=odd",
        "rejects?reason=%00",
        "rejects?object=%00",
        "rejects?cursor=MQ",
        "rejects?limit=0",
    ] {
        let refused = serve.get(&format!("/v1/{query}")).await;
        assert_eq!(refused.status, 400, "{query} {refused:?}");
        assert_problem(&refused);
    }
    for instant in ["-5000-01-01T00:00:00Z", "%2B262142-12-31T23:59:59Z", "-262143-01-01T00:00:00Z"]
    {
        for list in ["jobs", "loads"] {
            let answer = serve.get(&format!("/v1/{list}?since={instant}")).await;
            assert_eq!(answer.outcome(), (400, "invalid_parameter".into()), "{answer:?}");
        }
    }
}

/// Every problem has its members, and says nothing of the database.
pub(crate) fn assert_problem(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let problem = answer.json();
    let code = problem["code"].as_str().unwrap();
    assert_eq!(problem["type"], format!("urn:stevedore:problem:{code}"));
    assert_eq!(problem["status"], answer.status);
    assert_eq!(problem["request_id"], answer.header("x-request-id").unwrap());
    assert!(problem["title"].is_string() && problem["retryable"].is_boolean(), "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(!detail.is_empty() && !detail.to_lowercase().contains("sql"), "{problem}");
}

#[tokio::test]
async fn bodies_that_are_no_requests_are_refused() {
    let (database, serve) = without_worker().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, status, code) in [
        ("", 400, "invalid_json"),
        ("{", 400, "invalid_json"),
        ("nonsense", 400, "invalid_json"),
        (r#"{"bucket":"bucket","key":"a"} {}"#, 400, "invalid_json"),
        (r#"{"bucket":"bucket","key":"\ud800"}"#, 400, "invalid_json"),
        (&deep, 422, "invalid_body"),
        ("null", 422, "invalid_body"),
        ("[]", 422, "invalid_body"),
        ("{}", 422, "invalid_body"),
        (r#"{"bucket":"bucket"}"#, 422, "invalid_body"),
        (r#"{"bucket":1,"key":"a"}"#, 422, "invalid_body"),
        (r#"{"bucket":"bucket","key":null,"prefix":"a"}"#, 422, "invalid_body"),
        (r#"{"bucket":"bucket","key":"a","prefix":"a"}"#, 422, "invalid_body"),
        (r#"{"bucket":"bucket","key":"a","glob":"a"}"#, 422, "invalid_body"),
        (r#"{"bucket":"bucket","glob":"[a"}"#, 422, "invalid_body"),
        (r#"{"bucket":"bucket","key":"a","mode":"overwrite"}"#, 422, "invalid_body"),
        (r#"{"bucket":"bucket","key":"a","dry_run":"yes"}"#, 422, "invalid_body"),
        (r#"{"bucket":"bucket","key":"a","unknown":1}"#, 422, "invalid_body"),
        (r#"{"bucket":"bucket","key":"a","key":"b"}"#, 422, "invalid_body"),
        (r#"{"bucket":"bucket","key":"\u0000"}"#, 400, "invalid_parameter"),
        (r#"{"bucket":"bucket","prefix":"\u0000"}"#, 400, "invalid_parameter"),
        (r#"{"bucket":"bucket","glob":"\u0000"}"#, 400, "invalid_parameter"),
        (r#"{"bucket":"bucket","key":"absent"}"#, 404, "object_not_found"),
        (r#"{"bucket":"bucket","key":"../Cargo.toml"}"#, 404, "object_not_found"),
        (r#"{"bucket":"bucket","key":""}"#, 404, "object_not_found"),
        (r#"{"bucket":"other","key":"a"}"#, 404, "bucket_not_found"),
        (r#"{"bucket":"other","prefix":"a"}"#, 404, "bucket_not_found"),
        (r#"{"bucket":"other","glob":"a"}"#, 404, "bucket_not_found"),
        (r#"{"bucket":"\u0000","key":"a"}"#, 404, "bucket_not_found"),
    ] {
        let request = serve.request(Method::POST, "/v1/jobs");
        let request = request.header("content-type", "application/json").body(body.to_owned());
        let refused = answer(request).await;
        let shown = &body[..body.len().min(80)];
        assert_eq!(refused.outcome(), (status, code.to_owned()), "{shown} {refused:?}");
        assert_problem(&refused);
    }
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let request = serve.request(Method::POST, "/v1/jobs").body("{}");
        let request = kind.into_iter().fold(request, |all, kind| all.header("content-type", kind));
        let refused = answer(request).await;
        assert_eq!(refused.outcome(), (415, "content_type_not_json".into()), "{kind:?}");
    }
    assert_eq!(database.count("stevedore.jobs").await, 0);
}

#[tokio::test]
async fn prefixes_and_globs_do_not_lead_out_of_the_bucket() {
    let database = TestDatabase::empty().await;
    let parent = tempfile::tempdir().unwrap();
    let bucket = parent.path().join("bucket");
    std::fs::create_dir(&bucket).unwrap();
    std::fs::write(parent.path().join("outside.ndjson"), record("u", 1, "s")).unwrap();
    std::os::unix::fs::symlink("..", bucket.join("up")).unwrap();
    let serve = Serve::start(&database, &[], &bucket);
    for selection in [
        json!({"prefix": "../"}),
        json!({"prefix": "/"}),
        json!({"prefix": "up/"}),
        json!({"prefix": ".."}),
        json!({"glob": "../*"}),
        json!({"glob": "/**"}),
        json!({"glob": "up/*"}),
        json!({"glob": "**/*.ndjson"}),
        json!({"prefix": ""}),
    ] {
        let mut body = selection.clone();
        body["bucket"] = "bucket".into();
        let accepted = create(&serve, body).await;
        match accepted.status {
            202 => {
                let ended = serve.ended(&accepted.json()).await;
                assert_eq!(ended["state"], "failed", "{selection} {ended}");
            }
            status => assert!((400..500).contains(&status), "{selection} {accepted:?}"),
        }
    }
    assert_eq!(database.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn what_is_not_there_is_404_and_other_methods_are_405() {
    let (_database, serve) = without_worker().await;
    for (path, code) in [
        (format!("/v1/jobs/{NO_JOB}"), "job_not_found"),
        (format!("/v1/jobs/{NO_JOB}/events"), "job_not_found"),
        ("/v1/jobs/1".to_owned(), "not_found"),
        ("/v1/jobs/%00".to_owned(), "not_found"),
        ("/v1/jobs/1/events".to_owned(), "not_found"),
        ("/v1/loads/1".to_owned(), "load_not_found"),
        ("/v1/loads/-1".to_owned(), "load_not_found"),
        ("/v1/loads/x".to_owned(), "not_found"),
        ("/v1/loads/9223372036854775808".to_owned(), "not_found"),
        ("/v1".to_owned(), "not_found"),
        ("/nothing".to_owned(), "not_found"),
        ("/docs/../../etc/passwd".to_owned(), "not_found"),
        ("/docs/%2e%2e/%2e%2e/etc/passwd".to_owned(), "not_found"),
    ] {
        let missing = serve.get(&path).await;
        assert_eq!(missing.outcome(), (404, code.to_owned()), "{path} {missing:?}");
        assert_problem(&missing);
    }
    for verb in ["cancel", "retry"] {
        let missing = serve.post(&format!("/v1/jobs/{NO_JOB}/{verb}")).await;
        assert_eq!(missing.outcome(), (404, "job_not_found".into()), "{missing:?}");
    }
    for (method, path, allow) in [
        (Method::DELETE, "/v1/jobs", ["GET", "POST"]),
        (Method::PUT, "/trigger", ["GET", "POST"]),
        (Method::POST, "/v1/loads", ["GET", "HEAD"]),
        (Method::GET, &format!("/v1/jobs/{NO_JOB}/cancel"), ["POST", "POST"]),
        (Method::PATCH, "/healthz", ["GET", "HEAD"]),
        (Method::TRACE, "/v1/rejects", ["GET", "HEAD"]),
        (Method::POST, "/openapi.json", ["GET", "HEAD"]),
    ] {
        let refused = answer(serve.request(method, path)).await;
        assert_eq!(refused.outcome(), (405, "method_not_allowed".into()), "{path} {refused:?}");
        assert_problem(&refused);
        let allowed = refused.header("allow").unwrap_or_default();
        assert!(allow.iter().all(|method| allowed.contains(method)), "{path} {allowed}");
    }
}

#[tokio::test]
async fn a_request_keeps_a_plain_id_and_else_gets_one() {
    let (_database, serve) = without_worker().await;
    let with_id = async |id: &str| {
        let request = serve.request(Method::GET, "/v1/jobs/1").header("x-request-id", id);
        answer(request).await
    };
    let answered = with_id("my-id:1.2_3").await;
    assert_eq!(answered.json()["request_id"], "my-id:1.2_3");
    assert_problem(&answered);
    for id in ["", "a b", "\"", "<script>", &"x".repeat(129)] {
        let answered = with_id(id).await;
        assert_ne!(answered.header("x-request-id"), Some(id));
        assert_problem(&answered);
    }
}
