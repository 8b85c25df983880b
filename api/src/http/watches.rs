//! `/v1/watches`: define watches, run them, see how they do.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::App;
use super::answers::Entries;
use super::extract::{Body, Path};
use super::page::{Filter, Page, finish};
use super::problem::{
    Conflict, Guarded, Missing, Problem, Unavailable, WrongParameter, WrongWatch,
};
use crate::jobs::Asked;
use crate::jobs::watches::{DefinedBy, Definition, Watch, WatchPlan, WatchRun, WatchState};
use crate::keys::{hash, new_key};

/// The watches.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct WatchList {
    /// In order of their names
    pub(crate) watches: Vec<Watch>,
}

/// A listing that was asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RequestedListing {
    /// The watch's name
    pub(crate) watch: String,
    /// The run's id
    pub(crate) run_id: Uuid,
    /// What the watch is doing: it waits for a worker
    pub(crate) state: WatchState,
}

/// A watch that was removed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RemovedWatch {
    /// The watch's name
    pub(crate) watch: String,
}

/// A new token of a watch.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct WatchToken {
    /// The watch's name
    pub(crate) watch: String,
    /// The token. It is not shown again
    pub(crate) token: String,
}

/// A page of listings, newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct WatchRunPage {
    /// The runs of the page
    pub(crate) runs: Vec<WatchRun>,
    /// The `cursor` of the next page; absent on the last page
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

/// Define a watch
///
/// It lists the objects on a schedule, and loads those that are new or overwritten. Notices of the store
/// (`/v1/arrivals/{watch}`) need the token, which only this answer has.
#[utoipa::path(
    post,
    path = "/v1/watches",
    operation_id = "create_watch",
    tag = "watches",
    request_body = WatchPlan,
    responses(
        (
            status = 201,
            description = "The watch, with the token of its notices",
            body = Watch,
            headers(("Location" = String, description = "The watch's path"))
        ),
        Guarded,
        WrongWatch,
        Conflict,
        Unavailable
    ),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Body(plan): Body<WatchPlan>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<Watch>), Problem> {
    let mut definition = checked(&app, plan)?;
    let token = definition.ensure_token(new_token)?;
    if !app.store.define_watch(&definition, DefinedBy::Api, false).await? {
        let detail = format!("there is a watch {} already", definition.name);
        return Err(Problem::conflict("watch_exists", detail));
    }
    let name = definition.name;
    let location = [(header::LOCATION, format!("/v1/watches/{name}"))];
    let mut defined = watch(&app, &name).await?;
    defined.token = token;
    Ok((StatusCode::CREATED, location, Json(defined)))
}

/// List the watches
///
/// Each with its state and its last run.
#[utoipa::path(
    get,
    path = "/v1/watches",
    operation_id = "list_watches",
    tag = "watches",
    responses(
        (status = 200, description = "The watches", body = WatchList),
        Guarded,
        Unavailable
    ),
)]
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<WatchList>, Problem> {
    Ok(Json(WatchList { watches: app.store.watches().await? }))
}

/// Show a watch
///
/// Its definition, its state, and its current or last run.
#[utoipa::path(
    get,
    path = "/v1/watches/{watch}",
    operation_id = "show_watch",
    tag = "watches",
    params(("watch" = String, Path, description = "The watch's name")),
    responses(
        (status = 200, description = "The watch", body = Watch),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Watch>, Problem> {
    Ok(Json(watch(&app, &name).await?))
}

/// Replace a watch
///
/// The whole definition is replaced, but for the token, unless the body has another one. What the watch knows of
/// objects stays. A watch of the settings file can only be changed there.
#[utoipa::path(
    put,
    path = "/v1/watches/{watch}",
    operation_id = "replace_watch",
    tag = "watches",
    params(("watch" = String, Path, description = "The watch's name")),
    request_body = WatchPlan,
    responses(
        (status = 200, description = "The watch", body = Watch),
        Guarded,
        WrongWatch,
        Missing,
        Conflict,
        Unavailable
    ),
)]
pub(super) async fn replace(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Body(plan): Body<WatchPlan>,
) -> Result<Json<Watch>, Problem> {
    if watch(&app, &name).await?.defined_by == DefinedBy::Settings {
        let detail = format!("the watch {name} is defined in the settings file: change it there");
        return Err(Problem::conflict("watch_in_settings", detail));
    }
    let definition = checked(&app, WatchPlan { name: Some(name.clone()), ..plan })?;
    app.store.define_watch(&definition, DefinedBy::Api, true).await?;
    Ok(Json(watch(&app, &name).await?))
}

/// Remove a watch
///
/// It also removes what the watch knows of objects, and its runs. What is loaded stays, and jobs go on. A watch of the
/// settings file is there again when a server or worker that has it starts.
#[utoipa::path(
    delete,
    path = "/v1/watches/{watch}",
    operation_id = "remove_watch",
    tag = "watches",
    params(("watch" = String, Path, description = "The watch's name")),
    responses(
        (status = 200, description = "The watch that was removed", body = RemovedWatch),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<RemovedWatch>, Problem> {
    there(&name, app.store.remove_watch(plain(&name)?).await?)?;
    Ok(Json(RemovedWatch { watch: name }))
}

/// Pause a watch
///
/// It does not list, reads no queue, and ignores notices. Jobs go on.
#[utoipa::path(
    post,
    path = "/v1/watches/{watch}/pause",
    operation_id = "pause_watch",
    tag = "watches",
    params(("watch" = String, Path, description = "The watch's name")),
    responses(
        (status = 200, description = "The watch", body = Watch),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn pause(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Watch>, Problem> {
    there(&name, app.store.pause_watch(plain(&name)?).await?)?;
    Ok(Json(watch(&app, &name).await?))
}

/// Resume a watch
///
/// It lists at once, and finds what arrived meanwhile.
#[utoipa::path(
    post,
    path = "/v1/watches/{watch}/resume",
    operation_id = "resume_watch",
    tag = "watches",
    params(("watch" = String, Path, description = "The watch's name")),
    responses(
        (status = 200, description = "The watch", body = Watch),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn resume(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Watch>, Problem> {
    there(&name, app.store.resume_watch(plain(&name)?).await?)?;
    Ok(Json(watch(&app, &name).await?))
}

/// Renew the token of a watch
///
/// Notices need the new token from now on.
#[utoipa::path(
    post,
    path = "/v1/watches/{watch}/token",
    operation_id = "renew_watch_token",
    tag = "watches",
    params(("watch" = String, Path, description = "The watch's name")),
    responses(
        (status = 200, description = "The new token", body = WatchToken),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn renew_token(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<WatchToken>, Problem> {
    let token = new_token()?;
    there(&name, app.store.renew_token(plain(&name)?, &hash(&token)).await?)?;
    Ok(Json(WatchToken { watch: name, token }))
}

/// Run a watch
///
/// The next free worker lists the objects. The answer names the run, without the watch's definition.
#[utoipa::path(
    post,
    path = "/v1/watches/{watch}/runs",
    operation_id = "run_watch",
    tag = "watches",
    params(("watch" = String, Path, description = "The watch's name")),
    responses(
        (
            status = 202,
            description = "The run",
            body = RequestedListing,
            headers(("Location" = String, description = "The watch's path"))
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
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<RequestedListing>), Problem> {
    if watch(&app, &name).await?.state == WatchState::Paused {
        let detail = format!("the watch {name} is paused: resume it first");
        return Err(Problem::conflict("watch_paused", detail));
    }
    let Some(run_id) = app.store.request_watch_run(&name, &asked.by).await? else {
        let detail = format!("the watch {name} lists already, or waits to");
        return Err(Problem::conflict("watch_busy", detail).retryable(None));
    };
    let location = [(header::LOCATION, format!("/v1/watches/{name}"))];
    let run = RequestedListing { watch: name, run_id, state: WatchState::Queued };
    Ok((StatusCode::ACCEPTED, location, Json(run)))
}

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchRunParams {
    /// `next_cursor` of the page before
    cursor: Option<String>,
    /// Runs on a page
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

impl Filter for WatchRunParams {
    type Place = Uuid;

    fn page(&self) -> (Option<&str>, Option<u16>) {
        (self.cursor.as_deref(), self.limit)
    }
}

/// List the runs of a watch
///
/// Newest first. They are kept as long as jobs (`--keep-jobs`); those that found nothing new, for a day.
#[utoipa::path(
    get,
    path = "/v1/watches/{watch}/runs",
    operation_id = "list_watch_runs",
    tag = "watches",
    params(("watch" = String, Path, description = "The watch's name"), WatchRunParams),
    responses(
        (status = 200, description = "A page of runs", body = WatchRunPage),
        Guarded,
        WrongParameter,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn runs(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    page: Page<WatchRunParams>,
) -> Result<Json<WatchRunPage>, Problem> {
    watch(&app, &name).await?;
    let mut runs = Entries::new(page.limit as usize);
    let place = (page.after, page.one_more());
    app.store.watch_runs(&name, place, |run| runs.add(run)).await?;
    let (runs, next_cursor) = finish(runs, |run| run.run_id);
    Ok(Json(WatchRunPage { runs, next_cursor }))
}

fn checked(app: &App, plan: WatchPlan) -> Result<Definition, Problem> {
    let checked = plan.checked(&app.buckets, &app.feeds);
    checked.map_err(|error| Problem::bad_request("invalid_watch", error.to_string()))
}

fn new_token() -> Result<String, Problem> {
    new_key().map_err(|error| {
        tracing::error!(%error, "the system has no random numbers");
        Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

async fn watch(app: &App, name: &str) -> Result<Watch, Problem> {
    let found = app.store.watch(plain(name)?).await?;
    found.ok_or_else(|| missing(name))
}

/// A name that the database can look for.
fn plain(name: &str) -> Result<&str, Problem> {
    if name.contains('\0') { Err(missing(name)) } else { Ok(name) }
}

fn there(name: &str, is_there: bool) -> Result<(), Problem> {
    if is_there { Ok(()) } else { Err(missing(name)) }
}

fn missing(name: &str) -> Problem {
    Problem::not_found("watch_not_found", format!("there is no watch {name}"))
}
