//! `/v1/loads`: the ledger.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::answers::Entries;
use super::extract::{Path, check_instant, check_text};
use super::page::{Filter, Page, finish};
use super::problem::{Guarded, Missing, Problem, Unavailable, WrongParameter};
use crate::jobs::StoreError;
use crate::ledger::{LOADS, LoadFilter};
use crate::wire::{Load, LoadState};

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
    /// Only loads through this feed
    feed: Option<String>,
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

impl Filter for LoadParams {
    type Place = i64;

    fn page(&self) -> (Option<&str>, Option<u16>) {
        (self.cursor.as_deref(), self.limit)
    }
}

/// A page of loads, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoadPage {
    /// The loads of the page
    pub(super) loads: Vec<Load>,
    /// The `cursor` of the next page; absent on the last page
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
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
    page: Page<LoadParams>,
) -> Result<Json<LoadPage>, Problem> {
    let LoadParams { state, bucket, key, feed, since, until, .. } = &page.filter;
    check_text("bucket", bucket.as_deref())?;
    check_text("key", key.as_deref())?;
    check_text("feed", feed.as_deref())?;
    check_instant("since", *since)?;
    check_instant("until", *until)?;
    let filter = LoadFilter {
        state: state.map(LoadState::as_str),
        bucket: bucket.as_deref(),
        key: key.as_deref(),
        feed: feed.as_deref(),
        since: *since,
        until: *until,
        before: page.after,
        limit: page.one_more(),
        ..LoadFilter::default()
    };
    let loads = read(&app, &filter, page.limit).await?;
    let (loads, next_cursor) = finish(loads, |load| load.load_id);
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
    let filter = LoadFilter { load_id: Some(load_id), limit: 1, ..LoadFilter::default() };
    let found = read(&app, &filter, 1).await?.finish().0.pop();
    let missing = || Problem::not_found("load_not_found", format!("there is no load {load_id}"));
    found.map(Json).ok_or_else(missing)
}

async fn read(app: &App, filter: &LoadFilter<'_>, most: i64) -> Result<Entries<Load>, StoreError> {
    let mut loads = Entries::new(most as usize);
    app.store.each("read the ledger", LOADS, &filter.params(), |row| loads.add(row.into())).await?;
    Ok(loads)
}
