//! `/v1/jobs`: ask for loads, follow them, call them off, repeat them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use pipeline::sink::RequestedMode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::App;
use super::answers::Entries;
use super::extract::{Body, Path, check_instant, check_text};
use super::page::{Filter, Page, finish};
use super::problem::{
    Conflict, Guarded, Missing, Problem, StoreRefused, Unavailable, WrongBody, WrongParameter,
};
use super::request::{JobRequest, RetryRequest, idempotency};
use crate::jobs::{Asked, Changed, JobFilter, Request};
use crate::wire::{Job, JobAttempts, JobState, Webhooks};

/// Which jobs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct JobParams {
    /// Only jobs in this state
    state: Option<JobState>,
    /// Only jobs of this bucket
    bucket: Option<String>,
    /// Only jobs that load the object with this key
    key: Option<String>,
    /// Only child jobs of this job
    parent_id: Option<Uuid>,
    /// Only jobs of this feed
    feed: Option<String>,
    /// Only jobs that were accepted at this time or later
    since: Option<DateTime<Utc>>,
    /// Only jobs that were accepted before this time
    until: Option<DateTime<Utc>>,
    /// Only jobs whose last error has this code
    error_code: Option<String>,
    /// Only jobs with these labels: `name=value`, several separated by commas
    #[param(example = "team=billing,run=nightly")]
    label: Option<String>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
    /// Jobs on a page
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

impl Filter for JobParams {
    type Place = Uuid;

    fn page(&self) -> (Option<&str>, Option<u16>) {
        (self.cursor.as_deref(), self.limit)
    }
}

/// A page of jobs, newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobPage {
    /// The jobs of the page
    pub(crate) jobs: Vec<Job>,
    /// The `cursor` of the next page; absent on the last page
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

pub(super) type Created = (StatusCode, [(header::HeaderName, String); 1], Json<Job>);

/// Request loads
///
/// A `key` makes one job. `keys`, a `prefix` or a `glob` make a job with a child job for each object. If a job for
/// the same version of an object is queued or running, that job is the answer. If it has other options,
/// the answer is 409; `auto` differs from the mode that it will choose. With an `Idempotency-Key`, the
/// same request gets the first answer again, for a day.
#[utoipa::path(
    post,
    path = "/v1/jobs",
    operation_id = "create_job",
    tag = "jobs",
    request_body = JobRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Marks repeated requests as the same one")),
    responses(
        (
            status = 202,
            description = "The job",
            body = Job,
            headers(("Location" = String, description = "The job's path"))
        ),
        Guarded,
        WrongBody,
        Missing,
        Conflict,
        StoreRefused,
        Unavailable
    ),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    Body(wanted): Body<JobRequest>,
) -> Result<Created, Problem> {
    Ok(accepted(submit(&app, asked, wanted, &headers).await?))
}

/// Makes the job that a request wants, or finds the one that answers it already.
pub(super) async fn submit(
    app: &App,
    asked: Asked,
    wanted: JobRequest,
    headers: &HeaderMap,
) -> Result<Job, Problem> {
    let feed = app.feed(wanted.feed.as_deref(), wanted.key.as_deref())?;
    let wanted = wanted.completed(feed.as_deref());
    let idempotency = idempotency(&wanted, headers)?;
    // Before the object is looked up: the first answer holds though it be gone.
    let answered = match &idempotency {
        Some((key, request)) => app.store.answered(&asked.by, key, request).await?,
        None => None,
    };
    if let Some(job) = answered {
        return Ok(job);
    }
    let request = Request {
        feed,
        bucket: Some(wanted.bucket.clone()),
        target: wanted.target(app).await?,
        mode: wanted.mode.map(RequestedMode::from),
        dry_run: wanted.dry_run,
        reload: wanted.reload,
        catalog: wanted.catalog,
        max_rejected: wanted.max_rejected,
        is_pinned: wanted.version.is_some(),
        webhook: app.webhooks.of_job(wanted.webhook.as_deref())?,
        labels: wanted.labels,
        asked,
        idempotency,
    };
    Ok(app.store.submit(&request).await?)
}

pub(super) fn accepted(job: Job) -> Created {
    let location = [(header::LOCATION, format!("/v1/jobs/{}", job.job_id))];
    (StatusCode::ACCEPTED, location, Json(job))
}

/// List jobs
///
/// Newest first. For the next page, send `next_cursor` as `cursor`, with the same filters.
/// A page ends at 1 MiB, so it may have fewer jobs than `limit`.
#[utoipa::path(
    get,
    path = "/v1/jobs",
    operation_id = "list_jobs",
    tag = "jobs",
    params(JobParams),
    responses(
        (status = 200, description = "A page of jobs", body = JobPage),
        Guarded,
        WrongParameter,
        Unavailable
    ),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    page: Page<JobParams>,
) -> Result<Json<JobPage>, Problem> {
    let (limit, one_more) = (page.limit, page.one_more());
    let params = page.filter;
    let filter = JobFilter {
        state: params.state,
        bucket: params.bucket,
        key: params.key,
        parent_id: params.parent_id,
        feed: params.feed,
        since: params.since,
        until: params.until,
        error_code: params.error_code,
        labels: labels_of(params.label.as_deref())?,
    };
    check_filter(&filter)?;
    let mut jobs = Entries::new(limit as usize);
    app.store.list(&filter, (page.after, one_more), |job| jobs.add(job)).await?;
    let (jobs, next_cursor) = finish(jobs, |job| job.job_id);
    Ok(Json(JobPage { jobs, next_cursor }))
}

/// The labels of a query.
pub(super) fn labels_of(text: Option<&str>) -> Result<BTreeMap<String, String>, Problem> {
    let wrong = || {
        let detail = "label has name=value, or several of them separated by commas";
        Problem::bad_request("invalid_parameter", detail)
    };
    let labels = text.into_iter().flat_map(|text| text.split(','));
    let pairs = labels.map(|label| label.split_once('=').ok_or_else(wrong));
    pairs.map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

pub(super) fn check_filter(filter: &JobFilter) -> Result<(), Problem> {
    check_text("bucket", filter.bucket.as_deref())?;
    check_text("key", filter.key.as_deref())?;
    check_text("feed", filter.feed.as_deref())?;
    check_text("error_code", filter.error_code.as_deref())?;
    for (name, value) in &filter.labels {
        check_text("label", Some(name))?;
        check_text("label", Some(value))?;
    }
    check_instant("since", filter.since)?;
    check_instant("until", filter.until)
}

/// Show a job
///
/// A job over many objects shows the sums over its child jobs.
#[utoipa::path(
    get,
    path = "/v1/jobs/{job_id}",
    operation_id = "show_job",
    tag = "jobs",
    params(("job_id" = Uuid, Path, description = "The job")),
    responses(
        (status = 200, description = "The job", body = Job),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(job_id): Path<Uuid>,
) -> Result<Json<Job>, Problem> {
    Ok(Json(app.job(job_id).await?))
}

/// List the attempts at a job
///
/// Those before a retry too, each with its error.
#[utoipa::path(
    get,
    path = "/v1/jobs/{job_id}/attempts",
    operation_id = "list_attempts",
    tag = "jobs",
    params(("job_id" = Uuid, Path, description = "The job")),
    responses(
        (status = 200, description = "The attempts", body = JobAttempts),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn attempts(
    State(app): State<Arc<App>>,
    Path(job_id): Path<Uuid>,
) -> Result<Json<JobAttempts>, Problem> {
    app.job(job_id).await?;
    Ok(Json(JobAttempts { attempts: app.store.attempts(job_id).await? }))
}

/// List the webhooks of a job
///
/// The messages that tell its end, each with how often it was sent and what the receiver answered.
#[utoipa::path(
    get,
    path = "/v1/jobs/{job_id}/webhooks",
    operation_id = "list_webhooks",
    tag = "jobs",
    params(("job_id" = Uuid, Path, description = "The job")),
    responses(
        (status = 200, description = "The webhooks", body = Webhooks),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn webhooks(
    State(app): State<Arc<App>>,
    Path(job_id): Path<Uuid>,
) -> Result<Json<Webhooks>, Problem> {
    app.job(job_id).await?;
    Ok(Json(Webhooks { webhooks: app.store.webhooks(job_id).await? }))
}

/// Cancel a job
///
/// A queued job is cancelled at once. A running load is rolled back, unless it is committing already.
/// The answer is the job in its current state.
#[utoipa::path(
    post,
    path = "/v1/jobs/{job_id}/cancel",
    operation_id = "cancel_job",
    tag = "jobs",
    params(("job_id" = Uuid, Path, description = "The job")),
    responses(
        (status = 202, description = "The job in its current state", body = Job),
        Guarded,
        Missing,
        Conflict,
        Unavailable
    ),
)]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    Path(job_id): Path<Uuid>,
) -> Result<(StatusCode, Json<Job>), Problem> {
    let changed = app.store.cancel(job_id).await?;
    let job = app.job(job_id).await?;
    if changed == Changed::No && job.state != JobState::Cancelled {
        let detail = format!("the job has {} already", job.state.as_str());
        return Err(Problem::conflict("job_ended", detail));
    }
    Ok((StatusCode::ACCEPTED, Json(job)))
}

/// Retry a job
///
/// A failed or cancelled job is queued again, with its feed as the server has it now. For a job over many objects,
/// its failed and cancelled child jobs are. A body may change the feed, the mode and `reload`.
#[utoipa::path(
    post,
    path = "/v1/jobs/{job_id}/retry",
    operation_id = "retry_job",
    tag = "jobs",
    request_body = RetryRequest,
    params(("job_id" = Uuid, Path, description = "The job")),
    responses(
        (status = 202, description = "The job in its current state", body = Job),
        Guarded,
        WrongBody,
        Missing,
        Conflict,
        Unavailable
    ),
)]
pub(super) async fn retry(
    State(app): State<Arc<App>>,
    Path(job_id): Path<Uuid>,
    body: Option<Body<RetryRequest>>,
) -> Result<(StatusCode, Json<Job>), Problem> {
    let Body(wanted) = body.unwrap_or(Body(RetryRequest::default()));
    let changes = wanted.changes(&app)?;
    let changed = match app.store.retry(job_id, &app.feeds, &changes).await {
        Err(error) if error.is_unique_violation() => {
            let detail = "another job is queued or running for the same version of the object";
            return Err(Problem::conflict("object_busy", detail).retryable(None));
        }
        changed => changed?,
    };
    let job = app.job(job_id).await?;
    if changed == Changed::No {
        let detail = format!(
            "the job is {}: only failed and cancelled jobs can be retried",
            job.state.as_str()
        );
        return Err(Problem::conflict("job_not_repeatable", detail));
    }
    Ok((StatusCode::ACCEPTED, Json(job)))
}
