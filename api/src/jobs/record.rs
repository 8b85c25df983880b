//! What attempts read and write of their jobs' rows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pipeline::bundle::{OBJECT_BYTES, Size};
use pipeline::load::{MaxRejected, Progress, Summary};
use pipeline::sink::RequestedMode;
use pipeline::store::Object;
use serde::Serialize;
use tokio_postgres::types::Json;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Transaction};
use uuid::Uuid;

use super::queue::ChildrenEntry;
use super::rejects::{Handled, RejectsTask};
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
    /// None of a job over rejects.
    pub(super) bucket: Option<String>,
    pub(super) rejects: Option<RejectsTask>,
    pub(super) key: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) glob: Option<String>,
    pub(super) keys: Option<Vec<String>>,
    /// Whether exactly `version` is to be loaded.
    pub(super) is_pinned: bool,
    /// Labels of the jobs of its objects too.
    pub(super) labels: BTreeMap<String, String>,
    pub(super) version: Option<String>,
    pub(super) bytes: Option<i64>,
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
    /// The trace of the request that asked for it.
    pub(super) traceparent: Option<String>,
}

/// What an attempt did, as it is kept.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Done<'a> {
    Loaded(&'a Summary),
    Handled(&'a Handled),
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    /// What the job does from now on: `Queued` for another attempt.
    pub(super) state: JobState,
    pub(super) done: Option<Done<'a>>,
    pub(super) error: Option<&'a JobError>,
    /// When the next attempt begins at the earliest.
    pub(super) again_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Begins attempts at a job, or at one that belongs to a job over many objects, and at small ones that may
    /// be loaded with it. None if nothing waits, the worker does not have its feed, or it may kill its worker and
    /// another such job runs.
    pub(super) async fn claim(
        &self,
        waiting: Waiting,
        worker: &str,
        claim_id: Uuid,
        feeds: &BTreeMap<String, String>,
    ) -> Result<Vec<Started>, StoreError> {
        let sql = include_str!("../../../sql/queries/claim_jobs.sql");
        let (job_id, parent_id) = match waiting {
            Waiting::Job(job_id) => (Some(job_id), None),
            Waiting::ChildOf(parent_id) => (None, Some(parent_id)),
        };
        let Size { objects, text_bytes } = Size::default();
        let (objects, text_bytes) = (objects as i64, text_bytes as i64);
        let object_bytes = OBJECT_BYTES as i64;
        let failed = || database_failed("begin an attempt");
        let client = self.client().await?;
        let statement = client.prepare_cached(sql).await.map_err(failed())?;
        let feeds = Json(feeds);
        let params: [&(dyn ToSql + Sync); 8] =
            [&job_id, &parent_id, &worker, &feeds, &object_bytes, &objects, &text_bytes, &claim_id];
        match client.query(&statement, &params).await.map_err(failed()) {
            // Another job that may kill its worker was claimed at the same time.
            Err(error) if error.is_unique_violation() => Ok(Vec::new()),
            rows => Ok(rows?.iter().map(Started::new).collect()),
        }
    }

    /// What a claim of a worker has begun.
    pub(super) async fn claimed(
        &self,
        worker: &str,
        claim_id: Uuid,
    ) -> Result<Vec<Started>, StoreError> {
        let sql = "select * from stevedore.jobs \
            where state = 'running' and worker = $1 and claim_id = $2 order by job_id";
        let rows = self.client().await?.query(sql, &[&worker, &claim_id]).await;
        let rows = rows.map_err(database_failed("look what a claim has begun"))?;
        Ok(rows.iter().map(Started::new).collect())
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

    /// Notes how attempts ended, all at once; the states of those jobs that still were theirs.
    pub(super) async fn end(
        &self,
        ends: &[(&Started, End<'_>)],
    ) -> Result<Vec<(Uuid, JobState)>, StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let sql = include_str!("../../../sql/queries/end_attempts.sql");
        let failed = || database_failed("note how the attempts ended");
        let statement = transaction.prepare_cached(sql).await.map_err(failed())?;
        let ends =
            Json(ends.iter().map(|(started, end)| EndRow::of(started, end)).collect::<Vec<_>>());
        let rows = transaction.query(&statement, &[&ends]).await.map_err(failed())?;
        let ended: Vec<_> =
            rows.iter().map(|row| (row.get(0), JobState::parse(row.get(1)))).collect();
        let again = rows.iter().filter(|row| row.get::<_, &str>(1) == JobState::Queued.as_str());
        let again: Vec<_> = again.map(|row| (row.get(0), row.get(2))).collect();
        self.enqueue_anew(&transaction, &again).await?;
        commit(transaction).await?;
        Ok(ended)
    }

    /// Makes jobs wait under new entries, each not before its time. The old ones are removed now: as some of
    /// the queue's own they would be removed when the attempts return, and were they given to another worker by
    /// then, or used again for the new ones, with them what is still to be done.
    pub(super) async fn enqueue_anew(
        &self,
        transaction: &Transaction<'_>,
        jobs: &[(Uuid, Option<DateTime<Utc>>)],
    ) -> Result<(), StoreError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = jobs.iter().map(|(job_id, _)| *job_id).collect();
        self.drop_entries(transaction, &ids).await?;
        self.enqueue(transaction, jobs).await
    }

    /// Removes the entries of jobs or of runs of crawlers.
    pub(super) async fn drop_entries(
        &self,
        transaction: &Transaction<'_>,
        ids: &[Uuid],
    ) -> Result<(), StoreError> {
        let sql = "delete from stevedore_queue._private_jobs where key = any($1::uuid[]::text[])";
        let removed = transaction.execute(sql, &[&ids]).await;
        removed.map(drop).map_err(database_failed("remove the entry of the attempt"))
    }

    /// Leads another worker to the jobs that wait of a job over many objects, if there are any.
    pub(super) async fn enqueue_rest(
        &self,
        entry: &ChildrenEntry,
        run_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let sql = include_str!("../../../sql/queries/children_wait.sql");
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let waiting = transaction.query_opt(sql, &[&entry.parent_id]).await;
        if waiting.map_err(database_failed("look for jobs that wait"))?.is_some() {
            self.enqueue_children(&transaction, entry.parent_id, entry.number, run_at).await?;
        }
        commit(transaction).await
    }

    /// Whether all attempts are still the last ones of their jobs, and none of these is to be cancelled.
    pub(super) async fn go_on(&self, jobs: &[Uuid], attempts: &[i32]) -> Result<bool, StoreError> {
        let sql = "select count(*) = cardinality($1::uuid[]) \
            from stevedore.jobs j \
            join unnest($1::uuid[], $2::integer[]) as a (job_id, attempt) using (job_id) \
            where j.attempts = a.attempt and j.state = 'running' and not j.cancel_requested";
        let row = self.client().await?.query_one(sql, &[&jobs, &attempts]).await;
        Ok(row.map_err(database_failed("look whether the jobs go on"))?.get(0))
    }

    /// Makes jobs wait again whose worker died; how many there were.
    pub(super) async fn recover(&self) -> Result<usize, StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let sql = include_str!("../../../sql/queries/recover_jobs.sql");
        let rows = transaction.query(sql, &[&Json(JobError::worker_died())]).await;
        let rows = rows.map_err(database_failed("look for jobs whose worker died"))?;
        let again: Vec<_> = rows.iter().map(|row| (row.get(0), None)).collect();
        self.enqueue_anew(&transaction, &again).await?;
        commit(transaction).await?;
        Ok(rows.len())
    }

    /// Gives jobs that wait an entry if none leads to them; how many entries were missing.
    ///
    /// The queue removes an entry when its attempt returns, whoever holds it by then: that of a
    /// worker that was silent too long, was taken for dead and is not.
    pub(super) async fn find_lost(&self) -> Result<usize, StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let sql = include_str!("../../../sql/queries/release_entries.sql");
        let released = transaction.execute(sql, &[]).await;
        released.map_err(database_failed("look for lost entries of the queue"))?;
        let sql = include_str!("../../../sql/queries/lost_jobs.sql");
        let rows =
            transaction.query(sql, &[]).await.map_err(database_failed("look for lost jobs"))?;
        let jobs: Vec<_> =
            rows.iter().filter_map(|row| row.get("job_id")).map(|job_id| (job_id, None)).collect();
        self.enqueue_anew(&transaction, &jobs).await?;
        for parent_id in rows.iter().filter_map(|row| row.get("parent_id")) {
            self.enqueue_children(&transaction, parent_id, 0, None).await?;
        }
        commit(transaction).await?;
        Ok(rows.len())
    }
}

/// What an entry of the queue makes a worker look at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Waiting {
    /// A job.
    Job(Uuid),
    /// The jobs that belong to one over many objects.
    ChildOf(Uuid),
}

/// What is noted of an attempt's end.
#[derive(Debug, Serialize)]
struct EndRow<'a> {
    job_id: Uuid,
    attempt: i32,
    state: &'static str,
    summary: Option<Done<'a>>,
    load_id: Option<i64>,
    error: Option<&'a JobError>,
    again_at: Option<DateTime<Utc>>,
    version: Option<&'a str>,
    bytes: Option<u64>,
    records: Option<u64>,
    loaded: Option<u64>,
    rejected: Option<u64>,
}

impl<'a> EndRow<'a> {
    fn of(started: &Started, &End { state, done, error, again_at }: &End<'a>) -> Self {
        let summary = match done {
            Some(Done::Loaded(summary)) => Some(summary),
            _ => None,
        };
        let counts = done.map(|done| match done {
            Done::Loaded(summary) => [summary.records, summary.loaded, summary.rejected],
            Done::Handled(handled) => handled.counts(),
        });
        let count = |at: usize| counts.map(|counts| counts[at]);
        Self {
            job_id: started.job_id,
            attempt: started.attempt,
            state: state.as_str(),
            summary: done,
            load_id: done.and_then(|done| match done {
                Done::Loaded(summary) => summary.load_id,
                Done::Handled(handled) => handled.load_id(),
            }),
            error,
            again_at,
            version: summary.map(|summary| summary.version.as_str()),
            bytes: summary.map(|summary| summary.bytes),
            records: count(0),
            loaded: count(1),
            rejected: count(2),
        }
    }
}

impl Started {
    /// The mode, and how many records may be rejected, as far as the job says so.
    pub(super) fn how_to_load(
        &self,
    ) -> Result<(Option<RequestedMode>, Option<MaxRejected>), JobError> {
        let mode = self.mode.as_deref().map(str::parse).transpose();
        let max_rejected = self.max_rejected.as_deref().map(str::parse).transpose();
        Ok((
            mode.map_err(JobError::unknown_mode)?,
            max_rejected.map_err(|detail: String| JobError::unknown_max_rejected(&detail))?,
        ))
    }

    /// How the jobs of its objects are to load.
    pub(super) fn how(&self) -> How<'_> {
        How {
            dry_run: self.dry_run,
            reload: self.reload,
            catalog: self.catalog,
            max_rejected: self.max_rejected.as_deref(),
            labels: &self.labels,
            asked: &self.asked,
        }
    }

    fn new(row: &Row) -> Self {
        let attempt = row.get("attempts");
        Self {
            job_id: row.get("job_id"),
            feed: row.get("feed"),
            feed_hash: row.get("feed_hash"),
            bucket: row.get("bucket"),
            rejects: row.get::<_, Option<Json<_>>>("rejects").map(|Json(task)| task),
            key: row.get("key"),
            prefix: row.get("prefix"),
            glob: row.get("glob"),
            keys: row.get("keys"),
            is_pinned: row.get("is_pinned"),
            labels: row.get::<_, Json<_>>("labels").0,
            version: row.get("version"),
            bytes: row.get("bytes"),
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
            traceparent: row.get("traceparent"),
        }
    }
}
