//! What attempts read and write of their jobs' rows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pipeline::load::{MaxRejected, Progress, Summary};
use pipeline::store::Object;
use tokio_postgres::types::Json;
use tokio_postgres::{Row, Transaction};
use uuid::Uuid;

use super::store::{Asked, Store, StoreError, begin, commit, database_failed};
use super::submit::How;
use crate::wire::JobError;
use crate::wire::JobState;

/// A job that an attempt has begun on.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) job_id: Uuid,
    /// None if the key of its object, or the keys of its objects, say which.
    pub(super) feed: Option<String>,
    pub(super) feed_hash: Option<String>,
    pub(super) bucket: String,
    pub(super) key: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) glob: Option<String>,
    pub(super) version: Option<String>,
    /// None if it is the feed's.
    pub(super) mode: Option<String>,
    pub(super) dry_run: bool,
    pub(super) reload: bool,
    pub(super) catalog: bool,
    /// How many records may be rejected, as the job has it.
    pub(super) max_rejected: Option<String>,
    /// The number of the attempt: what its worker writes counts only as long as it is the last.
    pub(super) attempt: i32,
    /// Its number since the job was last asked for.
    pub(super) attempt_of_run: i32,
    pub(super) crashed_attempts: i32,
    pub(super) cancel_requested: bool,
    pub(super) asked: Asked,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    /// What the job does from now on: `Queued` for another attempt.
    pub(super) state: JobState,
    pub(super) summary: Option<&'a Summary>,
    pub(super) error: Option<&'a JobError>,
    /// When the next attempt begins at the earliest.
    pub(super) again_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Begins an attempt with the feeds of these names and hashes; none if the job has come to its end, or
    /// needs another feed.
    pub(super) async fn start(
        &self,
        job_id: Uuid,
        worker: &str,
        feeds: &BTreeMap<String, String>,
    ) -> Result<Option<Started>, StoreError> {
        let sql = include_str!("../../../sql/queries/start_job.sql");
        let row = self
            .client()
            .await?
            .query_opt(sql, &[&job_id, &worker, &Json(JobError::worker_died()), &Json(feeds)])
            .await;
        let row = row.map_err(database_failed("begin an attempt"))?;
        Ok(row.map(|row| Started::new(job_id, &row)))
    }

    /// Notes which version of the object the attempt is about; false when another job is.
    pub(super) async fn pin(&self, started: &Started, object: &Object) -> Result<bool, StoreError> {
        let sql = "update stevedore.jobs set version = $3, bytes = $4 \
            where job_id = $1 and attempts = $2 and state = 'running'";
        let (version, bytes) = (object.version(), object.size as i64);
        let (job, attempt) = (started.job_id, started.attempt);
        let pinned = self.client().await?.execute(sql, &[&job, &attempt, &version, &bytes]).await;
        match pinned.map_err(database_failed("note the version of the object")) {
            Err(error) if error.is_unique_violation() => Ok(false),
            pinned => pinned.map(|_| true),
        }
    }

    /// Notes how far an attempt is. None when the job is not this attempt's any more, else whether
    /// it is to be cancelled.
    pub(super) async fn progress(
        &self,
        started: &Started,
        progress: &Progress,
    ) -> Result<Option<bool>, StoreError> {
        let sql = include_str!("../../../sql/queries/progress_of_job.sql");
        let [bytes_read, records, loaded, rejected] = progress.counts().map(|count| count as i64);
        let (job, attempt) = (started.job_id, started.attempt);
        let row = self
            .client()
            .await?
            .query_opt(sql, &[&job, &attempt, &bytes_read, &records, &loaded, &rejected])
            .await;
        let row = row.map_err(database_failed("note how far the attempt is"))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Notes how an attempt ended.
    pub(super) async fn end(&self, started: &Started, end: &End<'_>) -> Result<(), StoreError> {
        let End { state, summary, error, again_at } = *end;
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let count = |count: fn(&Summary) -> u64| summary.map(|summary| count(summary) as i64);
        let ended = transaction
            .query_opt(
                include_str!("../../../sql/queries/end_attempt.sql"),
                &[
                    &started.job_id,
                    &started.attempt,
                    &state.as_str(),
                    &summary.map(Json),
                    &summary.and_then(|summary| summary.load_id),
                    &error.map(Json),
                    &again_at,
                    &count(|summary| summary.bytes),
                    &count(|summary| summary.records),
                    &count(|summary| summary.loaded),
                    &count(|summary| summary.rejected),
                ],
            )
            .await;
        let ended = ended.map_err(database_failed("note how the attempt ended"))?;
        if ended.is_some_and(|row| row.get::<_, &str>(0) == JobState::Queued.as_str()) {
            self.enqueue_anew(&transaction, started.job_id, again_at).await?;
        }
        commit(transaction).await
    }

    /// Makes a job wait under a new entry. The old one is removed now: as one of the queue's own it
    /// would be removed when the attempt returns, and were it given to another worker by then, or
    /// used again for the new one, with it what is still to be done.
    pub(super) async fn enqueue_anew(
        &self,
        transaction: &Transaction<'_>,
        job_id: Uuid,
        run_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        self.drop_entry(transaction, job_id).await?;
        self.enqueue(transaction, &[job_id], run_at).await
    }

    /// Removes the entry of a job or of a run of a crawler.
    pub(super) async fn drop_entry(
        &self,
        transaction: &Transaction<'_>,
        id: Uuid,
    ) -> Result<(), StoreError> {
        let sql = "delete from stevedore_queue._private_jobs where key = $1::uuid::text";
        let removed = transaction.execute(sql, &[&id]).await;
        removed.map(drop).map_err(database_failed("remove the entry of the attempt"))
    }

    /// Gives jobs an entry that have lost theirs; how many there were.
    ///
    /// The queue removes an entry when its attempt returns, whoever holds it by then: that of a
    /// worker that was silent too long, was taken for dead and is not.
    pub(super) async fn find_lost(&self) -> Result<usize, StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let sql = include_str!("../../../sql/queries/lost_jobs.sql");
        let rows =
            transaction.query(sql, &[]).await.map_err(database_failed("look for lost jobs"))?;
        for row in &rows {
            self.enqueue_anew(&transaction, row.get(0), None).await?;
        }
        commit(transaction).await?;
        Ok(rows.len())
    }
}

impl Started {
    /// How many records may be rejected, if the job says so.
    pub(super) fn max_rejected(&self) -> Result<Option<MaxRejected>, String> {
        self.max_rejected.as_deref().map(str::parse).transpose()
    }

    /// How the jobs of its objects are to load.
    pub(super) fn how(&self) -> How<'_> {
        How {
            dry_run: self.dry_run,
            reload: self.reload,
            catalog: self.catalog,
            max_rejected: self.max_rejected.as_deref(),
            asked: &self.asked,
        }
    }

    fn new(job_id: Uuid, row: &Row) -> Self {
        let attempt = row.get("attempts");
        Self {
            job_id,
            feed: row.get("feed"),
            feed_hash: row.get("feed_hash"),
            bucket: row.get("bucket"),
            key: row.get("key"),
            prefix: row.get("prefix"),
            glob: row.get("glob"),
            version: row.get("version"),
            mode: row.get("mode"),
            dry_run: row.get("dry_run"),
            reload: row.get("reload"),
            catalog: row.get("catalog"),
            max_rejected: row.get("max_rejected"),
            attempt,
            attempt_of_run: attempt - row.get::<_, i32>("earlier_attempts"),
            crashed_attempts: row.get("crashed_attempts"),
            cancel_requested: row.get("cancel_requested"),
            asked: Asked { by: row.get("requested_by"), request_id: row.get("request_id") },
        }
    }
}
