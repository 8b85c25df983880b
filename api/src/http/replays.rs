//! `/v1/replays` and `/v1/rejects/ignore`: what is to be done about rejects. A job does it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use pipeline::feed::Feed;
use pipeline::replay::{feeds_by_load, newest_load};
use pipeline::sink::RequestedMode;

use super::App;
use super::extract::Body;
use super::jobs::{Created, accepted};
use super::problem::{Conflict, Guarded, Missing, Problem, Unavailable, WrongBody};
use super::replay_request::{IgnoreRequest, ReplayRequest};
use super::request::{idempotency, invalid};
use crate::jobs::{Asked, RejectsAction, RejectsTask, Request, Target};
use crate::wire::{Job, check_labels};

/// Load rejects again
///
/// A job loads open rejects of one feed again, each once, those of the newest loads first: as they stand, with the
/// feed as it is now, or one with an edited `text`. What fails again is a new reject of the replay's load.
/// Rejects that later loads write are not meant. With an `Idempotency-Key`, the same request gets the first answer
/// again, for a day.
#[utoipa::path(
    post,
    path = "/v1/replays",
    operation_id = "create_replay",
    tag = "ledger",
    request_body = ReplayRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Marks repeated requests as the same one")),
    responses(
        (
            status = 202,
            description = "The job",
            body = Job,
            headers(("Location" = String, description = "The job's path"))
        ),
        Guarded,
        WrongBody,
        Missing,
        Conflict,
        Unavailable
    ),
)]
pub(super) async fn replay(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    Body(wanted): Body<ReplayRequest>,
) -> Result<Created, Problem> {
    submit(&app, RejectsAction::Replay, wanted, asked, &headers).await
}

/// Ignore rejects
///
/// A job marks open rejects of one feed as not to be loaded. They stay in their table. This cannot be undone.
/// With an `Idempotency-Key`, the same request gets the first answer again, for a day.
#[utoipa::path(
    post,
    path = "/v1/rejects/ignore",
    operation_id = "ignore_rejects",
    tag = "ledger",
    request_body = IgnoreRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Marks repeated requests as the same one")),
    responses(
        (
            status = 202,
            description = "The job",
            body = Job,
            headers(("Location" = String, description = "The job's path"))
        ),
        Guarded,
        WrongBody,
        Missing,
        Conflict,
        Unavailable
    ),
)]
pub(super) async fn ignore(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    Body(wanted): Body<IgnoreRequest>,
) -> Result<Created, Problem> {
    submit(&app, RejectsAction::Ignore, wanted.into(), asked, &headers).await
}

async fn submit(
    app: &App,
    action: RejectsAction,
    wanted: ReplayRequest,
    asked: Asked,
    headers: &HeaderMap,
) -> Result<Created, Problem> {
    check_labels(&wanted.labels).map_err(invalid)?;
    let idempotency = idempotency(&(action, &wanted), headers)?;
    let answered = match &idempotency {
        Some((key, request)) => app.store.answered(&asked.by, key, request).await?,
        None => None,
    };
    if let Some(job) = answered {
        return Ok(accepted(job));
    }
    let selection = wanted.selection()?;
    let feed = wanted.feed(app).await?;
    let client = app.store.client().await?;
    let newest_load_id = newest_load(&**client).await?;
    drop(client);
    let task = RejectsTask { action, selection, note: wanted.note, newest_load_id };
    let request = Request {
        feed: Some(feed),
        bucket: None,
        target: Target::Rejects(Box::new(task)),
        mode: wanted.mode.map(RequestedMode::from),
        dry_run: wanted.dry_run,
        reload: false,
        catalog: false,
        max_rejected: None,
        is_pinned: false,
        labels: wanted.labels,
        webhook: app.webhooks.of_job(wanted.webhook.as_deref())?,
        asked,
        idempotency,
    };
    Ok(accepted(app.store.submit(&request).await?))
}

impl ReplayRequest {
    /// The feed of the rejects: the one that is named, that of the loads that are, or the only one.
    async fn feed(&self, app: &App) -> Result<Arc<Feed>, Problem> {
        let named = self.rejects.iter().flatten().map(|reject| reject.load_id);
        let load_ids: Vec<_> = named.chain(self.load_id).collect();
        let mut name = self.feed.clone();
        if let (None, Some(load_id)) = (&name, load_ids.first()) {
            let client = app.store.client().await?;
            let of_loads = feeds_by_load(&**client, &load_ids).await?;
            let feeds: BTreeSet<_> = of_loads.into_values().collect();
            if feeds.len() > 1 {
                return Err(invalid("the rejects are of several feeds: send a request for each"));
            }
            let missing =
                || Problem::not_found("load_not_found", format!("there is no load {load_id}"));
            name = Some(feeds.into_iter().next().ok_or_else(missing)?);
        }
        let unclear = || {
            let detail = "the feed of the rejects is unclear: name it as feed";
            Problem::new(StatusCode::BAD_REQUEST, "feed_unclear", detail)
        };
        app.feed(name.as_deref(), None)?.ok_or_else(unclear)
    }
}
