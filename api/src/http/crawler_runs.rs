//! `/v1/crawlers/{crawler}/runs`: run crawlers, see how that went, cancel it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::App;
use super::answers::Entries;
use super::crawlers::{busy, crawler, encoded};
use super::extract::Path;
use super::page::{Filter, Page, finish};
use super::problem::{Conflict, Guarded, Missing, Problem, Unavailable, WrongParameter};
use crate::jobs::Asked;
use crate::jobs::crawlers::{Crawler, CrawlerState, PastRun};

/// A run that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestedRun {
    /// The crawler's name
    pub(super) crawler: String,
    /// The run's id
    run_id: Uuid,
    /// What the crawler is doing: it waits for a worker
    state: CrawlerState,
}

/// Run a crawler
///
/// The next free worker runs it. The answer names the run, without the crawler's definition. To follow the
/// run, read the crawler at its path, with a key that has the scope `read`.
#[utoipa::path(
    post,
    path = "/v1/crawlers/{crawler}/runs",
    operation_id = "run_crawler",
    tag = "catalog",
    params(("crawler" = String, Path, description = "The crawler's name")),
    responses(
        (
            status = 202,
            description = "The run",
            body = RequestedRun,
            headers(("Location" = String, description = "The crawler's path"))
        ),
        Guarded,
        Missing,
        Conflict,
        Unavailable
    ),
)]
pub(super) async fn run(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    Path(name): Path<String>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<RequestedRun>), Problem> {
    let run_id = request(&app, &name, &asked).await?;
    let location = [(header::LOCATION, format!("/v1/crawlers/{}", encoded(&name)))];
    let run = RequestedRun { crawler: name, run_id, state: CrawlerState::Queued };
    Ok((StatusCode::ACCEPTED, location, Json(run)))
}

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RunParams {
    /// `next_cursor` of the page before
    cursor: Option<String>,
    /// Runs on a page
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

impl Filter for RunParams {
    type Place = Uuid;

    fn page(&self) -> (Option<&str>, Option<u16>) {
        (self.cursor.as_deref(), self.limit)
    }
}

/// A page of runs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunPage {
    /// The runs of the page
    pub(super) runs: Vec<PastRun>,
    /// The `cursor` of the next page; absent on the last page
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// List the runs of a crawler
///
/// Newest first. They are kept as long as jobs (`--keep-jobs`).
#[utoipa::path(
    get,
    path = "/v1/crawlers/{crawler}/runs",
    operation_id = "list_crawler_runs",
    tag = "catalog",
    params(("crawler" = String, Path, description = "The crawler's name"), RunParams),
    responses(
        (status = 200, description = "A page of runs", body = RunPage),
        Guarded,
        WrongParameter,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn runs(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    page: Page<RunParams>,
) -> Result<Json<RunPage>, Problem> {
    crawler(&app, &name).await?;
    let mut runs = Entries::new(page.limit as usize);
    let place = (page.after, page.one_more());
    app.store.crawler_runs(&name, place, |run| runs.add(run)).await?;
    let (runs, next_cursor) = finish(runs, |run| run.run_id);
    Ok(Json(RunPage { runs, next_cursor }))
}

/// Cancel a run of a crawler
///
/// A queued run is cancelled at once. A running one ends within a second, and what it has found so far of new
/// objects is kept for the next run; the tables stay as they are.
#[utoipa::path(
    post,
    path = "/v1/crawlers/{crawler}/runs/{run_id}/cancel",
    operation_id = "cancel_crawler_run",
    tag = "catalog",
    params(
        ("crawler" = String, Path, description = "The crawler's name"),
        ("run_id" = Uuid, Path, description = "The run")
    ),
    responses(
        (status = 202, description = "The crawler", body = Crawler),
        Guarded,
        Missing,
        Conflict,
        Unavailable
    ),
)]
pub(super) async fn cancel_run(
    State(app): State<Arc<App>>,
    Path((name, run_id)): Path<(String, Uuid)>,
) -> Result<(StatusCode, Json<Crawler>), Problem> {
    crawler(&app, &name).await?;
    cancel(&app, &name, run_id).await?;
    Ok((StatusCode::ACCEPTED, Json(crawler(&app, &name).await?)))
}

/// Has a worker run a crawler.
pub(super) async fn request(app: &App, name: &str, asked: &Asked) -> Result<Uuid, Problem> {
    crawler(app, name).await?;
    app.store.request_crawl(name, &asked.by).await?.ok_or_else(|| busy(name))
}

/// Ends a run that waits or is under way.
pub(super) async fn cancel(app: &App, name: &str, run_id: Uuid) -> Result<(), Problem> {
    if app.store.cancel_crawl(name, run_id).await? {
        return Ok(());
    }
    let detail = "the run has ended, is not a run of this crawler, or is not run by a worker";
    Err(Problem::conflict("run_not_cancellable", detail))
}
