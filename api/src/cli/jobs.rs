//! `stevedore jobs`: follows and steers the jobs of a server.

use std::process::ExitCode;
use std::time::Duration;

use reqwest::Method;
use uuid::Uuid;

use super::client::{ClientError, Server, asked};
use super::print::Printer;
use crate::config::{JobFilterArgs, JobsArgs, JobsVerb};
use crate::http::{JobPage, JobSelection, RetryRequest};
use crate::wire::{Job, JobAction, JobCountList, JobMode, JobState};

/// How often a server is asked whether an action on jobs is done.
const ASK_EVERY: Duration = Duration::from_millis(300);
/// Failed jobs that are named of a job over many objects.
const SHOWN_FAILED: usize = 10;

pub(super) async fn jobs(args: &JobsArgs, printer: &Printer) -> ExitCode {
    asked(ask(args, printer).await, &args.client.server, printer)
}

async fn ask(args: &JobsArgs, printer: &Printer) -> Result<ExitCode, ClientError> {
    let server = Server::of(&args.client)?;
    let json = args.client.json;
    match &args.verb {
        JobsVerb::List { filter, limit } => {
            let query: Vec<_> =
                query_of(filter).into_iter().chain([("limit", limit.to_string())]).collect();
            list(&server, &query, json, printer).await
        }
        JobsVerb::CancelAll { filter } => act(&server, "cancel", filter, json, printer).await,
        JobsVerb::RetryAll { filter } => act(&server, "retry", filter, json, printer).await,
        JobsVerb::Counts => counts(&server, json, printer).await,
        JobsVerb::Show { job_id } => one(&server, Method::GET, &path(job_id), json, printer).await,
        JobsVerb::Cancel { job_id } => {
            one(&server, Method::POST, &format!("{}/cancel", path(job_id)), json, printer).await
        }
        JobsVerb::Retry { job_id, mode, feed, reload } => {
            let changes = RetryRequest {
                feed: feed.clone(),
                mode: mode.map(JobMode::from),
                reload: reload.then_some(true),
            };
            let job: Job = server.tell(&format!("{}/retry", path(job_id)), &changes).await?;
            show(&server, &job, json, printer).await?;
            Ok(ExitCode::SUCCESS)
        }
        JobsVerb::Watch { job_id } => watch(&server, job_id, json, printer).await,
    }
}

/// A filter as the parameters of a list.
fn query_of(filter: &JobFilterArgs) -> Vec<(&'static str, String)> {
    let JobFilterArgs { state, bucket, key, feed, parent, error_code, labels, since, until } =
        filter;
    let labels = labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
    let all = [
        ("state", state.map(|state| state.as_str().to_owned())),
        ("bucket", bucket.clone()),
        ("key", key.clone()),
        ("feed", feed.clone()),
        ("parent_id", parent.map(|id| id.to_string())),
        ("error_code", error_code.clone()),
        ("label", Some(labels.join(",")).filter(|labels| !labels.is_empty())),
        ("since", since.map(|at| at.to_rfc3339())),
        ("until", until.map(|at| at.to_rfc3339())),
    ];
    all.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}

/// Has something done to all jobs that match, and waits until it is done.
async fn act(
    server: &Server,
    verb: &str,
    filter: &JobFilterArgs,
    json: bool,
    printer: &Printer,
) -> Result<ExitCode, ClientError> {
    let selection = JobSelection {
        state: filter.state,
        bucket: filter.bucket.clone(),
        key: filter.key.clone(),
        parent_id: filter.parent,
        feed: filter.feed.clone(),
        error_code: filter.error_code.clone(),
        labels: filter.labels.iter().cloned().collect(),
        since: filter.since,
        until: filter.until,
    };
    let mut action: JobAction = server.tell(&format!("/v1/jobs/{verb}"), &selection).await?;
    let path = format!("/v1/job-actions/{}", action.action_id);
    while action.finished_at.is_none() {
        tokio::time::sleep(ASK_EVERY).await;
        action = server.ask(Method::GET, &path, &[]).await?;
    }
    if json {
        printer.json(&action)
    } else {
        printer.action(&action)
    }
    Ok(ExitCode::SUCCESS)
}

async fn counts(server: &Server, json: bool, printer: &Printer) -> Result<ExitCode, ClientError> {
    let counted: JobCountList = server.ask(Method::GET, "/v1/jobs/counts", &[]).await?;
    if json {
        counted.counts.iter().for_each(|count| printer.json(count));
    } else {
        printer.job_counts(&counted.counts);
    }
    Ok(ExitCode::SUCCESS)
}

fn path(job_id: &Uuid) -> String {
    format!("/v1/jobs/{job_id}")
}

async fn list(
    server: &Server,
    query: &[(&str, String)],
    json: bool,
    printer: &Printer,
) -> Result<ExitCode, ClientError> {
    let page: JobPage = server.ask(Method::GET, "/v1/jobs", query).await?;
    if json {
        page.jobs.iter().for_each(|job| printer.json(job));
    } else {
        printer.jobs(&page.jobs);
    }
    if page.next_cursor.is_some() {
        printer.note("note: there are more jobs: raise --limit");
    }
    Ok(ExitCode::SUCCESS)
}

async fn one(
    server: &Server,
    method: Method,
    path: &str,
    json: bool,
    printer: &Printer,
) -> Result<ExitCode, ClientError> {
    let job: Job = server.ask(method, path, &[]).await?;
    show(server, &job, json, printer).await?;
    Ok(ExitCode::SUCCESS)
}

/// Shows a job; one over many objects with the first of those that failed.
async fn show(
    server: &Server,
    job: &Job,
    json: bool,
    printer: &Printer,
) -> Result<(), ClientError> {
    if json {
        printer.json(job);
        return Ok(());
    }
    let mut failed = Vec::new();
    if job.jobs.as_ref().is_some_and(|jobs| jobs.failed > 0) {
        let query = [
            ("parent_id", job.job_id.to_string()),
            ("state", JobState::Failed.as_str().to_owned()),
            ("limit", SHOWN_FAILED.to_string()),
        ];
        failed = server.ask::<JobPage>(Method::GET, "/v1/jobs", &query).await?.jobs;
    }
    printer.job(job, &failed);
    Ok(())
}

/// Shows what happens to a job; whether it succeeded is the exit code.
async fn watch(
    server: &Server,
    job_id: &Uuid,
    json: bool,
    printer: &Printer,
) -> Result<ExitCode, ClientError> {
    let mut ended = None;
    let events = format!("{}/events", path(job_id));
    let follow = server.follow(&events, |event, data| match event {
        "done" => ended = serde_json::from_str::<Job>(data).ok(),
        "state" => {
            let state = serde_json::from_str::<crate::wire::JobEvent>(data).ok();
            if let Some(event) = state {
                printer.note(&format!(
                    "{} {}",
                    event.at.format("%H:%M:%S%.3f"),
                    event.state.as_str()
                ));
            }
        }
        _ => {
            if let Ok(job) = serde_json::from_str::<Job>(data) {
                printer.note(&format!(
                    "{} records, {} of {} bytes",
                    job.records,
                    job.bytes_read,
                    job.bytes.unwrap_or(0)
                ));
            }
        }
    });
    follow.await?;
    let job = match ended {
        Some(job) => job,
        None => server.ask(Method::GET, &path(job_id), &[]).await?,
    };
    show(server, &job, json, printer).await?;
    let succeeded = job.state == JobState::Succeeded;
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
