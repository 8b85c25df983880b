//! What operators see of workers and jobs.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Serve, TestDatabase, repository, sample, stderr, stdout, stevedore};

const PATIENCE: Duration = Duration::from_secs(60);

fn id(job: &Value) -> &str {
    job["job_id"].as_str().unwrap()
}

/// What `stevedore jobs` prints.
fn jobs(serve: &Serve, args: &[&str]) -> String {
    let output = stevedore(&["jobs", "--server", &serve.url]).args(args).output().unwrap();
    stdout(&output) + &stderr(&output)
}

/// Asks until the answer is as wanted.
async fn until(serve: &Serve, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let since = Instant::now();
    loop {
        let answer = serve.get(path).await.json();
        if wanted(&answer) {
            return answer;
        }
        assert!(since.elapsed() < PATIENCE, "{answer}");
    }
}

/// A server that accepts jobs, another that runs them and stops within a load, and the job of that load.
async fn stopped_within_a_load(database: &TestDatabase, folder: &Path) -> (Serve, Serve, Value) {
    let accepts = Serve::start(database, &["--no-worker"], folder);
    let job = accepts.load("user_status_sample.json").await;
    let hold = tempfile::NamedTempFile::new().unwrap();
    let works = Serve::start_with(database, &[], folder, |command| {
        command.env("STEVEDORE_FAILPOINT", "children_copied");
        command.env("STEVEDORE_FAILPOINT_FILE", hold.path())
    });
    works.wait_for("failpoint: children_copied");
    // Kept: without it the load would go on.
    hold.keep().unwrap();
    (accepts, works, job)
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_listed_with_what_they_run_and_a_job_says_that_its_worker_is_silent() {
    let database = TestDatabase::empty().await;
    let (accepts, mut works, job) = stopped_within_a_load(&database, &repository("data")).await;
    let path = format!("/v1/jobs/{}", id(&job));
    let listed = accepts.get("/v1/workers").await.json();
    let workers = listed["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 2, "{listed}");
    assert!(workers.iter().all(|worker| worker["alive"] == true), "{listed}");
    let busy: Vec<_> = workers.iter().filter(|worker| worker["running"] == 1).collect();
    assert_eq!(busy.len(), 1, "{listed}");
    assert_eq!(busy[0]["job_ids"], json!([id(&job)]));
    let name = busy[0]["worker_id"].as_str().unwrap();
    let running = accepts.get(&path).await.json();
    assert_eq!(
        (&running["worker"]["worker_id"], &running["worker"]["silent"]),
        (&json!(name), &json!(false))
    );
    assert!(!jobs(&accepts, &["show", id(&job)]).contains("silent"));

    works.kill();
    let silent = until(&accepts, &path, |job| job["worker"]["silent"] == true).await;
    assert_eq!(silent["worker"]["worker_id"], *name);
    let listed = accepts.get("/v1/workers").await.json();
    let workers = listed["workers"].as_array().unwrap();
    let dead = workers.iter().find(|worker| worker["worker_id"] == *name);
    assert_eq!(dead.unwrap()["alive"], false, "{listed}");
    let shown = jobs(&accepts, &["show", id(&job)]);
    assert!(shown.contains(&format!("its worker {name} is silent since")), "{shown}");
}

#[tokio::test]
async fn the_list_has_errors_and_a_job_over_many_names_its_failed_jobs_first() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(sample("user_status_sample.ndjson"), folder.path().join("a.ndjson")).unwrap();
    let broken = b"\x1f\x8b\x08\0\0\0\0\0\0\0abc";
    for number in 0..12 {
        std::fs::write(folder.path().join(format!("b{number:02}.json.gz")), broken).unwrap();
    }
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], folder.path());
    let many = serve.post_json("/v1/jobs", &json!({"bucket": "bucket", "prefix": ""})).await.json();
    let ended = serve.ended(&many).await;
    assert_eq!((&ended["state"], &ended["jobs"]["failed"]), (&json!("failed"), &json!(12)));
    let shown = jobs(&serve, &["show", id(&many)]);
    let lines: Vec<_> = shown.lines().filter(|line| line.starts_with("failed: b")).collect();
    assert_eq!(lines.len(), 10, "{shown}");
    assert!(lines.iter().all(|line| line.contains("decompress_failed")), "{shown}");
    assert!(shown.contains("2 more failed"), "{shown}");
    assert!(shown.find("failed: b") < shown.find("jobs: "), "{shown}");
    let listed = jobs(&serve, &["list", "--parent", id(&many), "--state", "failed"]);
    assert_eq!(listed.matches("decompress_failed: could not decompress").count(), 12, "{listed}");
}

#[tokio::test]
async fn a_version_that_was_loaded_already_is_told_apart_from_a_load() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], &repository("data"));
    let first = serve.ended(&serve.load("user_status_sample.json").await).await;
    assert_eq!((&first["state"], &first["already_loaded"]), (&json!("succeeded"), &json!(false)));
    let again = serve.ended(&serve.load("user_status_sample.json").await).await;
    assert_eq!((&again["state"], &again["already_loaded"]), (&json!("succeeded"), &json!(true)));
    let watched = jobs(&serve, &["watch", id(&again)]);
    assert!(watched.contains("was loaded already: nothing was written"), "{watched}");
    assert!(jobs(&serve, &["list"]).contains("succeeded, loaded already"));

    let wanted = json!({"bucket": "bucket", "prefix": "user_status_sample"});
    let many = serve.post_json("/v1/jobs", &wanted).await.json();
    let many = serve.ended(&many).await;
    assert_eq!(many["jobs"]["already_loaded"], 1, "{many}");
    let shown = jobs(&serve, &["show", id(&many)]);
    assert!(shown.contains("succeeded (1 of them loaded already)"), "{shown}");
    let counts = serve.get("/metrics").await.body;
    let line = r#"stevedore_loads_total{feed="user_status",state="already_loaded"} 2"#;
    assert!(counts.contains(line), "{counts}");
}

#[tokio::test]
async fn a_retry_may_change_the_feed_the_mode_and_whether_to_load_again() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let job = serve.load("user_status_sample.json").await;
    let retry = format!("/v1/jobs/{}/retry", id(&job));
    let cancel = async || {
        let cancelled = serve.post(&format!("/v1/jobs/{}/cancel", id(&job))).await;
        assert_eq!(cancelled.status, 202, "{cancelled:?}");
    };
    cancel().await;
    for (body, outcome) in [
        (json!({"feed": "nothing"}), (400, "feed_not_found")),
        (json!({"mode": "other"}), (422, "invalid_body")),
        (json!({"key": "other"}), (422, "invalid_body")),
    ] {
        let refused = serve.post_json(&retry, &body).await;
        assert_eq!(refused.outcome(), (outcome.0, outcome.1.to_owned()), "{body}");
    }
    let wanted = json!({"feed": "user_status", "mode": "append", "reload": true});
    let changed = serve.post_json(&retry, &wanted).await.json();
    assert_eq!(changed["state"], "queued");
    for name in ["feed", "mode", "reload"] {
        assert_eq!(changed[name], wanted[name], "{name}");
    }
    cancel().await;
    let same = serve.post(&retry).await.json();
    assert_eq!((&same["mode"], &same["reload"]), (&json!("append"), &json!(true)));
    cancel().await;
    let shown = jobs(&serve, &["retry", id(&job), "--mode", "merge", "--feed", "user_status"]);
    assert!(shown.contains("is queued") && shown.contains("mode merge"), "{shown}");
    cancel().await;
    jobs(&serve, &["retry", id(&job), "--reload"]);
    assert_eq!(serve.get(&format!("/v1/jobs/{}", id(&job))).await.json()["reload"], true);
}
