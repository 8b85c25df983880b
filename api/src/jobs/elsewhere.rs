//! Jobs that are left to other workers, or for later: this worker does not have their feed as it was when they were
//! requested, or another job that may kill its worker runs just now.
//!
//! The entry of such a job is put back with a pause, so that no worker is busy with it: a second at first,
//! then half of the time that the job has waited so far, at most half a minute.

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::store::{StoreError, begin, commit, database_failed};
use super::worker::Worker;
use crate::wire::JobError;

const SHORTEST_PAUSE: TimeDelta = TimeDelta::seconds(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::seconds(30);

impl Worker {
    /// Puts the entry of a job back that could not be claimed, and notes it if this worker lacks its feed; false if
    /// the job does not wait.
    pub(super) async fn leave_to_others(&self, job_id: Uuid) -> Result<bool, StoreError> {
        let failed = || database_failed("leave the job to other workers");
        let mut client = self.store.client().await?;
        let transaction = begin(&mut client).await?;
        let sql = include_str!("../../../sql/queries/job_elsewhere.sql");
        let Some(job) = transaction.query_opt(sql, &[&job_id]).await.map_err(failed())? else {
            return Ok(false);
        };
        let (feed, hash): (Option<String>, Option<String>) =
            (job.get("feed"), job.get("feed_hash"));
        let Some(feed) = feed.filter(|feed| !self.has_feed(feed, hash.as_deref())) else {
            // Another job that may kill its worker runs just now.
            let again_at = Utc::now() + SHORTEST_PAUSE;
            self.store.enqueue_anew(&transaction, &[(job_id, Some(again_at))]).await?;
            commit(transaction).await?;
            return Ok(true);
        };
        self.say_once(&feed, hash.as_deref());
        let error = Json(JobError::feed_unavailable(&feed, hash.as_deref()));
        let again_at = Utc::now() + pause(&job);
        let sql = include_str!("../../../sql/queries/leave_job.sql");
        transaction.execute(sql, &[&job_id, &error, &again_at]).await.map_err(failed())?;
        self.store.enqueue_anew(&transaction, &[(job_id, Some(again_at))]).await?;
        commit(transaction).await?;
        Ok(true)
    }

    /// Whether this worker has a feed, with the text of this hash.
    fn has_feed(&self, name: &str, hash: Option<&str>) -> bool {
        let feed = self.feeds.get(name);
        feed.is_ok_and(|feed| hash.is_none_or(|hash| feed.hash == hash))
    }

    /// Says in the log that jobs of a feed are left to others: once for each text of it.
    fn say_once(&self, feed: &str, hash: Option<&str>) {
        if !self.is_first_left(feed, hash) {
            return;
        }
        let here = self.feeds.get(feed).ok().map(|feed| feed.hash.as_str());
        tracing::warn!(
            feed,
            wanted = hash,
            here,
            "jobs of this feed are left to other workers: this one does not have it as it was when they \
             were requested"
        );
    }
}

/// How long a job waits before a worker looks at it again, a quarter more or less.
fn pause(job: &Row) -> TimeDelta {
    let first_left_at: Option<DateTime<Utc>> = job.get("first_left_at");
    let waited = first_left_at.map(|at| Utc::now() - at).unwrap_or_default();
    let pause = (waited / 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    pause * fastrand::i32(75..=125) / 100
}
