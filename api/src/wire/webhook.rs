//! Messages about jobs that have ended.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::job::{Job, JobState};

/// What the receiver of a webhook gets.
#[derive(Debug, Serialize)]
pub(crate) struct WebhookMessage<'a> {
    /// `job.succeeded`, `job.failed` or `job.cancelled`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// When the job ended.
    pub(crate) timestamp: DateTime<Utc>,
    /// The job, as it is when this is sent.
    pub(crate) data: &'a Job,
}

/// A message to a webhook, and how far it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct WebhookAttempt {
    /// Its id, as the header `webhook-id` has it.
    pub(crate) webhook_id: Uuid,
    /// Where it is sent, without the query.
    pub(crate) url: String,
    /// The state in which the job ended.
    pub(crate) state: JobState,
    /// When the job ended.
    pub(crate) created_at: DateTime<Utc>,
    /// How often it was sent.
    pub(crate) attempts: u32,
    /// When it is sent again. Absent if it was delivered, or if there is no further attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_attempt_at: Option<DateTime<Utc>>,
    /// When it was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delivered_at: Option<DateTime<Utc>>,
    /// The status of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Why the last attempt did not deliver it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// The messages about a job.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Webhooks {
    /// In their order, the last 100 at most.
    pub(crate) webhooks: Vec<WebhookAttempt>,
}
