//! A watch and its runs, as they are sent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pipeline::error::Error;
use pipeline::feed::Feeds;
use pipeline::store::Selection;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::plan::text_of;
use crate::wire::JobError;

/// State of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WatchState {
    /// It waits until it is due.
    Ready,
    /// Its listing waits for a worker.
    Queued,
    /// A worker lists.
    Running,
    /// It does nothing until it is resumed.
    Paused,
}

impl WatchState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
        }
    }
}

/// Who defined a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DefinedBy {
    /// The settings file of a server or worker.
    Settings,
    /// A request to the API.
    Api,
}

impl DefinedBy {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Api => "api",
        }
    }
}

/// A watch.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Watch {
    /// Its name
    pub(crate) name: String,
    /// State of the watch
    pub(crate) state: WatchState,
    /// Who defined it
    pub(crate) defined_by: DefinedBy,
    /// The configured bucket
    pub(crate) bucket: String,
    /// Beginning of the keys
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    /// Pattern of whole keys
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) glob: Option<String>,
    /// The feed of its objects. Absent if their keys say which
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) feed: Option<String>,
    /// The mode of its jobs. Absent if it is that of each feed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
    /// Labels of its jobs, beside `watch`
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    /// When it lists, as five fields of cron
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<String>,
    /// How often it lists
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) every: Option<String>,
    /// Seconds for which an object must not have changed before it is loaded
    pub(crate) settle_secs: u32,
    /// Seconds for which a key is not loaded again after it was
    pub(crate) min_interval_secs: u32,
    /// Whether it loads what was there before it
    pub(crate) backfill: bool,
    /// URL of its queue of notices
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) queue: Option<String>,
    /// The token of its notices, in the answer to the request that made it. It is not shown again
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// When it was defined
    pub(crate) created_at: DateTime<Utc>,
    /// When it lists next
    pub(crate) next_run_at: Option<DateTime<Utc>>,
    /// When a run ended well last
    pub(crate) last_success_at: Option<DateTime<Utc>>,
    /// The queued, running or last run
    pub(crate) last_run: Option<WatchRun>,
    #[serde(skip)]
    token_sha256: Option<Vec<u8>>,
}

/// A listing of a watch.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct WatchRun {
    /// The run's id
    pub(crate) run_id: Uuid,
    /// `queued`, `running` or `ended`
    pub(crate) state: String,
    /// The name of the API key that requested it, or `schedule`
    pub(crate) requested_by: String,
    /// When it was requested
    pub(crate) queued_at: DateTime<Utc>,
    /// When it began
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it ended
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// Objects that the listing had
    pub(crate) seen: u64,
    /// Those that were new or overwritten
    pub(crate) new: u64,
    /// Those that got a job: all new ones but those that another job is under way for
    pub(crate) submitted: u64,
    /// Those that a later run takes, since they or their key changed a moment ago
    pub(crate) held: u64,
    /// Those whose job failed so far
    pub(crate) failed: u64,
    /// The job over the new objects, if there were any
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<Uuid>,
    /// Why it failed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<JobError>,
}

impl Watch {
    /// Which objects it is over.
    pub(crate) fn selection(&self) -> Selection {
        match &self.glob {
            Some(glob) => Selection::Glob(glob.clone()),
            None => Selection::Prefix(self.prefix.clone().unwrap_or_default()),
        }
    }

    /// Says that its feed is not here, if that is so.
    pub(super) fn check_feed(&self, feeds: &Feeds) -> Result<(), Error> {
        self.feed.as_ref().map_or(Ok(()), |name| feeds.get(name).map(drop))
    }

    /// Whether it does nothing for now.
    pub(super) fn is_paused(&self) -> bool {
        self.state == WatchState::Paused
    }

    /// Whether notices come with the token of this hash; the time it takes tells nothing.
    pub(crate) fn has_token(&self, hash: &[u8; 32]) -> bool {
        let token = self.token_sha256.as_deref().unwrap_or_default();
        token.ct_eq(hash.as_slice()).into()
    }

    /// Whether it has a token.
    pub(crate) const fn takes_notices(&self) -> bool {
        self.token_sha256.is_some()
    }
}

impl From<&Row> for WatchRun {
    fn from(row: &Row) -> Self {
        let count = |column| row.get::<_, i64>(column).unsigned_abs();
        let (run_id, new) = (row.get("run_id"), count("new_objects"));
        Self {
            run_id,
            state: row.get("state"),
            requested_by: row.get("requested_by"),
            queued_at: row.get("queued_at"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
            seen: count("seen"),
            new,
            submitted: count("submitted"),
            held: count("held"),
            failed: count("failed"),
            job_id: (new > 0).then_some(run_id),
            error: row.get::<_, Option<Json<JobError>>>("error").map(|Json(error)| error),
        }
    }
}

impl From<&Row> for Watch {
    fn from(row: &Row) -> Self {
        let number = |column| row.get::<_, i32>(column).unsigned_abs();
        let last_run = row.get::<_, Option<Uuid>>("run_id").map(|_| WatchRun::from(row));
        let state = match last_run.as_ref().map(|run| run.state.as_str()) {
            _ if row.get("is_paused") => WatchState::Paused,
            Some("queued") => WatchState::Queued,
            Some("running") => WatchState::Running,
            _ => WatchState::Ready,
        };
        let is_of_settings = row.get::<_, &str>("defined_by") == DefinedBy::Settings.as_str();
        let every_secs: Option<i32> = row.get("every_secs");
        Self {
            name: row.get("name"),
            state,
            defined_by: if is_of_settings { DefinedBy::Settings } else { DefinedBy::Api },
            bucket: row.get("bucket"),
            prefix: row.get("prefix"),
            glob: row.get("glob"),
            feed: row.get("feed"),
            mode: row.get("mode"),
            labels: row.get::<_, Json<_>>("labels").0,
            schedule: row.get("schedule"),
            every: every_secs.map(|seconds| text_of(seconds.unsigned_abs())),
            settle_secs: number("settle_secs"),
            min_interval_secs: number("min_interval_secs"),
            backfill: row.get("backfill"),
            queue: row.get("queue"),
            token: None,
            created_at: row.get("created_at"),
            next_run_at: row.get("next_run_at"),
            last_success_at: row.get("last_success_at"),
            last_run,
            token_sha256: row.get("token_sha256"),
        }
    }
}
