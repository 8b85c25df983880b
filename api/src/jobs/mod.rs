//! Jobs: requests for loads that outlive whoever asked and whoever works on them.
//!
//! A job is a row of `stevedore.jobs`, which keeps its state for ever, and while it waits or runs an
//! entry of the queue ([`queue`]), written in the same transaction. A [`worker`] takes entries and
//! makes [`attempt`]s. The row is the truth: an entry whose row has ended is dropped. Runs of
//! [`crawlers`] go the same way, by their own kind of entry ([`mod@crawl`]) and rows.

mod attempt;
mod crawl;
pub(crate) mod crawlers;
mod help;
mod listener;
mod listing;
mod outcome;
mod pool;
mod queue;
mod record;
mod schedule;
mod store;
mod submit;
mod worker;

pub(crate) use listener::{Listener, Notice};
pub(crate) use outcome::JobError;
pub(crate) use pool::pool;
pub(crate) use queue::{Queue, migrate};
pub(crate) use schedule::Schedule;
pub(crate) use store::{Asked, Changed, EVENTS, JobFilter, Store, StoreError, database_failed};
pub(crate) use submit::{Request, SubmitError, Target};
pub(crate) use worker::{Worker, WorkerSettings};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What a job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobState {
    /// It waits for a worker, at first or for another attempt.
    Queued,
    /// A worker is at it, or at the jobs it has brought about.
    Running,
    /// Its rows are committed, now or by an earlier load of the same version.
    Succeeded,
    /// Nothing was written, or of an object that is loaded in parts not all; `first_error` says why.
    Failed,
    /// It was called off before anything was written, or all parts were.
    Cancelled,
}

impl JobState {
    /// The word for the state, as the database and the API have it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen to the job by itself.
    pub(crate) const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    fn parse(word: &str) -> Self {
        match word {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "succeeded" => Self::Succeeded,
            "cancelled" => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}

/// How many of the jobs that a job over many objects has brought about are in which state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobCounts {
    /// They wait.
    pub(crate) queued: u64,
    /// Workers are at them.
    pub(crate) running: u64,
    /// Their rows are committed.
    pub(crate) succeeded: u64,
    /// Nothing of theirs was written.
    pub(crate) failed: u64,
    /// They were called off.
    pub(crate) cancelled: u64,
}

/// A job as it is told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Job {
    /// The job's id: a UUID of version 7, so that later jobs sort after earlier ones.
    pub(crate) job_id: Uuid,
    /// The job over many objects that brought this one about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parent_id: Option<Uuid>,
    /// The configured bucket.
    pub(crate) bucket: String,
    /// The object's key, of a job over one object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// What the keys of the objects begin with, of a job over many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    /// The pattern that the keys of the objects match, of a job over many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) glob: Option<String>,
    /// The mode that was asked for: `auto`, `merge` or `append`. The `summary` has the mode that was
    /// used.
    pub(crate) mode: String,
    /// Whether everything is read and checked, and nothing written.
    pub(crate) dry_run: bool,
    /// Whether a version is loaded again that is loaded already.
    pub(crate) reload: bool,
    /// Whether the feed is held against the catalog before the load.
    #[serde(default = "yes")]
    pub(crate) catalog: bool,
    /// The version of the object when it was last looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// What the job is doing.
    pub(crate) state: JobState,
    /// How many attempts were begun.
    pub(crate) attempts: u32,
    /// Whether somebody asked to cancel it.
    pub(crate) cancel_requested: bool,
    /// The size of the object or objects in bytes, as stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    /// Bytes of it that the current attempt has read.
    pub(crate) bytes_read: u64,
    /// Records that the current attempt has read.
    pub(crate) records: u64,
    /// Records that are valid, and with success loaded.
    pub(crate) loaded: u64,
    /// Records that are rejected.
    pub(crate) rejected: u64,
    /// Rows of the log.
    pub(crate) log_rows: u64,
    /// The load's number in the ledger, once it has succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load_id: Option<i64>,
    /// What the load did, as `stevedore load --json` prints it, once it has succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) summary: Option<serde_json::Value>,
    /// What went wrong last, if anything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<JobError>,
    /// What went wrong first, if anything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_error: Option<JobError>,
    /// The jobs that it has brought about, of a job over many objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jobs: Option<JobCounts>,
    /// The name of the key with which the job was asked for.
    pub(crate) requested_by: String,
    /// What the logs call the request.
    pub(crate) request_id: String,
    /// When the job was accepted.
    pub(crate) created_at: DateTime<Utc>,
    /// When the first attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it came to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// When the next attempt begins at the earliest, after one that went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_attempt_at: Option<DateTime<Utc>>,
}

/// What jobs were before they could be otherwise.
const fn yes() -> bool {
    true
}

/// A change of a job's state.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobEvent {
    /// The event's number; later ones are greater.
    pub(crate) event_id: i64,
    /// When it happened.
    pub(crate) at: DateTime<Utc>,
    /// What the job was doing from then on.
    pub(crate) state: JobState,
    /// The attempt.
    pub(crate) attempt: u32,
    /// What went wrong in the attempt before, if something did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<JobError>,
}

#[cfg(test)]
mod tests {
    use super::JobState;

    #[test]
    fn states_that_are_live_are_not_final() {
        for (state, is_final) in [
            (JobState::Queued, false),
            (JobState::Running, false),
            (JobState::Succeeded, true),
            (JobState::Failed, true),
            (JobState::Cancelled, true),
        ] {
            assert_eq!(state.is_final(), is_final, "{state:?}");
            assert_eq!(JobState::parse(state.as_str()), state);
        }
    }
}
