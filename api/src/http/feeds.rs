//! `/v1/feeds`: the feeds that the server has.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use pipeline::feed::{Feed, TablePlan};
use pipeline::preflight::add_catalog;
use pipeline::sink::{TableDifference, compare};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::extract::Path;
use super::problem::{Guarded, Missing, Problem, Unavailable};

/// A feed of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeedInfo {
    /// Its name
    pub(super) name: String,
    /// The hash of its text, as jobs and loads have it
    pub(super) hash: String,
    /// Patterns of the keys of the objects that it is for; empty if it does not say which
    pub(super) objects: Vec<String>,
    /// The mode that its loads have unless they ask for another one: `auto`, `merge` or `append`
    pub(super) mode: String,
    /// Columns of the root table that identify a row
    pub(super) key: Vec<String>,
    /// Its tables: first the root table, then the child tables, last the rejects table
    pub(super) tables: Vec<FeedTable>,
    /// The text of its file; only when one feed is shown
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
}

/// A table of a feed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeedTable {
    /// Its name, as the feed has it
    pub(super) table: String,
    /// Its columns, in the order of a new table
    pub(super) columns: Vec<FeedColumn>,
}

/// A column of a table of a feed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeedColumn {
    /// Its name
    pub(super) name: String,
    /// Its type, as the feed has it and as a new table gets it
    pub(super) data_type: String,
    /// Whether a row may have no value for it
    pub(super) nullable: bool,
}

/// The feeds of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeedList {
    /// In order of their names, without their texts
    pub(super) feeds: Vec<FeedInfo>,
}

/// A feed beside the database and the catalog.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeedDifferences {
    /// The table of the catalog that was compared; none if no table has the feed's objects
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) catalog: Option<String>,
    /// The tables of the feed as `stevedore feed diff --json` prints them: with what each column is declared to be,
    /// what the catalog has seen, what the database has, and what would make them fit
    #[schema(value_type = Vec<Object>)]
    pub(super) tables: Vec<TableDifference>,
}

impl FeedInfo {
    fn of(feed: &Feed) -> Self {
        Self {
            name: feed.name.clone(),
            hash: feed.hash.clone(),
            objects: feed.objects.patterns().to_vec(),
            mode: feed.mode.to_string(),
            key: feed.key.iter().map(|column| column.as_str().to_owned()).collect(),
            tables: feed.plan.tables.iter().map(FeedTable::of).collect(),
            text: None,
        }
    }
}

impl FeedTable {
    fn of(table: &TablePlan) -> Self {
        let columns = table.columns.iter().map(|column| FeedColumn {
            name: column.name.as_str().to_owned(),
            data_type: column.data_type.to_string(),
            nullable: column.nullable,
        });
        Self { table: table.name.plain(), columns: columns.collect() }
    }
}

/// List the feeds
///
/// The feeds that the server read when it started. Workers read their own.
#[utoipa::path(
    get,
    path = "/v1/feeds",
    operation_id = "list_feeds",
    tag = "feeds",
    responses((status = 200, description = "The feeds", body = FeedList), Guarded),
)]
pub(super) async fn list(State(app): State<Arc<App>>) -> Json<FeedList> {
    Json(FeedList { feeds: app.feeds.iter().map(|feed| FeedInfo::of(feed)).collect() })
}

/// Show a feed
///
/// With the text of its file.
#[utoipa::path(
    get,
    path = "/v1/feeds/{name}",
    operation_id = "show_feed",
    tag = "feeds",
    params(("name" = String, Path, description = "The feed")),
    responses((status = 200, description = "The feed", body = FeedInfo), Guarded, Missing),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<FeedInfo>, Problem> {
    let feed = find(&app, &name)?;
    Ok(Json(FeedInfo { text: Some(feed.text.clone()), ..FeedInfo::of(feed) }))
}

fn find<'a>(app: &'a App, name: &str) -> Result<&'a Arc<Feed>, Problem> {
    let missing = |_| Problem::not_found("feed_not_found", format!("there is no feed {name}"));
    app.feeds.get(name).map_err(missing)
}

/// Compare a feed with the database and the catalog
///
/// What `stevedore feed diff` prints: its tables as the feed declares them, as the database has them, and what the
/// catalog has seen.
#[utoipa::path(
    get,
    path = "/v1/feeds/{name}/differences",
    operation_id = "compare_feed",
    tag = "feeds",
    params(("name" = String, Path, description = "The feed")),
    responses(
        (status = 200, description = "The feed beside them", body = FeedDifferences),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn differences(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<FeedDifferences>, Problem> {
    let feed = find(&app, &name)?;
    let client = app.store.client().await?;
    let mut tables = compare(&**client, feed, feed.mode).await?;
    let catalog = add_catalog(&**client, feed, None, &mut tables).await?;
    Ok(Json(FeedDifferences { catalog, tables }))
}
