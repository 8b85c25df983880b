//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
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

/// Does the process live?
///
/// It does as long as it answers.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "live",
    tag = "health",
    responses((status = 200, description = "It does", body = Health)),
)]
pub(super) async fn live() -> Json<Health> {
    Json(OK)
}

/// Can it work?
///
/// 503 while the database cannot be used, or when the process is to stop.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "ready",
    tag = "health",
    responses((status = 200, description = "It can", body = Health), Unavailable),
)]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Health>, Problem> {
    let unready = |code, detail| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retryable(Some(1))
    };
    if app.stopping.is_cancelled() {
        return Err(unready("stopping", "the process is to stop"));
    }
    match tokio::time::timeout(PATIENCE, app.store.ping()).await {
        Ok(Ok(())) => Ok(Json(OK)),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(unready("database_unavailable", "the database does not answer in time")),
    }
}

/// What is counted, for Prometheus
///
/// Requests, jobs, attempts and records, in the text format of Prometheus.
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
    let live = tokio::time::timeout(PATIENCE, app.store.live()).await;
    match live {
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
