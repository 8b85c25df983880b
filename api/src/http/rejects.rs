//! `/v1/rejects`: records that were rejected, with their text, place and reason, and what was done about them.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use pipeline::feed::Reason;
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::answers::Entries;
use super::extract::check_text;
use super::page::{Filter, Page, finish};
use super::problem::{Guarded, Problem, Unavailable, WrongParameter};
use crate::jobs::{StoreError, database_failed};
use crate::rejects::{Place, RejectFilter, RejectPlaces, RejectTables};
use crate::wire::{Reject, RejectState};

/// The type of an answer with one JSON object a line.
const NDJSON: &str = "application/x-ndjson";
/// Records that are read at once; fewer where they are long.
const AT_ONCE: i64 = 500;

/// Which rejected records to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectParams {
    /// Only records of this load
    load_id: Option<i64>,
    /// Only records of this object: bucket, `/` and key
    object: Option<String>,
    /// Only records that were rejected for this reason
    reason: Option<String>,
    /// Only records that this rule of the feed rejected
    rule: Option<String>,
    /// Only records of this feed
    feed: Option<String>,
    /// Only records in this state
    state: Option<RejectState>,
    /// Only records with this number in their object
    record_no: Option<i64>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
    /// Records on a page; for NDJSON the default is all
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

impl RejectParams {
    /// One reject.
    pub(super) fn of(load_id: i64, record_no: i64) -> Self {
        Self { load_id: Some(load_id), record_no: Some(record_no), ..Self::default() }
    }

    fn filter(&self) -> RejectFilter {
        RejectFilter {
            load_id: self.load_id,
            record_no: self.record_no,
            object: self.object.clone(),
            reason: self.reason.clone(),
            rule: self.rule.clone(),
            state: self.state,
        }
    }
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
    pub(super) rejects: Vec<Reject>,
    /// The `cursor` of the next page; absent on the last page
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
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
    if wants_lines(&headers) {
        check(&params)?;
        let most = params.limit.map(|_| limit);
        return Ok(lines(app, params, after, most).await?.into_response());
    }
    let tables = tables(&app).await?;
    Ok(Json(page(&app, &tables, &params, after, limit).await?).into_response())
}

/// A page of rejects, after a place.
pub(super) async fn page(
    app: &App,
    tables: &RejectTables,
    params: &RejectParams,
    after: Option<Place>,
    limit: i64,
) -> Result<RejectPage, Problem> {
    check(params)?;
    let rejects = read(app, tables, params, after, limit).await?;
    let (rejects, next_cursor) = finish(rejects, place_of);
    Ok(RejectPage { rejects, next_cursor })
}

fn check(params: &RejectParams) -> Result<(), Problem> {
    check_text("object", params.object.as_deref())?;
    check_text("rule", params.rule.as_deref())?;
    check_text("feed", params.feed.as_deref())?;
    check_reason(params.reason.as_deref())
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

/// Refuses a word that is no reason.
pub(super) fn check_reason(reason: Option<&str>) -> Result<(), Problem> {
    let is_known = |reason: &str| Reason::ALL.iter().any(|known| known.as_str() == reason);
    let Some(reason) = reason.filter(|reason| !is_known(reason)) else {
        return Ok(());
    };
    check_text("reason", Some(reason))?;
    let known = Reason::ALL.map(Reason::as_str).join(", ");
    let detail = format!("there is no reason {reason}: expected one of {known}");
    Err(Problem::bad_request("invalid_parameter", detail))
}

/// The records after a place, in their order.
async fn read(
    app: &App,
    tables: &RejectTables,
    params: &RejectParams,
    place: Option<Place>,
    limit: i64,
) -> Result<Entries<Reject>, StoreError> {
    let filter = params.filter();
    // One more than the page has tells whether there are more.
    let places = RejectPlaces::new(&filter, place, limit + 1);
    let mut rejects = Entries::new(limit as usize);
    let Some(sql) = tables.list_sql(params.feed.as_deref(), params.state) else {
        return Ok(rejects);
    };
    let add = |row: &Row| rejects.add(row.into());
    let params = places.params(&filter);
    match app.store.each("read the rejected records", &sql, &params, add).await {
        // One of the tables was removed just now.
        Err(error) if error.sqlstate() == Some(&SqlState::UNDEFINED_TABLE) => {
            Ok(Entries::new(limit as usize))
        }
        read => read.map(|()| rejects),
    }
}

/// The rejects tables of all feeds.
pub(super) async fn tables(app: &App) -> Result<RejectTables, StoreError> {
    let client = app.store.client().await?;
    let tables = RejectTables::find(&**client, app.feeds.iter()).await;
    tables.map_err(database_failed("look for the rejects tables"))
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
    let tables = Arc::new(tables(&app).await?);
    let (first, is_more) = read(&app, &tables, &params, place, size(most)).await?.finish();
    let begin = (Next::Read(first, is_more), most);
    let pieces = futures::stream::try_unfold(begin, move |(next, left)| {
        let (app, params, tables) = (Arc::clone(&app), params.clone(), Arc::clone(&tables));
        async move {
            let (piece, is_more) = match next {
                Next::Nothing => return Ok(None),
                Next::Read(piece, is_more) => (piece, is_more),
                Next::After(place) => {
                    let (reading, size) = (Arc::clone(&app), size(left));
                    let piece =
                        async move { read(&reading, &tables, &params, Some(place), size).await };
                    let piece = app.answers.read(piece).await?;
                    let piece = piece.inspect_err(|error| {
                        tracing::error!(%error, "the rejected records cannot be read to their end");
                    })?;
                    piece.finish()
                }
            };
            let left = left.map(|left| left - piece.len() as i64);
            let next = match piece.last() {
                Some(last) if is_more && left != Some(0) => Next::After(place_of(last)),
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

/// Where a record is in the list.
fn place_of(reject: &Reject) -> Place {
    (reject.load_id, reject.record_no.unwrap_or_default())
}
