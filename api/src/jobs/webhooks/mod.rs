//! Tells others that jobs have ended, by requests as [Standard Webhooks](https://www.standardwebhooks.com) has them.
//!
//! The end of a job writes the message in its transaction (`stevedore.add_webhook`). Some worker sends it, on a task of
//! its own, so no load waits for a receiver. A message is sent until it is answered with success: a receiver may get one
//! twice, and knows it by its `webhook-id`.

mod request;
mod secret;
mod url;

pub(crate) use request::Sender;
pub(super) use request::{Answer, client, post};
pub(crate) use secret::WebhookSecret;
pub(crate) use url::{Origin, WebhookError, WebhookUrl, Webhooks};

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::broadcast::error::RecvError;
use tokio_postgres::Row;
use uuid::Uuid;

use super::listener::Notice;
use super::store::{Store, StoreError, database_failed};
use super::worker::Worker;
use crate::metrics;
use crate::wire::{JobState, WebhookAttempt};

/// Longest time between two looks for messages whose time has come.
const LOOK: Duration = Duration::from_secs(10);
/// Messages that are sent at the same time.
const AT_ONCE: i64 = 20;
/// Seconds after each attempt until the next one: ten attempts in three days, as the specification proposes.
pub(super) const PAUSES: [f64; 9] =
    [5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0];

/// A message that is to be sent.
struct Due {
    webhook_id: Uuid,
    job_id: Uuid,
    url: String,
    state: JobState,
    at: DateTime<Utc>,
    attempt: i32,
}

impl Worker {
    /// Sends messages when their time has come, for ever.
    pub(super) async fn send_webhooks(self: Arc<Self>) {
        let Some(sender) = &self.settings.webhooks else {
            return;
        };
        let mut notices = self.listener.subscribe();
        loop {
            match self.store.due_webhooks().await {
                Ok(due) if !due.is_empty() => {
                    let sent = due.iter().map(|due| self.send(sender, due).boxed());
                    join_all(sent).await;
                    continue;
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "webhooks cannot be looked at"),
            }
            let new = async { while !tells_of_one(&notices.recv().await) {} };
            tokio::time::timeout(LOOK, new).await.ok();
        }
    }

    /// Sends a message, and notes what came of it.
    async fn send(&self, sender: &Sender, due: &Due) {
        let answer = match self.store.get(due.job_id).await {
            Ok(Some(job)) => sender.send(&due.url, due.webhook_id, (due.state, due.at), &job).await,
            // It was removed with its messages.
            Ok(None) => return,
            Err(error) => Answer::failed(error.to_string()),
        };
        let Due { webhook_id, job_id, attempt, .. } = due;
        match &answer.error {
            None => tracing::info!(%job_id, %webhook_id, "a webhook was delivered"),
            Some(error) => {
                tracing::warn!(%job_id, %webhook_id, attempt, error, "a webhook was not delivered");
            }
        }
        metrics::webhook_sent(answer.error.is_none());
        if let Err(error) = self.store.note_webhook(due.webhook_id, &answer).await {
            tracing::warn!(%error, %webhook_id, "a webhook's answer was not noted: it is sent again");
        }
    }
}

/// Whether there may be a new message.
fn tells_of_one(notice: &Result<Notice, RecvError>) -> bool {
    matches!(notice, Ok(Notice::Webhook | Notice::Missed) | Err(_))
}

impl Store {
    /// Takes messages whose time has come.
    async fn due_webhooks(&self) -> Result<Vec<Due>, StoreError> {
        let sql = include_str!("../../../../sql/queries/claim_webhooks.sql");
        let rows = self.client().await?.query(sql, &[&PAUSES.as_slice(), &AT_ONCE]).await;
        let due = |row: &Row| Due {
            webhook_id: row.get("webhook_id"),
            job_id: row.get("job_id"),
            url: row.get("url"),
            state: JobState::parse(row.get("state")),
            at: row.get("created_at"),
            attempt: row.get("attempts"),
        };
        Ok(rows.map_err(database_failed("look for webhooks"))?.iter().map(due).collect())
    }

    /// Notes what came of an attempt to send a message.
    async fn note_webhook(&self, webhook_id: Uuid, answer: &Answer) -> Result<(), StoreError> {
        let sql = "update stevedore.webhooks set \
            delivered_at = case when $3::text is null then clock_timestamp() end, status = $2, error = $3, \
            next_attempt_at = case when $3 is not null and not $4 then next_attempt_at end \
            where webhook_id = $1";
        let (status, error) = (answer.status.map(i32::from), &answer.error);
        let client = self.client().await?;
        let noted = client.execute(sql, &[&webhook_id, &status, error, &answer.is_final]).await;
        noted.map(drop).map_err(database_failed("note a webhook's answer"))
    }

    /// What was told of a job, or is still to be: the last 100 at most, in their order.
    pub(crate) async fn webhooks(&self, job_id: Uuid) -> Result<Vec<WebhookAttempt>, StoreError> {
        let sql = "select * from (select webhook_id, url, state, created_at, attempts, next_attempt_at, \
            delivered_at, status, error from stevedore.webhooks where job_id = $1 \
            order by created_at desc limit 100) last order by created_at";
        let rows = self.client().await?.query(sql, &[&job_id]).await;
        let rows = rows.map_err(database_failed("read the webhooks of a job"))?;
        Ok(rows.iter().map(WebhookAttempt::from).collect())
    }
}
