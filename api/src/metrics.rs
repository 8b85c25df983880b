//! What is counted, under which names, for Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use pipeline::load::{State, Summary};

use crate::jobs::{Gauge, OpenRejects};

const REQUESTS: &str = "stevedore_http_requests_total";
const REQUEST_SECONDS: &str = "stevedore_http_request_seconds";
const ATTEMPTS: &str = "stevedore_attempts_total";
const LOADS: &str = "stevedore_loads_total";
const LOAD_SECONDS: &str = "stevedore_load_seconds";
const RECORDS: &str = "stevedore_records_total";
const BYTES: &str = "stevedore_bytes_total";
const JOBS: &str = "stevedore_jobs";
const OLDEST_QUEUED: &str = "stevedore_oldest_queued_job_seconds";
const WORKERS: &str = "stevedore_workers";
const REJECTS_OPEN: &str = "stevedore_rejects_open";
const WATCH_SUCCESS: &str = "stevedore_watch_last_success_timestamp_seconds";
const CRAWLER_SUCCESS: &str = "stevedore_crawler_last_success_timestamp_seconds";
const WEBHOOKS: &str = "stevedore_webhooks_total";
const LINEAGE: &str = "stevedore_lineage_events_total";
const NOTICES: &str = "stevedore_notices_total";
const CONNECTIONS: &str = "stevedore_http_connections";
const CONNECTIONS_CLOSED: &str = "stevedore_http_connections_closed_total";

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"];

const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];

/// Feeds and reasons that there were open rejects of: their numbers become zero, and are not forgotten.
static OPEN_SEEN: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Begins to count.
///
/// # Errors
/// When the process counts already.
pub(crate) fn start() -> Result<PrometheusHandle, BuildError> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    let handle = builder.install_recorder()?;
    describe_counter!(REQUESTS, "Requests by route, method and status");
    describe_histogram!(REQUEST_SECONDS, "Time from request to answer by route");
    describe_counter!(ATTEMPTS, "Attempts at jobs by how they ended");
    describe_counter!(
        LOADS,
        "Attempts that came to their end by feed and by what became of the load: loaded, already_loaded or dry_run"
    );
    describe_histogram!(LOAD_SECONDS, "Time of loads by feed, from start to committed");
    describe_counter!(
        RECORDS,
        "Records of loads by feed and by what became of them: loaded or rejected"
    );
    describe_counter!(BYTES, "Bytes of loaded objects by feed, as they are stored");
    describe_counter!(
        NOTICES,
        "Objects that notices named, by the kind of the notice and by what became of them: submitted, known, held, \
        gone, refused or ignored; and notices that nobody understands: unknown"
    );
    describe_gauge!(JOBS, "Jobs that wait or run, in the whole fleet, by state");
    describe_counter!(WEBHOOKS, "Attempts to deliver webhooks by whether they were delivered");
    describe_counter!(
        LINEAGE,
        "Attempts to deliver OpenLineage events by whether they were delivered"
    );
    describe_gauge!(
        OLDEST_QUEUED,
        "How long the job has waited that waits longest; 0 if none does"
    );
    describe_gauge!(WORKERS, "Workers that are alive, or silent, in the whole fleet");
    describe_gauge!(
        REJECTS_OPEN,
        "Rejects that were neither replayed nor ignored, by feed and reason"
    );
    describe_gauge!(WATCH_SUCCESS, "When the last run of a watch ended that succeeded, since 1970");
    describe_gauge!(
        CRAWLER_SUCCESS,
        "When the last run of a crawler ended, if it succeeded, since 1970"
    );
    describe_gauge!(CONNECTIONS, "Connections of clients that are open");
    describe_counter!(
        CONNECTIONS_CLOSED,
        "Connections that were closed: unread, or refused since there were too many"
    );
    for why in ["refused", "unread"] {
        counter!(CONNECTIONS_CLOSED, "why" => why).absolute(0);
    }
    for outcome in ["succeeded", "failed", "cancelled", "queued"] {
        counter!(ATTEMPTS, "ended" => outcome).absolute(0);
    }
    for outcome in ["delivered", "failed"] {
        counter!(WEBHOOKS, "outcome" => outcome).absolute(0);
    }
    Ok(handle)
}

/// Counts a request. The methods are few: a client that makes up others makes no new series.
pub(crate) fn answered(route: &str, method: &str, status: u16, took: Duration) {
    let route = route.to_owned();
    let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
    counter!(REQUESTS, "route" => route.clone(), "method" => method, "status" => status.to_string())
        .increment(1);
    histogram!(REQUEST_SECONDS, "route" => route).record(took);
}

/// Counts a connection that is opened (1) or closed (-1).
pub(crate) fn connections(change: f64) {
    gauge!(CONNECTIONS).increment(change);
}

/// Counts a connection that was refused, since there were too many.
pub(crate) fn connection_refused() {
    counter!(CONNECTIONS_CLOSED, "why" => "refused").increment(1);
}

/// Counts a connection whose client did not read its answer.
pub(crate) fn connection_unread() {
    counter!(CONNECTIONS_CLOSED, "why" => "unread").increment(1);
}

/// Counts an attempt.
pub(crate) fn ended(state: &'static str) {
    counter!(ATTEMPTS, "ended" => state).increment(1);
}

/// Counts an attempt to deliver a webhook.
pub(crate) fn webhook_sent(is_delivered: bool) {
    let outcome = if is_delivered { "delivered" } else { "failed" };
    counter!(WEBHOOKS, "outcome" => outcome).increment(1);
}

/// Counts attempts to deliver events of lineage.
pub(crate) fn lineage_sent(delivered: usize, failed: usize) {
    counter!(LINEAGE, "outcome" => "delivered").increment(delivered as u64);
    counter!(LINEAGE, "outcome" => "failed").increment(failed as u64);
}

/// Counts what a load did.
pub(crate) fn loaded(summary: &Summary) {
    let feed = || summary.feed.clone().unwrap_or_default();
    let state = match summary.state {
        State::Loaded => "loaded",
        State::AlreadyLoaded => "already_loaded",
        State::DryRun => "dry_run",
        State::Failed => return,
    };
    counter!(LOADS, "feed" => feed(), "state" => state).increment(1);
    if summary.state == State::Loaded {
        counter!(RECORDS, "feed" => feed(), "became" => "loaded").increment(summary.loaded);
        counter!(RECORDS, "feed" => feed(), "became" => "rejected").increment(summary.rejected);
        counter!(BYTES, "feed" => feed()).increment(summary.bytes);
        histogram!(LOAD_SECONDS, "feed" => feed()).record(summary.seconds);
    }
}

/// Counts objects that notices named.
pub(crate) fn noticed(kind: &'static str, outcome: &'static str, objects: u64) {
    counter!(NOTICES, "kind" => kind, "outcome" => outcome).increment(objects);
}

/// Sets the numbers of now. Those that are not there any more become zero.
pub(crate) fn watched(gauges: &[Gauge], open: &[OpenRejects]) {
    let of = |name: &'static str, label: &str| {
        let found = gauges
            .iter()
            .find(|it| it.name == name && it.label.as_deref().unwrap_or_default() == label);
        found.map_or(0.0, |it| it.value)
    };
    for state in ["queued", "running"] {
        gauge!(JOBS, "state" => state).set(of("jobs", state));
    }
    for state in ["alive", "silent"] {
        gauge!(WORKERS, "state" => state).set(of("workers", state));
    }
    gauge!(OLDEST_QUEUED).set(of("oldest_queued", ""));
    for (name, metric, label) in
        [("crawler", CRAWLER_SUCCESS, "crawler"), ("watch", WATCH_SUCCESS, "watch")]
    {
        for it in gauges.iter().filter(|it| it.name == name) {
            gauge!(metric, label => it.label.clone().unwrap_or_default()).set(it.value);
        }
    }
    let mut seen = OPEN_SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let found: BTreeMap<_, _> =
        open.iter().map(|it| ((it.feed.clone(), it.reason.clone()), it.rejects)).collect();
    seen.extend(found.keys().cloned());
    for group in seen.iter() {
        let rejects = found.get(group).copied().unwrap_or_default();
        gauge!(REJECTS_OPEN, "feed" => group.0.clone(), "reason" => group.1.clone())
            .set(rejects as f64);
    }
}
