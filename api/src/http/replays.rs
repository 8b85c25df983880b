//! `/v1/replays` and `/v1/rejects/ignore`: what is to be done about rejects. A job does it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use pipeline::feed::Feed;
use pipeline::replay::{
    MAX_EDITED_BYTES, RejectFilter, RejectId, Selection, feeds_by_load, newest_load,
};
use pipeline::sink::RequestedMode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::extract::{Body, check_text};
use super::jobs::{Created, accepted};
use super::problem::{Conflict, Guarded, Missing, Problem, Unavailable, WrongBody};
use super::rejects::check_reason;
use super::request::{given, idempotency, invalid};
use crate::jobs::{Asked, RejectsAction, RejectsTask, Request, Target};
use crate::wire::{Job, JobMode, check_labels};

/// Rejects of one request at most.
const MOST_REJECTS: usize = 1000;

/// A reject.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectRef {
    /// The load that wrote it
    load_id: i64,
    /// The number of its record in the object, from 1
    record_no: i64,
}

/// Which rejects to load again, and how: open rejects that match all of `feed`, `load_id`, `object`, `reason` and
/// `rule`, or those in `rejects`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayRequest {
    /// Rejects of this feed. By default, the feed of the loads that are named
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "user_status")]
    feed: Option<String>,
    /// Rejects that this load has written
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    load_id: Option<i64>,
    /// Rejects of this object: bucket, `/` and key
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    object: Option<String>,
    /// Rejects with this reason
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Rejects of this rule of the feed
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rule: Option<String>,
    /// These rejects, up to 1,000 of one feed. Not together with a filter
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, max_items = 1000)]
    rejects: Option<Vec<RejectRef>>,
    /// An edited text, of up to 65,536 bytes, for the one reject in `rejects`
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    text: Option<String>,
    /// What to note beside each reject, such as why
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    note: Option<String>,
    /// What becomes of records. By default, the mode of each reject's load
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    mode: Option<JobMode>,
    /// Report what would be loaded and rejected, and write nothing
    #[serde(default)]
    dry_run: bool,
    /// URL to which a signed message is sent when the job has ended. Its origin must be one that the operator
    /// allowed. By default, the server's `--webhook-url`
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    webhook: Option<String>,
    /// Up to 16 labels, to find the job again
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
}

/// Which rejects to ignore: open rejects that match all of `feed`, `load_id`, `object`, `reason` and `rule`, or those
/// in `rejects`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IgnoreRequest {
    /// Rejects of this feed. By default, the feed of the loads that are named
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "user_status")]
    feed: Option<String>,
    /// Rejects that this load has written
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    load_id: Option<i64>,
    /// Rejects of this object: bucket, `/` and key
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    object: Option<String>,
    /// Rejects with this reason
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Rejects of this rule of the feed
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rule: Option<String>,
    /// These rejects, up to 1,000 of one feed. Not together with a filter
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, max_items = 1000)]
    rejects: Option<Vec<RejectRef>>,
    /// What to note beside each reject, such as why
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    note: Option<String>,
    /// URL to which a signed message is sent when the job has ended. Its origin must be one that the operator
    /// allowed. By default, the server's `--webhook-url`
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    webhook: Option<String>,
    /// Up to 16 labels, to find the job again
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
}

impl From<IgnoreRequest> for ReplayRequest {
    fn from(request: IgnoreRequest) -> Self {
        let IgnoreRequest { feed, load_id, object, reason, rule, rejects, note, webhook, labels } =
            request;
        Self {
            feed,
            load_id,
            object,
            reason,
            rule,
            rejects,
            note,
            webhook,
            labels,
            text: None,
            mode: None,
            dry_run: false,
        }
    }
}

/// Load rejects again
///
/// A job loads open rejects of one feed again, each once, in the order of their loads and numbers: as they stand, with
/// the feed as it is now, or one with an edited `text`. What fails again is a new reject of the replay's load.
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
    /// Which rejects are meant.
    fn selection(&self) -> Result<Selection, Problem> {
        let Self { feed, load_id, object, reason, rule, rejects, text, note, .. } = self;
        let texts = [("feed", feed), ("object", object), ("rule", rule), ("note", note)];
        for (name, text) in texts {
            check_text(name, text.as_deref())?;
        }
        check_reason(reason.as_deref())?;
        let filter = RejectFilter {
            load_id: *load_id,
            object: object.clone(),
            reason: reason.clone(),
            rule: rule.clone(),
        };
        let has_filter = filter != RejectFilter::default();
        match (rejects, text) {
            (Some(_), _) if has_filter => {
                Err(invalid("rejects stands alone, or with feed: no filter goes with it"))
            }
            (Some(rejects), None) if (1..=MOST_REJECTS).contains(&rejects.len()) => {
                Ok(Selection::Numbered(rejects.iter().map(RejectId::from).collect()))
            }
            (Some(_), None) => Err(invalid(format!("rejects has 1 to {MOST_REJECTS} rejects"))),
            (Some(rejects), Some(text)) if rejects.len() == 1 => {
                let too_long = || {
                    let detail = format!("text has up to {MAX_EDITED_BYTES} bytes, and no U+0000");
                    invalid(detail)
                };
                Selection::edited(RejectId::from(&rejects[0]), text.clone()).ok_or_else(too_long)
            }
            (_, Some(_)) => Err(invalid("text needs rejects with exactly one reject")),
            (None, None) if has_filter || feed.is_some() => Ok(Selection::Matching(filter)),
            (None, None) => Err(invalid(
                "at least one of feed, load_id, object, reason, rule and rejects is required",
            )),
        }
    }

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

impl From<&RejectRef> for RejectId {
    fn from(&RejectRef { load_id, record_no }: &RejectRef) -> Self {
        Self { load_id, record_no }
    }
}
