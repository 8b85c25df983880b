//! The body of `POST /v1/jobs`: which objects, and how; and what bodies that ask for jobs share.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderMap, StatusCode};
use pipeline::error::Error;
use pipeline::feed::Feed;
use pipeline::load::MaxRejected;
use pipeline::sink::RequestedMode;
use pipeline::store::Selection;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::App;
use super::extract::check_text;
use super::problem::Problem;
use crate::jobs::{Changes, Target};
use crate::wire::{JobMode, check_labels};

/// Keys of one request at most.
const MOST_KEYS: usize = 10_000;
/// Longest `Idempotency-Key`.
const IDEMPOTENCY_KEY_CHARACTERS: usize = 255;

/// Which objects to load, and how. Exactly one of `key`, `keys`, `prefix` and `glob` is needed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobRequest {
    /// The configured bucket
    #[schema(example = "microservice-hw")]
    pub(crate) bucket: String,
    /// The key of one object
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) key: Option<String>,
    /// The keys of up to 10,000 objects. Each becomes a child job. One that is not there fails
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, max_items = 10000)]
    pub(crate) keys: Option<Vec<String>>,
    /// With `key`: load exactly this version, even if there is a newer one. If the store does not have it,
    /// the answer is 404 `version_not_found`
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) version: Option<String>,
    /// Up to 16 labels, to find the job again. Child jobs get those of their parent
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({"team": "billing"}))]
    pub(crate) labels: BTreeMap<String, String>,
    /// URL to which a signed message is sent when the job has ended. Its origin must be one that the operator
    /// allowed, or else the answer is 422 `webhook_not_allowed`. By default, the server's `--webhook-url`
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "https://hooks.example.com/loads")]
    pub(crate) webhook: Option<String>,
    /// Beginning of the keys. Objects that end in `.json`, `.ndjson` or `.jsonl` are loaded, also with
    /// `.gz`, `.gzip` or `.zst`
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) prefix: Option<String>,
    /// Pattern that whole keys match: `*` does not cross `/`, `**` does
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) glob: Option<String>,
    /// The name of the feed that the objects go through. By default, for each object the feed whose `objects`
    /// matches its key, or else the only feed without `objects`
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "orders")]
    pub(crate) feed: Option<String>,
    /// What becomes of records. `merge` keeps the latest row of each key. `append` adds a row for each
    /// record. `auto` appends if the root table exists without a unique key on the feed's key, else it
    /// merges. By default as the feed says
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) mode: Option<JobMode>,
    /// Read, check and report everything, and write nothing
    #[serde(default)]
    pub(crate) dry_run: bool,
    /// Load again, even if this version is loaded already
    #[serde(default)]
    pub(crate) reload: bool,
    /// Do the preflight: compare the feed with the catalog, and fail if every record would be rejected
    // Left out where it is as it was before there was a choice, so that an Idempotency-Key of then
    // stands for the same request.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    #[schema(default = true)]
    pub(crate) catalog: bool,
    /// How many records of an object may be rejected: a count like `100`, or a share like `20%`. If more are
    /// rejected, the load fails as `too_many_rejects` and writes nothing. By default, the server's
    /// `--max-rejected` holds
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(
        value_type = Option<String>,
        nullable = false,
        example = "20%",
        pattern = r"^([0-9]{1,18}|100%|[0-9]{1,2}(\.[0-9]{1,3})?%)$"
    )]
    pub(crate) max_rejected: Option<MaxRejected>,
}

/// What to change of a job that is retried.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryRequest {
    /// The name of another feed. Without `mode`, the mode becomes that of this feed
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "orders")]
    pub(crate) feed: Option<String>,
    /// Another mode
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) mode: Option<JobMode>,
    /// Whether to load again, even if this version is loaded already
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) reload: Option<bool>,
}

impl RetryRequest {
    /// As the job's row has it.
    pub(super) fn changes(self, app: &App) -> Result<Changes, Problem> {
        check_text("feed", self.feed.as_deref())?;
        let feed = match &self.feed {
            Some(name) => app.feed(Some(name), None)?,
            None => None,
        };
        let mode = self.mode.map(RequestedMode::from).or(feed.as_ref().map(|feed| feed.mode));
        Ok(Changes {
            feed: feed.map(|feed| feed.name.clone()),
            mode: mode.map(|mode| mode.as_str().to_owned()),
            reload: self.reload,
        })
    }
}

pub(super) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", detail.into())
}

impl JobRequest {
    /// The same request, with the feed and the mode that it means.
    pub(super) fn completed(self, feed: Option<&Feed>) -> Self {
        let mode = self.mode.or(feed.map(|feed| feed.mode.into()));
        Self { feed: feed.map(|feed| feed.name.clone()), mode, ..self }
    }

    /// What the job is over; an object is looked up.
    pub(super) async fn target(&self, app: &App) -> Result<Target, Problem> {
        let Self { bucket, key, keys, prefix, glob, version, .. } = self;
        let listed = keys.iter().flatten().map(|key| ("keys", Some(key)));
        let texts = [("key", key), ("prefix", prefix), ("glob", glob), ("version", version)];
        for (name, text) in
            texts.map(|(name, text)| (name, text.as_ref())).into_iter().chain(listed)
        {
            check_text(name, text.map(String::as_str))?;
        }
        check_labels(&self.labels).map_err(invalid)?;
        if version.is_some() && key.is_none() {
            return Err(invalid("version needs key: it is the version of one object"));
        }
        match (key, keys, prefix, glob) {
            (Some(key), None, None, None) => {
                let object = app.locate(bucket, key, version.as_deref()).await?;
                Ok(Target::Object(Box::new(object)))
            }
            (None, Some(keys), None, None) => {
                app.bucket(bucket)?;
                let keys: BTreeSet<_> = keys.iter().cloned().collect();
                match keys.len() {
                    1..=MOST_KEYS => Ok(Target::Keys(keys.into_iter().collect())),
                    _ => Err(invalid(format!("keys has 1 to {MOST_KEYS} keys"))),
                }
            }
            (None, None, Some(prefix), None) => {
                app.bucket(bucket)?;
                Ok(Target::Prefix(prefix.clone()))
            }
            (None, None, None, Some(glob)) => {
                let wrong = |error: Error| invalid(error.to_string());
                // Only to see whether it is a pattern.
                drop(app.bucket(bucket)?.select(Selection::Glob(glob.clone())).map_err(wrong)?);
                Ok(Target::Glob(glob.clone()))
            }
            _ => Err(invalid("exactly one of key, keys, prefix and glob is required")),
        }
    }
}

/// The `Idempotency-Key` with the request that it stands for.
pub(super) fn idempotency(
    request: &impl Serialize,
    headers: &HeaderMap,
) -> Result<Option<(String, String)>, Problem> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key.to_str().ok().filter(|key| (1..=IDEMPOTENCY_KEY_CHARACTERS).contains(&key.len()));
    let Some(key) = key else {
        let detail =
            format!("an Idempotency-Key has 1 to {IDEMPOTENCY_KEY_CHARACTERS} ASCII characters");
        return Err(Problem::bad_request("invalid_parameter", detail));
    };
    let request = serde_json::to_string(request).unwrap_or_default();
    Ok(Some((key.to_owned(), request)))
}

const fn yes() -> bool {
    true
}

const fn is_yes(catalog: &bool) -> bool {
    *catalog
}

/// A value that is there: null is none.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
