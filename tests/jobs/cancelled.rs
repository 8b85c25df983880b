//! Jobs that are cancelled, or whose worker stops.

use super::*;

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let asked = serve.load("users.json").await;
    let path = format!("/v1/jobs/{}/cancel", asked["job_id"].as_str().unwrap());
    assert_eq!(serve.post(&path).await.json()["state"], "cancelled");
    let _worker = Worker::start(&database, bucket.path());
    // The next job for the same version is another one, and is done.
    let next = serve.load("users.json").await;
    assert_ne!(next["job_id"], asked["job_id"]);
    assert_eq!(serve.ended(&next).await["state"], "succeeded");
    assert_eq!(job(&serve, &asked).await["state"], "cancelled");
    assert_eq!(serve.post(&path).await.status, 202);
}

async fn cancelled_at(point: &str) {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = held(&database, bucket.path(), point);
    // The servers of all points start first: a connection that is opened meanwhile would say nothing
    // for so long that its server gives it up.
    tokio::task::yield_now().await;
    let asked = serve.load("users.json").await;
    serve.wait_for(&format!("failpoint: {point}"));
    let path = format!("/v1/jobs/{}/cancel", asked["job_id"].as_str().unwrap());
    assert_eq!(serve.post(&path).await.json()["cancel_requested"], true);
    serve.wait_for("is to be cancelled");
    std::fs::remove_file(bucket.path().join("hold")).unwrap();
    let ended = serve.ended(&asked).await;
    let expected = match ended["state"].as_str().unwrap() {
        "succeeded" => [7, 13, 3],
        "cancelled" => [0, 0, 0],
        state => panic!("{point}: {state}"),
    };
    assert_eq!(database.counts().await, expected, "{point}");
    match point {
        "recorded" => {}
        "committed" => assert_eq!(ended["state"], "succeeded"),
        _ => assert_eq!(ended["state"], "cancelled", "{point}"),
    }
}

#[tokio::test]
async fn a_cancel_says_what_really_happened() {
    join_all(POINTS.map(cancelled_at)).await;
}

#[tokio::test]
async fn a_worker_that_stops_finishes_or_hands_back() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    write_large(bucket.path());
    let mut first = Serve::start(&database, &["--grace-secs", "0"], bucket.path());
    let asked = first.load("large.ndjson").await;
    until(&first, &asked, |job| job["records"].as_u64() > Some(0)).await;
    assert!(first.terminate().success());
    assert_eq!(database.counts().await, [0, 0, 0]);
    let mut second = Serve::start(&database, &["--grace-secs", "60"], bucket.path());
    let again = until(&second, &asked, |job| job["state"] == "running").await;
    assert_eq!((&again["attempts"], &again["first_error"]), (&json!(2), &Value::Null));
    assert!(second.terminate().success());
    let third = Serve::start(&database, &["--no-worker"], bucket.path());
    assert_eq!(job(&third, &asked).await["state"], "succeeded");
    assert_eq!(database.counts().await, [MANY, MANY, 0]);
}
