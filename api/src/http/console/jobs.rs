//! Jobs: what failed, why, and is it still not fixed?

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use super::layout::{form, page};
use super::session::Viewer;
use super::text::{ago, bytes, count};
use super::{Failure, Shown, filters};
use crate::http::App;
use crate::http::extract::{Body, Path};
use crate::http::job_actions::{self, JobSelection};
use crate::http::jobs::{self, JobParams};
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::jobs::Asked;
use crate::keys::Scope;
use crate::wire::{Job, JobState};

const STATES: [JobState; 5] = [
    JobState::Queued,
    JobState::Running,
    JobState::Succeeded,
    JobState::Failed,
    JobState::Cancelled,
];

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Query(filter): Query<BTreeMap<String, String>>,
    wanted: Page<JobParams>,
) -> Shown {
    let feeds = app.feeds.iter().map(|feed| feed.name.clone()).collect::<Vec<_>>();
    let found = jobs::list(State(app), wanted).await?.0;
    let body = html! {
        h1 { "Jobs" }
        (filter_form(&filter, &feeds))
        @if found.jobs.is_empty() {
            p.empty { "No job matches. " a href="/jobs" { "Show all" } " or " a href="/new" { "request a load" } "." }
        } @else {
            (table(&viewer, &filter, &found.jobs))
            (filters::next_page("/jobs", &filter, found.next_cursor.as_deref()))
        }
    };
    Ok(page(&viewer, "/jobs", "Jobs", body))
}

fn filter_form(filter: &BTreeMap<String, String>, feeds: &[String]) -> Markup {
    let states: Vec<_> = STATES.iter().map(|state| state.as_str()).collect();
    let feeds: Vec<_> = feeds.iter().map(String::as_str).collect();
    let fields = html! {
        (filters::choice(filter, "state", "State", &states))
        (filters::choice(filter, "feed", "Feed", &feeds))
        (filters::text(filter, "bucket", "Bucket"))
        (filters::text(filter, "key", "Key"))
        (filters::text(filter, "error_code", "Error code"))
        (filters::text(filter, "label", "Labels (name=value)"))
    };
    filters::form("/jobs", fields)
}

/// The jobs, with what can be done with those that are ticked, or with all that match.
fn table(viewer: &Viewer, filter: &BTreeMap<String, String>, jobs: &[Job]) -> Markup {
    let may = viewer.may(Scope::Admin);
    let rows = html! {
        div.scroll tabindex="0" {
            table data-live="jobs" {
                thead { tr {
                    @if may { th { span.hidden { "Choose" } } }
                    th { "State" } th { "Object" } th { "Feed" } th.number { "Records" } th.number { "Rejected" }
                    th { "Accepted" } th { "Why" }
                } }
                tbody { @for job in jobs { (row(job, may)) } }
            }
        }
        @if may { (actions(filter)) }
    };
    if may { form(viewer, "/jobs/actions", html! { (hidden(filter)) (rows) }) } else { rows }
}

fn row(job: &Job, may: bool) -> Markup {
    html! {
        tr {
            @if may {
                td { input type="checkbox" name="job" value=(job.job_id) aria-label={ "Choose job " (job.job_id) }; }
            }
            td { (state(job)) }
            td.long { a href={ "/jobs/" (job.job_id) } { (target(job)) } }
            td { (job.feed.as_deref().unwrap_or("by key")) }
            td.number { (count(job.records)) }
            td.number { (count(job.rejected)) }
            td { (ago(job.created_at)) }
            td.long { @if let Some(error) = &job.error { code { (error.code) } " " (first_line(&error.detail)) } }
        }
    }
}

/// What fits a row; the page of the job has the rest.
pub(super) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What a job is over.
pub(super) fn target(job: &Job) -> String {
    let Some(bucket) = &job.bucket else {
        return "rejects".to_owned();
    };
    match (&job.key, &job.prefix, &job.glob, job.key_count) {
        (Some(key), ..) => format!("{bucket}/{key}"),
        (_, Some(prefix), ..) => format!("{bucket}/{prefix}…"),
        (_, _, Some(glob), _) => format!("{bucket}/{glob}"),
        (.., keys) => format!("{bucket}: {} keys", count(keys.unwrap_or_default().into())),
    }
}

/// The state of a job as a word with a colour.
pub(super) fn state(job: &Job) -> Markup {
    let is_silent = job.worker.as_ref().is_some_and(|worker| worker.silent);
    html! {
        span class={ "state " (job.state.as_str()) } { (job.state.as_str()) }
        @if job.already_loaded { span.note { " loaded already" } }
        @if is_silent { span.note { " worker silent" } }
        @if job.state == JobState::Running && job.bytes.is_some_and(|all| all > 0) { (progress(job)) }
    }
}

/// How much of a running job's bytes are read.
pub(super) fn progress(job: &Job) -> Markup {
    let all = job.bytes.unwrap_or_default();
    html! {
        progress max=(all) value=(job.bytes_read.min(all)) title={ (bytes(job.bytes_read)) " of " (bytes(all)) } {}
    }
}

fn hidden(filter: &BTreeMap<String, String>) -> Markup {
    html! {
        @for (name, value) in filter.iter().filter(|(name, _)| *name != "cursor") {
            input type="hidden" name=(name) value=(value);
        }
    }
}

fn actions(filter: &BTreeMap<String, String>) -> Markup {
    let is_filtered = filter.iter().any(|(name, value)| name != "cursor" && !value.is_empty());
    html! {
        fieldset.actions {
            legend { "With the chosen jobs" }
            button name="action" value="retry" { "Retry" }
            button name="action" value="cancel" { "Cancel" }
        }
        @if is_filtered {
            fieldset.actions {
                legend { "With all jobs that match the filter" }
                button name="action" value="retry-all" { "Retry all" }
                button name="action" value="cancel-all" { "Cancel all" }
            }
        }
    }
}

/// What a form does with jobs.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Wanted {
    Retry,
    Cancel,
    RetryAll,
    CancelAll,
}

pub(super) async fn act(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Extension(asked): Extension<Asked>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Redirect, Failure> {
    viewer.must(Scope::Admin)?;
    let of = |name: &'static str| {
        fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value)
    };
    let action =
        of("action").next().map(|word| filters::parse::<Wanted>("action", word)).transpose()?;
    let ids =
        of("job").map(|id| filters::parse::<Uuid>("job", id)).collect::<Result<Vec<_>, _>>()?;
    match action {
        Some(Wanted::RetryAll) => {
            let selection = Body(selection(&fields)?);
            let action = job_actions::retry(State(app), Extension(asked), selection).await?.2.0;
            return Ok(Redirect::to(&format!("/job-actions/{}", action.action_id)));
        }
        Some(Wanted::CancelAll) => {
            let selection = Body(selection(&fields)?);
            let action = job_actions::cancel(State(app), Extension(asked), selection).await?.2.0;
            return Ok(Redirect::to(&format!("/job-actions/{}", action.action_id)));
        }
        Some(Wanted::Retry) => {
            for job_id in ids {
                done(jobs::retry(State(Arc::clone(&app)), Path(job_id), None).await)?;
            }
        }
        Some(Wanted::Cancel) => {
            for job_id in ids {
                done(jobs::cancel(State(Arc::clone(&app)), Path(job_id)).await)?;
            }
        }
        None => {}
    }
    Ok(Redirect::to(&format!("/jobs?{}", filters::query(&filter_of(&fields)))))
}

/// Whether an action is done with one job of several: one that has ended meanwhile is left alone.
fn done<T>(done: Result<T, Problem>) -> Result<(), Problem> {
    match done {
        Err(problem) if problem.status() != StatusCode::CONFLICT => Err(problem),
        _ => Ok(()),
    }
}

fn filter_of(fields: &[(String, String)]) -> BTreeMap<String, String> {
    let names =
        ["state", "bucket", "key", "parent_id", "feed", "since", "until", "error_code", "label"];
    let of_filter =
        fields.iter().filter(|(name, value)| names.contains(&&**name) && !value.is_empty());
    of_filter.cloned().collect()
}

/// The filter of a form as the API takes it.
fn selection(fields: &[(String, String)]) -> Result<JobSelection, Failure> {
    let filter = filter_of(fields);
    let mut selection = serde_json::Map::new();
    for (name, value) in filter.iter().filter(|(name, _)| *name != "label") {
        selection.insert(name.clone(), value.clone().into());
    }
    let labels = jobs::labels_of(filter.get("label").map(String::as_str))?;
    selection.insert("labels".to_owned(), serde_json::json!(labels));
    filters::from_json("filter", selection.into())
}
