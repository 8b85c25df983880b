//! Jobs whose process, worker or database is killed.

use super::*;
use crate::lost_commit::proxy_that_loses_answer;

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
async fn a_job_that_kills_its_worker_four_times_fails() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let mut serve = held(&database, bucket.path(), "merged");
    let asked = serve.load("users.json").await;
    serve.wait_for("failpoint: merged");
    for _ in 1..4 {
        // The one before is killed here, and the new one takes its job over.
        serve = held(&database, bucket.path(), "merged");
        serve.wait_for("failpoint: merged");
    }
    serve.kill();
    let serve = Serve::start(&database, &[], bucket.path());
    let failed = serve.ended(&asked).await;
    assert_eq!((&failed["state"], &failed["attempts"]), (&json!("failed"), &json!(5)));
    assert_eq!(failed["error"]["code"], "worker_died");
    assert_eq!(database.counts().await, [0, 0, 0]);
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

fn signal(signal: &str, process: u32) {
    let sent = std::process::Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(sent.unwrap().success());
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
async fn workers_that_are_killed_lose_no_job_and_load_nothing_twice() {
    const OBJECTS: i64 = 1500;
    let (database, bucket) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    for at in 0..OBJECTS {
        let path = bucket.path().join(format!("{at}.ndjson"));
        std::fs::write(path, record(&format!("u{at}"), at, "ACTIVE")).unwrap();
    }
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let mut workers = [(); 3].map(|()| Worker::start(&database, bucket.path()));
    let wanted = json!({"bucket": "bucket", "prefix": "", "mode": "append"});
    let asked = serve.post_json("/v1/jobs", &wanted).await.json();
    for (killed, loaded) in [100, 500, 900].into_iter().enumerate() {
        until(&serve, &asked, |job| {
            job["state"] != "running" || job["jobs"]["succeeded"].as_i64() >= Some(loaded)
        })
        .await;
        workers[killed] = Worker::start(&database, bucket.path());
    }
    let done = serve.ended(&asked).await;
    assert_eq!(
        (&done["state"], &done["jobs"]["succeeded"]),
        (&json!("succeeded"), &json!(OBJECTS))
    );
    assert_eq!(database.counts().await, [OBJECTS, OBJECTS, 0]);
    assert_eq!(database.count("stevedore.loads where state = 'loaded'").await, OBJECTS);
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_not() {
    let (database, bucket) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    for key in ["one.json", "two.json"] {
        std::fs::write(bucket.path().join(key), record(key, 1, "ACTIVE")).unwrap();
    }
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let jobs = [serve.load("one.json").await, serve.load("two.json").await];
    let (url, proxy) = proxy_that_loses_answer(&database, "synchronous_commit', 'off', true").await;
    let _worker = Worker::start_with(&database, bucket.path(), |command| {
        command.args(["--database-url", &url])
    });
    for job in &jobs {
        let ended = serve.ended(job).await;
        assert_eq!(
            (&ended["state"], &ended["attempts"]),
            (&json!("succeeded"), &json!(1)),
            "{ended}"
        );
    }
    assert_eq!(database.count("user_status").await, 2);
    proxy.abort();
}

#[tokio::test]
async fn an_entry_that_was_handed_out_to_nobody_is_handed_out_again() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    std::fs::write(bucket.path().join("more.json"), record("more", 1, "ACTIVE")).unwrap();
    let wanted = json!({"bucket": "bucket", "prefix": "more"});
    let jobs = [serve.load("users.json").await, serve.post_json("/v1/jobs", &wanted).await.json()];
    let client = database.connect().await;
    // As if the answer to the queue's own claim had been lost.
    let taken = "update stevedore_queue._private_jobs set locked_by = 'alive', attempts = 1, \
        locked_at = now() - interval '2 minutes'";
    assert_eq!(client.execute(taken, &[]).await.unwrap(), 2);
    let _worker = Worker::start(&database, bucket.path());
    for job in &jobs {
        assert_eq!(serve.ended(job).await["state"], "succeeded");
    }
}
