//! What `stevedore jobs` prints.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Serve, TestDatabase, json_lines, repository, stderr, stdout, stevedore};

/// Exit code, standard output and standard error of `stevedore jobs`, with what changes from run to
/// run replaced.
fn assert_shown(name: &str, serve: &Serve, args: &[&str]) {
    let output = stevedore(&["jobs", "--server", &serve.url]).args(args).output().unwrap();
    let text = format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap(),
        stdout(&output),
        stderr(&output)
    );
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(repository("tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", "UUID");
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "INSTANT");
    settings.add_filter(r"\d\d:\d\d:\d\d\.\d{3}", "TIME");
    settings.add_filter(r"http://127\.0\.0\.1:\d+", "SERVER");
    // How often progress is told is a matter of time.
    settings.add_filter(r"(?m)^\d+ records, \d+ of \d+ bytes\n", "");
    settings.bind(|| assert_snapshot!(name, text));
}

fn id(job: &Value) -> &str {
    job["job_id"].as_str().unwrap()
}

#[tokio::test]
async fn jobs_are_listed_shown_and_watched() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], &repository("data"));
    let job = serve.load("user_status_sample.json").await;
    serve.ended(&job).await;
    let many = serde_json::json!({"bucket": "bucket", "prefix": "user_status_merge_"});
    let many = serve.post_json("/v1/jobs", &many).await.json();
    serve.ended(&many).await;
    assert_shown("jobs_list", &serve, &["list", "--key", "user_status_sample.json"]);
    assert_shown("jobs_list_none", &serve, &["list", "--state", "cancelled"]);
    assert_shown("jobs_show", &serve, &["show", id(&job)]);
    assert_shown("jobs_show_many", &serve, &["show", id(&many)]);
    assert_shown("jobs_watch", &serve, &["watch", id(&job)]);
    let json = ["jobs", "list", "--json", "--server", &serve.url];
    let listed = json_lines(&stevedore(&json).output().unwrap());
    assert_eq!(listed.len(), 4);
    assert!(listed.iter().all(|job| job["state"] == "succeeded"), "{listed:?}");
    assert_shown("jobs_cancel_late", &serve, &["cancel", id(&job)]);
    let one = stevedore(&["jobs", "list", "--limit", "1", "--server", &serve.url]);
    let told = |mut command: Command| stderr(&command.output().unwrap());
    assert_eq!(told(one), "note: there are more jobs: raise --limit\n");
    assert_eq!(told(stevedore(&["jobs", "list", "--limit", "4", "--server", &serve.url])), "");
    let wrong = stevedore(&["jobs", "list", "--state", "done"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("succeeded, failed, cancelled"), "{}", stderr(&wrong));
}

#[tokio::test]
async fn jobs_are_cancelled_and_repeated() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let job = serve.load("user_status_sample.json").await;
    assert_shown("jobs_cancel", &serve, &["cancel", id(&job)]);
    assert_shown("jobs_watch_cancelled", &serve, &["watch", id(&job)]);
    assert_shown("jobs_retry", &serve, &["retry", id(&job)]);
}

#[tokio::test]
async fn a_job_is_watched_beyond_the_end_of_its_server() {
    let database = TestDatabase::empty().await;
    let mut serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let job = serve.load("user_status_sample.json").await;
    let mut watch = stevedore(&["jobs", "watch", id(&job), "--server", &serve.url]);
    let watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watch = watch.spawn().unwrap();
    let mut told = BufReader::new(watch.stderr.take().unwrap()).lines();
    assert!(told.next().unwrap().unwrap().ends_with("queued"));
    assert!(serve.terminate().success());
    let listen = serve.address().to_owned();
    let _again = Serve::start_with(&database, &[], &repository("data"), |command| {
        command.env("STEVEDORE_LISTEN", &listen)
    });
    let told: Vec<String> = told.map(Result::unwrap).collect();
    let output = watch.wait_with_output().unwrap();
    assert!(output.status.success(), "{told:?}");
    assert!(stdout(&output).contains("has succeeded"), "{}", stdout(&output));
    // Nothing is told twice.
    assert!(!told.iter().any(|line| line.ends_with("queued")), "{told:?}");
}

#[tokio::test]
async fn a_load_that_failed_is_shown_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.json.gz"), b"\x1f\x8b\x08\0\0\0\0\0\0\0abc").unwrap();
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], folder.path());
    let job = serve.load("broken.json.gz").await;
    assert_shown("jobs_watch_failed", &serve, &["watch", id(&job)]);
}

#[tokio::test]
async fn what_goes_wrong_is_told_with_what_to_do_next() {
    let database = TestDatabase::empty().await;
    let made = stdout(&stevedore(&["key", "k", "--scope", "read"]).output().unwrap());
    let (key, setting) = made.trim().split_once('\n').unwrap();
    let mut serve = Serve::start(&database, &["--key", setting], &repository("data"));
    assert_shown("jobs_without_key", &serve, &["list"]);
    let mut with_key = stevedore(&["jobs", "list", "--server", &serve.url]);
    let listed = with_key.env("STEVEDORE_API_KEY", key).output().unwrap();
    assert_eq!((listed.status.code(), stdout(&listed)), (Some(0), String::new()));
    serve.kill();
    assert_shown("jobs_without_server", &serve, &["list"]);
    let wrong = stevedore(&["jobs", "show", "1"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
