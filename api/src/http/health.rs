//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::problem::{Guarded, Problem, Unavailable};
use crate::metrics;

/// Longest time in which a ready database answers.
const PATIENCE: Duration = Duration::from_secs(3);

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
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Health>, Problem> {
    let unready = |code, detail| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retryable(Some(1))
    };
    if app.stopping.is_cancelled() {
        return Err(unready("stopping", "the process is stopping"));
    }
    refuse_unready(&app)?;
    match tokio::time::timeout(PATIENCE, app.store.ping()).await {
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
pub(super) async fn counts(State(app): State<Arc<App>>) -> String {
    match tokio::time::timeout(PATIENCE, app.store.live()).await {
        _ if app.readiness.refusal().is_some() => {}
        Ok(Ok(live)) => {
            let of = |state| live.get(state).copied().unwrap_or_default();
            metrics::live(of("queued"), of("running"));
        }
        Ok(Err(error)) => tracing::warn!(%error, "the jobs that wait cannot be counted"),
        Err(late) => tracing::warn!(error = %late, "the jobs that wait cannot be counted"),
    }
    app.metrics.run_upkeep();
    app.metrics.render()
}

/// Lets a request through if the database can carry the queue.
pub(super) async fn if_ready(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    refuse_unready(&app)?;
    Ok(next.run(request).await)
}

fn refuse_unready(app: &App) -> Result<(), Problem> {
    let Some(why) = app.readiness.refusal() else {
        return Ok(());
    };
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database_pooled", why);
    Err(problem.retryable(Some(5)))
}
