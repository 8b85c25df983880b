//! Clients of AWS Glue: its command line and boto3 run jobs and crawlers here, and read the catalog. They need Python.

use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::python::programs;
use crate::support::serve::answer;
use crate::support::{Serve, TestDatabase, repository, sample, stderr, stdout};

const PACKAGES: &str = "awscli==1.46.3 boto3==1.44.8";

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const PAIR: &str = "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const READING: &str = "AKIDREADING:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY:read";

/// A bucket with an object, and a server over it.
async fn serve(args: &[&str]) -> (TestDatabase, tempfile::TempDir, Serve) {
    let (database, bucket) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    std::fs::copy(sample("user_status_sample.json"), bucket.path().join("a.json")).unwrap();
    let serve = Serve::start(&database, args, bucket.path());
    (database, bucket, serve)
}

async fn define_crawlers(serve: &Serve) {
    let objects = json!({"kind": "objects", "bucket": "bucket"});
    for (name, target) in [("exports", objects), ("tables", json!({"kind": "postgres"}))] {
        let crawler = json!({"name": name, "target": target});
        assert_eq!(serve.post_json("/v1/crawlers", &crawler).await.status, 201);
    }
}

/// Runs a program of the packages to its success, and returns what it printed. It knows the server as its only one.
fn run(programs: &Path, program: &str, args: &[&str]) -> String {
    let output = Command::new(programs.join(program))
        .args(args)
        .env("AWS_ACCESS_KEY_ID", ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_DEFAULT_REGION", "eu-west-1")
        .env("AWS_CONFIG_FILE", "/nowhere")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {}{}", stdout(&output), stderr(&output));
    stdout(&output)
}

/// Runs a script of this folder.
fn script(programs: &Path, name: &str, args: &[&str]) {
    let script = repository("tests/glue").join(name);
    run(programs, "python", &[&[script.to_str().unwrap()], args].concat());
}

#[tokio::test]
async fn the_command_line_of_aws_runs_a_job_to_its_end() {
    let Some(programs) = programs(PACKAGES) else { return };
    let (database, _bucket, serve) = serve(&["--glue", "--glue-key", PAIR]).await;
    let aws = |args: &[&str]| -> Value {
        let args = [&["--endpoint-url", &serve.url, "glue"], args].concat();
        serde_json::from_str(&run(&programs, "aws", &args)).unwrap()
    };
    let arguments = r#"{"--bucket": "bucket", "--key": "a.json"}"#;
    let started = aws(&["start-job-run", "--job-name", "user_status", "--arguments", arguments]);
    let id = started["JobRunId"].as_str().unwrap();
    let job = id.strip_prefix("jr_").unwrap();
    serve.ended(&json!({ "job_id": job })).await;
    let run = aws(&["get-job-run", "--job-name", "user_status", "--run-id", id]);
    assert_eq!(run["JobRun"]["JobRunState"], "SUCCEEDED", "{run}");
    assert_eq!(database.counts().await[0], 7);
    let line = serve.wait_for("AWSGlue.StartJobRun");
    assert!(line.contains(ID) && line.contains("status=200"), "{line}");
    let metrics = serve.get("/metrics").await.body;
    assert!(metrics.contains(r#"route="AWSGlue.GetJobRun""#), "{metrics}");
    assert_eq!(serve.get("/").await.header("content-type"), Some("text/html; charset=utf-8"));
}

#[tokio::test]
async fn boto3_runs_jobs_and_crawlers_and_reads_the_catalog_by_the_shapes_of_aws() {
    let Some(programs) = programs(PACKAGES) else { return };
    let (_database, _bucket, serve) = serve(&["--glue", "--glue-key", PAIR]).await;
    define_crawlers(&serve).await;
    script(&programs, "runs.py", &[&serve.url, ID, SECRET, "bucket", "a.json", "gone.json"]);
}

#[tokio::test]
async fn requests_that_are_not_signed_as_they_are_or_not_allowed_are_refused_as_by_aws() {
    let Some(programs) = programs(PACKAGES) else { return };
    let pairs = format!("{PAIR},{READING}");
    let args = ["--glue", "--glue-key", &pairs, "--no-worker", "--max-body-bytes", "65536"];
    let (_database, _bucket, serve) = serve(&args).await;
    define_crawlers(&serve).await;
    script(&programs, "refused.py", &[&serve.url, "bucket", "a.json", PAIR, READING]);
}

#[tokio::test]
async fn without_a_signature_nothing_is_done_and_addresses_are_limited() {
    let (_database, _bucket, serve) = serve(&["--glue", "--glue-key", PAIR, "--no-worker"]).await;
    let unsigned = || serve.request(Method::POST, "/").header("x-amz-target", "AWSGlue.ListJobs");
    let refused = answer(unsigned().header("x-request-id", "one").body("{}")).await;
    assert_eq!((refused.status, refused.header("x-amzn-requestid")), (400, Some("one")));
    assert_eq!(refused.header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(refused.json()["__type"], "MissingAuthenticationTokenException");
    let mut kinds = Vec::new();
    for _ in 0..200 {
        kinds.push(answer(unsigned()).await.json()["__type"].clone());
    }
    assert!(kinds.contains(&json!("ThrottlingException")), "{kinds:?}");
}

#[tokio::test]
async fn glue_is_off_unless_it_is_asked_for() {
    let (database, _bucket, serve) = serve(&["--no-worker"]).await;
    assert_eq!(serve.post_json("/", &json!({})).await.status, 403);
    for (args, expected) in [
        (&["serve", "--glue"][..], "pass --glue-key too"),
        (&["serve", "--glue-key", PAIR], "pass --glue too"),
        (&["serve", "--glue", "--glue-key", "AKID:short"], "a secret has 16 characters"),
        (
            &["serve", "--glue", "--glue-key", &format!("{PAIR},{PAIR}")],
            "two keys have the name AKIDEXAMPLE",
        ),
    ] {
        let output = database.stevedore(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let told = stderr(&output);
        assert!(told.contains(expected) && !told.contains(SECRET), "{told}");
    }
}
