//! `/v1/workers`: who works on jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::problem::{Guarded, Problem, Unavailable};

/// A worker: a process has one for each load that it does at the same time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkerStatus {
    /// The worker, as `worker` of a running job has it
    pub(crate) worker_id: String,
    /// The number of its process on its machine, as its logs and its system know it
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) process_id: Option<i64>,
    /// Whether it was heard of within the last eight seconds. Others take over the jobs of one that was not
    pub(crate) alive: bool,
    /// When it began
    pub(crate) started_at: DateTime<Utc>,
    /// When it was last heard of; a worker that is well says every two seconds that it is there
    pub(crate) last_heartbeat_at: DateTime<Utc>,
    /// Jobs that it runs: small objects are loaded together
    pub(crate) running: i64,
    /// The ids of jobs that it runs, the newest 100 at most
    pub(crate) job_ids: Vec<Uuid>,
    /// Crawlers that it runs
    pub(crate) crawlers: Vec<String>,
}

/// Who works on jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Workers {
    /// Those that are alive first
    workers: Vec<WorkerStatus>,
}

/// List workers
///
/// Those of `worker`, and of `serve` without `--no-worker`. A process has a worker for each load that it does at the
/// same time. One that has stopped in good
/// order is not in the list. One that died stays until another worker has taken its jobs over.
#[utoipa::path(
    get,
    path = "/v1/workers",
    operation_id = "list_workers",
    tag = "jobs",
    responses((status = 200, description = "The workers", body = Workers), Guarded, Unavailable),
)]
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<Workers>, Problem> {
    Ok(Json(Workers { workers: app.store.workers().await? }))
}
