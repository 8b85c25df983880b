//! Jobs and their states.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::job_error::JobError;

/// State of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobState {
    /// It waits for a worker.
    Queued,
    /// A worker runs it, or its child jobs.
    Running,
    /// Its rows are committed, by this job or an earlier load of the same version.
    Succeeded,
    /// Nothing was written, or not all parts of a load in parts; `first_error` says why.
    Failed,
    /// It was cancelled before anything was written, or before all parts were.
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

    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "succeeded" => Self::Succeeded,
            "cancelled" => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}

impl tokio_postgres::types::ToSql for JobState {
    fn to_sql(
        &self,
        kind: &tokio_postgres::types::Type,
        out: &mut bytes::BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.as_str().to_sql(kind, out)
    }

    fn accepts(kind: &tokio_postgres::types::Type) -> bool {
        <&str as tokio_postgres::types::ToSql>::accepts(kind)
    }

    tokio_postgres::types::to_sql_checked!();
}

/// What a job does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobKind {
    /// It loads objects.
    #[default]
    Load,
    /// It loads rejects again.
    Replay,
    /// It ignores rejects.
    Ignore,
}

impl JobKind {
    /// The kind that a job over rejects has by its action; else it loads objects.
    pub(crate) fn of_action(action: Option<&str>) -> Self {
        match action {
            Some("replay") => Self::Replay,
            Some("ignore") => Self::Ignore,
            _ => Self::Load,
        }
    }
}

/// Child jobs of a job over many objects, counted by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobCounts {
    /// Queued child jobs.
    pub(crate) queued: u64,
    /// Running child jobs.
    pub(crate) running: u64,
    /// Succeeded child jobs.
    pub(crate) succeeded: u64,
    /// Failed child jobs.
    pub(crate) failed: u64,
    /// Cancelled child jobs.
    pub(crate) cancelled: u64,
    /// Succeeded child jobs that loaded nothing, because their version was loaded already.
    #[serde(default)]
    pub(crate) already_loaded: u64,
}

/// The worker that runs a job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobWorker {
    /// Its name, as `/v1/workers` has it.
    pub(crate) worker_id: String,
    /// When it was last heard of. Absent if nobody knows of it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_heartbeat_at: Option<DateTime<Utc>>,
    /// Whether it is silent: another worker takes the job over, if there is one.
    pub(crate) silent: bool,
}

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Job {
    /// The job's id, a UUID of version 7: later jobs sort after earlier ones.
    pub(crate) job_id: Uuid,
    /// The parent: the job over many objects that created this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parent_id: Option<Uuid>,
    /// What it does.
    #[serde(default)]
    pub(crate) kind: JobKind,
    /// Which rejects are meant, for a job over rejects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) rejects: Option<serde_json::Value>,
    /// The configured bucket. Absent for a job over rejects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bucket: Option<String>,
    /// The object's key, for a job over one object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// The beginning of the keys, for a job over many objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    /// The pattern of the keys, for a job over many objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) glob: Option<String>,
    /// How many keys were listed, for a job over a list of keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_count: Option<u32>,
    /// Its labels. Child jobs have those of their parent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    /// URL that gets a message when the job has ended, without its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<String>,
    /// Whether it loads exactly `version`, even if there is a newer one.
    #[serde(default, rename = "pinned", skip_serializing_if = "is_false")]
    pub(crate) is_pinned: bool,
    /// The mode that was asked for: `auto`, `merge` or `append`. The `summary` has the mode that was
    /// used. Absent if each child job has the mode of its feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
    /// Whether it only reads and checks, and writes nothing.
    pub(crate) dry_run: bool,
    /// Whether it loads a version again on purpose.
    pub(crate) reload: bool,
    /// The name of the feed that it goes through. Absent if the keys of its objects say which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) feed: Option<String>,
    /// The hash of the feed's text when the job was requested. Only workers that have this text run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) feed_hash: Option<String>,
    /// Whether it does the preflight.
    #[serde(default = "yes")]
    pub(crate) catalog: bool,
    /// How many records of an object may be rejected, as it was asked for: a count, or a share like `20%`.
    /// Absent if the server's limit holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_rejected: Option<String>,
    /// The version of the object when it was last looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// State of the job.
    pub(crate) state: JobState,
    /// Whether it succeeded without loading anything, because this version was loaded already.
    #[serde(default)]
    pub(crate) already_loaded: bool,
    /// The worker that runs it, while it is running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) worker: Option<JobWorker>,
    /// How many attempts were begun.
    pub(crate) attempts: u32,
    /// Whether somebody asked to cancel it.
    pub(crate) cancel_requested: bool,
    /// The size of the object or objects in bytes, as stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    /// Bytes that the current attempt has read.
    pub(crate) bytes_read: u64,
    /// Records that the current attempt has read.
    pub(crate) records: u64,
    /// Valid records; after success, loaded records.
    pub(crate) loaded: u64,
    /// Rejected records.
    pub(crate) rejected: u64,
    /// The load's number in the ledger, after success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load_id: Option<i64>,
    /// The summary, as `stevedore load --json` prints it, after success.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) summary: Option<serde_json::Value>,
    /// The last error, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<JobError>,
    /// The first error, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_error: Option<JobError>,
    /// Its child jobs, for a job over many objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jobs: Option<JobCounts>,
    /// The name of the API key that requested the job.
    pub(crate) requested_by: String,
    /// The id of the request, as in the logs.
    pub(crate) request_id: String,
    /// When the job was accepted.
    pub(crate) created_at: DateTime<Utc>,
    /// When the first attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// When the next attempt may begin, after a failed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_attempt_at: Option<DateTime<Utc>>,
}

/// Whether to leave it out.
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What jobs were before they could be otherwise.
const fn yes() -> bool {
    true
}

/// An attempt at a job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobAttempt {
    /// Its number, from 1. Retries count on.
    pub(crate) attempt: u32,
    /// The worker that made it.
    pub(crate) worker: Option<String>,
    /// When it began.
    pub(crate) started_at: DateTime<Utc>,
    /// When it ended. Absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// State of the job after it: `queued` if another attempt was to be made.
    pub(crate) state: JobState,
    /// Its error, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<JobError>,
}

/// The attempts at a job.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobAttempts {
    /// In their order, the last 100 at most
    pub(crate) attempts: Vec<JobAttempt>,
}

/// A change of a job's state.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobEvent {
    /// The event's number; later ones are greater.
    pub(crate) event_id: i64,
    /// When it happened.
    pub(crate) at: DateTime<Utc>,
    /// The new state.
    pub(crate) state: JobState,
    /// The attempt.
    pub(crate) attempt: u32,
    /// The error of the attempt before, if there was one.
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
