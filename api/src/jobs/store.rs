//! The rows of jobs: read and written here, and nowhere else.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use deadpool_postgres::{GenericClient, Object, Pool, PoolError};
use graphile_worker::DbError;
use pipeline::error::{is_passing, may_pass};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Json, ToSql};
use tokio_postgres::{Row, Transaction};
use uuid::Uuid;

use super::queue::Queue;
use crate::wire::{Job, JobCounts, JobEvent, JobState};

/// Rows that are fetched at once: one may have some hundred KiB.
const FETCHED_ROWS: i32 = 8;
/// Events of a job that are read at once.
pub(crate) const EVENTS: i64 = 100;

/// Why the rows could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// No connection was to be had.
    #[error("could not get a connection to the database")]
    Pool(#[from] PoolError),
    /// The database refused, or the connection broke.
    #[error("could not {doing}")]
    Database { doing: &'static str, source: tokio_postgres::Error },
    /// The queue could not be written.
    #[error("could not put jobs into the queue")]
    Queue(#[source] DbError),
}

impl StoreError {
    /// What the database said, if it was that.
    pub(crate) fn sqlstate(&self) -> Option<&SqlState> {
        match self {
            Self::Database { source, .. } => source.code(),
            _ => None,
        }
    }

    /// Whether the same may succeed later, with nobody changing anything.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Pool(PoolError::Backend(source)) | Self::Database { source, .. } => {
                may_pass(source)
            }
            Self::Pool(_) => true,
            Self::Queue(error) => {
                error.code().is_none_or(|code| is_passing(&SqlState::from_code(code)))
            }
        }
    }

    /// Whether what was to be written is there already.
    pub(crate) fn is_unique_violation(&self) -> bool {
        self.sqlstate() == Some(&SqlState::UNIQUE_VIOLATION)
    }
}

/// The error of a statement, by what it was to do.
pub(crate) fn database_failed(
    doing: &'static str,
) -> impl FnOnce(tokio_postgres::Error) -> StoreError {
    move |source| StoreError::Database { doing, source }
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct JobFilter {
    pub(crate) state: Option<JobState>,
    pub(crate) bucket: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) since: Option<DateTime<Utc>>,
    pub(crate) until: Option<DateTime<Utc>>,
    /// Only jobs older than this one.
    pub(crate) before: Option<Uuid>,
    pub(crate) limit: i64,
}

/// Whether a job was cancelled, or made to wait again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    Yes,
    /// The job is in a state in which that cannot be done.
    No,
}

/// Who asked for a job, and with which request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The name of the key.
    pub(crate) by: String,
    /// What the logs call the request.
    pub(crate) request_id: String,
}

/// The rows of jobs, and their entries in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: Pool,
    queue: Queue,
}

impl Store {
    pub(crate) const fn new(pool: Pool, queue: Queue) -> Self {
        Self { pool, queue }
    }

    pub(crate) const fn queue(&self) -> &Queue {
        &self.queue
    }

    /// A connection of the pool.
    pub(crate) async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }

    /// Hands the rows of a query over until `take` has enough. Few are in memory at once, whatever the
    /// query finds, since a row may be long.
    pub(crate) async fn each(
        &self,
        doing: &'static str,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
        mut take: impl FnMut(&Row) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let failed = || database_failed(doing);
        let mut client = self.client().await?;
        let transaction = client.build_transaction().read_only(true).start().await;
        let transaction = transaction.map_err(failed())?;
        // Planned anew each time: which index helps depends on which filters there are.
        let portal = transaction.bind(sql, params).await.map_err(failed())?;
        loop {
            let rows = transaction.query_portal(&portal, FETCHED_ROWS).await.map_err(failed())?;
            let is_last = rows.len() < FETCHED_ROWS as usize;
            if rows.iter().any(|row| take(row).is_break()) || is_last {
                return Ok(());
            }
        }
    }

    /// Hands jobs over, newest first, until `take` has enough.
    pub(crate) async fn list(
        &self,
        filter: &JobFilter,
        mut take: impl FnMut(Job) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let params: [&(dyn ToSql + Sync); 8] = [
            &filter.state.map(JobState::as_str),
            &filter.bucket,
            &filter.key,
            &filter.parent_id,
            &filter.since,
            &filter.until,
            &filter.before,
            &filter.limit,
        ];
        self.each("list jobs", &format!("{JOBS} {LISTED}"), &params, |row| take(row.into())).await
    }

    /// A job, if there is one.
    pub(crate) async fn get(&self, job_id: Uuid) -> Result<Option<Job>, StoreError> {
        find(&self.client().await?, job_id).await
    }

    /// What happened to a job after an event: the next things, [`EVENTS`] at most.
    pub(crate) async fn events(
        &self,
        job_id: Uuid,
        after: i64,
    ) -> Result<Vec<JobEvent>, StoreError> {
        let sql = "select event_id, at, state, attempt, error from stevedore.job_events \
            where job_id = $1 and event_id > $2 order by event_id limit $3";
        let rows = self.client().await?.query(sql, &[&job_id, &after, &EVENTS]).await;
        Ok(rows
            .map_err(database_failed("read what happened to a job"))?
            .iter()
            .map(JobEvent::from)
            .collect())
    }

    /// How many jobs over one object wait or run.
    pub(crate) async fn live(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        let sql = "select state, count(*) from stevedore.jobs \
            where state in ('queued', 'running') and not children_created group by state";
        let rows = self.client().await?.query(sql, &[]).await;
        let rows = rows.map_err(database_failed("count the jobs that wait"))?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Calls a job off, and those that it has brought about.
    pub(crate) async fn cancel(&self, job_id: Uuid) -> Result<Changed, StoreError> {
        if self.cancel_where("job_id", job_id).await? == 0 {
            return Ok(Changed::No);
        }
        self.cancel_children(job_id).await?;
        Ok(Changed::Yes)
    }

    /// Calls off what a job over many objects has brought about.
    pub(super) async fn cancel_children(&self, job_id: Uuid) -> Result<(), StoreError> {
        self.cancel_where("parent_id", job_id).await.map(drop)
    }

    /// Calls jobs off; how many there were.
    async fn cancel_where(&self, column: &str, job_id: Uuid) -> Result<usize, StoreError> {
        let cancel = include_str!("../../../sql/queries/cancel.sql").replace("{column}", column);
        let rows = self.client().await?.query(&cancel, &[&job_id]).await;
        Ok(rows.map_err(database_failed("cancel the job"))?.len())
    }

    /// Makes a job that ended badly wait again, and those of its jobs, piece by piece.
    pub(crate) async fn retry(&self, job_id: Uuid) -> Result<Changed, StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        // In the order in which a job that ends takes these locks.
        let parent = "select from stevedore.jobs p where p.job_id = \
            (select j.parent_id from stevedore.jobs j where j.job_id = $1) for update";
        let failed = || database_failed("make the job wait again");
        transaction.execute(parent, &[&job_id]).await.map_err(failed())?;
        let retry = include_str!("../../../sql/queries/retry_job.sql");
        let row = transaction.query_opt(retry, &[&job_id]).await;
        let Some(row) = row.map_err(failed())? else {
            return Ok(Changed::No);
        };
        if !row.get::<_, bool>("children_created") {
            self.enqueue(&transaction, &[job_id], None).await?;
        }
        commit(transaction).await?;
        while self.retry_some_children(&mut client, job_id).await? {}
        finish_parent(&client, job_id).await?;
        Ok(Changed::Yes)
    }

    /// Makes some of the jobs wait again; whether there were any.
    async fn retry_some_children(
        &self,
        client: &mut Object,
        job_id: Uuid,
    ) -> Result<bool, StoreError> {
        let failed = || database_failed("make the jobs of the job wait again");
        let transaction = begin(client).await?;
        // The last of those before may have ended it again.
        let running = "update stevedore.jobs set state = 'running', finished_at = null \
            where job_id = $1 and children_created and state <> 'running'";
        transaction.execute(running, &[&job_id]).await.map_err(failed())?;
        let retry = include_str!("../../../sql/queries/retry_children.sql");
        let rows = transaction.query(retry, &[&job_id]).await.map_err(failed())?;
        let jobs: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        self.enqueue(&transaction, &jobs, None).await?;
        commit(transaction).await?;
        Ok(!jobs.is_empty())
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let answered =
            self.client().await?.batch_execute("select from stevedore.jobs limit 0").await;
        answered.map_err(database_failed("ask the database"))
    }

    /// Makes jobs wait for a worker, not before `run_at`, if the transaction commits.
    pub(super) async fn enqueue(
        &self,
        transaction: &Transaction<'_>,
        jobs: &[Uuid],
        run_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        self.queue.add(transaction, jobs, run_at).await.map_err(StoreError::Queue)
    }

    /// Asks so many workers to help with a job.
    pub(super) async fn ask_for_help(
        &self,
        job_id: Uuid,
        helpers: usize,
    ) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let asked = self.queue.ask_for_help(&transaction, job_id, helpers).await;
        asked.map_err(StoreError::Queue)?;
        commit(transaction).await
    }
}

/// Jobs, and which of them.
const JOBS: &str = include_str!("../../../sql/queries/jobs.sql");
const LISTED: &str = include_str!("../../../sql/queries/jobs_filter.sql");

/// A job, if there is one, as a connection or transaction sees it.
pub(super) async fn find(
    client: &impl GenericClient,
    job_id: Uuid,
) -> Result<Option<Job>, StoreError> {
    let failed = || database_failed("read the job");
    let sql = format!("{JOBS} where j.job_id = $1");
    let statement = client.prepare_cached(&sql).await.map_err(failed())?;
    let row = client.query_opt(&statement, &[&job_id]).await;
    Ok(row.map_err(failed())?.map(|row| Job::from(&row)))
}

/// Begins a transaction on a connection of the pool.
pub(super) async fn begin(
    client: &mut Object,
) -> Result<deadpool_postgres::Transaction<'_>, StoreError> {
    client.transaction().await.map_err(database_failed("begin a transaction"))
}

pub(super) async fn commit(
    transaction: deadpool_postgres::Transaction<'_>,
) -> Result<(), StoreError> {
    transaction.commit().await.map_err(database_failed("commit a transaction"))
}

/// Ends a job over many objects whose jobs have all come to their end.
pub(super) async fn finish_parent(
    client: &impl GenericClient,
    job_id: Uuid,
) -> Result<(), StoreError> {
    let finished = client.execute("select stevedore.finish_parent($1)", &[&job_id]).await;
    finished.map(drop).map_err(database_failed("end the job over many objects"))
}

fn json<T: for<'a> serde::Deserialize<'a>>(row: &Row, column: &str) -> Option<T> {
    row.get::<_, Option<Json<T>>>(column).map(|Json(value)| value)
}

impl From<&Row> for Job {
    fn from(row: &Row) -> Self {
        let count = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
        Self {
            job_id: row.get("job_id"),
            parent_id: row.get("parent_id"),
            feed: row.get("feed"),
            bucket: row.get("bucket"),
            key: row.get("key"),
            prefix: row.get("prefix"),
            glob: row.get("glob"),
            mode: row.get("mode"),
            dry_run: row.get("dry_run"),
            reload: row.get("reload"),
            catalog: row.get("catalog"),
            max_rejected: row.get("max_rejected"),
            version: row.get("version"),
            state: JobState::parse(row.get("state")),
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
            jobs: json::<JobCounts>(row, "jobs")
                .filter(|_| row.get::<_, Option<&str>>("key").is_none()),
            requested_by: row.get("requested_by"),
            request_id: row.get("request_id"),
            created_at: row.get("created_at"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
            next_attempt_at: row.get("next_attempt_at"),
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
