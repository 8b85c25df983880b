//! `StartJobRun`, `GetJobRun`, `GetJobRuns`, `BatchStopJobRun`: a run of a job of Glue is one of our jobs.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::jobs::feed;
use super::page::{Page, token};
use super::{arguments, invalid, missing, seconds};
use crate::http::App;
use crate::http::answers::Entries;
use crate::http::jobs::submit;
use crate::http::problem::Problem;
use crate::jobs::{Asked, Changed};
use crate::wire::{Job, JobError, JobState};

/// What an id of a run begins with.
const PREFIX: &str = "jr_";
/// Runs of a page, and runs that one request stops, at most.
const MOST: u16 = 200;
const MOST_STOPPED: usize = 25;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Start {
    job_name: String,
    job_run_id: Option<String>,
    #[serde(default)]
    arguments: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Run {
    job_name: String,
    run_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Runs {
    job_name: String,
    #[serde(flatten)]
    page: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Stop {
    job_name: String,
    job_run_ids: Vec<String>,
}

/// Starts what `POST /v1/jobs` starts.
pub(super) async fn start(app: &App, asked: Asked, wanted: Start) -> Result<Value, Problem> {
    let Start { job_name, job_run_id, arguments } = wanted;
    let feed = feed(app, &job_name)?;
    if job_run_id.is_some() {
        return invalid(
            "a run cannot be repeated under a new id: leave JobRunId out, or send POST /v1/jobs/{job_id}/retry",
        );
    }
    let wanted = arguments::request(&feed.name, arguments)?;
    let job = submit(app, asked, wanted, &HeaderMap::new()).await?;
    Ok(json!({ "JobRunId": run_id(job.job_id) }))
}

pub(super) async fn show(app: &App, wanted: Run) -> Result<Value, Problem> {
    Ok(json!({ "JobRun": run(&find(app, &wanted.job_name, &wanted.run_id).await?) }))
}

/// The runs that were asked for, here or elsewhere, newest first.
pub(super) async fn list(app: &App, Runs { job_name, page }: Runs) -> Result<Value, Problem> {
    let feed = feed(app, &job_name)?;
    let limit = page.limit(MOST)?;
    let mut jobs = Entries::new(limit as usize);
    let place = (page.after::<Uuid>()?, limit + 1);
    app.store.list_requested(&feed.name, place, |job| jobs.add(job)).await?;
    let (jobs, is_more) = jobs.finish();
    let next = jobs.last().filter(|_| is_more).and_then(|last| token(&last.job_id));
    let runs: Vec<_> = jobs.iter().map(run).collect();
    Ok(json!({ "JobRuns": runs, "NextToken": next }))
}

/// Cancels jobs; one that cannot be cancelled does not keep the others.
pub(super) async fn stop(app: &App, wanted: Stop) -> Result<Value, Problem> {
    let Stop { job_name, job_run_ids } = wanted;
    feed(app, &job_name)?;
    if !(1..=MOST_STOPPED).contains(&job_run_ids.len()) {
        return invalid(format!("JobRunIds has 1 to {MOST_STOPPED} ids"));
    }
    let (mut stopped, mut errors) = (Vec::new(), Vec::new());
    for id in job_run_ids {
        let named = json!({ "JobName": job_name, "JobRunId": id });
        match stop_one(app, &job_name, &id).await {
            Ok(()) => stopped.push(named),
            Err(problem) if problem.status().is_server_error() => return Err(problem),
            Err(problem) => {
                let detail =
                    json!({ "ErrorCode": problem.code(), "ErrorMessage": problem.detail() });
                errors.push(json!({ "JobName": job_name, "JobRunId": id, "ErrorDetail": detail }));
            }
        }
    }
    Ok(json!({ "SuccessfulSubmissions": stopped, "Errors": errors }))
}

async fn stop_one(app: &App, job_name: &str, id: &str) -> Result<(), Problem> {
    let job = find(app, job_name, id).await?;
    match app.store.cancel(job.job_id).await? {
        Changed::Yes => Ok(()),
        Changed::No => invalid(format!("the run {id} has ended already")),
    }
}

/// The job that is a run of a feed.
async fn find(app: &App, job_name: &str, id: &str) -> Result<Job, Problem> {
    feed(app, job_name)?;
    let job = match job_id(id) {
        Some(job_id) => app.store.get(job_id).await?,
        None => None,
    };
    let job = job.filter(|job| job.feed.as_deref() == Some(job_name));
    job.ok_or_else(|| missing(format!("the job {job_name} has no run {id}")))
}

fn run_id(job_id: Uuid) -> String {
    format!("{PREFIX}{}", job_id.simple())
}

/// The job of a run, by the id of either.
fn job_id(run_id: &str) -> Option<Uuid> {
    run_id.strip_prefix(PREFIX).unwrap_or(run_id).parse().ok()
}

fn run(job: &Job) -> Value {
    let changed = job.finished_at.or(job.started_at).unwrap_or(job.created_at);
    let until = job.finished_at.unwrap_or_else(Utc::now);
    let seconds_run = job.started_at.map_or(0, |began| (until - began).num_seconds().max(0));
    json!({
        "Id": run_id(job.job_id),
        "Attempt": job.attempts.saturating_sub(1),
        "JobName": job.feed,
        "StartedOn": seconds(job.created_at),
        "LastModifiedOn": seconds(changed),
        "CompletedOn": job.finished_at.map(seconds),
        "JobRunState": state(job),
        "Arguments": arguments::of(job),
        "ErrorMessage": (job.state == JobState::Failed).then(|| error(job)),
        "PredecessorRuns": [],
        "ExecutionTime": seconds_run,
        "StateDetail": format!("{} records read, {} loaded, {} rejected", job.records, job.loaded, job.rejected),
    })
}

/// Why a run failed: by its own error, or by those of its objects.
fn error(job: &Job) -> String {
    match (job.first_error.as_ref().or(job.error.as_ref()), &job.jobs) {
        (Some(JobError { code, detail, .. }), _) => format!("{code}: {detail}"),
        (None, Some(objects)) => {
            let (failed, id) = (objects.failed, job.job_id);
            format!(
                "{failed} objects failed: GET /v1/jobs?parent_id={id}&state=failed has the errors"
            )
        }
        (None, None) => String::new(),
    }
}

/// The state by the words of Glue. What waits for a worker is STARTING: scripts take other words for an end.
const fn state(job: &Job) -> &'static str {
    match job.state {
        JobState::Succeeded => "SUCCEEDED",
        JobState::Failed => "FAILED",
        JobState::Cancelled => "STOPPED",
        _ if job.cancel_requested => "STOPPING",
        JobState::Queued => "STARTING",
        JobState::Running => "RUNNING",
    }
}
