//! A pooler between us and the database: a real PgBouncer.

use std::process::Output;
use std::time::{Duration, Instant};

use pipeline::database::Database;
use serde_json::json;

use crate::support::pgbouncer::PgBouncer;
use crate::support::{Serve, TestDatabase, TestServer, repository, stderr};

const PATIENCE: Duration = Duration::from_secs(60);

/// What the pooler answers to those who look for one.
async fn found(pooler: &PgBouncer) -> Result<(), String> {
    let database = Database::new(&pooler.url("postgres")).unwrap();
    database.refuse_pooler().await.map_err(|error| error.code().to_owned())
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_is_found_whatever_it_does_and_others_are_not() {
    let server = TestServer::start().await;
    let pooled = Err("database_pooled".to_owned());
    for (settings, expected) in [
        ("pool_mode = transaction", &pooled),
        ("pool_mode = transaction\ndefault_pool_size = 1", &pooled),
        ("pool_mode = transaction\ndefault_pool_size = 2\nserver_round_robin = 1", &pooled),
        ("pool_mode = transaction\ndefault_pool_size = 5\nserver_round_robin = 1", &pooled),
        ("pool_mode = session", &Ok(())),
    ] {
        let Some(pooler) = PgBouncer::start(&server, settings) else { return };
        // As it is found at first, with no session of the server open, and with all of them idle.
        for _ in 0..3 {
            assert_eq!(&found(&pooler).await, expected, "{settings}");
        }
        let busy = Database::new(&pooler.url("postgres")).unwrap();
        let others = [busy.connect().await.unwrap(), busy.connect().await.unwrap()];
        assert_eq!(&found(&pooler).await, expected, "{settings}");
        drop(others);
    }
    let direct = Database::new(&server.url("postgres")).unwrap();
    direct.refuse_pooler().await.unwrap();
}

#[tokio::test]
async fn who_works_behind_a_pooler_is_not_ready_says_why_and_goes_on_without_it() {
    let server = TestServer::start().await;
    let settings = "pool_mode = transaction";
    let Some(pooler) = PgBouncer::start(&server, settings) else { return };
    let database = TestDatabase { url: pooler.url("postgres") };
    let serve = Serve::start(&database, &[], &repository("data"));
    let line = serve.wait_for("not ready");
    assert!(line.contains("--queue-database-url"), "{line}");
    let body = json!({"bucket": "bucket", "key": "user_status_sample.json"});
    for answer in [
        serve.get("/readyz").await,
        serve.get("/v1/jobs").await,
        serve.post_json("/v1/jobs", &body).await,
        serve.get("/trigger?bucket=bucket&key=user_status_sample.json").await,
    ] {
        assert_eq!(answer.outcome(), (503, "database_pooled".into()), "{answer:?}");
        assert!(answer.body.contains("STEVEDORE_QUEUE_DATABASE_URL"), "{answer:?}");
    }
    for path in ["/healthz", "/metrics"] {
        assert_eq!(serve.get(path).await.status, 200, "{path}");
    }
    pooler.set("pool_mode = session");
    let since = Instant::now();
    while serve.get("/readyz").await.status != 200 {
        assert!(since.elapsed() < PATIENCE, "{}", pooler.log());
    }
    let job = serve.load("user_status_sample.json").await;
    assert_eq!(serve.ended(&job).await["state"], "succeeded");
}

#[tokio::test]
async fn loads_use_the_pooler_if_it_can_carry_them_and_the_queue_what_is_named_for_it() {
    for (settings, carries) in [
        ("pool_mode = session", true),
        ("pool_mode = transaction\ndefault_pool_size = 3", false),
        ("pool_mode = transaction\ndefault_pool_size = 1", false),
    ] {
        let server = TestServer::start().await;
        let Some(pooler) = PgBouncer::start(&server, settings) else { return };
        let database = TestDatabase { url: pooler.url("postgres") };
        let flags = ["--queue-database-url", &server.url("postgres"), "--concurrency", "4"];
        let serve = Serve::start(&database, &flags, &repository("data"));
        assert_eq!(serve.get("/readyz").await.status, 200);
        let told = serve.lines().iter().any(|line| line.contains("loses prepared statements"));
        assert_eq!(told, !carries, "{settings}");
        let connections = || pooler.log().matches("login attempt").count();
        let before = connections();
        let wanted = json!({"bucket": "bucket", "glob": "user_status_*.ndjson"});
        let job = serve.post_json("/v1/jobs", &wanted).await.json();
        let ended = serve.ended(&job).await;
        assert_eq!(ended["state"], "succeeded", "{ended}");
        assert_eq!(connections() > before, carries, "{settings}: {}", pooler.log());
        let crawler = json!({
            "name": "c",
            "target": {"kind": "postgres", "schemas": ["public"]},
        });
        let made = serve.post_json("/v1/crawlers", &crawler).await;
        assert_eq!(made.status, 201, "{made:?}");
        serve.post("/v1/crawlers/c/runs").await;
        assert_eq!(serve.crawled("c").await["last_run"]["error"], json!(null));
    }
}

#[tokio::test]
async fn the_database_of_the_queue_must_be_that_of_the_loads() {
    let server = TestServer::start().await;
    let admin = Database::new(&server.url("postgres")).unwrap().connect().await.unwrap();
    admin.batch_execute("create database elsewhere").await.unwrap();
    let database = TestDatabase { url: server.url("postgres") };
    for verb in ["serve", "worker"] {
        let bucket = format!("bucket={}", repository("data").display());
        let elsewhere = server.url("elsewhere");
        let flags = [verb, "--bucket", &bucket, "--queue-database-url", &elsewhere];
        let output: Output = database.stevedore(&flags).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains("another database"), "{}", stderr(&output));
    }
}

#[tokio::test]
async fn the_migration_takes_no_locks_that_a_pooler_would_lose() {
    let server = TestServer::start().await;
    let Some(pooler) = PgBouncer::start(&server, "pool_mode = transaction") else { return };
    let database = TestDatabase { url: pooler.url("postgres") };
    let output = database.stevedore(&["migrate"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("transaction pooling"), "{}", stderr(&output));
    let direct = TestDatabase { url: server.url("postgres") };
    let output = direct.stevedore(&["migrate"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}
