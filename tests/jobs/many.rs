//! Jobs over many objects, and many jobs.

use super::*;

#[tokio::test]
async fn a_thousand_objects_over_three_workers_are_each_loaded_once() {
    const OBJECTS: i64 = 1000;
    let (database, bucket) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    std::fs::create_dir(bucket.path().join("small")).unwrap();
    for at in 0..OBJECTS {
        let path = bucket.path().join(format!("small/{at}.ndjson"));
        std::fs::write(path, record(&format!("u{at}"), at, "ACTIVE")).unwrap();
    }
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let _workers = [(); 3].map(|()| Worker::start(&database, bucket.path()));
    let wanted = json!({"bucket": "bucket", "prefix": "small/"});
    let asked = serve.post_json("/v1/jobs", &wanted).await.json();
    let done = serve.ended(&asked).await;
    assert_eq!(done["state"], "succeeded", "{done}");
    assert_eq!(done["jobs"]["succeeded"], OBJECTS, "{done}");
    assert_eq!(done["loaded"], OBJECTS, "{done}");
    assert_eq!(database.counts().await, [OBJECTS, OBJECTS, 0]);
    assert_eq!(database.count("stevedore.loads").await, OBJECTS);
    assert!(transactions(&database).await <= OBJECTS / 50);
}

/// In how many transactions the loads of the ledger were committed.
async fn transactions(database: &TestDatabase) -> i64 {
    database.count("(select distinct xmin::text from stevedore.loads) as t").await
}

/// A bucket with so many objects of one record each.
fn small_objects(count: i64) -> TempDir {
    let bucket = tempfile::tempdir().unwrap();
    for at in 0..count {
        let path = bucket.path().join(format!("{at}.ndjson"));
        std::fs::write(path, record(&format!("u{at}"), at, "ACTIVE")).unwrap();
    }
    bucket
}

async fn trigger_all(serve: &Serve, count: i64) -> Vec<Value> {
    let asked = (0..count).map(|at| async move {
        let answer = serve.get(&format!("/trigger?bucket=bucket&key={at}.ndjson")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    });
    join_all(asked).await
}

#[tokio::test]
async fn small_objects_of_separate_triggers_that_wait_are_loaded_together_and_each_job_ends_by_itself()
 {
    const OBJECTS: i64 = 300;
    let (database, bucket) = (TestDatabase::empty().await, small_objects(OBJECTS));
    std::fs::write(bucket.path().join("7.ndjson"), b"\x1f\x8b\x08 cut off").unwrap();
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let asked = trigger_all(&serve, OBJECTS).await;
    let _worker = Worker::start(&database, bucket.path());
    for (at, job) in asked.iter().enumerate() {
        let done = serve.ended(job).await;
        assert_eq!(done["attempts"], 1, "{done}");
        if at == 7 {
            assert_eq!(done["error"]["code"], "decompress_failed", "{done}");
        } else {
            assert_eq!((&done["state"], &done["loaded"]), (&json!("succeeded"), &json!(1)));
            assert_eq!(done["summary"]["object"], format!("bucket/{at}.ndjson"));
        }
    }
    assert_eq!(database.counts().await, [OBJECTS - 1, OBJECTS - 1, 0]);
    let of_jobs =
        "stevedore.loads l join stevedore.jobs j on j.job_id = l.job_id and j.key = l.key";
    assert_eq!(database.count(of_jobs).await, OBJECTS);
    assert!(transactions(&database).await < OBJECTS / 10);
    assert_eq!(database.count("stevedore_queue._private_jobs").await, 0);
}

#[tokio::test]
async fn an_object_that_kills_its_workers_is_found_and_fails_alone() {
    const OBJECTS: i64 = 40;
    let (database, bucket) = (TestDatabase::empty().await, small_objects(OBJECTS));
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let asked = trigger_all(&serve, OBJECTS).await;
    let ended = async {
        let mut ended = Vec::new();
        for job in &asked {
            ended.push(serve.ended(job).await);
        }
        ended
    };
    let mut ended = Box::pin(ended);
    let ended = loop {
        let mut worker = Worker::start_with(&database, bucket.path(), |command| {
            command.env("STEVEDORE_FAILPOINT_POISON", "13.ndjson")
        });
        tokio::select! {
            ended = &mut ended => break ended,
            () = worker.died() => {}
        }
    };
    for (at, job) in ended.iter().enumerate() {
        let expected = if at == 13 { "failed" } else { "succeeded" };
        assert_eq!(job["state"], expected, "{at}: {job}");
    }
    assert_eq!(ended[13]["error"]["code"], "worker_died");
    assert_eq!(database.counts().await, [OBJECTS - 1, OBJECTS - 1, 0]);
}

#[tokio::test]
async fn a_job_over_many_objects_tells_of_all_of_them() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    std::fs::write(bucket.path().join("broken.json"), b"\x1f\x8b\x08 cut off").unwrap();
    std::fs::write(bucket.path().join("notes.txt"), "not looked at").unwrap();
    let serve = Serve::start(&database, &[], bucket.path());
    let wanted = json!({"bucket": "bucket", "prefix": ""});
    let asked = serve.post_json("/v1/jobs", &wanted).await.json();
    let failed = serve.ended(&asked).await;
    assert_eq!(failed["state"], "failed", "{failed}");
    assert_eq!((&failed["jobs"]["succeeded"], &failed["jobs"]["failed"]), (&json!(1), &json!(1)));
    let parent = asked["job_id"].as_str().unwrap();
    let list = serve.get(&format!("/v1/jobs?parent_id={parent}&state=failed")).await.json();
    assert_eq!(list["jobs"][0]["first_error"]["code"], "decompress_failed");
    std::fs::write(bucket.path().join("broken.json"), record("mended", 1, "ACTIVE")).unwrap();
    assert_eq!(serve.post(&format!("/v1/jobs/{parent}/retry")).await.status, 202);
    let done = until(&serve, &asked, |job| job["state"] == "succeeded").await;
    assert_eq!(done["jobs"]["succeeded"], 2);
    assert_eq!(database.counts().await, [8, 14, 3]);
    let none = json!({"bucket": "bucket", "glob": "no/*.json"});
    let none = serve.ended(&serve.post_json("/v1/jobs", &none).await.json()).await;
    assert_eq!(none["first_error"]["code"], "no_objects");
}

#[tokio::test]
async fn a_job_over_many_objects_is_not_done_before_all_of_them_are() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    std::fs::copy(sample("user_status_sample.json"), bucket.path().join("more.json")).unwrap();
    let hold = bucket.path().join("hold");
    std::fs::write(&hold, "").unwrap();
    let serve = Serve::start_with(&database, &["--concurrency", "1"], bucket.path(), |command| {
        command.env("STEVEDORE_FAILPOINT", "merged").env("STEVEDORE_FAILPOINT_FILE", &hold)
    });
    let wanted = json!({"bucket": "bucket", "prefix": ""});
    let parent = serve.post_json("/v1/jobs", &wanted).await.json();
    serve.wait_for("failpoint: merged");
    // Both are loaded in one transaction. If one is cancelled, the other one waits again.
    let path = format!("/v1/jobs?parent_id={}&state=running", parent["job_id"].as_str().unwrap());
    let running = serve.get(&path).await.json()["jobs"][0].clone();
    let cancel = format!("/v1/jobs/{}/cancel", running["job_id"].as_str().unwrap());
    assert_eq!(serve.post(&cancel).await.json()["cancel_requested"], true);
    std::fs::remove_file(&hold).unwrap();
    let ended = until(&serve, &parent, |job| job["state"] != "running").await;
    assert_eq!((&ended["state"], &ended["loaded"]), (&json!("cancelled"), &json!(7)));
    let retry = format!("/v1/jobs/{}/retry", parent["job_id"].as_str().unwrap());
    assert_eq!(serve.post(&retry).await.status, 202);
    let done = until(&serve, &parent, |job| job["state"] == "succeeded").await;
    assert_eq!(done["jobs"]["succeeded"], 2);
    assert_eq!(database.count("stevedore.loads").await, 2);
}

#[tokio::test]
async fn clients_that_ask_at_once_get_one_load() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], bucket.path());
    let asked = join_all((0..20).map(|_| async {
        let answer = serve.get("/trigger?bucket=bucket&key=users.json").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        serve.ended(&answer.json()).await["state"].clone()
    }));
    assert!(asked.await.iter().all(|state| state == "succeeded"));
    assert_eq!(database.counts().await, [7, 13, 3]);
    assert_eq!(database.count("stevedore.loads").await, 1);
}

#[tokio::test]
async fn many_objects_do_not_suffer_from_plans_that_were_made_for_few() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], bucket.path());
    // The server takes what it knows after the first of these for all the others.
    for at in 0..12 {
        let key = format!("one-{at}.ndjson");
        std::fs::write(bucket.path().join(&key), record(&key, 1, "ACTIVE")).unwrap();
        let asked = serve.load(&key).await;
        serve.ended(&asked).await;
        if at == 0 {
            database.connect().await.batch_execute("vacuum analyze stevedore.jobs").await.unwrap();
        }
    }
    for at in 0..1500 {
        let key = format!("many-{at}.ndjson");
        std::fs::write(bucket.path().join(&key), record(&key, 1, "ACTIVE")).unwrap();
    }
    let read = "select seq_tup_read + idx_tup_fetch from pg_stat_user_tables where relid = 'stevedore.jobs'::regclass";
    let wanted = json!({"bucket": "bucket", "prefix": "many-"});
    let asked = serve.post_json("/v1/jobs", &wanted).await.json();
    assert_eq!(serve.ended(&asked).await["jobs"]["succeeded"], 1500);
    drop(serve);
    let rows: i64 = database.psql(read)[0][0].as_deref().unwrap().parse().unwrap();
    // If each job looked at all of them, they would be two millions.
    assert!(rows < 150_000, "{rows} rows of jobs were read");
}
