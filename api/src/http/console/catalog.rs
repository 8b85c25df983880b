//! The catalog: what is in the buckets, and what changed?

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use maud::{Markup, html};
use pipeline::catalog::store::TableVersion;
use pipeline::infer::column::Column;
use serde::Deserialize;
use serde_json::Value;

use super::layout::{form, page};
use super::session::Viewer;
use super::text::{ago, bytes, count};
use super::{Failure, Shown, filters, watches};
use crate::http::App;
use crate::http::catalog::{self, CatalogTable, TableParams};
use crate::http::catalog_records;
use crate::http::catalog_versions::{self, TableVersionInfo};
use crate::http::crawler_runs;
use crate::http::crawlers::{self, encoded};
use crate::http::extract::{Path, Query};
use crate::http::page::Page;
use crate::http::tables::{self, RowParams, TableRows};
use crate::http::watches as watches_api;
use crate::jobs::Asked;
use crate::jobs::crawlers::{Crawler, CrawlerState};
use crate::keys::Scope;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    wanted: Page<TableParams>,
) -> Shown {
    let found = catalog::list(State(Arc::clone(&app)), wanted).await?.0;
    let crawlers = crawlers::list(State(Arc::clone(&app))).await?.0.crawlers;
    let watched = watches_api::list(State(app)).await?.0.watches;
    let body = html! {
        h1 { "Catalog" }
        @if found.tables.is_empty() { p.empty { "The catalog is empty. A crawler fills it, and so does the first load." } }
        @else { (table_list(&found.tables)) (filters::next_page("/catalog", &Default::default(), found.next_cursor.as_deref())) }
        h2 { "Watches" }
        @if watched.is_empty() { p.empty { "Nothing is watched. Make a watch with " code { "stevedore watch add" } "." } }
        @else { (watches::table(&viewer, &watched)) }
        h2 { "Crawlers" }
        @if crawlers.is_empty() { p.empty { "There is no crawler. Make one with " code { "POST /v1/crawlers" } "." } }
        @else { (crawlers_table(&viewer, &crawlers)) }
    };
    Ok(page(&viewer, "/catalog", "Catalog", body))
}

fn table_list(tables: &[CatalogTable]) -> Markup {
    let number =
        |number: Option<i64>| number.map(|number| count(number.unsigned_abs())).unwrap_or_default();
    html! {
        div.scroll tabindex="0" { table {
            thead { tr {
                th { "Table" } th { "Where" } th.number { "Columns" } th.number { "Objects" } th.number { "Records" }
                th.number { "Size" } th.number { "Version" } th { "Changed" } th { "Last seen" }
            } }
            tbody { @for table in tables { tr {
                td.long {
                    a href={ "/catalog/" (encoded(&table.name)) } { (table.database) "." (table.name) }
                    @if table.state != "active" { " " span.note { (table.state) } }
                }
                td.long { (table.location) }
                td.number { (table.columns.len()) } td.number { (number(table.objects)) }
                td.number { (number(table.records)) @if table.sampled { span.note { " of a sample" } } }
                td.number { @if let Some(size) = table.bytes { (bytes(size.unsigned_abs())) } }
                td.number { (table.version) } td { (ago(table.updated_at)) } td { (ago(table.crawled_at)) }
            } } }
        } }
    }
}

/// Crawlers, with what can be done with each.
pub(super) fn crawlers_table(viewer: &Viewer, crawlers: &[Crawler]) -> Markup {
    html! {
        div.scroll tabindex="0" { table data-live="crawlers" {
            thead { tr { th { "Crawler" } th { "State" } th { "Schedule (UTC)" } th { "Last run" } th { "Next" } th { "Why" } th { "Do" } } }
            tbody { @for crawler in crawlers { (crawler_row(viewer, crawler)) } }
        } }
    }
}

fn crawler_row(viewer: &Viewer, crawler: &Crawler) -> Markup {
    let last = crawler.last_run.as_ref();
    let may = viewer.may(Scope::Trigger) && crawler.state == CrawlerState::Ready;
    html! {
        tr {
            td.long { a href={ "/crawlers/" (encoded(&crawler.name)) } { (crawler.name) } }
            td { (crawler.state.as_str()) }
            td { @match &crawler.schedule { Some(schedule) => code { (schedule) }, None => "on request" } }
            td { @if let Some(at) = last.and_then(|run| run.finished_at) { (ago(at)) } }
            td { @if let Some(at) = crawler.next_run_at { (ago(at)) } }
            td.long { @if let Some(error) = last.and_then(|run| run.error.as_ref()) { code { (error.code) } " " (error.detail) } }
            td { @if may { (form(viewer, &format!("/crawlers/{}/runs", encoded(&crawler.name)), html! { button { "Run now" } })) } }
        }
    }
}

/// What else to show of a table.
#[derive(Debug, Deserialize)]
pub(super) struct ShowParams {
    /// Reads an object.
    #[serde(default)]
    records: bool,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(name): Path<String>,
    Query(ShowParams { records }): Query<ShowParams>,
) -> Shown {
    let found = catalog::find(&app, &name).await?;
    let more = match records {
        true => some_records(&app, &found).await?,
        false => history(&app, &found).await?,
    };
    let table = CatalogTable::from(found);
    let body = html! {
        h1 { "Table " (table.database) "." (table.name) }
        dl.facts {
            dt { "Where" } dd.long { (table.location) }
            @if let Some(url) = &table.url { dt { "URL" } dd.long { (url) } }
            dt { "Crawler" } dd { (table.crawler) }
            dt { "Last seen" } dd { (ago(table.crawled_at)) }
        }
        p {
            @let path = format!("/catalog/{}", encoded(&name));
            @if records { a href=(path) { "Show its versions" } }
            @else { a href={ (path) "?records=true" } { "Show some records" } }
        }
        h2 { "Columns" }
        (columns(&table.columns))
        (more)
    };
    Ok(page(&viewer, "/catalog", &format!("Table {name}"), body))
}

/// What is in a table: rows of a table of Postgres, or records of an object.
async fn some_records(app: &Arc<App>, found: &TableVersion) -> Result<Markup, Failure> {
    if found.table.classification == "postgres" {
        let name = found.table.name.clone();
        let wanted = Query(RowParams::default());
        let rows = tables::rows(State(Arc::clone(app)), Path(name), wanted).await?.0;
        return Ok(html! { h2 { "Some rows" } (rows_table(&rows)) });
    }
    let found = catalog_records::first(app, found).await?;
    Ok(html! {
        h2 { "First records of " span.long { (found.key) } }
        @for text in &found.records { pre { bdi { (text) } } }
    })
}

/// How a table has changed.
async fn history(app: &App, found: &TableVersion) -> Result<Markup, Failure> {
    let changes = catalog_versions::newest_changes(app, found).await?;
    let versions = catalog_versions::versions_of(app, found).await?;
    Ok(html! {
        @if !changes.is_empty() { h2 { "Changed with version " (found.version) } (changed(&changes)) }
        h2 { "Versions" }
        (versions_table(&versions))
    })
}

fn columns(columns: &[Column]) -> Markup {
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "Column" } th { "Type" } th { "Nulls" } th.number { "Distinct" } th { "Least" } th { "Greatest" } } }
            tbody { @for column in columns { tr {
                td.long { code { (column.name) } } td.long { code { (column.data_type) } }
                td { @if column.nullable { "seen" } @else { "none" } }
                td.number { @if let Some(distinct) = column.distinct { (count(distinct)) } }
                td.long { bdi { (column.min.as_deref().unwrap_or_default()) } }
                td.long { bdi { (column.max.as_deref().unwrap_or_default()) } }
            } } }
        } }
    }
}

fn rows_table(rows: &TableRows) -> Markup {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { @for column in &rows.columns { th { (column.name) } } } }
            tbody { @for row in &rows.rows { tr { @for value in row { td { bdi { (text(value)) } } } } } }
        } }
    }
}

fn changed(changes: &[Value]) -> Markup {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let changed = |change: &Value| match change["change"].as_str() {
        Some("added") => format!("new, {}", word(&change["data_type"])),
        Some("removed") => "gone".to_owned(),
        Some("type_changed") => format!("{} → {}", word(&change["from"]), word(&change["to"])),
        _ if change["nullable"] == true => "has nulls now".to_owned(),
        _ => "has no nulls any more".to_owned(),
    };
    html! {
        ul { @for change in changes { li { code { (word(&change["name"])) } ": " (changed(change)) } } }
    }
}

fn versions_table(versions: &[TableVersionInfo]) -> Markup {
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th.number { "Version" } th.number { "Columns" } th { "Crawler" } th { "Made" } } }
            tbody { @for version in versions { tr {
                td.number { (version.version) } td.number { (version.columns) } td { (version.crawler) } td { (ago(version.created_at)) }
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
    let crawler = crawler_runs::run(State(app), Extension(asked), Path(name)).await?.2.0.crawler;
    Ok(Redirect::to(&format!("/crawlers/{}", encoded(&crawler))))
}
