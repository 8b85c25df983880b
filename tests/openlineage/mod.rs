//! OpenLineage: a real receiver is told what jobs read and wrote. The schemas are checked with Python.

use std::process::Command;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::python::programs;
use crate::support::s3::{SERVERS, listen};
use crate::support::{Serve, TestDatabase, repository, sample, stderr, stdout};

const PACKAGES: &str = "jsonschema==4.25.1";

/// An event, and the key that it came with.
type Told = (Value, Option<String>);

struct Receiver {
    url: String,
    events: UnboundedReceiver<Told>,
}

impl Receiver {
    fn start() -> Self {
        let (got, events) = unbounded_channel();
        let take = async |State(got): State<UnboundedSender<Told>>,
                          headers: HeaderMap,
                          event: Json<Value>| {
            let key = headers.get("authorization").map(|key| key.to_str().unwrap().to_owned());
            got.send((event.0, key)).ok();
            StatusCode::CREATED
        };
        let listener = listen();
        let url = format!("http://{}/api/v1/lineage", listener.local_addr().unwrap());
        let router = Router::new().route("/api/v1/lineage", post(take)).with_state(got);
        SERVERS.spawn(async move { axum::serve(listener, router).await });
        Self { url, events }
    }

    async fn next(&mut self) -> Told {
        let next = tokio::time::timeout(std::time::Duration::from_secs(60), self.events.recv());
        next.await.expect("an event comes").unwrap()
    }

    /// The next so many events.
    async fn some(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.0);
        }
        events
    }
}

fn bucket() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(sample("user_status_sample.json"), folder.path().join("a.json")).unwrap();
    folder
}

/// The event of a kind about a job.
fn find<'a>(events: &'a [Value], kind: &str, job: &Value) -> &'a Value {
    let is_it = |event: &&Value| event["eventType"] == kind && event["run"]["runId"] == *job;
    events.iter().find(is_it).unwrap_or_else(|| panic!("{kind} of {job}: {events:#?}"))
}

fn assert_valid(events: &[Value]) {
    let Some(programs) = programs(PACKAGES) else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines: Vec<_> = events.iter().map(Value::to_string).collect();
    std::fs::write(file.path(), lines.join("\n")).unwrap();
    let mut validate = Command::new(programs.join("python"));
    validate.arg(repository("tests/openlineage/validate.py")).arg(file.path());
    let checked = validate.env("PYTHONUTF8", "1").output().unwrap();
    assert!(checked.status.success(), "{}{}", stdout(&checked), stderr(&checked));
}

#[tokio::test]
async fn a_job_over_many_objects_and_its_child_jobs_are_told_and_where_their_rows_came_from() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let mut receiver = Receiver::start();
    let args = ["--openlineage-url", &receiver.url, "--openlineage-key", "secret"];
    let args = [&args[..], &["--openlineage-namespace", "etl"]].concat();
    let serve = Serve::start(&database, &args, bucket.path());
    let wanted = json!({"bucket": "bucket", "prefix": "", "feed": "user_status"});
    let parent = serve.ended(&serve.post_json("/v1/jobs", &wanted).await.json()).await;
    let children = format!("/v1/jobs?parent_id={}", parent["job_id"].as_str().unwrap());
    let child = serve.get(&children).await.json()["jobs"][0].clone();
    let (first, key) = receiver.next().await;
    assert_eq!(key.as_deref(), Some("Bearer secret"));
    let mut events = receiver.some(3).await;
    events.push(first);
    let of_parent = find(&events, "COMPLETE", &parent["job_id"]);
    assert_eq!(of_parent["job"]["namespace"], "etl");
    assert_eq!((&of_parent["inputs"], &of_parent["outputs"]), (&json!([]), &json!([])));
    find(&events, "START", &parent["job_id"]);
    find(&events, "START", &child["job_id"]);
    let told = find(&events, "COMPLETE", &child["job_id"]);
    assert_eq!(told["job"]["name"], "user_status");
    assert_eq!(told["run"]["facets"]["parent"]["run"]["runId"], parent["job_id"]);
    let input = &told["inputs"][0];
    let path = bucket.path().canonicalize().unwrap().join("a.json");
    assert_eq!((&input["namespace"], &input["name"]), (&json!("file"), &json!(path)));
    assert_eq!(input["facets"]["version"]["datasetVersion"], child["version"]);
    assert_eq!(input["inputFacets"]["dataQualityMetrics"]["rowCount"], 10);
    let assertions = &input["inputFacets"]["dataQualityAssertions"]["assertions"];
    assert_eq!(assertions[0], json!({"assertion": "valid", "success": false}));
    assert!(assertions.as_array().unwrap().len() > 1, "{assertions}");
    let outputs = told["outputs"].as_array().unwrap();
    let rows = |output: &Value| output["outputFacets"]["outputStatistics"]["rowCount"].clone();
    let rows: Vec<_> = outputs.iter().map(rows).collect();
    assert_eq!(rows, database.counts().await.map(|rows| json!(rows)));
    assert!(outputs[0]["name"].as_str().unwrap().ends_with(".public.user_status"), "{outputs:?}");
    let made_from = |table: usize, column: &str| {
        let fields = &outputs[table]["facets"]["columnLineage"]["fields"][column]["inputFields"];
        fields[0]["field"].as_str().unwrap().to_owned()
    };
    assert_eq!(made_from(0, "lastvisitedat"), "lastVisitedAt");
    assert_eq!(made_from(1, "userid"), "userId");
    assert_eq!(made_from(1, "updatedon"), "statusLogs[*].updatedOn");
    // What was delivered is gone.
    let reload = json!({"bucket": "bucket", "key": "a.json", "reload": true, "max_rejected": "0"});
    let failed = serve.ended(&serve.post_json("/v1/jobs", &reload).await.json()).await;
    events.extend(receiver.some(2).await);
    let error = &find(&events, "FAIL", &failed["job_id"])["run"]["facets"]["errorMessage"];
    assert!(error["message"].as_str().unwrap().starts_with("too_many_rejects: "), "{error}");
    assert_valid(&events);
    let left = async {
        while database.count("stevedore.lineage_events").await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), left).await.expect("none is left");
}

#[tokio::test]
async fn a_receiver_that_is_gone_holds_up_no_load_and_is_told_later() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    // Nobody listens there any more.
    let gone = format!("http://{}", listen().local_addr().unwrap());
    let mut serve = Serve::start(&database, &["--openlineage-url", &gone], bucket.path());
    let ended = serve.ended(&serve.load("a.json").await).await;
    assert_eq!(ended["state"], "succeeded");
    serve.wait_for("events of lineage were not delivered");
    serve.terminate();
    assert_eq!(database.count("stevedore.lineage_events").await, 2);
    let mut receiver = Receiver::start();
    let serve = Serve::start(&database, &["--openlineage-url", &receiver.url], bucket.path());
    let kinds =
        receiver.some(2).await.iter().map(|event| event["eventType"].clone()).collect::<Vec<_>>();
    assert_eq!(kinds, ["START", "COMPLETE"]);
    drop(serve);
}

#[tokio::test]
async fn a_cancelled_job_is_told_and_without_a_url_nothing_is_written() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let mut receiver = Receiver::start();
    let quiet = Serve::start(&database, &["--no-worker"], bucket.path());
    let first = quiet.load("a.json").await;
    let cancel = |job: &Value| format!("/v1/jobs/{}/cancel", job["job_id"].as_str().unwrap());
    assert_eq!(quiet.post(&cancel(&first)).await.status, 202);
    assert_eq!(database.count("stevedore.lineage_events").await, 0);
    let args = ["--no-worker", "--openlineage-url", &receiver.url];
    let serve = Serve::start(&database, &args, bucket.path());
    let job = serve.load("a.json").await;
    assert_eq!(serve.request(Method::POST, &cancel(&job)).send().await.unwrap().status(), 202);
    assert_eq!(database.count("stevedore.lineage_events").await, 1);
    // Workers send what others have written.
    let worker = Serve::start(&database, &["--openlineage-url", &receiver.url], bucket.path());
    let told = receiver.next().await.0;
    assert_eq!((&told["eventType"], &told["run"]["runId"]), (&json!("ABORT"), &job["job_id"]));
    drop(worker);
}
