//! Traces: a real receiver of OTLP gets the spans of requests, attempts and loads.

use std::collections::HashMap;
use std::process::Stdio;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::s3::{SERVERS, listen};
use crate::support::serve::{answer, terminate};
use crate::support::{Serve, TestDatabase, record, stderr, stevedore};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

type Told = (ExportTraceServiceRequest, HeaderMap);

struct Collector {
    url: String,
    told: UnboundedReceiver<Told>,
}

impl Collector {
    fn start() -> Self {
        let (got, told) = unbounded_channel();
        let take =
            async |State(got): State<UnboundedSender<Told>>, headers: HeaderMap, body: Bytes| {
                let request = ExportTraceServiceRequest::decode(body).unwrap();
                got.send((request, headers)).ok();
            };
        let listener = listen();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take)).with_state(got);
        SERVERS.spawn(async move { axum::serve(listener, router).await });
        Self { url, told }
    }

    /// All that has come.
    fn all(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }
}

fn attributes(all: &[KeyValue]) -> HashMap<&str, Value> {
    let value = |value: &Option<AnyValue>| match value.as_ref().and_then(|it| it.value.as_ref()) {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::IntValue(number)) => json!(number),
        other => panic!("{other:?}"),
    };
    all.iter().map(|it| (it.key.as_str(), value(&it.value))).collect()
}

fn spans(told: &[Told]) -> Vec<&Span> {
    let scopes = told.iter().flat_map(|(it, _)| &it.resource_spans).flat_map(|it| &it.scope_spans);
    scopes.flat_map(|it| &it.spans).collect()
}

#[tokio::test]
async fn attempts_and_loads_are_in_the_trace_of_the_request() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("one.json"), record("one", 1, "ACTIVE")).unwrap();
    let mut collector = Collector::start();
    let endpoint = collector.url.clone();
    let args = ["--no-worker", "--otlp-endpoint", &endpoint];
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "x-team=data");
    let mut serve =
        Serve::start_with(&database, &args, folder.path(), |it| it.env(headers.0, headers.1));
    let bucket = format!("bucket={}", folder.path().display());
    let mut worker = database.stevedore(&["worker", "--bucket", &bucket]);
    worker.args(["--otlp-endpoint", &endpoint]).env(headers.0, headers.1);
    let mut worker = worker.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let wanted = json!({"bucket": "bucket", "prefix": ""});
    let request = serve.request(Method::POST, "/v1/jobs").json(&wanted);
    let request = request.header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    let job = answer(request).await.json();
    assert_eq!(serve.ended(&job).await["state"], "succeeded");
    assert!(serve.terminate().success());
    terminate(worker.id());
    assert!(worker.wait().unwrap().success());
    let log = serve.lines().join("\n");
    assert!(!log.contains("otel"), "{log}");

    let told = collector.all();
    assert!(told.iter().all(|(_, headers)| headers["x-team"] == "data"));
    let resource = told[0].0.resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(attributes(&resource.attributes)["service.name"], "stevedore");
    let spans = spans(&told);
    let trace: Vec<_> = spans.iter().filter(|span| hex::encode(&span.trace_id) == TRACE).collect();
    let parents: HashMap<_, _> = trace.iter().map(|it| (&it.span_id, &it.parent_span_id)).collect();
    let named = |name: &str| {
        let found: Vec<_> = trace.iter().copied().filter(|span| span.name == name).collect();
        assert!(!found.is_empty(), "{name}: {trace:?}");
        found
    };
    let asked = named("POST /v1/jobs")[0];
    assert_eq!(hex::encode(&asked.parent_span_id), CALLER);
    assert_eq!(attributes(&asked.attributes)["http.response.status_code"], json!(202));
    // That of the prefix, and that of its object.
    let attempts = named("attempt");
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    assert!(attempts.iter().all(|span| span.parent_span_id == asked.span_id));
    let keys = attempts.iter().filter_map(|it| attributes(&it.attributes).remove("key"));
    assert_eq!(keys.collect::<Vec<_>>(), [json!("one.json")]);
    for name in ["copy", "merge", "commit"] {
        let parent = parents[&named(name)[0].span_id];
        assert!(attempts.iter().any(|attempt| attempt.span_id == *parent), "{name}: {trace:?}");
    }
}

#[tokio::test]
async fn bundles_are_linked_with_the_requests_and_failures_are_errors() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    for key in ["one.json", "two.json"] {
        std::fs::write(folder.path().join(key), record(key, 1, "ACTIVE")).unwrap();
    }
    let mut collector = Collector::start();
    let endpoint = collector.url.clone();
    let args = ["--otlp-endpoint", &endpoint, "--concurrency", "1"];
    let mut serve = Serve::start(&database, &args, folder.path());
    let wanted = json!({"bucket": "bucket", "keys": ["one.json", "two.json", "gone.json"]});
    let job = serve.post_json("/v1/jobs", &wanted).await.json();
    serve.ended(&job).await;
    assert!(serve.terminate().success());
    let told = collector.all();
    let spans = spans(&told);
    let bundles: Vec<_> = spans.iter().filter(|span| span.name == "bundle").collect();
    let asked = spans.iter().find(|span| span.name == "POST /v1/jobs").unwrap();
    assert!(bundles.iter().all(|it| it.links.iter().all(|link| link.trace_id == asked.trace_id)));
    assert_eq!(bundles.iter().map(|it| it.links.len()).sum::<usize>(), 2, "{bundles:?}");
}

#[tokio::test]
async fn no_load_waits_for_a_collector_that_is_not_there() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("one.json"), record("one", 1, "ACTIVE")).unwrap();
    let nobody = format!("http://{}", listen().local_addr().unwrap());
    let mut serve = Serve::start(&database, &["--otlp-endpoint", &nobody], folder.path());
    let job = serve.load("one.json").await;
    assert_eq!(serve.ended(&job).await["state"], "succeeded");
    assert!(serve.terminate().success());
    serve.wait_for("BatchSpanProcessor.ExportError");

    let wrong = stevedore(&["worker", "--otlp-endpoint", "collector:4318"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
}
