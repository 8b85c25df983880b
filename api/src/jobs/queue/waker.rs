//! Notifies workers of the entries of requests, after these are committed.
//!
//! A transaction that notifies holds a lock of the whole database while its commit is written: the commits of requests
//! that come at the same time would wait for each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use deadpool_postgres::Pool;
use pipeline::error::causes;

use crate::jobs::store::{StoreError, database_failed};

/// Notifies workers. Entries of which they get no notification they find within a second, when they look at the queue.
#[derive(Debug, Clone)]
pub(super) struct Waker {
    pool: Pool,
    /// Entries of which workers are still to be notified.
    untold: Arc<AtomicUsize>,
}

impl Waker {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool, untold: Arc::default() }
    }

    /// Has workers notified of one more entry soon: of those that come during a notification, by one more.
    pub(super) fn wake(&self) {
        if self.untold.fetch_add(1, Ordering::AcqRel) == 0 {
            let waker = self.clone();
            tokio::spawn(async move { waker.tell().await });
        }
    }

    async fn tell(&self) {
        loop {
            let entries = self.untold.load(Ordering::Acquire);
            if let Err(error) = self.notify(entries).await {
                tracing::debug!(error = causes(&error).join(": "), "workers are not notified");
            }
            if self.untold.fetch_sub(entries, Ordering::AcqRel) == entries {
                return;
            }
        }
    }

    async fn notify(&self, entries: usize) -> Result<(), StoreError> {
        let client = self.pool.get().await?;
        // As the queue itself does.
        let sql = "select pg_notify('jobs:insert', json_build_object('count', $1::bigint)::text)";
        let failed = || database_failed("notify workers of a job");
        let statement = client.prepare_cached(sql).await.map_err(failed())?;
        let told = client.execute(&statement, &[&(entries as i64)]).await;
        told.map(drop).map_err(failed())
    }
}
