//! Feeds: what goes where?

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use chrono::NaiveDate;
use maud::{Markup, html};
use pipeline::sink::TableDifference;
use tokio_postgres::Row;

use super::Shown;
use super::chart::{Bar, bars};
use super::flow::{Flow, Node, picture};
use super::layout::page;
use super::session::Viewer;
use super::text::count;
use crate::http::App;
use crate::http::extract::Path;
use crate::http::feeds::{self, FeedDifferences, FeedInfo, FeedTable};
use crate::jobs::{StoreError, database_failed};

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
) -> Shown {
    let found = feeds::list(State(app)).await.0.feeds;
    let body = html! {
        h1 { "Feeds" }
        div.scroll tabindex="0" { table {
            thead { tr { th { "Feed" } th { "Objects" } th { "Mode" } th { "Key" } th { "Tables" } } }
            tbody { @for feed in &found { tr {
                td { a href={ "/feeds/" (feed.name) } { (feed.name) } }
                td.long { (objects(feed)) }
                td { (feed.mode) }
                td.long { (feed.key.join(", ")) }
                td.long { (feed.tables.iter().map(|table| table.table.as_str()).collect::<Vec<_>>().join(", ")) }
            } } }
        } }
    };
    Ok(page(&viewer, "/feeds", "Feeds", body))
}

fn objects(feed: &FeedInfo) -> String {
    if feed.objects.is_empty() { "all".to_owned() } else { feed.objects.join(", ") }
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(name): Path<String>,
) -> Shown {
    let feed = feeds::show(State(Arc::clone(&app)), Path(name)).await?.0;
    let days = days(&app, &feed.name).await?;
    let body = html! {
        h1 { "Feed " (feed.name) }
        p { a href={ "/loads?feed=" (feed.name) } { "Loads" } " · " a href={ "/jobs?feed=" (feed.name) } { "Jobs" } " · "
            a href={ "/feeds/" (feed.name) "/differences" } { "Compare with the database and the catalog" } }
        (picture(&flow(&feed)))
        dl.facts {
            dt { "Objects" } dd.long { (objects(&feed)) }
            dt { "Mode" } dd { (feed.mode) }
            @if !feed.key.is_empty() { dt { "Key" } dd.long { (feed.key.join(", ")) } }
            dt { "Hash" } dd.long { code { (feed.hash) } }
        }
        h2 { "Loads by day" }
        (chart(&days))
        @for table in &feed.tables { (columns(table)) }
        @if let Some(text) = &feed.text { h2 { "File" } pre { (text) } }
    };
    Ok(page(&viewer, "/feeds", &format!("Feed {}", feed.name), body))
}

/// The loads of a day.
struct Day {
    day: NaiveDate,
    loaded: u64,
    failed: u64,
    records: u64,
    rejected: u64,
}

impl From<&Row> for Day {
    fn from(row: &Row) -> Self {
        let number = |column: &str| row.get::<_, i64>(column).unsigned_abs();
        Self {
            day: row.get("day"),
            loaded: number("loaded"),
            failed: number("failed"),
            records: number("records"),
            rejected: number("rejected"),
        }
    }
}

/// The loads of the last four weeks.
async fn days(app: &App, feed: &str) -> Result<Vec<Day>, StoreError> {
    let sql = include_str!("../../../../sql/queries/loads_by_day.sql");
    let rows = app.store.client().await?.query(sql, &[&feed]).await;
    let rows = rows.map_err(database_failed("read the loads of a feed by day"))?;
    Ok(rows.iter().map(Day::from).collect())
}

fn chart(days: &[Day]) -> Markup {
    let sum = |of: fn(&Day) -> u64| count(days.iter().map(of).sum());
    let summary = format!(
        "The last 28 days: {} loads of {} records, {} of them rejected; {} loads failed (days in UTC, the newest 10,000 loads)",
        sum(|day| day.loaded),
        sum(|day| day.records),
        sum(|day| day.rejected),
        sum(|day| day.failed)
    );
    let bar = |day: &Day| Bar {
        label: day.day.format("%b %-d").to_string(),
        title: format!(
            "{}: {} loads of {} records, {} rejected, {} loads failed",
            day.day,
            count(day.loaded),
            count(day.records),
            count(day.rejected),
            count(day.failed)
        ),
        succeeded: day.loaded,
        failed: day.failed,
    };
    bars(&days.iter().map(bar).collect::<Vec<_>>(), 7, &summary)
}

/// A feed beside the database and the catalog.
pub(super) async fn differences(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(name): Path<String>,
) -> Shown {
    let FeedDifferences { catalog, tables } =
        feeds::differences(State(app), Path(name.clone())).await?.0;
    let body = html! {
        h1 { "What differs from the feed " a href={ "/feeds/" (name) } { (name) } }
        p { @match &catalog {
            Some(table) => { "Compared with the table " (table) " of the catalog, and with the database." }
            None => "The catalog has no table of its objects: compared with the database.",
        } }
        @for table in &tables { (difference(table, catalog.is_some())) }
    };
    Ok(page(&viewer, "/feeds", &format!("Feed {name}: what differs"), body))
}

fn difference(table: &TableDifference, is_crawled: bool) -> Markup {
    let state = match (table.exists, table.fits(), &table.problem) {
        (false, ..) => "the database does not have it yet",
        (_, true, _) => "it fits",
        (_, _, Some(problem)) => problem,
        (_, _, None) => "it does not fit",
    };
    let or_none = |text: &Option<String>| html! { @match text { Some(text) => code { (text) }, None => "–" } };
    html! {
        h2 { (table.table) }
        p { (state) }
        div.scroll tabindex="0" { table {
            thead { tr { th { "Column" } th { "The feed declares" } @if is_crawled { th { "The catalog has seen" } } th { "The database has" } th { "Problem" } } }
            tbody { @for column in &table.columns { tr {
                td.long { code { (column.column) } }
                td { (or_none(&column.feed)) }
                @if is_crawled { td { (or_none(&column.catalog)) } }
                td { (or_none(&column.database)) }
                td.long { @if let Some(problem) = &column.problem { span.error { (problem) } } }
            } } }
        } }
        @for change in &table.changes {
            p { @if change.by_migrate { code { "stevedore migrate" } " does this:" } @else { "This is left to you, since it concerns rows that are there:" } }
            pre { (change.sql) }
        }
        @for edit in &table.edits {
            p { "To load all that the catalog has seen, edit the feed file at the table " code { (edit.table) } ":" }
            pre { (edit.feed) }
            @if let Some(sql) = &edit.sql { p { "Then change the table:" } pre { (sql) } }
        }
    }
}

fn flow(feed: &FeedInfo) -> Flow {
    let node = |table: &FeedTable| Node {
        title: table.table.clone(),
        note: format!("{} columns", table.columns.len()),
        link: Some(format!("#{}", table.table)),
    };
    let mut tables: Vec<_> = feed.tables.iter().map(|table| (node(table), String::new())).collect();
    for (at, (_, rows)) in tables.iter_mut().enumerate() {
        *rows = if at == 0 { "one row each".to_owned() } else { "a row per entry".to_owned() };
    }
    let rejects = tables.pop().unwrap_or_else(|| {
        (Node { title: "rejects".to_owned(), note: String::new(), link: None }, String::new())
    });
    let plain = |title: &str, note: &str| Node {
        title: title.to_owned(),
        note: note.to_owned(),
        link: None,
    };
    Flow {
        source: plain(&objects(feed), "objects"),
        valid: plain("valid", &format!("mode {}", feed.mode)),
        rejected: plain("rejected", "with text, place and reason"),
        tables,
        rejects: (rejects.0, "one row each".to_owned()),
        records: (String::new(), String::new()),
    }
}

fn columns(table: &FeedTable) -> Markup {
    html! {
        h2 id=(table.table) { (table.table) }
        div.scroll tabindex="0" { table {
            thead { tr { th { "Column" } th { "Type" } th { "Nulls" } } }
            tbody { @for column in &table.columns { tr {
                td.long { code { (column.name) } } td { code { (column.data_type) } }
                td { @if column.nullable { "allowed" } @else { "not allowed" } }
            } } }
        } }
    }
}
