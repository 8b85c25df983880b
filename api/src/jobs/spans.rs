//! The spans of attempts, for traces.

use pipeline::TRACES;
use tracing::Span;
use tracing::field::Empty;

use super::outcome::Outcome;
use super::record::Started;
use crate::traces;

/// The span of an attempt at a job, in the trace of the request that asked for it.
pub(super) fn of_attempt(started: &Started) -> Span {
    let span = tracing::debug_span!(
        target: TRACES,
        "attempt",
        otel.kind = "consumer",
        otel.status_code = Empty,
        error.type = Empty,
        job_id = %started.job_id,
        attempt = started.attempt,
        bucket = started.bucket,
        key = started.key,
        request_id = started.asked.request_id,
    );
    traces::continue_trace(&span, started.traceparent.as_deref());
    span
}

/// The span of attempts at many jobs, linked with the traces of their requests.
pub(super) fn of_bundle(jobs: &[Started]) -> Span {
    let span = tracing::debug_span!(
        target: TRACES,
        "bundle",
        otel.kind = "consumer",
        jobs = jobs.len() as i64,
        bucket = jobs[0].bucket,
    );
    traces::link(&span, jobs.iter().filter_map(|job| job.traceparent.as_deref()));
    span
}

/// Notes how an attempt ended.
pub(super) fn ended(span: &Span, outcome: &Outcome) {
    if let Outcome::Failed(error) = outcome {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", error.code.as_str());
    }
}
