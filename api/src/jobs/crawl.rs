//! One attempt at a run of a crawler.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use pipeline::catalog::definition::{Definition, Target};
use pipeline::catalog::progress::{CrawlProgress, Run};
use pipeline::catalog::run::crawl;
use pipeline::catalog::store::Crawlers;
use pipeline::database::Connection;
use pipeline::error::Error;
use serde_json::json;
use tokio_postgres::types::Json;
use tracing::Instrument;
use uuid::Uuid;

use super::attempt::{MAX_CRASHED_ATTEMPTS, NOTE_EVERY};
use super::queue::CrawlEntry;
use super::store::{Store, StoreError, begin, commit, database_failed};
use super::worker::{Worker, caught};
use crate::failpoint;
use crate::wire::JobError;

/// How long a crawl waits for the lock of one that ends just now.
const AGAIN: TimeDelta = TimeDelta::seconds(3);

/// How an attempt ended.
enum Crawled {
    /// The crawl has noted how it went.
    Noted,
    /// It failed, or could not even begin.
    Failed(JobError),
    /// Another process crawls, or this one stops: another attempt is to be made.
    Postponed,
}

impl Worker {
    /// Makes an attempt at a run, unless it has come to its end, and notes what came of it.
    ///
    /// # Errors
    /// When the database does not take notes; the entry stays in the queue.
    pub(super) async fn crawl(&self, entry: &CrawlEntry) -> Result<(), StoreError> {
        let CrawlEntry { crawler, run_id } = entry;
        let Some(crashed_attempts) = self.retry_transient(|| self.store.start_crawl(entry)).await?
        else {
            return Ok(());
        };
        let span = tracing::info_span!("crawl", crawler, %run_id);
        async {
            tracing::info!("a crawl begins");
            let crawled = match crashed_attempts {
                ..MAX_CRASHED_ATTEMPTS => caught(self.crawled(entry))
                    .await
                    .unwrap_or_else(|| Crawled::Failed(JobError::panicked())),
                _ => {
                    let detail = format!("{crashed_attempts} workers died while they worked on it");
                    Crawled::Failed(JobError::new("worker_died", detail, false))
                }
            };
            match crawled {
                Crawled::Noted => tracing::info!("a crawl has ended"),
                Crawled::Failed(error) => {
                    tracing::warn!(code = error.code, "a crawl has failed");
                    self.retry_transient(|| self.store.fail_crawl(entry, &error)).await?;
                }
                Crawled::Postponed => {
                    self.retry_transient(|| self.store.postpone_crawl(entry, Utc::now() + AGAIN))
                        .await?;
                }
            }
            Ok(())
        }
        .instrument(span)
        .await
    }

    async fn crawled(&self, entry: &CrawlEntry) -> Crawled {
        let mut connection = match self.direct_connection().await {
            Ok(connection) => connection,
            Err(error) => return failed(&error),
        };
        let definition = match Crawlers::get(&*connection, &entry.crawler).await {
            Ok(definition) => definition,
            Err(error) => return failed(&error),
        };
        let progress = Arc::default();
        let run =
            Run { run_id: entry.run_id, progress: Arc::clone(&progress), hit: failpoint::hit };
        let crawled = tokio::select! {
            crawled = self.run_crawl(&definition, &run, &mut connection) => crawled,
            () = self.note_progress(entry, &progress) => {
                connection.abort().await;
                return Crawled::Failed(JobError::crawl_cancelled());
            }
            () = self.hand_back.cancelled() => {
                connection.abort().await;
                return Crawled::Postponed;
            }
        };
        match crawled {
            Ok(()) => Crawled::Noted,
            Err(Error::Busy { .. }) => Crawled::Postponed,
            Err(error) => failed(&error),
        }
    }

    async fn run_crawl(
        &self,
        definition: &Definition,
        run: &Run,
        connection: &mut Connection,
    ) -> Result<(), Error> {
        let bucket = match &definition.target {
            Target::Objects(target) => self.buckets.get(&target.bucket),
            Target::Postgres(_) => None,
        };
        crawl(definition, bucket, run, connection).await.map(drop)
    }

    /// Notes how far a crawl is, until it is to be cancelled.
    async fn note_progress(&self, entry: &CrawlEntry, progress: &CrawlProgress) {
        let mut ticks = tokio::time::interval(NOTE_EVERY);
        loop {
            ticks.tick().await;
            match self.store.note_crawl(entry, progress).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "the progress of a crawl is not noted"),
            }
        }
    }
}

fn failed(error: &Error) -> Crawled {
    tracing::warn!(error = error.with_causes(), "a crawl failed");
    Crawled::Failed(JobError::from(error))
}

impl Store {
    /// Begins an attempt: how many died before it; none if the run has come to its end.
    async fn start_crawl(&self, entry: &CrawlEntry) -> Result<Option<i32>, StoreError> {
        let sql = "update stevedore.crawlers set crashed_attempts = crashed_attempts + (state = 'running')::integer \
            where name = $1::text and run_id = $2 and state <> 'ready' returning crashed_attempts";
        let row = self.client().await?.query_opt(sql, &[&entry.crawler, &entry.run_id]).await;
        Ok(row.map_err(database_failed("begin a crawl"))?.map(|row| row.get(0)))
    }

    /// Notes how far a crawl is; whether it is to be cancelled.
    async fn note_crawl(
        &self,
        entry: &CrawlEntry,
        progress: &CrawlProgress,
    ) -> Result<bool, StoreError> {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = json!({
            "objects": count(&progress.objects),
            "unchanged": count(&progress.unchanged),
            "read": count(&progress.read),
            "records": count(&progress.records),
            "bytes_read": count(&progress.bytes_read),
        });
        let sql = "update stevedore.crawlers set progress = $3 \
            where name = $1::text and run_id = $2 and state = 'running' returning cancel_requested";
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&entry.crawler, &entry.run_id, &Json(counts)];
        let row = self.client().await?.query_opt(sql, &params).await;
        let row = row.map_err(database_failed("note how far a crawl is"))?;
        Ok(row.is_some_and(|row| row.get(0)))
    }

    /// Notes why a run failed, unless the crawl has noted that itself.
    async fn fail_crawl(&self, entry: &CrawlEntry, error: &JobError) -> Result<(), StoreError> {
        let sql = "update stevedore.crawlers \
            set state = 'ready', last_run = $3, finished_at = clock_timestamp(), \
            started_at = coalesce(started_at, clock_timestamp()) \
            where name = $1::text and run_id = $2 and state <> 'ready'";
        let last = Json(json!({ "error": error }));
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&entry.crawler, &entry.run_id, &last];
        let noted = self.client().await?.execute(sql, &params).await;
        noted.map(drop).map_err(database_failed("note how a crawl went"))
    }

    /// Makes a run wait again, for another attempt.
    async fn postpone_crawl(
        &self,
        entry: &CrawlEntry,
        run_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let sql = "update stevedore.crawlers set state = 'queued' \
            where name = $1::text and run_id = $2 and state <> 'ready'";
        let waits = transaction.execute(sql, &[&entry.crawler, &entry.run_id]).await;
        if waits.map_err(database_failed("make a crawl wait again"))? > 0 {
            self.enqueue_crawl_anew(&transaction, entry, Some(run_at)).await?;
        }
        commit(transaction).await
    }

    /// Makes a run wait under a new entry, as [`Store::enqueue_anew`] does for jobs.
    async fn enqueue_crawl_anew(
        &self,
        transaction: &tokio_postgres::Transaction<'_>,
        entry: &CrawlEntry,
        run_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        self.drop_entries(transaction, &[entry.run_id]).await?;
        let added = self.queue().add_crawl(transaction, &entry.crawler, entry.run_id, run_at).await;
        added.map_err(StoreError::Queue)
    }

    /// Gives runs an entry that have lost theirs; how many there were.
    pub(super) async fn find_lost_crawls(&self) -> Result<usize, StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let sql = include_str!("../../../sql/queries/lost_crawls.sql");
        let rows = transaction.query(sql, &[]).await;
        let rows = rows.map_err(database_failed("look for lost crawls"))?;
        for row in &rows {
            let run_id: Uuid = row.get("run_id");
            let entry = CrawlEntry { crawler: row.get("name"), run_id };
            self.enqueue_crawl_anew(&transaction, &entry, None).await?;
        }
        commit(transaction).await?;
        Ok(rows.len())
    }
}
