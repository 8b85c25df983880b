//! Rows of the database as jobs and events.

use tokio_postgres::Row;
use tokio_postgres::types::Json;

use crate::wire::{
    Action, Job, JobAction, JobAttempt, JobCount, JobCounts, JobEvent, JobKind, JobState,
    JobWorker, WebhookAttempt,
};

fn json<T: for<'a> serde::Deserialize<'a>>(row: &Row, column: &str) -> Option<T> {
    row.get::<_, Option<Json<T>>>(column).map(|Json(value)| value)
}

/// The worker that runs a job. A row that was written just now does not say: nobody does.
fn worker(row: &Row) -> Option<JobWorker> {
    let worker = row.try_get::<_, Option<Json<JobWorker>>>("worker").ok().flatten();
    worker.map(|Json(worker)| worker)
}

/// Whether the summary of a job says that its version was loaded before.
fn is_already_loaded(row: &Row) -> bool {
    let summary: Option<serde_json::Value> = json(row, "summary");
    summary.is_some_and(|summary| summary["state"] == "already_loaded")
}

/// A URL without its query, which may hold a token.
fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

impl From<&Row> for WebhookAttempt {
    fn from(row: &Row) -> Self {
        Self {
            webhook_id: row.get("webhook_id"),
            url: without_query(row.get("url")),
            state: JobState::parse(row.get("state")),
            created_at: row.get("created_at"),
            attempts: row.get::<_, i32>("attempts").unsigned_abs(),
            next_attempt_at: row.get("next_attempt_at"),
            delivered_at: row.get("delivered_at"),
            status: row.get::<_, Option<i32>>("status").and_then(|status| status.try_into().ok()),
            error: row.get("error"),
        }
    }
}

impl From<&Row> for Job {
    fn from(row: &Row) -> Self {
        let count = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
        let rejects: Option<serde_json::Value> = json(row, "rejects");
        let action = rejects.as_ref().and_then(|rejects| rejects["action"].as_str());
        let has_children = row.get::<_, Option<&str>>("key").is_none() && rejects.is_none();
        Self {
            kind: JobKind::of_action(action),
            job_id: row.get("job_id"),
            parent_id: row.get("parent_id"),
            feed: row.get("feed"),
            feed_hash: row.get("feed_hash"),
            bucket: row.get("bucket"),
            key: row.get("key"),
            prefix: row.get("prefix"),
            glob: row.get("glob"),
            key_count: row.get::<_, Option<i32>>("key_count").map(i32::unsigned_abs),
            labels: json(row, "labels").unwrap_or_default(),
            webhook: row.get::<_, Option<&str>>("webhook").map(without_query),
            is_pinned: row.get("is_pinned"),
            mode: row.get("mode"),
            dry_run: row.get("dry_run"),
            reload: row.get("reload"),
            catalog: row.get("catalog"),
            max_rejected: row.get("max_rejected"),
            version: row.get("version"),
            state: JobState::parse(row.get("state")),
            already_loaded: is_already_loaded(row),
            worker: worker(row),
            attempts: u32::try_from(row.get::<_, i32>("attempts")).unwrap_or_default(),
            cancel_requested: row.get("cancel_requested"),
            bytes: row.get::<_, Option<i64>>("bytes").map(|bytes| bytes.unsigned_abs()),
            bytes_read: count("bytes_read"),
            records: count("records"),
            loaded: count("loaded"),
            rejected: count("rejected"),
            load_id: row.get("load_id"),
            summary: json(row, "summary"),
            error: json(row, "error"),
            first_error: json(row, "first_error"),
            jobs: json::<JobCounts>(row, "jobs").filter(|_| has_children),
            rejects,
            requested_by: row.get("requested_by"),
            request_id: row.get("request_id"),
            created_at: row.get("created_at"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
            next_attempt_at: row.get("next_attempt_at"),
        }
    }
}

impl From<&Row> for JobAction {
    fn from(row: &Row) -> Self {
        Self {
            action_id: row.get("action_id"),
            action: Action::parse(row.get("action")),
            filter: json(row, "filter").unwrap_or_default(),
            changed: row.get::<_, i64>("changed").unsigned_abs(),
            requested_by: row.get("requested_by"),
            created_at: row.get("created_at"),
            finished_at: row.get("finished_at"),
        }
    }
}

impl From<&Row> for JobCount {
    fn from(row: &Row) -> Self {
        Self {
            state: JobState::parse(row.get("state")),
            feed: row.get("feed"),
            error_code: row.get("error_code"),
            jobs: row.get::<_, i64>("jobs").unsigned_abs(),
        }
    }
}

impl From<&Row> for JobAttempt {
    fn from(row: &Row) -> Self {
        Self {
            attempt: u32::try_from(row.get::<_, i32>("attempt")).unwrap_or_default(),
            worker: row.get("worker"),
            started_at: row.get("started_at"),
            ended_at: row.get("ended_at"),
            state: JobState::parse(row.get("state")),
            error: json(row, "error"),
        }
    }
}

impl From<&Row> for JobEvent {
    fn from(row: &Row) -> Self {
        Self {
            event_id: row.get("event_id"),
            at: row.get("at"),
            state: JobState::parse(row.get("state")),
            attempt: u32::try_from(row.get::<_, i32>("attempt")).unwrap_or_default(),
            error: json(row, "error"),
        }
    }
}
