//! Feeds: what goes where?

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use maud::{Markup, html};

use super::Shown;
use super::flow::{Flow, Node, picture};
use super::layout::page;
use super::session::Viewer;
use crate::http::App;
use crate::http::extract::Path;
use crate::http::feeds::{self, FeedInfo, FeedTable};

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
    let feed = feeds::show(State(app), Path(name)).await?.0;
    let body = html! {
        h1 { "Feed " (feed.name) }
        p { a href={ "/loads?feed=" (feed.name) } { "Loads" } " · " a href={ "/jobs?feed=" (feed.name) } { "Jobs" } }
        (picture(&flow(&feed)))
        dl.facts {
            dt { "Objects" } dd.long { (objects(&feed)) }
            dt { "Mode" } dd { (feed.mode) }
            @if !feed.key.is_empty() { dt { "Key" } dd.long { (feed.key.join(", ")) } }
            dt { "Hash" } dd.long { code { (feed.hash) } }
        }
        @for table in &feed.tables { (columns(table)) }
        @if let Some(text) = &feed.text { h2 { "File" } pre { (text) } }
    };
    Ok(page(&viewer, "/feeds", &format!("Feed {}", feed.name), body))
}

fn flow(feed: &FeedInfo) -> Flow {
    let node = |table: &FeedTable| Node {
        title: table.table.clone(),
        note: format!("{} columns", table.columns.len()),
        link: Some(format!("#{}", table.table)),
    };
    let mut tables: Vec<_> = feed.tables.iter().map(|table| (node(table), String::new())).collect();
    for (at, (_, rows)) in tables.iter_mut().enumerate() {
        *rows = if at == 0 { "one row each".to_owned() } else { "a row for each entry".to_owned() };
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
