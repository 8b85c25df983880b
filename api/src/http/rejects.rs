//! `/v1/rejects`: records that were rejected, with their text, place and reason.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use pipeline::feed::{Reason, Source, TablePlan};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::answers::Entries;
use super::extract::check_text;
use super::page::{Filter, Page, finish};
use super::problem::{Guarded, Problem, Unavailable, WrongParameter};
use crate::jobs::{StoreError, database_failed};

/// The type of an answer with one JSON object a line.
const NDJSON: &str = "application/x-ndjson";
/// Records that are read at once; fewer where they are long.
const AT_ONCE: i64 = 500;

/// Load and number of a record: its place in the list.
type Place = (i64, i64);

/// A record that was rejected.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reject {
    /// The load that rejected it
    load_id: i64,
    /// The object, with its bucket
    object: Option<String>,
    /// The version of the object
    object_version: Option<String>,
    /// Its number in the object, from 1
    record_no: Option<i64>,
    /// Offset in the text of the object, in bytes
    byte_offset: Option<i64>,
    /// Length in the text of the object, in bytes
    byte_length: Option<i64>,
    /// Reason
    reason: Option<String>,
    /// Place and what was found there
    detail: Option<String>,
    /// Its text, up to 64 KiB
    raw: Option<String>,
    /// Its fields in one text, if its feed keeps one; the first 65536 characters
    concat: Option<String>,
    /// When it was written
    ingested_at: Option<DateTime<Utc>>,
}

/// Which rejected records to list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectParams {
    /// Only records of this load
    load_id: Option<i64>,
    /// Only records of this object: bucket, `/` and key
    object: Option<String>,
    /// Only records that were rejected for this reason
    reason: Option<String>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
    /// Records on a page; for NDJSON the default is all
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

impl Filter for RejectParams {
    type Place = Place;

    fn page(&self) -> (Option<&str>, Option<u16>) {
        (self.cursor.as_deref(), self.limit)
    }
}

/// A page of rejected records.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RejectPage {
    /// The records of the page
    rejects: Vec<Reject>,
    /// The `cursor` of the next page; absent on the last page
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List rejected records
///
/// Records of the newest load first. With `Accept: application/x-ndjson`, one record a line, and all of
/// them unless `limit` is set.
/// A page ends at 1 MiB, so it may have fewer records than `limit`.
#[utoipa::path(
    get,
    path = "/v1/rejects",
    operation_id = "list_rejects",
    tag = "ledger",
    params(RejectParams),
    responses(
        (
            status = 200,
            description = "A page of rejected records, or all of them as NDJSON",
            content((RejectPage = "application/json"), (String = "application/x-ndjson"))
        ),
        Guarded,
        WrongParameter,
        Unavailable
    ),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Page { filter: params, limit, after }: Page<RejectParams>,
) -> Result<Response, Problem> {
    check_text("object", params.object.as_deref())?;
    check_text("reason", params.reason.as_deref())?;
    if let Some(reason) = &params.reason
        && Reason::ALL.iter().all(|known| known.as_str() != reason)
    {
        let known = Reason::ALL.map(Reason::as_str).join(", ");
        let detail = format!("there is no reason {reason}: expected one of {known}");
        return Err(Problem::bad_request("invalid_parameter", detail));
    }
    if wants_lines(&headers) {
        let most = params.limit.map(|_| limit);
        return Ok(lines(app, params, after, most).await?.into_response());
    }
    let rejects = read(&app, &params, after, limit).await?;
    let (rejects, next_cursor) = finish(rejects, Reject::place);
    Ok(Json(RejectPage { rejects, next_cursor }).into_response())
}

/// Whether the client would rather have one object a line than a page.
fn wants_lines(headers: &HeaderMap) -> bool {
    let accepted: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let weight = |kind: &str| {
        let entries = accepted.iter().flat_map(|value| value.split(','));
        let weights = entries.filter_map(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let is_it = parts.next()? == kind;
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            is_it.then(|| weight.unwrap_or(1.0))
        });
        weights.fold(0.0, f32::max)
    };
    weight(NDJSON) > weight("application/json")
}

/// The records after a place, in their order.
async fn read(
    app: &App,
    params: &RejectParams,
    place: Option<Place>,
    limit: i64,
) -> Result<Entries<Reject>, StoreError> {
    let (load_id, record_no) = place.unzip();
    // One more than the page has tells whether there are more.
    let found = limit + 1;
    let params: [&(dyn ToSql + Sync); 6] =
        [&params.load_id, &params.object, &params.reason, &load_id, &record_no, &found];
    let mut rejects = Entries::new(limit as usize);
    let Some(tables) = rejects_tables(app).await? else {
        return Ok(rejects);
    };
    let sql = include_str!("../../../sql/queries/rejects.sql").replace("{rejects}", &tables);
    let add = |row: &Row| rejects.add(row.into());
    match app.store.each("read the rejected records", &sql, &params, add).await {
        // One of the tables was removed just now.
        Err(error) if error.sqlstate() == Some(&SqlState::UNDEFINED_TABLE) => {
            Ok(Entries::new(limit as usize))
        }
        read => read.map(|()| rejects),
    }
}

/// The rows of the rejects tables of all feeds, as SQL; none if there is no such table. The first load of
/// a feed creates its table.
async fn rejects_tables(app: &App) -> Result<Option<String>, StoreError> {
    let client = app.store.client().await?;
    let sql = "select to_regclass($1::text) is not null";
    let mut selects = Vec::new();
    let mut names = BTreeSet::new();
    let tables = app.feeds.iter().map(|feed| feed.plan.rejects());
    for table in tables.filter(|table| names.insert(table.name.plain())) {
        let exists = client.query_one(sql, &[&table.name.to_string()]).await;
        let exists = exists.map_err(database_failed("look for the rejects tables"))?;
        if exists.get(0) {
            selects.push(select(table));
        }
    }
    Ok((!selects.is_empty()).then(|| selects.join(" union all ")))
}

/// The columns that every rejects table has, and `concat`.
fn select(table: &TablePlan) -> String {
    let concat = table.filled_with(Source::Concat);
    let concat = concat.map_or("null::text".to_owned(), |column| column.name.to_string());
    let others = table.columns.iter().filter(|column| column.source != Source::Concat);
    let others: String = others.map(|column| format!(", {}", column.name)).collect();
    format!("select {concat} as concat{others} from {}", table.name)
}

/// What of a stream comes next.
enum Next {
    /// Records that are read already, and whether there are more.
    Read(Vec<Reject>, bool),
    /// The records after a place.
    After(Place),
    Nothing,
}

/// The records after a place, one a line, at most so many. They are read in pieces, and a piece is not
/// read before the one before was sent: a client that reads slowly holds no connection to the
/// database, and no more than a piece in memory.
async fn lines(
    app: Arc<App>,
    params: RejectParams,
    place: Option<Place>,
    most: Option<i64>,
) -> Result<impl IntoResponse, Problem> {
    let size = |left: Option<i64>| left.map_or(AT_ONCE, |left| left.min(AT_ONCE));
    let (first, is_more) = read(&app, &params, place, size(most)).await?.finish();
    let begin = (Next::Read(first, is_more), most);
    let pieces = futures::stream::try_unfold(begin, move |(next, left)| {
        let (app, params) = (Arc::clone(&app), params.clone());
        async move {
            let (piece, is_more) = match next {
                Next::Nothing => return Ok(None),
                Next::Read(piece, is_more) => (piece, is_more),
                Next::After(place) => {
                    let (reading, size) = (Arc::clone(&app), size(left));
                    let piece = async move { read(&reading, &params, Some(place), size).await };
                    let piece = app.answers.read(piece).await?;
                    let piece = piece.inspect_err(|error| {
                        tracing::error!(%error, "the rejected records cannot be read to their end");
                    })?;
                    piece.finish()
                }
            };
            let left = left.map(|left| left - piece.len() as i64);
            let next = match piece.last() {
                Some(last) if is_more && left != Some(0) => Next::After(last.place()),
                _ => Next::Nothing,
            };
            let bytes: Vec<u8> = piece.iter().flat_map(line).collect();
            drop(piece);
            let held = app.answers.hold(&bytes).await?;
            Ok::<_, axum::BoxError>(Some((held, (next, left))))
        }
    });
    Ok(([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(pieces)))
}

fn line(reject: &Reject) -> Vec<u8> {
    let mut line = serde_json::to_vec(reject).unwrap_or_default();
    line.push(b'\n');
    line
}

impl Reject {
    fn place(&self) -> Place {
        (self.load_id, self.record_no.unwrap_or_default())
    }
}

impl From<&Row> for Reject {
    fn from(row: &Row) -> Self {
        Self {
            load_id: row.get("load_id"),
            object: row.get("object"),
            object_version: row.get("object_version"),
            record_no: row.get("record_no"),
            byte_offset: row.get("byte_offset"),
            byte_length: row.get("byte_length"),
            reason: row.get("reason"),
            detail: row.get("detail"),
            raw: row.get("raw"),
            concat: row.get("concat"),
            ingested_at: row.get("ingested_at"),
        }
    }
}
