//! `/v1/crawlers`: define crawlers, see how they do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use pipeline::catalog::definition::{Definition, Policies};
use pipeline::error::causes;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Body, Path, Query};
use super::problem::{
    Conflict, Guarded, Missing, Problem, Unavailable, WrongCrawler, WrongParameter,
};
use crate::jobs::Schedule;
use crate::jobs::crawlers::{CrawlTarget, Crawler, CrawlerPlan, RemovedCrawler};

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

pub(super) fn busy(name: &str) -> Problem {
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
