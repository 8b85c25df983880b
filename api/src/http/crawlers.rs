//! `/v1/crawlers`: define crawlers, run them, see how they do.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::{Extension, Json};
use pipeline::catalog::definition::{Definition, Policies};
use pipeline::error::causes;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::App;
use super::answers::Entries;
use super::extract::{Body, Path, Query};
use super::page::{Filter, Page, finish};
use super::problem::{
    Conflict, Guarded, Missing, Problem, Unavailable, WrongCrawler, WrongParameter,
};
use crate::jobs::crawlers::{
    CrawlTarget, Crawler, CrawlerPlan, CrawlerState, PastRun, RemovedCrawler,
};
use crate::jobs::{Asked, Schedule};

/// Longest name of a crawler.
const NAME_CHARACTERS: usize = 100;

/// A crawler that is new.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCrawler {
    /// Name: letters, digits, `-`, `_` and `.`; it begins with a letter or digit
    #[schema(example = "exports", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    name: String,
    /// Database of the catalog for its tables
    #[serde(default = "CrawlerPlan::default_database")]
    #[schema(default = "default", min_length = 1)]
    database: String,
    /// What to crawl
    target: CrawlTarget,
    /// What to do with a table whose columns changed
    #[serde(default)]
    on_change: crate::wire::ChangePolicy,
    /// What to do with a table that is no longer found
    #[serde(default)]
    on_delete: crate::wire::DeletePolicy,
    /// Schedule as five fields of cron, in UTC; null to run only on request
    #[serde(default)]
    #[schema(example = "0 3 * * *")]
    schedule: Option<String>,
}

/// The crawlers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Crawlers {
    /// In order of their names
    pub(super) crawlers: Vec<Crawler>,
}

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

/// What becomes of the tables of a crawler that is removed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveParams {
    /// Whether to keep its tables in the catalog, or to remove them
    #[param(inline)]
    #[serde(default)]
    tables: TablesOfRemoved,
}

/// What becomes of tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TablesOfRemoved {
    #[default]
    Keep,
    Delete,
}

type Defined = (StatusCode, [(header::HeaderName, String); 1], Json<Crawler>);

/// Define a crawler
///
/// Workers run it on request (`…/runs`), and by its schedule. Runs that were missed while no worker ran
/// are made up for by one run.
#[utoipa::path(
    post,
    path = "/v1/crawlers",
    operation_id = "create_crawler",
    tag = "catalog",
    request_body = NewCrawler,
    responses(
        (
            status = 201,
            description = "The crawler",
            body = Crawler,
            headers(("Location" = String, description = "The crawler's path"))
        ),
        Guarded,
        WrongCrawler,
        Conflict,
        Unavailable
    ),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Body(new): Body<NewCrawler>,
) -> Result<Defined, Problem> {
    let NewCrawler { name, database, target, on_change, on_delete, schedule } = new;
    check_name(&name)?;
    let plan = CrawlerPlan { database, target, on_change, on_delete, schedule };
    if !define(&app, &name, &plan, true).await? {
        let detail = format!("there is a crawler {name} already");
        return Err(Problem::conflict("crawler_exists", detail));
    }
    let location = [(header::LOCATION, format!("/v1/crawlers/{name}"))];
    Ok((StatusCode::CREATED, location, Json(crawler(&app, &name).await?)))
}

/// List the crawlers
///
/// Each with its state and its last run.
#[utoipa::path(
    get,
    path = "/v1/crawlers",
    operation_id = "list_crawlers",
    tag = "catalog",
    responses(
        (status = 200, description = "The crawlers", body = Crawlers),
        Guarded,
        Unavailable
    ),
)]
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<Crawlers>, Problem> {
    Ok(Json(Crawlers { crawlers: app.store.crawlers().await? }))
}

/// Show a crawler
///
/// Its definition, its state, and its current or last run.
#[utoipa::path(
    get,
    path = "/v1/crawlers/{crawler}",
    operation_id = "show_crawler",
    tag = "catalog",
    params(("crawler" = String, Path, description = "The crawler's name")),
    responses(
        (status = 200, description = "The crawler", body = Crawler),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Crawler>, Problem> {
    Ok(Json(crawler(&app, &name).await?))
}

/// Replace a crawler
///
/// The whole definition is replaced. A current run is not affected.
#[utoipa::path(
    put,
    path = "/v1/crawlers/{crawler}",
    operation_id = "replace_crawler",
    tag = "catalog",
    params(("crawler" = String, Path, description = "The crawler's name")),
    request_body = CrawlerPlan,
    responses(
        (status = 200, description = "The crawler", body = Crawler),
        Guarded,
        WrongCrawler,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn replace(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Body(plan): Body<CrawlerPlan>,
) -> Result<Json<Crawler>, Problem> {
    crawler(&app, &name).await?;
    if !define(&app, &name, &plan, false).await? {
        return Err(missing(&name));
    }
    Ok(Json(crawler(&app, &name).await?))
}

/// Remove a crawler
///
/// It also removes what the crawler knows of objects. Its tables stay in the catalog, unless `tables` is
/// `delete`. The answer names them.
#[utoipa::path(
    delete,
    path = "/v1/crawlers/{crawler}",
    operation_id = "remove_crawler",
    tag = "catalog",
    params(("crawler" = String, Path, description = "The crawler's name"), RemoveParams),
    responses(
        (status = 200, description = "The tables that were kept and removed", body = RemovedCrawler),
        Guarded,
        WrongParameter,
        Missing,
        Conflict,
        Unavailable
    ),
)]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(params): Query<RemoveParams>,
) -> Result<Json<RemovedCrawler>, Problem> {
    crawler(&app, &name).await?;
    let with_tables = params.tables == TablesOfRemoved::Delete;
    let removed = app.store.remove_crawler(&name, with_tables).await?;
    removed.map(Json).ok_or_else(|| busy(&name))
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

async fn define(app: &App, name: &str, plan: &CrawlerPlan, is_new: bool) -> Result<bool, Problem> {
    let wrong = |detail: String| Problem::bad_request("invalid_crawler", detail);
    if let CrawlTarget::Objects { bucket, .. } = &plan.target
        && app.buckets.get(bucket).is_none()
    {
        let detail = format!("there is no bucket {bucket}");
        return Err(Problem::bad_request("bucket_not_found", detail));
    }
    let target = plan.checked().map_err(|error| wrong(error.to_string()))?;
    let schedule = plan.schedule.as_deref().map(str::parse::<Schedule>).transpose();
    let schedule = schedule.map_err(|error| wrong(causes(&error).join(": ")))?;
    let definition = Definition {
        name: name.to_owned(),
        database: plan.database.clone(),
        target,
        policies: Policies { on_change: plan.on_change.into(), on_delete: plan.on_delete.into() },
    };
    Ok(app.store.define(&definition, schedule.as_ref(), is_new).await?)
}

pub(super) async fn crawler(app: &App, name: &str) -> Result<Crawler, Problem> {
    if name.contains('\0') {
        return Err(missing(name));
    }
    app.store.crawler(name).await?.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Problem {
    Problem::not_found("crawler_not_found", format!("there is no crawler {name}"))
}

fn busy(name: &str) -> Problem {
    let detail = format!("the crawler {name} runs already, or waits to");
    Problem::conflict("crawler_busy", detail).retryable(None)
}

fn check_name(name: &str) -> Result<(), Problem> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && name.len() <= NAME_CHARACTERS && name.chars().all(is_plain) {
        return Ok(());
    }
    let detail = format!(
        "a name has up to {NAME_CHARACTERS} letters, digits, `-`, `_` and `.`, and begins with one of \
         the first two"
    );
    Err(Problem::bad_request("invalid_crawler", detail))
}

/// A name as part of a path: those that `stevedore crawl` gives may hold anything.
pub(super) fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}
