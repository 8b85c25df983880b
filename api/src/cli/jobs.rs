//! `stevedore jobs`: follows and steers the jobs of a server.

use std::process::ExitCode;

use reqwest::Method;
use uuid::Uuid;

use super::client::{ClientError, Server};
use super::print::Printer;
use crate::config::{JobsArgs, JobsVerb, without_userinfo};
use crate::http::JobPage;
use crate::wire::{Job, JobState};

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
        JobsVerb::List { state, bucket, key, feed, limit } => {
            let state = state.map(|state| state.as_str().to_owned());
            let filters = [("state", state), ("bucket", bucket.clone()), ("key", key.clone())];
            let filters = filters.into_iter().chain([("feed", feed.clone())]);
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
        JobsVerb::Retry { job_id } => {
            one(&server, Method::POST, &format!("{}/retry", path(job_id)), args.json, printer).await
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
    show(&job, json, printer);
    Ok(ExitCode::SUCCESS)
}

fn show(job: &Job, json: bool, printer: &Printer) {
    if json { printer.json(job) } else { printer.job(job) }
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
    show(&job, json, printer);
    let succeeded = job.state == JobState::Succeeded;
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
