//! A run of a watch: it lists all that the watch is over.
//!
//! A run that is broken off is begun again from the start by another worker: what was noted is noted, and costs
//! nothing then. Two that list at the same time do no harm either.

use futures::StreamExt;
use pipeline::error::{Error, causes};
use pipeline::load::Failpoint;
use pipeline::store::Object;
use tokio_postgres::types::Json;
use tracing::Instrument;
use uuid::Uuid;

use super::Watch;
use crate::failpoint;
use crate::jobs::attempt::MAX_CRASHED_ATTEMPTS;
use crate::jobs::queue::WatchEntry;
use crate::jobs::store::{Store, StoreError, database_failed, finish_parent};
use crate::jobs::worker::{Worker, caught};
use crate::wire::JobError;

/// Objects that are noted in one statement.
const AT_ONCE: usize = 1000;
/// Objects that are forgotten in one statement.
const FORGOTTEN_AT_ONCE: i64 = 1000;
/// What could not be listed, before the listing is given up.
const MOST_ERRORS: usize = 100;
/// Seconds until a listing is tried again after an error that can pass.
const AGAIN_SECS: f64 = 30.0;

impl Worker {
    /// Lists what a watch is over, and notes how that went.
    ///
    /// # Errors
    /// When the database does not take notes; the entry stays in the queue.
    pub(in crate::jobs) async fn list_watch(&self, entry: &WatchEntry) -> Result<(), StoreError> {
        let WatchEntry { watch, run_id } = entry;
        let begun = self.retry_transient(|| self.store.begin_watch_run(*run_id)).await?;
        let Some(crashed_attempts) = begun else {
            return Ok(());
        };
        let span = tracing::info_span!("listing", watch, %run_id);
        async {
            let listed = if crashed_attempts < MAX_CRASHED_ATTEMPTS {
                let listed = caught(self.list(entry)).await;
                listed.unwrap_or_else(|| Err(JobError::panicked()))
            } else {
                let detail = format!("{crashed_attempts} workers died while they listed it");
                Err(JobError::new("worker_died", detail, false))
            };
            let again = match &listed {
                Ok(()) => None,
                Err(error) => {
                    tracing::warn!(code = error.code, "a listing failed: {}", error.detail);
                    let seconds = if self.hand_back.is_cancelled() { 0.0 } else { AGAIN_SECS };
                    error.retryable.then_some(seconds)
                }
            };
            let error = listed.err();
            let ended = || self.store.end_watch_run(*run_id, error.as_ref(), again);
            self.retry_transient(ended).await
        }
        .instrument(span)
        .await
    }

    async fn list(&self, entry: &WatchEntry) -> Result<(), JobError> {
        let failed = |error: StoreError| {
            tracing::warn!(error = causes(&error).join(": "), "a listing failed");
            JobError::new("database_failed", error.to_string(), true)
        };
        let watch = self.retry_transient(|| self.store.watch(&entry.watch)).await;
        let Some(watch) = watch.map_err(failed)? else {
            return Ok(());
        };
        let bucket = self.buckets.get(&watch.bucket);
        let bucket = bucket.ok_or_else(|| JobError::no_bucket(&watch.bucket))?;
        // Another worker may have it.
        let no_feed = |error: Error| JobError { retryable: true, ..told(&error) };
        watch.check_feed(&self.feeds).map_err(no_feed)?;
        let began = chrono::Utc::now();
        let listed = bucket.list_selected(watch.selection()).map_err(|error| told(&error))?;
        let mut pages = listed.chunks(AT_ONCE);
        let mut errors = Vec::new();
        loop {
            let page = tokio::select! {
                page = pages.next() => page,
                () = self.hand_back.cancelled() => return Err(interrupted()),
            };
            let Some(page) = page else { break };
            let mut objects = Vec::with_capacity(page.len());
            for listed in page {
                match listed {
                    Ok(listed) => objects.push(listed.seeming().clone()),
                    Err(error) => errors.push(error),
                }
            }
            if !self.note_page(&watch, entry.run_id, &objects).await.map_err(failed)? {
                return Err(interrupted());
            }
            if errors.len() >= MOST_ERRORS {
                break;
            }
        }
        if let Some(error) = errors.first() {
            return Err(told(error));
        }
        self.retry_transient(|| self.store.forget_objects(&watch.name, began)).await.map_err(failed)
    }

    /// Notes some of a listing; whether the listing goes on.
    async fn note_page(
        &self,
        watch: &Watch,
        run_id: Uuid,
        objects: &[Object],
    ) -> Result<bool, StoreError> {
        let request_id = run_id.to_string();
        let note =
            || self.store.note_objects(watch, Some(run_id), objects, &self.feeds, &request_id);
        let noted = self.retry_transient(note).await?;
        if noted.new > 0 {
            tracing::info!(
                new = noted.new,
                submitted = noted.submitted,
                "a watch has found objects"
            );
        }
        failpoint::hit(Failpoint::PageNoted);
        Ok(noted.goes_on)
    }
}

fn told(error: &Error) -> JobError {
    tracing::warn!(error = error.with_causes(), "the objects of a watch cannot be listed");
    JobError::from(error)
}

fn interrupted() -> JobError {
    let detail = "the worker was stopped, or the watch was paused or removed";
    JobError::new("interrupted", detail, true)
}

impl Store {
    /// Begins a run, if it has not ended; how many workers have died of it.
    async fn begin_watch_run(&self, run_id: Uuid) -> Result<Option<i32>, StoreError> {
        let sql = "update stevedore.watch_runs \
            set crashed_attempts = crashed_attempts + (state = 'running')::integer, state = 'running', \
                started_at = clock_timestamp(), seen = 0, held = 0 \
            where run_id = $1 and state <> 'ended' returning crashed_attempts";
        let row = self.client().await?.query_opt(sql, &[&run_id]).await;
        Ok(row.map_err(database_failed("begin a listing"))?.map(|row| row.get(0)))
    }

    /// Notes how a run ended, and ends its job if that has nothing left to do.
    async fn end_watch_run(
        &self,
        run_id: Uuid,
        error: Option<&JobError>,
        again_secs: Option<f64>,
    ) -> Result<(), StoreError> {
        let sql = include_str!("../../../../sql/queries/end_watch_run.sql");
        let client = self.client().await?;
        let ended = client.execute(sql, &[&run_id, &error.map(Json), &again_secs]).await;
        ended.map_err(database_failed("note how a listing went"))?;
        finish_parent(&client, run_id).await
    }

    /// Ends runs that no worker will look at; how many there were. Another listing is due at once.
    pub(in crate::jobs) async fn end_lost_watch_runs(&self) -> Result<usize, StoreError> {
        let sql = include_str!("../../../../sql/queries/lost_watch_runs.sql");
        let rows = self.client().await?.query(sql, &[]).await;
        let rows = rows.map_err(database_failed("look for lost listings"))?;
        for row in &rows {
            self.end_watch_run(row.get("run_id"), Some(&interrupted()), Some(0.0)).await?;
        }
        Ok(rows.len())
    }

    /// Forgets what a listing that began then did not have any more.
    async fn forget_objects(
        &self,
        watch: &str,
        began: chrono::DateTime<chrono::Utc>,
    ) -> Result<(), StoreError> {
        let sql = include_str!("../../../../sql/queries/forget_objects.sql");
        loop {
            let forgotten =
                self.client().await?.execute(sql, &[&watch, &began, &FORGOTTEN_AT_ONCE]).await;
            let forgotten = forgotten.map_err(database_failed("forget objects that are gone"))?;
            if forgotten < FORGOTTEN_AT_ONCE.unsigned_abs() {
                return Ok(());
            }
        }
    }
}
