//! The bodies of `/v1/replays` and `/v1/rejects/ignore`: which rejects, and what is to be done.

use std::collections::BTreeMap;

use pipeline::replay::{MAX_EDITED_BYTES, RejectFilter, RejectId, Selection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::check_text;
use super::problem::Problem;
use super::rejects::check_reason;
use super::request::{given, invalid};
use crate::wire::JobMode;

/// Rejects of one request at most.
const MOST_REJECTS: usize = 1000;

/// A reject.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectRef {
    /// The load that wrote it
    pub(super) load_id: i64,
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
    #[schema(nullable = false, example = "orders")]
    pub(super) feed: Option<String>,
    /// Rejects that this load has written
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) load_id: Option<i64>,
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
    pub(super) rejects: Option<Vec<RejectRef>>,
    /// An edited text, of up to 65,536 bytes, for the one reject in `rejects`
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    text: Option<String>,
    /// What to note beside each reject, such as why
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) note: Option<String>,
    /// What becomes of records. By default, the mode of each reject's load
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) mode: Option<JobMode>,
    /// Report what would be loaded and rejected, and write nothing
    #[serde(default)]
    pub(super) dry_run: bool,
    /// URL to which a signed message is sent when the job has ended. Its origin must be one that the operator
    /// allowed. By default, the server's `--webhook-url`
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) webhook: Option<String>,
    /// Up to 16 labels, to find the job again
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<String, String>,
}

/// Which rejects to ignore: open rejects that match all of `feed`, `load_id`, `object`, `reason` and `rule`, or those
/// in `rejects`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IgnoreRequest {
    /// Rejects of this feed. By default, the feed of the loads that are named
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "orders")]
    pub(super) feed: Option<String>,
    /// Rejects that this load has written
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) load_id: Option<i64>,
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
    pub(super) rejects: Option<Vec<RejectRef>>,
    /// What to note beside each reject, such as why
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) note: Option<String>,
    /// URL to which a signed message is sent when the job has ended. Its origin must be one that the operator
    /// allowed. By default, the server's `--webhook-url`
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) webhook: Option<String>,
    /// Up to 16 labels, to find the job again
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<String, String>,
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

impl ReplayRequest {
    /// Which rejects are meant.
    pub(super) fn selection(&self) -> Result<Selection, Problem> {
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
}

impl From<&RejectRef> for RejectId {
    fn from(&RejectRef { load_id, record_no }: &RejectRef) -> Self {
        Self { load_id, record_no }
    }
}
