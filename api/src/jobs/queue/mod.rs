//! The queue: `graphile_worker` in the schema `stevedore_queue`, on our connections.
//!
//! An entry makes a worker look: at a job, at the jobs that belong to one over many objects, at a run of a crawler,
//! or at a job that wants help. It is written in the transaction that makes the job wait, and is gone when its
//! attempt has ended, whatever came of it: another attempt is another entry.

mod driver;
mod values;
mod waker;

use std::error::Error;

use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;
use graphile_worker::errors::GraphileWorkerError;
use graphile_worker::{Database as QueueDatabase, DbError, JobSpec, RawJobSpec, WorkerUtils};
use pipeline::database::Connection;
use pipeline::error::causes;
use serde::{Deserialize, Serialize};
use tokio_postgres::Transaction;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use self::driver::{Driver, Within};
use self::waker::Waker;
use super::listener::Listener;

/// The queue's own schema, so that it does not meet another user of `graphile_worker`.
pub(super) const SCHEMA: &str = "stevedore_queue";
/// The kind of entry that names a job.
pub(super) const TASK: &str = "attempt";
/// The kind of entry that names a run of a crawler.
pub(super) const CRAWL_TASK: &str = "crawl";
/// The kind of entry that names a run of a watch.
pub(super) const WATCH_TASK: &str = "watch";

/// The priority of what is not a job: those of jobs are 0, and smaller ones go first.
const AFTER_JOBS: i16 = 10;
/// That of listings, which are short and of which others depend: they do not wait behind all that is found already.
const BEFORE_JOBS: i16 = -10;

/// The kind of entry that names an action on jobs.
pub(super) const ACTION_TASK: &str = "action";
/// The kind of entry that leads to the jobs of a job over many objects.
pub(super) const CHILDREN_TASK: &str = "children";
/// Entries that lead to the jobs of one job over many objects at the same time, at most: as many workers take
/// sets of them. Other jobs wait for no more than these.
pub(super) const CHILDREN_ENTRIES: usize = 8;

/// What an entry of a job holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct QueueEntry {
    pub(super) job_id: Uuid,
    /// Whether it is about a part of the object that an attempt at the job loads in parts, and not
    /// about the job.
    #[serde(default)]
    pub(super) helps: bool,
}

/// What an entry for the jobs of a job over many objects holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ChildrenEntry {
    pub(super) parent_id: Uuid,
    /// Which of the entries for this job it is.
    pub(super) number: usize,
}

/// What an entry of an action on jobs holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ActionEntry {
    pub(super) action_id: Uuid,
}

/// What an entry of a crawl holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CrawlEntry {
    pub(super) crawler: String,
    pub(super) run_id: Uuid,
}

/// What an entry of a watch's run holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct WatchEntry {
    pub(super) watch: String,
    pub(super) run_id: Uuid,
}

/// The queue over our pool and listener.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    database: QueueDatabase,
    waker: Waker,
}

impl Queue {
    /// The queue of a database; nothing is read or written yet.
    pub(crate) fn new(pool: Pool, listener: Listener) -> Self {
        let waker = Waker::new(pool.clone());
        Self { database: QueueDatabase::new(Driver { pool, listener }), waker }
    }

    pub(super) fn database(&self) -> QueueDatabase {
        self.database.clone()
    }

    /// Notifies workers of the entry of a request, which is committed.
    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// Makes jobs wait for a worker, each not before its time, if the transaction commits.
    ///
    /// An entry that waits already is replaced.
    pub(super) async fn add(
        &self,
        transaction: &Transaction<'_>,
        jobs: &[(Uuid, Option<DateTime<Utc>>)],
    ) -> Result<(), DbError> {
        let entries = jobs.iter().map(|&(job_id, run_at)| raw(job_id, run_at));
        self.add_entries(transaction, entries.collect()).await
    }

    /// Makes a worker look at the jobs of a job over many objects, not before `run_at`, if the transaction
    /// commits. An entry of the same number that waits already is replaced.
    pub(super) async fn add_children(
        &self,
        transaction: &Transaction<'_>,
        parent_id: Uuid,
        number: usize,
        run_at: Option<DateTime<Utc>>,
    ) -> Result<(), DbError> {
        let number = number % CHILDREN_ENTRIES;
        let job_key = Some(format!("{parent_id}/{number}"));
        let entry = RawJobSpec {
            identifier: CHILDREN_TASK.to_owned(),
            payload: serde_json::json!({ "parent_id": parent_id, "number": number }),
            spec: JobSpec { run_at, job_key, ..JobSpec::default() },
        };
        self.add_entries(transaction, vec![entry]).await
    }

    /// Makes a worker go on with an action on jobs, if the transaction commits.
    pub(super) async fn add_action(
        &self,
        transaction: &Transaction<'_>,
        action_id: Uuid,
    ) -> Result<(), DbError> {
        let entry = RawJobSpec {
            identifier: ACTION_TASK.to_owned(),
            payload: serde_json::json!({ "action_id": action_id }),
            spec: spec(action_id, None),
        };
        self.add_entries(transaction, vec![entry]).await
    }

    /// Asks so many workers to help with a job, each with a part of its object, if the transaction
    /// commits. They are asked after all that waits to be begun.
    pub(super) async fn ask_for_help(
        &self,
        transaction: &Transaction<'_>,
        job_id: Uuid,
        helpers: usize,
    ) -> Result<(), DbError> {
        let payload = serde_json::json!({ "job_id": job_id, "helps": true });
        let spec = JobSpec { priority: Some(AFTER_JOBS), ..JobSpec::default() };
        let entry = || RawJobSpec {
            identifier: TASK.to_owned(),
            payload: payload.clone(),
            spec: spec.clone(),
        };
        self.add_entries(transaction, std::iter::repeat_with(entry).take(helpers).collect()).await
    }

    /// Makes a worker list what a watch is over, if the transaction commits.
    pub(super) async fn add_watch_run(
        &self,
        transaction: &Transaction<'_>,
        watch: &str,
        run_id: Uuid,
    ) -> Result<(), DbError> {
        let entry = RawJobSpec {
            identifier: WATCH_TASK.to_owned(),
            payload: serde_json::json!({ "watch": watch, "run_id": run_id }),
            spec: JobSpec { priority: Some(BEFORE_JOBS), ..spec(run_id, None) },
        };
        self.add_entries(transaction, vec![entry]).await
    }

    async fn add_entries(
        &self,
        transaction: &Transaction<'_>,
        entries: Vec<RawJobSpec>,
    ) -> Result<(), DbError> {
        let mut utils =
            WorkerUtils::new(self.database(), SCHEMA).with_executor(Within(transaction));
        let added = match <[_; 1]>::try_from(entries) {
            // One is written by one statement, many by three.
            Ok([RawJobSpec { identifier, payload, spec }]) => {
                utils.add_raw_job(&identifier, payload, spec).await.map(drop)
            }
            Err(entries) => utils.add_raw_jobs(&entries).await.map(drop),
        };
        added.map_err(not_added)
    }

    /// The same for a run of a crawler.
    pub(super) async fn add_crawl(
        &self,
        transaction: &Transaction<'_>,
        crawler: &str,
        run_id: Uuid,
        run_at: Option<DateTime<Utc>>,
    ) -> Result<(), DbError> {
        let mut utils =
            WorkerUtils::new(self.database(), SCHEMA).with_executor(Within(transaction));
        let payload = serde_json::json!({ "crawler": crawler, "run_id": run_id });
        let added = utils.add_raw_job(CRAWL_TASK, payload, spec(run_id, run_at)).await;
        added.map(drop).map_err(not_added)
    }
}

fn not_added(error: GraphileWorkerError) -> DbError {
    match error {
        GraphileWorkerError::SqlError(error) => error,
        error => DbError::new(error.to_string()),
    }
}

fn raw(job_id: Uuid, run_at: Option<DateTime<Utc>>) -> RawJobSpec {
    RawJobSpec {
        identifier: TASK.to_owned(),
        payload: serde_json::json!({ "job_id": job_id }),
        spec: spec(job_id, run_at),
    }
}

fn spec(id: Uuid, run_at: Option<DateTime<Utc>>) -> JobSpec {
    JobSpec { run_at, job_key: Some(id.to_string()), ..JobSpec::default() }
}

/// Creates the queue's tables or brings them up to date; only one process at a time does.
///
/// Where nothing is to be done it needs no right but to read the schema.
///
/// # Errors
/// When the role may not.
pub(crate) async fn migrate(connection: &Connection, queue: &Queue) -> Result<(), DbError> {
    let lock = "select pg_advisory_lock(hashtextextended('stevedore_queue', 0))";
    let unlock = "select pg_advisory_unlock(hashtextextended('stevedore_queue', 0))";
    connection.batch_execute(lock).await?;
    let migrated = WorkerUtils::new(queue.database(), SCHEMA).migrate().await;
    connection.batch_execute(unlock).await?;
    migrated.map_err(|error| not_migrated(&error))?;
    // The queue adds the row of a kind of entry with the first entry. Requests write their entries themselves.
    let add = "insert into stevedore_queue._private_tasks (identifier) select $1 \
        where not exists (select from stevedore_queue._private_tasks where identifier = $1) \
        on conflict do nothing";
    connection.execute(add, &[&TASK]).await.map(drop).map_err(DbError::from)
}

/// Why the queue was not brought up to date.
fn not_migrated(error: &(dyn Error + 'static)) -> DbError {
    let cause = error.source().and_then(|source| source.downcast_ref::<DbError>());
    match cause.and_then(DbError::code) {
        Some(code) if code == SqlState::INSUFFICIENT_PRIVILEGE.code() => DbError::with_code(
            format!(
                "the role may not use the schema {SCHEMA}: run `stevedore migrate --grant-serve ROLE` as \
                 the owner of the tables"
            ),
            code,
        ),
        Some(code) => DbError::with_code(causes(error).join(": "), code),
        None => DbError::new(causes(error).join(": ")),
    }
}
