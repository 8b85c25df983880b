//! Health, and a server without its database.

use super::*;

#[tokio::test]
async fn health_readiness_and_counts_are_told() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], &samples());
    for path in ["/healthz", "/readyz"] {
        let answer = serve.get(path).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"status": "ok"})));
    }
    serve.ended(&serve.load("user_status_sample.json").await).await;
    let counts = serve.get("/metrics").await;
    assert!(counts.header("content-type").unwrap().starts_with("text/plain"), "{counts:?}");
    assert!(counts.body.contains(r#"route="/v1/jobs""#), "{}", counts.body);
}

#[tokio::test]
async fn without_its_database_it_answers_503_and_goes_on_when_that_is_back() {
    let mut server = TestServer::start().await;
    let database = TestDatabase { url: server.url("postgres") };
    let serve = Serve::start(&database, &[], &samples());
    let done = serve.load("user_status_sample.json").await;
    serve.ended(&done).await;
    server.kill();
    let body = json!({"bucket": "bucket", "key": "user_status_dirty.ndjson"});
    for answer in [
        serve.get("/v1/jobs").await,
        serve.get("/v1/loads").await,
        serve.get("/v1/rejects").await,
        serve.get(&format!("/v1/jobs/{}", id(&done))).await,
        serve.get(&format!("/v1/jobs/{}/events", id(&done))).await,
        serve.get("/trigger?bucket=bucket&key=user_status_dirty.ndjson").await,
        serve.get("/readyz").await,
        create(&serve, body.clone()).await,
        serve.post(&format!("/v1/jobs/{}/retry", id(&done))).await,
    ] {
        assert_eq!(answer.outcome(), (503, "database_unavailable".into()), "{answer:?}");
        assert_problem(&answer);
        assert_eq!(answer.json()["retryable"], true);
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
    }
    assert_eq!(serve.get("/healthz").await.status, 200);
    assert_eq!(serve.get("/metrics").await.status, 200);
    server.restart().await;
    let since = Instant::now();
    while serve.get("/readyz").await.status != 200 {
        assert!(since.elapsed() < Duration::from_secs(30));
    }
    let job = create(&serve, body).await.json();
    assert_eq!(serve.ended(&job).await["state"], "succeeded");
}
