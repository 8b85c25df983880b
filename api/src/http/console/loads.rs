//! Loads, and one load: is every record accounted for?

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use maud::{Markup, html};
use serde_json::Value;

use super::flow::{Flow, Node, picture};
use super::layout::page;
use super::session::Viewer;
use super::text::{ago, bytes, count, duration};
use super::{Shown, filters};
use crate::http::App;
use crate::http::extract::Path;
use crate::http::loads::{self, LoadParams};
use crate::http::page::Page;
use crate::wire::{Load, LoadState, LoadTable};

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Query(filter): Query<BTreeMap<String, String>>,
    wanted: Page<LoadParams>,
) -> Shown {
    let feeds: Vec<_> = app.feeds.iter().map(|feed| feed.name.clone()).collect();
    let feeds: Vec<_> = feeds.iter().map(String::as_str).collect();
    let found = loads::list(State(app), wanted).await?.0;
    let fields = html! {
        (filters::choice(&filter, "state", "State", &LoadState::ALL.map(LoadState::as_str)))
        (filters::choice(&filter, "feed", "Feed", &feeds))
        (filters::text(&filter, "bucket", "Bucket"))
        (filters::text(&filter, "key", "Key"))
    };
    let body = html! {
        h1 { "Loads" }
        (filters::form("/loads", fields))
        @if found.loads.is_empty() { p.empty { "No load matches. " a href="/loads" { "Show all" } } }
        @else {
            (table(&found.loads))
            (filters::next_page("/loads", &filter, found.next_cursor.as_deref()))
        }
    };
    Ok(page(&viewer, "/loads", "Loads", body))
}

fn table(loads: &[Load]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table data-live="loads" {
                thead { tr {
                    th.number { "Load" } th { "State" } th { "Object" } th { "Feed" } th { "Mode" } th.number { "Records" }
                    th.number { "Rejected" } th.number { "Size" } th.number { "Took" } th { "Began" }
                } }
                tbody { @for load in loads { tr {
                    td.number { a href={ "/loads/" (load.load_id) } { (load.load_id) } }
                    td { (state(load)) }
                    td.long { (object(load)) }
                    td { (load.feed) } td { (load.mode) }
                    td.number { (number(load.records)) } td.number { (number(load.rejected)) }
                    td.number { (bytes(load.bytes.unsigned_abs())) }
                    td.number { @if let Some(seconds) = load.seconds { (duration(seconds)) } }
                    td { (ago(load.started_at)) }
                } } }
            }
        }
    }
}

fn state(load: &Load) -> Markup {
    html! {
        span class={ "state " (load.state.as_str()) } { (load.state.as_str()) }
        @if let Some(code) = &load.error_code { " " code { (code) } }
    }
}

fn object(load: &Load) -> String {
    format!("{}/{}", load.bucket, load.key)
}

fn number(number: Option<i64>) -> String {
    number.map(|number| count(number.unsigned_abs())).unwrap_or_default()
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(load_id): Path<i64>,
) -> Shown {
    let load = loads::show(State(Arc::clone(&app)), Path(load_id)).await?.0;
    let body = html! {
        h1 { "Load " (load.load_id) }
        (balance(&load))
        @if load.state == LoadState::Loaded { (picture(&flow(&load))) (tables(&load.tables)) }
        div.columns {
            (counted("Rejected by reason", load.rejected_by_reason.as_ref(), |reason| {
                format!("/rejects?load_id={}&reason={reason}", load.load_id)
            }))
            (counted("Unknown fields", load.unknown_fields.as_ref(), |_| String::new()))
        }
        h2 { "About" }
        (facts(&load))
    };
    Ok(page(&viewer, "/loads", &format!("Load {load_id}"), body))
}

/// Whether read = loaded + rejected, in words.
fn balance(load: &Load) -> Markup {
    let (records, loaded, rejected) = (load.records, load.loaded, load.rejected);
    html! {
        p.balance {
            (state(load)) ". "
            @match (records, loaded, rejected) {
                (Some(records), Some(loaded), Some(rejected)) if records == loaded + rejected => {
                    "Every record is accounted for: " strong { (number(Some(records))) " read" } " = "
                    (number(Some(loaded))) " loaded + " (number(Some(rejected))) " rejected."
                }
                _ if load.state == LoadState::Failed => { "Nothing was written." }
                _ => {
                    (load.parts_committed.unwrap_or_default()) " of " (load.parts.unwrap_or_default())
                    " parts are committed. Load the object again to continue."
                }
            }
        }
    }
}

fn flow(load: &Load) -> Flow {
    let rejected = number(load.rejected);
    let node =
        |table: &LoadTable| Node { title: table.table.clone(), note: kinds(table), link: None };
    let mut tables: Vec<_> = load
        .tables
        .iter()
        .map(|table| (node(table), format!("{} rows", count(table.rows))))
        .collect();
    let rejects = tables.pop().unwrap_or_else(|| {
        (Node { title: "rejects".to_owned(), note: String::new(), link: None }, String::new())
    });
    let link = format!("/rejects?load_id={}", load.load_id);
    Flow {
        source: Node {
            title: load.key.rsplit('/').next().unwrap_or_default().to_owned(),
            note: format!("{} records, {}", number(load.records), bytes(load.bytes.unsigned_abs())),
            link: None,
        },
        valid: Node {
            title: "valid".to_owned(),
            note: format!("feed {}", load.feed),
            link: Some(format!("/feeds/{}", load.feed)),
        },
        rejected: Node {
            title: "rejected".to_owned(),
            note: String::new(),
            link: Some(link.clone()),
        },
        tables,
        rejects: (Node { link: Some(link), ..rejects.0 }, rejects.1),
        records: (number(load.loaded), rejected),
    }
}

/// What became of the rows of a table.
fn kinds(table: &LoadTable) -> String {
    let kinds = [
        (table.inserted, "new"),
        (table.updated, "updated"),
        (table.unchanged, "unchanged"),
        (table.superseded, "superseded"),
        (table.deleted, "removed"),
    ];
    let kinds = kinds.into_iter().filter(|(rows, _)| *rows > 0);
    kinds.map(|(rows, kind)| format!("{} {kind}", count(rows))).collect::<Vec<_>>().join(", ")
}

fn tables(tables: &[LoadTable]) -> Markup {
    html! {
        h2 { "Tables" }
        div.scroll tabindex="0" {
            table {
                thead { tr {
                    th { "Table" } th.number { "Rows" } th.number { "Inserted" } th.number { "Updated" }
                    th.number { "Unchanged" } th.number { "Superseded" } th.number { "Deleted" }
                } }
                tbody { @for table in tables { tr {
                    td.long { (table.table) }
                    @for rows in [table.rows, table.inserted, table.updated, table.unchanged, table.superseded, table.deleted] {
                        td.number { (count(rows)) }
                    }
                } } }
            }
        }
    }
}

/// Names with their counts, greatest first.
fn counted(title: &str, counts: Option<&Value>, link: impl Fn(&str) -> String) -> Markup {
    let counts = counts.and_then(Value::as_object);
    let mut counts: Vec<_> = counts
        .into_iter()
        .flatten()
        .filter_map(|(name, count)| Some((name, count.as_u64()?)))
        .collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    html! {
        section {
            h2 { (title) }
            @if counts.is_empty() { p.empty { "None." } } @else { table { tbody { @for (name, number) in counts { tr {
                @let link = link(name);
                td.long { @if link.is_empty() { code { (name) } } @else { a href=(link) { code { (name) } } } }
                td.number { (count(number)) }
            } } } } }
        }
    }
}

fn facts(load: &Load) -> Markup {
    html! {
        dl.facts {
            dt { "Object" } dd.long { (object(load)) }
            dt { "Version" } dd.long { code { (load.version) } }
            dt { "Feed" } dd { a href={ "/feeds/" (load.feed) } { (load.feed) } }
            dt { "Mode" } dd { (load.mode) }
            @if let Some(format) = &load.format { dt { "Format" } dd { (format) @if let Some(it) = &load.compression { ", " (it) } } }
            dt { "Size" } dd { (bytes(load.bytes.unsigned_abs())) }
            dt { "Began" } dd { (ago(load.started_at)) }
            @if let Some(seconds) = load.seconds { dt { "Took" } dd { (duration(seconds)) } }
            @if load.reload { dt { "Reload" } dd { "loaded again on purpose" } }
            @if let Some(job_id) = load.job_id { dt { "Job" } dd.long { a href={ "/jobs/" (job_id) } { code { (job_id) } } } }
        }
    }
}
