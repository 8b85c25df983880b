//! `/v1/rejects`: records that were rejected, with their text, place and reason.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use pipeline::feed::Reason;
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Query, check_text};
use super::page::{cursor, limit, place};
use super::problem::{Problem, Problems};
use crate::jobs::database_failed;

/// The type of an answer with one JSON object a line.
const NDJSON: &str = "application/x-ndjson";

/// A record that was rejected.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reject {
    /// The load that rejected it
    load_id: i64,
    /// The object, with its bucket
    object: Option<String>,
    object_version: Option<String>,
    /// Its number in the object, from 1
    record_no: Option<i64>,
    /// Where it begins in the object's text
    byte_offset: Option<i64>,
    byte_length: Option<i64>,
    /// Why, as a word
    reason: Option<String>,
    /// What was found where
    detail: Option<String>,
    /// Its text, up to 64 KiB
    raw: Option<String>,
    /// Its fields as the old job printed them
    error_rec: Option<String>,
    ingested_at: Option<DateTime<Utc>>,
}

/// Which rejected records to list.
#[derive(Debug, Deserialize, IntoParams)]
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
    /// Records of a page; as NDJSON the default is all
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

/// A page of rejected records.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RejectPage {
    rejects: Vec<Reject>,
    /// Where to go on; none on the last page
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List rejected records
///
/// Those of the newest load first. With `Accept: application/x-ndjson` one a line, all of them unless
/// there is a `limit`.
#[utoipa::path(
    get,
    path = "/v1/rejects",
    tag = "ledger",
    params(RejectParams),
    responses(
        (
            status = 200,
            content((RejectPage = "application/json"), (String = "application/x-ndjson"))
        ),
        Problems
    ),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(params): Query<RejectParams>,
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
    let as_lines = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("ndjson"));
    let limit = limit(params.limit)?;
    let (load_id, record_no) = place::<(i64, i64)>(params.cursor.as_deref())?.unzip();
    let most = (!as_lines || params.limit.is_some()).then_some(limit);
    let client = app.store.client().await?;
    let found: [&(dyn ToSql + Sync); 6] =
        [&params.load_id, &params.object, &params.reason, &load_id, &record_no, &most];
    let rows = client.query_raw(include_str!("../../../sql/queries/rejects.sql"), found).await;
    let failed = || database_failed("read the rejected records");
    let rows = match rows {
        // The tables are created by the first load.
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
            return Ok(Json(RejectPage { rejects: Vec::new(), next_cursor: None }).into_response());
        }
        rows => rows.map_err(failed())?,
    };
    if as_lines {
        let lines = rows.map_ok(|row| line(&Reject::from(&row))).map_err(|error| {
            tracing::error!(%error, "the rejected records cannot be read to their end");
            error
        });
        // The connection goes back to the pool when the last row is read.
        let lines = lines.chain(futures::stream::once(async move {
            drop(client);
            Ok(Bytes::new())
        }));
        return Ok(([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(lines)).into_response());
    }
    let rejects: Vec<_> =
        rows.map_ok(|row| Reject::from(&row)).try_collect().await.map_err(failed())?;
    let is_full = rejects.len() as i64 == limit;
    let last = rejects.last().filter(|_| is_full);
    let next_cursor = last.and_then(|last| cursor(&(last.load_id, last.record_no)));
    Ok(Json(RejectPage { rejects, next_cursor }).into_response())
}

fn line(reject: &Reject) -> Bytes {
    let mut line = serde_json::to_vec(reject).unwrap_or_default();
    line.push(b'\n');
    line.into()
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
            error_rec: row.get("error_rec"),
            ingested_at: row.get("ingested_at"),
        }
    }
}
