//! What is asked of all jobs at once: to count them, to retry or cancel those that a filter matches.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::extract::{Body, Path};
use super::jobs::check_filter;
use super::problem::{Guarded, Missing, Problem, Unavailable, WrongBody};
use crate::jobs::{Asked, JobFilter};
use crate::wire::{Action, JobAction, JobCountList, JobState};

/// Which jobs. At least one field is needed; a job must match all that are there.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct JobSelection {
    /// Jobs in this state
    pub(crate) state: Option<JobState>,
    /// Jobs of this bucket
    pub(crate) bucket: Option<String>,
    /// Jobs that load the object with this key
    pub(crate) key: Option<String>,
    /// Child jobs of this job
    pub(crate) parent_id: Option<Uuid>,
    /// Jobs of this feed
    #[schema(example = "orders")]
    pub(crate) feed: Option<String>,
    /// Jobs whose last error has this code
    #[schema(example = "store_denied")]
    pub(crate) error_code: Option<String>,
    /// Jobs with these labels
    pub(crate) labels: BTreeMap<String, String>,
    /// Jobs that were accepted at this time or later
    pub(crate) since: Option<DateTime<Utc>>,
    /// Jobs that were accepted before this time
    pub(crate) until: Option<DateTime<Utc>>,
}

impl JobSelection {
    fn filter(self) -> Result<JobFilter, Problem> {
        let Self { state, bucket, key, parent_id, feed, error_code, labels, since, until } = self;
        let filter =
            JobFilter { state, bucket, key, parent_id, feed, since, until, error_code, labels };
        check_filter(&filter)?;
        if filter == JobFilter::default() {
            let detail =
                "at least one field is required, so that not all jobs are meant by mistake";
            return Err(Problem::bad_request("invalid_parameter", detail));
        }
        Ok(filter)
    }
}

type Accepted = (StatusCode, [(header::HeaderName, String); 1], Json<JobAction>);

async fn accept(
    app: &App,
    action: Action,
    selection: JobSelection,
    asked: &Asked,
) -> Result<Accepted, Problem> {
    let action = app.store.submit_action(action, &selection.filter()?, asked).await?;
    let location = [(header::LOCATION, format!("/v1/job-actions/{}", action.action_id))];
    Ok((StatusCode::ACCEPTED, location, Json(action)))
}

/// Retry all jobs that a filter matches
///
/// Failed and cancelled jobs that were accepted until now are queued again, with their feeds as the server has
/// them now. A worker does it, newest jobs first. A job for whose version another job is queued or running is
/// left alone. A job over many objects is retried by retrying its child jobs.
#[utoipa::path(
    post,
    path = "/v1/jobs/retry",
    operation_id = "retry_jobs",
    tag = "jobs",
    request_body = JobSelection,
    responses(
        (
            status = 202,
            description = "The action",
            body = JobAction,
            headers(("Location" = String, description = "The action's path"))
        ),
        Guarded,
        WrongBody,
        Unavailable
    ),
)]
pub(super) async fn retry(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    Body(selection): Body<JobSelection>,
) -> Result<Accepted, Problem> {
    accept(&app, Action::Retry, selection, &asked).await
}

/// Cancel all jobs that a filter matches
///
/// Jobs that were accepted until now, and the child jobs of those over many objects. A worker does it, newest jobs
/// first.
#[utoipa::path(
    post,
    path = "/v1/jobs/cancel",
    operation_id = "cancel_jobs",
    tag = "jobs",
    request_body = JobSelection,
    responses(
        (
            status = 202,
            description = "The action",
            body = JobAction,
            headers(("Location" = String, description = "The action's path"))
        ),
        Guarded,
        WrongBody,
        Unavailable
    ),
)]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    Body(selection): Body<JobSelection>,
) -> Result<Accepted, Problem> {
    accept(&app, Action::Cancel, selection, &asked).await
}

/// Show an action on jobs
///
/// How many jobs were changed so far, and when it was done.
#[utoipa::path(
    get,
    path = "/v1/job-actions/{action_id}",
    operation_id = "show_job_action",
    tag = "jobs",
    params(("action_id" = Uuid, Path, description = "The action")),
    responses(
        (status = 200, description = "The action", body = JobAction),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(action_id): Path<Uuid>,
) -> Result<Json<JobAction>, Problem> {
    let missing =
        || Problem::not_found("action_not_found", format!("there is no action {action_id}"));
    app.store.action(action_id).await?.map(Json).ok_or_else(missing)
}

/// Count jobs
///
/// All jobs over one object, by state, feed and the code of their last error.
#[utoipa::path(
    get,
    path = "/v1/jobs/counts",
    operation_id = "count_jobs",
    tag = "jobs",
    responses(
        (status = 200, description = "The counts", body = JobCountList),
        Guarded,
        Unavailable
    ),
)]
pub(super) async fn counts(State(app): State<Arc<App>>) -> Result<Json<JobCountList>, Problem> {
    Ok(Json(JobCountList { counts: app.store.counts().await? }))
}
