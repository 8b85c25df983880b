//! Removes what is older than it is kept: ended jobs, actions on jobs, runs of crawlers and
//! watches, and rejects.
//!
//! Some worker does it, a little at a time, so that nothing waits for it.

use std::time::Duration;

use pipeline::database::Connection;
use pipeline::error::Result;
use pipeline::load::remove_old_rejects;

use super::store::{Store, StoreError, begin, commit, database_failed};
use super::worker::Worker;

/// How often old history is looked for.
pub(super) const EVERY: Duration = Duration::from_secs(60);
/// Rows that are removed in one transaction.
const AT_ONCE: i64 = 1000;

/// For how many days history is kept. None for ever.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Retention {
    pub(crate) job_days: Option<u32>,
    pub(crate) reject_days: Option<u32>,
}

impl Worker {
    /// Removes all that is too old by now, until the worker stops.
    pub(super) async fn remove_old(&self) {
        let Retention { job_days, reject_days } = self.settings.retention;
        if let Some(days) = job_days {
            match self.remove_old_jobs(days).await {
                Ok(0) => {}
                Ok(jobs) => tracing::info!(jobs, days, "jobs were removed that had ended long ago"),
                Err(error) => tracing::warn!(%error, "old jobs cannot be removed"),
            }
        }
        if let Some(days) = reject_days {
            match self.remove_rejects(days).await {
                Ok(0) => {}
                Ok(rejects) => tracing::info!(rejects, days, "old rejects were removed"),
                Err(error) => {
                    tracing::warn!(error = error.with_causes(), "old rejects cannot be removed");
                }
            }
        }
    }

    async fn remove_old_jobs(&self, days: u32) -> std::result::Result<u64, StoreError> {
        let mut removed = 0;
        while !self.hand_back.is_cancelled() {
            let step = self.store.remove_some_jobs(days).await?;
            removed += step;
            // Those over many objects go in a step after the last of their own jobs.
            if step == 0 {
                break;
            }
        }
        Ok(removed)
    }

    async fn remove_rejects(&self, days: u32) -> Result<u64> {
        let mut connection: Connection = self.connection().await?;
        let mut removed = 0;
        for feed in self.feeds.iter() {
            while !self.hand_back.is_cancelled() {
                let step = remove_old_rejects(&mut connection, feed, days, AT_ONCE).await?;
                removed += step;
                if step < AT_ONCE as u64 {
                    break;
                }
            }
        }
        self.keep(connection);
        Ok(removed)
    }
}

impl Store {
    /// Removes some jobs that ended so many days ago, with their events, and what is as old beside them. None
    /// while another worker does.
    async fn remove_some_jobs(&self, days: u32) -> std::result::Result<u64, StoreError> {
        let failed = || database_failed("remove old jobs");
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let lock = "select pg_try_advisory_xact_lock(hashtextextended('stevedore.retention', 0))";
        if !transaction.query_one(lock, &[]).await.map_err(failed())?.get::<_, bool>(0) {
            return Ok(0);
        }
        let days = f64::from(days);
        let sql = include_str!("../../../sql/queries/remove_old_jobs.sql");
        let removed = transaction.execute(sql, &[&days, &AT_ONCE]).await.map_err(failed())?;
        for sql in [
            "delete from stevedore.job_actions where finished_at < now() - $1 * interval '1 day'",
            "delete from stevedore.crawler_runs r where r.finished_at < now() - $1 * interval '1 day' \
                and not exists (select from stevedore.crawlers c where c.run_id = r.run_id)",
            include_str!("../../../sql/queries/remove_watch_runs.sql"),
        ] {
            transaction.execute(sql, &[&days]).await.map_err(failed())?;
        }
        commit(transaction).await?;
        Ok(removed)
    }
}
