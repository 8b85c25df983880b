//! What is kept of jobs and rejects, and for how long.

use super::*;

#[tokio::test]
async fn a_retried_job_shows_its_earlier_attempts_and_their_errors() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let broken = bucket.path().join("broken.json");
    std::fs::write(&broken, b"\x1f\x8b\x08 cut off").unwrap();
    let serve = Serve::start(&database, &[], bucket.path());
    let asked = serve.load("broken.json").await;
    assert_eq!(serve.ended(&asked).await["state"], "failed");
    std::fs::write(&broken, record("mended", 1, "ACTIVE")).unwrap();
    let path = format!("/v1/jobs/{}", asked["job_id"].as_str().unwrap());
    assert_eq!(serve.post(&format!("{path}/retry")).await.status, 202);
    until(&serve, &asked, |job| job["state"] == "succeeded").await;
    let attempts = serve.get(&format!("{path}/attempts")).await.json();
    let attempts = attempts["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    assert_eq!(attempts[0]["error"]["code"], "decompress_failed");
    assert_eq!(
        (&attempts[0]["state"], &attempts[1]["state"]),
        (&json!("failed"), &json!("succeeded"))
    );
    assert!(attempts[1]["ended_at"].as_str() >= attempts[1]["started_at"].as_str());
}

#[tokio::test]
async fn jobs_and_rejects_are_removed_once_they_are_too_old_and_loads_still_verify() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let first = Serve::start(&database, &[], bucket.path());
    let many = json!({"bucket": "bucket", "prefix": ""});
    let parent = first.post_json("/v1/jobs", &many).await.json();
    first.ended(&parent).await;
    std::fs::write(bucket.path().join("late.json"), "{}").unwrap();
    let late = first.load("late.json").await;
    first.ended(&late).await;
    drop(first);
    // The first load and its jobs are from long ago; their ids begin with the time too.
    let connection = database.connect().await;
    connection
        .batch_execute(&format!(
            "alter table stevedore.jobs disable trigger all;
             alter table stevedore.job_events disable trigger all;
             update stevedore.jobs set job_id = overlay(job_id::text placing '0001' from 1 for 4)::uuid,
                 parent_id = overlay(parent_id::text placing '0001' from 1 for 4)::uuid,
                 finished_at = finished_at - interval '100 days'
             where job_id <> '{late}';
             update stevedore.job_events set job_id = overlay(job_id::text placing '0001' from 1 for 4)::uuid
             where job_id <> '{late}';
             alter table stevedore.jobs enable trigger all;
             alter table stevedore.job_events enable trigger all;
             alter table stevedore.loads disable trigger all;
             update stevedore.loads set finished_at = finished_at - interval '100 days' where load_id = 1",
            late = late["job_id"].as_str().unwrap()
        ))
        .await
        .unwrap();
    assert_eq!(database.count("user_status_error_rec").await, 4);
    let serve =
        Serve::start(&database, &["--keep-jobs", "90", "--keep-rejects", "90"], bucket.path());
    serve.wait_for("old rejects were removed");
    serve.wait_for("jobs were removed");
    assert_eq!(database.count("stevedore.jobs").await, 1);
    let events = "stevedore.job_events e where not exists (select from stevedore.jobs j where j.job_id = e.job_id)";
    assert_eq!(database.count(events).await, 0);
    assert_eq!(database.count("user_status_error_rec").await, 1);
    assert_eq!(database.count("stevedore.removed_rejects where load_id = 1 and rows = 3").await, 1);
    assert_eq!(database.count("stevedore.loads").await, 2);
    let verified = database.stevedore(&["verify"]).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
}
