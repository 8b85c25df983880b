//! Requests that are sent twice.

use super::*;

#[tokio::test]
async fn an_idempotency_key_stands_for_its_first_request() {
    let folder = tempfile::tempdir().unwrap();
    let object = folder.path().join("users.ndjson");
    std::fs::write(&object, record("u", 1, "s")).unwrap();
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], folder.path());
    let send = async |key: &str, body: &str| {
        let request = serve.request(Method::POST, "/v1/jobs").header("idempotency-key", key);
        answer(request.header("content-type", "application/json").body(body.to_owned())).await
    };
    let body = r#"{"bucket":"bucket","key":"users.ndjson"}"#;
    let first = send("a", body).await;
    assert_eq!(first.status, 202, "{first:?}");
    serve.ended(&first.json()).await;
    let reordered = r#"{"key": "users.ndjson", "bucket": "bucket", "mode": "auto"}"#;
    for body in [body, reordered] {
        let again = send("a", body).await;
        assert_eq!((again.status, again.json()), (202, first.json()));
        assert_eq!(again.header("location"), first.header("location"));
    }
    let other = r#"{"bucket":"bucket","key":"users.ndjson","reload":true}"#;
    assert_eq!(send("a", other).await.outcome(), (409, "idempotency_key_reused".into()));
    let absent = r#"{"bucket":"bucket","key":"absent"}"#;
    assert_eq!(send("a", absent).await.outcome(), (409, "idempotency_key_reused".into()));
    let second = send("b", body).await;
    assert_ne!(second.json()["job_id"], first.json()["job_id"]);
    std::fs::remove_file(object).unwrap();
    assert_eq!(send("a", body).await.json(), first.json());
    // What was refused was not accepted, and may be asked for again.
    assert_eq!(send("c", absent).await.outcome(), (404, "object_not_found".into()));
    for key in ["", &"k".repeat(256)] {
        assert_eq!(send(key, body).await.outcome(), (400, "invalid_parameter".into()), "{key}");
    }
    assert_eq!(database.count("stevedore.jobs").await, 2);
}

#[tokio::test]
async fn equal_requests_at_once_with_one_key_get_one_answer() {
    let (database, serve) = without_worker().await;
    let body = json!({"bucket": "bucket", "prefix": "user"});
    let send = async || {
        let request = serve.request(Method::POST, "/v1/jobs").header("idempotency-key", "k");
        answer(request.json(&body)).await.json()
    };
    let answers = futures::future::join_all((0..8).map(|_| send())).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(database.count("stevedore.jobs").await, 1);
}

#[tokio::test]
async fn a_version_has_one_job_under_way() {
    let (database, serve) = without_worker().await;
    let body = json!({"bucket": "bucket", "key": "user_status_sample.json"});
    let first = create(&serve, body.clone()).await.json();
    assert_eq!(create(&serve, body).await.json()["job_id"], first["job_id"]);
    let other = json!({"bucket": "bucket", "key": "user_status_sample.json", "mode": "append"});
    assert_eq!(create(&serve, other).await.outcome(), (409, "object_busy".into()));
    let trigger = serve.get("/trigger?bucket=bucket&key=user_status_sample.json").await.json();
    assert_eq!(trigger["job_id"], first["job_id"]);
    assert_eq!(database.count("stevedore.jobs").await, 1);
}
