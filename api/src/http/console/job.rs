//! One job: how far is it, and what did each attempt do?

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use maud::{Markup, html};
use uuid::Uuid;

use super::jobs::{first_line, progress, state, target};
use super::layout::{form, page};
use super::session::Viewer;
use super::text::{ago, bytes, count, duration};
use super::{Failure, Shown, filters};
use crate::http::App;
use crate::http::extract::Path;
use crate::http::jobs;
use crate::jobs::EVENTS;
use crate::keys::Scope;
use crate::wire::{Job, JobAttempt, JobCounts, JobEvent, JobState};

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(job_id): Path<Uuid>,
) -> Shown {
    let job = app.job(job_id).await?;
    let attempts = app.store.attempts(job_id).await?;
    let events = app.store.events(job_id, 0).await?;
    let live = (!job.state.is_final()).then(|| format!("/v1/jobs/{job_id}/events"));
    let body = html! {
        h1 { "Job " span.long { (target(&job)) } }
        div data-events=[live] data-live="job" {
            (facts(&job))
            @if let Some(error) = &job.error {
                p.error { code { (error.code) } }
                pre.error { (error.detail) }
            }
            @if let Some(counts) = &job.jobs { (children(&job, counts)) }
            (actions(&viewer, &job))
            @if job.dry_run { (outcome(&viewer, &job)) }
            (attempts_table(&attempts))
            (events_table(&events))
        }
    };
    Ok(page(&viewer, "/jobs", "Job", body))
}

fn facts(job: &Job) -> Markup {
    html! {
        dl.facts {
            dt { "State" } dd { (state(job)) }
            @if job.state == JobState::Running && job.bytes.is_some() { dt { "Read" } dd { (progress(job)) } }
            dt { "Records" } dd { (count(job.records)) }
            dt { "Loaded" } dd { (count(job.loaded)) }
            dt { "Rejected" } dd { (count(job.rejected)) }
            dt { "Feed" } dd { (job.feed.as_deref().unwrap_or("by the keys")) }
            dt { "Mode" } dd { (job.mode.as_deref().unwrap_or("of each feed")) }
            @if let Some(size) = job.bytes { dt { "Size" } dd { (bytes(size)) } }
            @if job.dry_run { dt { "Dry run" } dd { "writes nothing" } }
            @if job.reload { dt { "Reload" } dd { "loads again on purpose" } }
            @if let Some(version) = &job.version { dt { "Version" } dd.long { code { (version) } } }
            @if let Some(load_id) = job.load_id {
                dt { "Load" } dd { a href={ "/loads/" (load_id) } { "load " (load_id) } }
            }
            @if let Some(parent_id) = job.parent_id {
                dt { "Parent" } dd { a href={ "/jobs/" (parent_id) } { "the job over many objects" } }
            }
            @for (name, value) in &job.labels { dt { "Label " (name) } dd.long { (value) } }
            @if let Some(worker) = &job.worker {
                dt { "Worker" } dd.long { code { (worker.worker_id) } @if worker.silent { " is silent" } }
            }
            dt { "Requested by" } dd { (job.requested_by) }
            dt { "Accepted" } dd { (ago(job.created_at)) }
            @if let Some(at) = job.finished_at { dt { "Ended" } dd { (ago(at)) } }
            @if let Some(at) = job.next_attempt_at { dt { "Next attempt" } dd { (ago(at)) } }
        }
    }
}

/// The child jobs, those that failed first.
fn children(job: &Job, counts: &JobCounts) -> Markup {
    let states = [
        (JobState::Failed, counts.failed),
        (JobState::Running, counts.running),
        (JobState::Queued, counts.queued),
        (JobState::Cancelled, counts.cancelled),
        (JobState::Succeeded, counts.succeeded),
    ];
    let link = |state: JobState| {
        let filter = [("parent_id", job.job_id.to_string()), ("state", state.as_str().to_owned())];
        let filter: BTreeMap<_, _> = filter.map(|(name, value)| (name.to_owned(), value)).into();
        format!("/jobs?{}", filters::query(&filter))
    };
    html! {
        h2 { "Its jobs" }
        ul.counts {
            @for (state, number) in states {
                li { a href=(link(state)) { span class={ "state " (state.as_str()) } { (state.as_str()) } " " (count(number)) } }
            }
        }
    }
}

fn actions(viewer: &Viewer, job: &Job) -> Markup {
    if !viewer.may(Scope::Admin) {
        return html! {};
    }
    let path = format!("/jobs/{}", job.job_id);
    html! {
        div.actions {
            @if !job.state.is_final() {
                (form(viewer, &format!("{path}/cancel"), html! { button { "Cancel" } }))
            }
            @if matches!(job.state, JobState::Failed | JobState::Cancelled) {
                (form(viewer, &format!("{path}/retry"), html! { button { "Retry" } }))
            }
        }
    }
}

/// What a dry run found, and the load that it was for.
fn outcome(viewer: &Viewer, job: &Job) -> Markup {
    let summary = job.summary.as_ref();
    let reasons = summary.and_then(|summary| summary["rejected_by_reason"].as_object());
    let target = job.key.as_deref().map(|key| ("key", key));
    let target = target.or_else(|| job.prefix.as_deref().map(|prefix| ("prefix", prefix)));
    let fields = |(kind, text): (&str, &str)| {
        let given = |text: &Option<String>| text.clone().unwrap_or_default();
        let (bucket, feed, mode) = (given(&job.bucket), given(&job.feed), given(&job.mode));
        let fields = [
            ("bucket", &*bucket),
            ("kind", kind),
            ("text", text),
            ("feed", &*feed),
            ("mode", &*mode),
        ];
        let fields = fields.into_iter().chain([("dry_run", "false")]);
        html! {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button { "Load" }
        }
    };
    html! {
        @if let Some(reasons) = reasons.filter(|reasons| !reasons.is_empty()) {
            h2 { "Would be rejected" }
            table { tbody { @for (reason, number) in reasons {
                tr { td { code { (reason) } } td.number { (count(number.as_u64().unwrap_or_default())) } }
            } } }
        }
        @if let Some(target) = target.filter(|_| job.state.is_final() && viewer.may(Scope::Trigger)) {
            p { "Nothing was written." }
            (form(viewer, "/new", fields(target)))
        }
    }
}

fn attempts_table(attempts: &[JobAttempt]) -> Markup {
    html! {
        @if !attempts.is_empty() {
            h2 { "Attempts" }
            div.scroll tabindex="0" {
                table {
                    thead { tr {
                        th.number { "No." } th { "Ended as" } th { "Began" } th.number { "Took" } th { "Worker" } th { "Why" }
                    } }
                    tbody { @for attempt in attempts { (attempt_row(attempt)) } }
                }
            }
        }
    }
}

fn attempt_row(attempt: &JobAttempt) -> Markup {
    let took = attempt.ended_at.map(|end| (end - attempt.started_at).as_seconds_f64());
    html! {
        tr {
            td.number { (attempt.attempt) }
            td { span class={ "state " (attempt.state.as_str()) } { (attempt.state.as_str()) } }
            td { (ago(attempt.started_at)) }
            td.number { @if let Some(took) = took { (duration(took)) } }
            td.long { @if let Some(worker) = &attempt.worker { code { (worker) } } }
            td.long { @if let Some(error) = &attempt.error { code { (error.code) } " " (first_line(&error.detail)) } }
        }
    }
}

/// What happened, oldest first.
fn events_table(events: &[JobEvent]) -> Markup {
    html! {
        h2 { "Events" }
        div.scroll tabindex="0" { table {
            thead { tr { th { "When" } th { "State" } th.number { "Attempt" } th { "Why" } } }
            tbody { @for event in events { tr {
                td { (ago(event.at)) }
                td { span class={ "state " (event.state.as_str()) } { (event.state.as_str()) } }
                td.number { @if event.attempt > 0 { (event.attempt) } }
                td.long { @if let Some(error) = &event.error { code { (error.code) } " " (first_line(&error.detail)) } }
            } } }
        } }
        @if events.len() >= EVENTS as usize { p.note { "Only the first " (EVENTS) " are shown." } }
    }
}

pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(job_id): Path<Uuid>,
) -> Result<Redirect, Failure> {
    viewer.must(Scope::Admin)?;
    drop(jobs::cancel(State(app), Path(job_id)).await?);
    Ok(Redirect::to(&format!("/jobs/{job_id}")))
}

pub(super) async fn retry(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(job_id): Path<Uuid>,
) -> Result<Redirect, Failure> {
    viewer.must(Scope::Admin)?;
    drop(jobs::retry(State(app), Path(job_id), None).await?);
    Ok(Redirect::to(&format!("/jobs/{job_id}")))
}
