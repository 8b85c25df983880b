//! What is asked of all jobs that a filter matches.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What is done to jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Failed and cancelled jobs are queued again.
    Retry,
    /// Queued and running jobs are cancelled.
    Cancel,
}

impl Action {
    /// The word for it, as the database and the API have it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
        }
    }

    pub(crate) fn parse(word: &str) -> Self {
        if word == "retry" { Self::Retry } else { Self::Cancel }
    }
}

/// An action on all jobs that a filter matches.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobAction {
    /// Its id. Only jobs that were accepted before it are changed.
    pub(crate) action_id: Uuid,
    /// What is done.
    pub(crate) action: Action,
    /// Which jobs, as it was asked for.
    #[schema(value_type = Object)]
    pub(crate) filter: serde_json::Value,
    /// Jobs that were changed so far.
    pub(crate) changed: u64,
    /// The name of the API key that asked for it.
    pub(crate) requested_by: String,
    /// When it was accepted.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was done. Absent while a worker is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// Jobs over one object, counted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobCount {
    /// Their state.
    pub(crate) state: super::JobState,
    /// Their feed. Absent if it is unclear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) feed: Option<String>,
    /// The code of their last error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error_code: Option<String>,
    /// How many there are.
    pub(crate) jobs: u64,
}

/// The counts of all jobs over one object.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobCountList {
    /// One for each state, feed and error code.
    pub(crate) counts: Vec<JobCount>,
}
