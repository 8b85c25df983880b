//! `stevedore jobs`: follows and steers the jobs of a server.

use std::process::ExitCode;

use reqwest::Method;
use uuid::Uuid;

use super::client::{ClientError, Server};
use super::print::Printer;
use crate::config::{JobsArgs, JobsVerb, without_userinfo};
use crate::http::{JobMode, JobPage, RetryRequest};
use crate::wire::{Job, JobState};

/// Failed jobs that are named of a job over many objects.
const SHOWN_FAILED: usize = 10;

pub(super) async fn jobs(args: &JobsArgs, printer: &Printer) -> ExitCode {
    ask(args, printer).await.unwrap_or_else(|error| {
        let exit =
            printer.failed(&format!("could not ask {}", without_userinfo(&args.server)), &error);
        if let Some(hint) = hint(&error) {
            printer.note(&format!("hint: {hint}"));
        }
        exit
    })
}

/// What to do next about an error.
fn hint(error: &ClientError) -> Option<&'static str> {
    match error {
        ClientError::Unreachable { .. } => Some(
            "start it with `stevedore serve`, or name another server: --server; if its certificate is of an \
             authority of your own, name that: --ca-cert",
        ),
        ClientError::Roots { .. } => Some("set --ca-cert to a readable PEM file of certificates"),
        ClientError::OutOfSight { .. } => Some("the job continues; watch it again later"),
        ClientError::Refused { code, .. } if code == "key_unknown" => {
            Some("set STEVEDORE_API_KEY to a key that the server knows")
        }
        _ => None,
    }
}

async fn ask(args: &JobsArgs, printer: &Printer) -> Result<ExitCode, ClientError> {
    let server = Server::new(args.server.clone(), args.api_key.clone(), args.ca_cert.as_deref())?;
    match &args.verb {
        JobsVerb::List { state, bucket, key, feed, parent, limit } => {
            let state = state.map(|state| state.as_str().to_owned());
            let filters = [("state", state), ("bucket", bucket.clone()), ("key", key.clone())];
            let filters = filters
                .into_iter()
                .chain([("feed", feed.clone()), ("parent_id", parent.map(|id| id.to_string()))]);
            let given = filters.filter_map(|(name, text)| Some((name, text?)));
            let query: Vec<_> = given.chain([("limit", limit.to_string())]).collect();
            list(&server, &query, args.json, printer).await
        }
        JobsVerb::Show { job_id } => {
            one(&server, Method::GET, &path(job_id), args.json, printer).await
        }
        JobsVerb::Cancel { job_id } => {
            one(&server, Method::POST, &format!("{}/cancel", path(job_id)), args.json, printer)
                .await
        }
        JobsVerb::Retry { job_id, mode, feed, reload } => {
            let changes = RetryRequest {
                feed: feed.clone(),
                mode: mode.map(JobMode::from),
                reload: reload.then_some(true),
            };
            let job: Job = server.tell(&format!("{}/retry", path(job_id)), &changes).await?;
            show(&server, &job, args.json, printer).await?;
            Ok(ExitCode::SUCCESS)
        }
        JobsVerb::Watch { job_id } => watch(&server, job_id, args.json, printer).await,
    }
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
