//! Traces over OTLP: requests, attempts at jobs and what a load does, as spans.
//!
//! Spans for traces have the target [`TARGET`] of their own, so they are not in the log. A job keeps the trace of the
//! request that asked for it, as `traceparent` of [W3C Trace Context](https://www.w3.org/TR/trace-context/): the attempts
//! of a worker, in whatever process, belong to the trace of the request. Without an endpoint there are no spans, and
//! jobs keep nothing.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use pipeline::TRACES as TARGET;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// The header, and the field of jobs.
const TRACEPARENT: &str = "traceparent";
/// How long spans may take to be sent.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TracesError {
    #[error("the client for HTTP cannot be made")]
    Client(#[from] reqwest::Error),
    #[error("the endpoint or a variable OTEL_… cannot be used")]
    Exporter(#[from] ExporterBuildError),
}

/// The spans of this process, on their way to a collector. They are sent by a thread of their own. Spans that come faster
/// than they can be sent are dropped: nothing waits for a collector.
#[derive(Debug)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends spans to the collector at an endpoint such as `http://collector:4318`, to its path `/v1/traces`.
    ///
    /// # Errors
    /// When the endpoint or the `OTEL_…` variables cannot be used.
    pub(crate) fn to(endpoint: &str) -> Result<Self, TracesError> {
        // One that is made outside of the runtime, since it has one of its own.
        let client = reqwest::blocking::Client::builder().timeout(PATIENCE).build()?;
        let path = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_http_client(client);
        let exporter = exporter.with_endpoint(path).with_timeout(PATIENCE).build()?;
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
        Ok(Self(provider.with_resource(resource()).build()))
    }

    /// What hands spans over.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer("stevedore"));
        layer.with_filter(Targets::new().with_target(TARGET, tracing::Level::DEBUG))
    }

    /// Sends what is left.
    pub(crate) fn stop(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Who sends the spans.
fn resource() -> Resource {
    let name = std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    resource.with_service_name(name.unwrap_or_else(|| "stevedore".to_owned())).build()
}

/// The span of a request, in the trace that its client names.
pub(crate) fn request(method: &str, route: &str, request_id: &str, headers: &HeaderMap) -> Span {
    let span = tracing::debug_span!(
        target: TARGET,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
        request_id,
    );
    continue_trace(&span, headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()));
    span
}

/// Notes how a request was answered.
pub(crate) fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// Makes a span part of the trace of a request, if it has one.
pub(crate) fn continue_trace(span: &Span, traceparent: Option<&str>) {
    if span.is_disabled() {
        return;
    }
    if let Some(traceparent) = traceparent {
        // A span that is not sampled has no parent to set.
        span.set_parent(context(traceparent)).ok();
    }
}

/// Links a span with the traces of requests.
pub(crate) fn link<'a>(span: &Span, traceparents: impl Iterator<Item = &'a str>) {
    if span.is_disabled() {
        return;
    }
    for traceparent in traceparents {
        span.add_link(context(traceparent).span().span_context().clone());
    }
}

/// The trace that the current span is part of.
pub(crate) fn traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT).filter(|traceparent| !traceparent.is_empty())
}

fn context(traceparent: &str) -> opentelemetry::Context {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    TraceContextPropagator::new().extract(&carrier)
}
