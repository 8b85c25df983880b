//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, map_response};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::problem::{Guarded, Problem, Unavailable};
use crate::jobs::{Store, StoreError};
use crate::metrics;
use crate::readiness::Readiness;

/// Longest time in which a ready database answers.
const PATIENCE: Duration = Duration::from_secs(3);

/// What probes and Prometheus are told about.
#[derive(Debug, Clone)]
pub(crate) struct Pulse {
    pub(crate) store: Store,
    /// Whether the database can carry the queue.
    pub(crate) readiness: Readiness,
    pub(crate) metrics: PrometheusHandle,
    /// Set when the process is to stop.
    pub(crate) stopping: CancellationToken,
}

impl FromRef<Arc<App>> for Pulse {
    fn from_ref(app: &Arc<App>) -> Self {
        app.pulse.clone()
    }
}

/// Whether the process lives or can work.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`
    status: &'static str,
}

const OK: Health = Health { status: "ok" };

/// Check whether the process lives
///
/// It answers 200 as long as it can answer.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "live",
    tag = "health",
    responses((status = 200, description = "It lives", body = Health)),
)]
pub(super) async fn live() -> Json<Health> {
    Json(OK)
}

/// Check whether the process can work
///
/// It answers 503 while the database cannot be used, while a pooler in front of it cannot carry the queue, and
/// while the process stops.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "ready",
    tag = "health",
    responses((status = 200, description = "It can work", body = Health), Unavailable),
)]
pub(super) async fn ready(State(pulse): State<Pulse>) -> Result<Json<Health>, Problem> {
    let unready = |code, detail| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retryable(Some(1))
    };
    if pulse.stopping.is_cancelled() {
        return Err(unready("stopping", "the process is stopping"));
    }
    pulse.refuse_unready()?;
    match tokio::time::timeout(PATIENCE, pulse.store.ping()).await {
        Ok(Ok(())) => Ok(Json(OK)),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(unready("database_unavailable", "the database did not answer in time")),
    }
}

/// Read metrics
///
/// Counts of requests, jobs, attempts and records, in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "health",
    responses(
        (status = 200, description = "The counts", content_type = "text/plain", body = String),
        Guarded
    ),
)]
pub(super) async fn counts(State(pulse): State<Pulse>) -> String {
    let watched = async {
        let (gauges, open) = (pulse.store.gauges().await?, pulse.store.open_rejects().await?);
        metrics::watched(&gauges, &open);
        Ok::<_, StoreError>(())
    };
    match tokio::time::timeout(PATIENCE, watched).await {
        _ if pulse.readiness.refusal().is_some() => {}
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "what is watched cannot be read"),
        Err(late) => tracing::warn!(error = %late, "what is watched cannot be read"),
    }
    pulse.metrics.run_upkeep();
    pulse.metrics.render()
}

/// Lets a request through if the database can carry the queue.
pub(super) async fn if_ready(
    State(pulse): State<Pulse>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    pulse.refuse_unready()?;
    Ok(next.run(request).await)
}

impl Pulse {
    fn refuse_unready(&self) -> Result<(), Problem> {
        let Some(why) = self.readiness.refusal() else {
            return Ok(());
        };
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database_pooled", why);
        Err(problem.retryable(Some(5)))
    }
}

/// What a worker answers to everybody who can connect: probes and counts.
pub(crate) fn probes(pulse: Pulse, timeout: Duration) -> Router {
    let late = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeout);
    Router::new()
        .route("/healthz", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(counts))
        .layer(late)
        .layer(CatchPanicLayer::new())
        .layer(map_response(written))
        .with_state(pulse)
}

/// An answer with the body of its problem.
async fn written(mut response: Response) -> Response {
    let status = response.status();
    let problem = response.extensions_mut().remove::<Problem>();
    match problem.or_else(|| (status.as_u16() >= 400).then(|| Problem::of_status(status))) {
        Some(problem) => problem.into_answer(&Uuid::now_v7().to_string()),
        None => response,
    }
}
