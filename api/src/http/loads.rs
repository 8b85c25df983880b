//! `/v1/loads`: the ledger.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::{Json as Jsonb, ToSql};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::App;
use super::answers::Entries;
use super::extract::{Path, Query, check_instant, check_text};
use super::page::{limit, page, place};
use super::problem::{Guarded, Missing, Problem, Unavailable, WrongParameter};
use crate::jobs::StoreError;

/// State of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LoadState {
    /// Its rows were committed with this entry.
    Loaded,
    /// Nothing was written.
    Failed,
    /// It is loaded in parts, and some are not committed yet. It is running, or loading the object again
    /// continues it.
    Loading,
}

impl LoadState {
    const ALL: [Self; 3] = [Self::Loaded, Self::Failed, Self::Loading];

    /// The word for the state, as the ledger has it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Failed => "failed",
            Self::Loading => "loading",
        }
    }
}

/// What a load did to one table. All counts but `deleted` add up to `rows`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct LoadTable {
    /// The table, as the feed names it
    table: String,
    /// Rows that the load had for it
    rows: u64,
    /// New rows
    inserted: u64,
    /// Existing rows that were replaced, in merge mode
    updated: u64,
    /// Rows that were there already, except for metadata columns, and were left alone, in merge mode
    unchanged: u64,
    /// Records for which a newer one existed, in merge mode
    superseded: u64,
    /// Existing rows that were removed
    deleted: u64,
}

/// A load as the ledger has it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Load {
    /// The load's number
    load_id: i64,
    /// The feed
    feed: String,
    /// The configured bucket, or the place of the object for `stevedore load`
    bucket: String,
    /// The object's key
    key: String,
    /// The version of the object that was read
    version: String,
    /// State of the load
    state: LoadState,
    /// The mode that was used: `merge` or `append`; `auto` of a load that failed before its tables had
    /// chosen one
    mode: String,
    /// Whether it was loaded again on purpose
    reload: bool,
    /// Format of the records
    format: Option<String>,
    /// Compression of the object
    compression: Option<String>,
    /// The size of the object in bytes, as stored
    bytes: i64,
    /// Records that were read
    records: Option<i64>,
    /// Records that were loaded
    loaded: Option<i64>,
    /// Records that were rejected
    rejected: Option<i64>,
    /// What happened to the rows of each table, in the order of the feed's tables. Empty if the load failed
    /// or is not complete
    tables: Vec<LoadTable>,
    /// Rejected records, counted by reason
    #[schema(value_type = Option<Object>)]
    rejected_by_reason: Option<Value>,
    /// Keys that the feed does not have, counted by name
    #[schema(value_type = Option<Object>)]
    unknown_fields: Option<Value>,
    /// When it began
    started_at: DateTime<Utc>,
    /// When it ended
    finished_at: Option<DateTime<Utc>>,
    /// Duration in seconds
    seconds: Option<f64>,
    /// Number of parts, if it is loaded in parts
    parts: Option<i64>,
    /// Number of committed parts
    parts_committed: Option<i64>,
    /// Error code, if it failed
    error_code: Option<String>,
    /// The job that asked for it
    job_id: Option<Uuid>,
}

/// Which loads to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadParams {
    /// Only loads in this state
    state: Option<LoadState>,
    /// Only loads from this bucket
    bucket: Option<String>,
    /// Only loads of the object with this key
    key: Option<String>,
    /// Only loads that began at this time or later
    since: Option<DateTime<Utc>>,
    /// Only loads that began before this time
    until: Option<DateTime<Utc>>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
    /// Loads on a page
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

/// A page of loads, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoadPage {
    /// The loads of the page
    loads: Vec<Load>,
    /// The `cursor` of the next page; absent on the last page
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List loads
///
/// The ledger, newest first. A page ends at 1 MiB, so it may have fewer loads than `limit`.
#[utoipa::path(
    get,
    path = "/v1/loads",
    operation_id = "list_loads",
    tag = "ledger",
    params(LoadParams),
    responses(
        (status = 200, description = "A page of the ledger", body = LoadPage),
        Guarded,
        WrongParameter,
        Unavailable
    ),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Query(params): Query<LoadParams>,
) -> Result<Json<LoadPage>, Problem> {
    check_text("bucket", params.bucket.as_deref())?;
    check_text("key", params.key.as_deref())?;
    check_instant("since", params.since)?;
    check_instant("until", params.until)?;
    let limit = limit(params.limit)?;
    let before: Option<i64> = place(params.cursor.as_deref())?;
    let loads = read(&app, None, &params, before, limit).await?;
    let (loads, next_cursor) = page(loads, |load| load.load_id);
    Ok(Json(LoadPage { loads, next_cursor }))
}

/// Show a load
///
/// One entry of the ledger.
#[utoipa::path(
    get,
    path = "/v1/loads/{load_id}",
    operation_id = "show_load",
    tag = "ledger",
    params(("load_id" = i64, Path, description = "The load's number")),
    responses(
        (status = 200, description = "The load", body = Load),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(load_id): Path<i64>,
) -> Result<Json<Load>, Problem> {
    let all = LoadParams {
        state: None,
        bucket: None,
        key: None,
        since: None,
        until: None,
        cursor: None,
        limit: None,
    };
    let found = read(&app, Some(load_id), &all, None, 1).await?.finish().0.pop();
    let missing = || Problem::not_found("load_not_found", format!("there is no load {load_id}"));
    found.map(Json).ok_or_else(missing)
}

async fn read(
    app: &App,
    load_id: Option<i64>,
    params: &LoadParams,
    before: Option<i64>,
    limit: i64,
) -> Result<Entries<Load>, StoreError> {
    let sql = include_str!("../../../sql/queries/loads.sql");
    let state = params.state.map(LoadState::as_str);
    let LoadParams { bucket, key, since, until, .. } = params;
    // One more than the page has tells whether there are more.
    let found = limit + 1;
    let params: [&(dyn ToSql + Sync); 8] =
        [&load_id, &state, bucket, key, since, until, &before, &found];
    let mut loads = Entries::new(limit as usize);
    app.store.each("read the ledger", sql, &params, |row| loads.add(row.into())).await?;
    Ok(loads)
}

impl From<&Row> for Load {
    fn from(row: &Row) -> Self {
        let json = |column| row.get::<_, Option<Jsonb<Value>>>(column).map(|Jsonb(value)| value);
        let word: &str = row.get("state");
        let state = LoadState::ALL.into_iter().find(|state| state.as_str() == word);
        Self {
            load_id: row.get("load_id"),
            feed: row.get("feed"),
            bucket: row.get("bucket"),
            key: row.get("key"),
            version: row.get("version"),
            state: state.unwrap_or(LoadState::Failed),
            mode: row.get("mode"),
            reload: row.get("reload"),
            format: row.get("format"),
            compression: row.get("compression"),
            bytes: row.get("bytes"),
            records: row.get("records"),
            loaded: row.get("loaded"),
            rejected: row.get("rejected"),
            tables: row.get::<_, Jsonb<Vec<LoadTable>>>("tables").0,
            rejected_by_reason: json("rejected_by_reason"),
            unknown_fields: json("unknown_fields"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
            seconds: row.get("seconds"),
            parts: row.get("parts"),
            parts_committed: row.get("parts_committed"),
            error_code: row.get("error_code"),
            job_id: row.get("job_id"),
        }
    }
}
