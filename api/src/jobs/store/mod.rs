//! The rows of jobs: read and written here, and nowhere else.

mod action;
mod change;
mod error;
mod gauges;
mod read;
mod rows;
mod workers;

use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Pool};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Transaction};
use uuid::Uuid;

pub(super) use self::change::finish_parent;
pub(crate) use self::change::{Changed, Changes};
pub(crate) use self::error::{StoreError, database_failed};
pub(crate) use self::gauges::{Gauge, OpenRejects, RejectsAtPlace};
pub(super) use self::read::find;
pub(crate) use self::read::{EVENTS, JobFilter};
use super::queue::{CHILDREN_ENTRIES, Queue};

/// Rows that are fetched at once: one may have some hundred KiB.
const FETCHED_ROWS: i32 = 8;

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

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let answered =
            self.client().await?.batch_execute("select from stevedore.jobs limit 0").await;
        answered.map_err(database_failed("ask the database"))
    }

    /// Makes jobs wait for a worker, each not before its time, if the transaction commits.
    pub(super) async fn enqueue(
        &self,
        transaction: &Transaction<'_>,
        jobs: &[(Uuid, Option<DateTime<Utc>>)],
    ) -> Result<(), StoreError> {
        self.queue.add(transaction, jobs).await.map_err(StoreError::Queue)
    }

    /// Makes a worker look at the jobs of a job over many objects, if the transaction commits.
    pub(super) async fn enqueue_children(
        &self,
        transaction: &Transaction<'_>,
        parent_id: Uuid,
        number: usize,
        run_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let added = self.queue.add_children(transaction, parent_id, number, run_at).await;
        added.map_err(StoreError::Queue)
    }

    /// Makes workers look at so many jobs of a job over many objects, if the transaction commits.
    pub(super) async fn enqueue_all_children(
        &self,
        transaction: &Transaction<'_>,
        parent_id: Uuid,
        children: usize,
    ) -> Result<(), StoreError> {
        for number in 0..CHILDREN_ENTRIES.min(children) {
            self.enqueue_children(transaction, parent_id, number, None).await?;
        }
        Ok(())
    }

    /// Makes a worker go on with an action, if the transaction commits.
    pub(super) async fn enqueue_action(
        &self,
        transaction: &Transaction<'_>,
        action_id: Uuid,
    ) -> Result<(), StoreError> {
        self.queue.add_action(transaction, action_id).await.map_err(StoreError::Queue)
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
