//! The first page: is anything stuck or failing?

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::chart::{Bar, bars};
use super::jobs::{progress, target};
use super::layout::page;
use super::session::Viewer;
use super::text::{ago, count};
use super::{Shown, rejects};
use crate::http::App;
use crate::jobs::{OpenRejects, StoreError, database_failed};
use crate::wire::Job;

/// Where counts end.
const MOST: u64 = 2000;
/// Where the counts of an hour end.
const MOST_AN_HOUR: u64 = 500;

/// What is there now.
struct Now {
    queued: Queued,
    workers: Workers,
    failed: Vec<Failed>,
    hours: Vec<Hour>,
    running: Vec<Job>,
    open: Vec<OpenRejects>,
}

#[derive(Debug, Default, Deserialize)]
struct Queued {
    jobs: u64,
    oldest: Option<DateTime<Utc>>,
}

#[derive(Debug, Default, Deserialize)]
struct Workers {
    alive: u64,
    silent: u64,
}

#[derive(Debug, Deserialize)]
struct Failed {
    code: String,
    jobs: u64,
    last: Option<DateTime<Utc>>,
}

/// Jobs that were accepted in an hour, and have ended.
#[derive(Debug, Deserialize)]
struct Hour {
    hour: DateTime<Utc>,
    succeeded: u64,
    failed: u64,
}

#[derive(Debug, Deserialize)]
struct Running {
    job_id: Uuid,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
) -> Shown {
    let now = read(&app).await?;
    let body = html! {
        h1 { "Now" }
        div data-live="now" {
            div.cards { (queue_card(&now.queued, &now.workers)) (workers_card(&now.workers)) (failed_card(&now.failed)) (open_card(&now.open)) }
            h2 { "The last 24 hours" }
            (chart(&now.hours))
            div.columns {
                (running(&now.running)) (failures(&now.failed))
                section { (rejects::groups(&now.open)) }
            }
        }
    };
    Ok(page(&viewer, "/", "Now", body))
}

async fn read(app: &App) -> Result<Now, StoreError> {
    let sql = include_str!("../../../../sql/queries/now.sql");
    let row = app.store.client().await?.query_one(sql, &[]).await;
    let row = row.map_err(database_failed("read what is there now"))?;
    let ids: Vec<Uuid> =
        part::<Vec<Running>>(&row, "running").iter().map(|job| job.job_id).collect();
    Ok(Now {
        queued: part(&row, "queued"),
        workers: part(&row, "workers"),
        failed: part(&row, "failed"),
        hours: part(&row, "hours"),
        open: app.store.open_rejects().await?,
        running: if ids.is_empty() { Vec::new() } else { app.store.some(&ids).await? },
    })
}

fn part<T: DeserializeOwned + Default>(row: &Row, column: &str) -> T {
    row.try_get::<_, Json<T>>(column).map(|Json(part)| part).unwrap_or_default()
}

/// Jobs by the hour.
fn chart(hours: &[Hour]) -> Markup {
    let shown = |number: u64| match number < MOST_AN_HOUR {
        true => count(number),
        false => format!("at least {}", count(MOST_AN_HOUR)),
    };
    let bar = |hour: &Hour| Bar {
        label: hour.hour.format("%H:00").to_string(),
        title: format!(
            "{}: {} succeeded, {} failed",
            hour.hour.format("%H:00 UTC"),
            shown(hour.succeeded),
            shown(hour.failed)
        ),
        succeeded: hour.succeeded,
        failed: hour.failed,
    };
    let sum = |of: fn(&Hour) -> u64| {
        let is_cut = hours.iter().any(|hour| of(hour) >= MOST_AN_HOUR);
        let all = count(hours.iter().map(of).sum());
        if is_cut { format!("at least {all}") } else { all }
    };
    let (succeeded, failed) = (sum(|hour| hour.succeeded), sum(|hour| hour.failed));
    let summary =
        format!("Jobs of the last 24 hours: {succeeded} succeeded, {failed} failed (hours in UTC)");
    bars(&hours.iter().map(bar).collect::<Vec<_>>(), 6, &summary)
}

fn queue_card(queued: &Queued, workers: &Workers) -> Markup {
    let waits = |at: DateTime<Utc>| (Utc::now() - at).num_seconds() > 60;
    let is_stuck = queued.oldest.is_some_and(waits) && workers.alive == 0;
    html! {
        section.card.bad[is_stuck] {
            h2 { a href="/jobs?state=queued" { "Waiting jobs" } }
            p.figure { (count(queued.jobs)) @if queued.jobs >= MOST { " or more" } }
            p { @match queued.oldest { Some(at) => { "the oldest was accepted " (ago(at)) } None => { "nothing waits" } } }
            @if is_stuck { p { "No worker is alive: nothing will be loaded." } }
        }
    }
}

fn workers_card(workers: &Workers) -> Markup {
    html! {
        section.card.bad[workers.alive == 0 || workers.silent > 0] {
            h2 { "Workers" }
            p.figure { (count(workers.alive)) }
            p { @if workers.silent > 0 { (count(workers.silent)) " silent" } @else { "all are alive" } }
        }
    }
}

fn failed_card(failed: &[Failed]) -> Markup {
    let all: u64 = failed.iter().map(|failed| failed.jobs).sum();
    html! {
        section.card.bad[all > 0] {
            h2 { a href="/jobs?state=failed" { "Failed in 24 hours" } }
            p.figure { (count(all)) @if all >= MOST { " or more" } }
            p { @match failed.iter().filter_map(|failed| failed.last).max() {
                Some(at) => { "the last one " (ago(at)) } None => { "no job has failed" }
            } }
        }
    }
}

fn open_card(open: &[OpenRejects]) -> Markup {
    let all: u64 = open.iter().map(|group| group.rejects).sum();
    html! {
        section.card.bad[all > 0] {
            h2 { a href="/rejects?state=open" { "Open rejects" } }
            p.figure { (count(all)) }
            p { @if all > 0 { "neither replayed nor ignored" } @else { "no reject is open" } }
        }
    }
}

fn running(jobs: &[Job]) -> Markup {
    html! {
        section {
            h2 { "Running" }
            @if jobs.is_empty() { p.empty { "Nothing runs." } }
            @else { ul.plain { @for job in jobs {
                li { a.long href={ "/jobs/" (job.job_id) } { (target(job)) } " " (progress(job)) }
            } } }
        }
    }
}

fn failures(failed: &[Failed]) -> Markup {
    html! {
        section {
            h2 { "Failures of 24 hours by code" }
            @if failed.is_empty() { p.empty { "None." } }
            @else { table {
                thead { tr { th { "Code" } th.number { "Jobs" } th { "Last" } } }
                tbody { @for failed in failed { tr {
                    td { a href={ "/jobs?state=failed&error_code=" (failed.code) } { code { (failed.code) } } }
                    td.number { (count(failed.jobs)) }
                    td { @if let Some(at) = failed.last { (ago(at)) } }
                } } }
            } }
        }
    }
}
