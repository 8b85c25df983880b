//! Watches and crawlers: what do they find, and does it work?

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use maud::{Markup, html};

use super::layout::{form, page};
use super::session::Viewer;
use super::text::{ago, count, duration};
use super::{Failure, Shown, catalog, filters};
use crate::http::App;
use crate::http::crawler_runs::{self, RunParams};
use crate::http::crawlers::{self, encoded};
use crate::http::extract::Path;
use crate::http::page::Page;
use crate::http::watches::{self, WatchRunParams};
use crate::jobs::Asked;
use crate::jobs::crawlers::PastRun;
use crate::jobs::watches::{Watch, WatchRun, WatchState};
use crate::keys::Scope;

/// All watches, with what can be done with each.
pub(super) fn table(viewer: &Viewer, watches: &[Watch]) -> Markup {
    html! {
        div.scroll tabindex="0" { table data-live="watches" {
            thead { tr {
                th { "Watch" } th { "State" } th { "Keys" } th { "Lists" } th { "Last success" } th.number { "New" } th { "Why" } th { "Do" }
            } }
            tbody { @for watch in watches { (row(viewer, watch)) } }
        } }
    }
}

fn row(viewer: &Viewer, watch: &Watch) -> Markup {
    let keys =
        watch.prefix.as_ref().map(|prefix| format!("{prefix}…")).or_else(|| watch.glob.clone());
    let lists = watch
        .schedule
        .clone()
        .or_else(|| watch.every.as_ref().map(|every| format!("every {every}")));
    let last = watch.last_run.as_ref();
    html! {
        tr {
            td.long { a href={ "/watches/" (encoded(&watch.name)) } { (watch.name) } }
            td { (watch.state.as_str()) }
            td.long { (watch.bucket) "/" (keys.unwrap_or_default()) }
            td { (lists.unwrap_or_default()) }
            td { @match watch.last_success_at { Some(at) => (ago(at)), None => "never" } }
            td.number { @if let Some(run) = last { (count(run.new)) } }
            td.long { @if let Some(error) = last.and_then(|run| run.error.as_ref()) { code { (error.code) } " " (error.detail) } }
            td { (buttons(viewer, watch)) }
        }
    }
}

fn buttons(viewer: &Viewer, watch: &Watch) -> Markup {
    let path = format!("/watches/{}", encoded(&watch.name));
    let is_paused = watch.state == WatchState::Paused;
    html! {
        div.actions {
            @if viewer.may(Scope::Trigger) && watch.state == WatchState::Ready {
                (form(viewer, &format!("{path}/runs"), html! { button { "List now" } }))
            }
            @if viewer.may(Scope::Admin) {
                @if is_paused { (form(viewer, &format!("{path}/resume"), html! { button { "Resume" } })) }
                @else { (form(viewer, &format!("{path}/pause"), html! { button { "Pause" } })) }
            }
        }
    }
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(name): Path<String>,
    wanted: Page<WatchRunParams>,
) -> Shown {
    let watch = watches::show(State(Arc::clone(&app)), Path(name.clone())).await?.0;
    let found = watches::runs(State(app), Path(name.clone()), wanted).await?.0;
    let body = html! {
        h1 { "Watch " (name) }
        (table(&viewer, &[watch]))
        h2 { "Runs" }
        @if found.runs.is_empty() { p.empty { "It has not listed yet." } }
        @else { (runs(&found.runs)) }
        (filters::next_page(&format!("/watches/{}", encoded(&name)), &Default::default(), found.next_cursor.as_deref()))
    };
    Ok(page(&viewer, "/catalog", &format!("Watch {name}"), body))
}

fn runs(runs: &[WatchRun]) -> Markup {
    html! {
        div.scroll tabindex="0" { table data-live="runs" {
            thead { tr {
                th { "State" } th { "Asked for" } th { "By" } th.number { "Took" } th.number { "Seen" } th.number { "New" }
                th.number { "Submitted" } th.number { "Held" } th.number { "Failed" } th { "Jobs" } th { "Why" }
            } }
            tbody { @for run in runs { tr {
                td { (run.state) }
                td { (ago(run.queued_at)) }
                td.long { (run.requested_by) }
                td.number { @if let Some((from, to)) = run.started_at.zip(run.finished_at) { (duration((to - from).as_seconds_f64())) } }
                @for number in [run.seen, run.new, run.submitted, run.held, run.failed] { td.number { (count(number)) } }
                td { @if let Some(job_id) = run.job_id { a href={ "/jobs/" (job_id) } { "job" } } }
                td.long { @if let Some(error) = &run.error { code { (error.code) } " " (error.detail) } }
            } } }
        } }
    }
}

/// The runs of a crawler.
pub(super) async fn crawler(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(name): Path<String>,
    wanted: Page<RunParams>,
) -> Shown {
    let crawler = crawlers::show(State(Arc::clone(&app)), Path(name.clone())).await?.0;
    let found = crawler_runs::runs(State(app), Path(name.clone()), wanted).await?.0;
    let body = html! {
        h1 { "Crawler " (name) }
        (catalog::crawlers_table(&viewer, &[crawler]))
        h2 { "Runs" }
        @if found.runs.is_empty() { p.empty { "It has not run yet." } }
        @else { (crawls(&found.runs)) }
        (filters::next_page(&format!("/crawlers/{}", encoded(&name)), &Default::default(), found.next_cursor.as_deref()))
    };
    Ok(page(&viewer, "/catalog", &format!("Crawler {name}"), body))
}

fn crawls(runs: &[PastRun]) -> Markup {
    let error = |run: &PastRun| {
        run.report.as_ref().and_then(|report| report["error"]["detail"].as_str().map(str::to_owned))
    };
    html! {
        div.scroll tabindex="0" { table data-live="runs" {
            thead { tr { th { "State" } th { "By" } th { "Began" } th.number { "Took" } th { "Why" } } }
            tbody { @for run in runs { tr {
                td { (run.state) }
                td.long { (run.requested_by.as_deref().unwrap_or("stevedore crawl")) }
                td { @if let Some(at) = run.started_at { (ago(at)) } }
                td.number { @if let Some((from, to)) = run.started_at.zip(run.finished_at) { (duration((to - from).as_seconds_f64())) } }
                td.long { (error(run).unwrap_or_default()) }
            } } }
        } }
    }
}

pub(super) async fn run(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Extension(asked): Extension<Asked>,
    Path(name): Path<String>,
) -> Result<Redirect, Failure> {
    viewer.must(Scope::Trigger)?;
    drop(watches::run(State(app), Extension(asked), Path(name.clone())).await?);
    Ok(Redirect::to(&format!("/watches/{}", encoded(&name))))
}

pub(super) async fn pause(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(name): Path<String>,
) -> Result<Redirect, Failure> {
    viewer.must(Scope::Admin)?;
    drop(watches::pause(State(app), Path(name)).await?);
    Ok(Redirect::to("/catalog"))
}

pub(super) async fn resume(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(name): Path<String>,
) -> Result<Redirect, Failure> {
    viewer.must(Scope::Admin)?;
    drop(watches::resume(State(app), Path(name)).await?);
    Ok(Redirect::to("/catalog"))
}
