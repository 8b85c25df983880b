//! A worker: takes entries of the queue and makes attempts, until it is told to stop.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use graphile_worker::{WorkerOptions, WorkerRecoveryConfig, WorkerShutdownConfig};
use pipeline::database::{Connection, Database};
use pipeline::error::Result;
use pipeline::feed::Feeds;
use pipeline::load::{Connections, MaxRejected};
use pipeline::preflight::Preflight;
use pipeline::records::CutOptions;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::lineage::Lineage;
use super::listener::{Listener, Notice};
use super::queue::{ActionEntry, ChildrenEntry, CrawlEntry, QueueEntry, SCHEMA, WatchEntry};
use super::retention::{self, Retention};
use super::store::{Store, StoreError};
use super::webhooks::Sender;
use crate::buckets::Buckets;

/// How often a worker says that it lives, looks for others that do not, and how long one may be
/// silent: an attempt whose worker died is taken over within ten seconds or so.
const HEARTBEAT: Duration = Duration::from_secs(2);
const SWEEP: Duration = Duration::from_secs(2);
pub(crate) const SILENCE: Duration = Duration::from_secs(8);
/// How often a slot looks at the queue for entries whose time has come, times the number of slots: all together do it
/// twice a second. Of new entries they are told.
const POLL: Duration = Duration::from_millis(500);
/// How often jobs are looked for that nobody would look at any more.
const FIND_LOST: Duration = Duration::from_secs(30);
/// How long to wait before the queue is tried again that could not be reached.
const RETRY: Duration = Duration::from_secs(1);
/// How long attempts that are handed back have to note that.
const NOTE: Duration = Duration::from_secs(15);
/// The queue is not to drop attempts: they end by themselves, also when the database is lost.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How a worker works.
#[derive(Debug, Clone)]
pub(crate) struct WorkerSettings {
    /// Attempts at the same time.
    pub(crate) concurrency: usize,
    /// How long attempts may go on after the worker was told to stop.
    pub(crate) grace: Duration,
    /// On how many connections each loads.
    pub(crate) connections: Connections,
    /// How objects are cut into records.
    pub(crate) cut: CutOptions,
    /// Records that may be rejected in a row before a load is given up.
    pub(crate) max_rejects_in_a_row: u64,
    /// Records of an object that may be rejected, unless its job says otherwise.
    pub(crate) max_rejected: Option<MaxRejected>,
    /// Whether loads are held against the catalog.
    pub(crate) catalog: bool,
    /// For how long history is kept.
    pub(crate) retention: Retention,
    /// Sends webhooks. None if others do.
    pub(crate) webhooks: Option<Sender>,
    /// Sends events of lineage. None if nobody is told, or others do.
    pub(crate) lineage: Option<Lineage>,
}

/// What attempts need.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(super) store: Store,
    pub(super) listener: Listener,
    pub(super) buckets: Buckets,
    pub(super) feeds: Feeds,
    pub(super) settings: WorkerSettings,
    /// Set when attempts are to end and be handed back.
    pub(super) hand_back: CancellationToken,
    /// What was seen of the catalog.
    pub(super) preflight: Preflight,
    /// For loads, which a pooler may carry.
    database: Database,
    /// For crawls, whose lock is that of a session.
    direct: Database,
    /// Connections of loads that have ended, for the next ones.
    idle: Mutex<Vec<Connection>>,
    /// The feeds whose jobs were left to others, with the hashes that these want.
    left: Mutex<HashSet<(String, Option<String>)>>,
    /// The attempts that run here, to be told when their job is cancelled.
    running: Mutex<HashMap<Uuid, CancellationToken>>,
}

impl Worker {
    pub(crate) fn new(
        (database, direct): (Database, Database),
        store: Store,
        listener: Listener,
        (buckets, feeds): (Buckets, Feeds),
        settings: WorkerSettings,
    ) -> Self {
        Self {
            store,
            listener,
            buckets,
            feeds,
            settings,
            hand_back: CancellationToken::new(),
            preflight: Preflight::default(),
            database,
            direct,
            idle: Mutex::default(),
            left: Mutex::default(),
            running: Mutex::default(),
        }
    }

    /// Works until `stopping`; then takes nothing more, lets attempts go on for the grace period,
    /// and hands back those that are not done by then.
    pub(crate) async fn run(self: Arc<Self>, stopping: CancellationToken) {
        let cancels = tokio::spawn(for_ever(Self::hear_cancels, Arc::clone(&self)));
        let dead = tokio::spawn(for_ever(Self::recover_jobs, Arc::clone(&self)));
        let lost = tokio::spawn(for_ever(Self::find_lost, Arc::clone(&self)));
        let schedules = tokio::spawn(for_ever(Self::keep_schedules, Arc::clone(&self)));
        let webhooks = tokio::spawn(for_ever(Self::send_webhooks, Arc::clone(&self)));
        let lineage = tokio::spawn(for_ever(Self::send_lineage, Arc::clone(&self)));
        let old = tokio::spawn(for_ever(Self::keep_history_short, Arc::clone(&self)));
        let queues = tokio::spawn(for_ever(Self::read_queues, Arc::clone(&self)));
        // The queue stops all slots of a worker when one cannot use the database for a moment, and
        // waits for the loads of the others: so each slot is a worker of its own to it.
        let slots = (0..self.settings.concurrency).map(|_| self.take_again(&stopping));
        tokio::select! {
            _ = join_all(slots) => {}
            () = self.end_grace(&stopping) => {
                tracing::warn!("what runs does not end: others take it over");
            }
        }
        cancels.abort();
        dead.abort();
        lost.abort();
        schedules.abort();
        old.abort();
        webhooks.abort();
        lineage.abort();
        queues.abort();
    }

    /// Makes jobs wait again whose worker died.
    async fn recover_jobs(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            match self.store.recover().await {
                Ok(0) => {}
                Ok(jobs) => tracing::warn!(jobs, "a worker died: its jobs wait again"),
                Err(error) => tracing::debug!(%error, "dead workers' jobs cannot be looked for"),
            }
        }
    }

    /// Looks for jobs that nobody would look at any more.
    async fn find_lost(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(FIND_LOST);
        loop {
            ticks.tick().await;
            match self.store.find_lost().await {
                Ok(0) => {}
                Ok(jobs) => tracing::warn!(jobs, "jobs were without an entry in the queue"),
                Err(error) => tracing::debug!(%error, "lost jobs cannot be looked for"),
            }
            match self.store.find_lost_crawls().await {
                Ok(0) => {}
                Ok(crawls) => tracing::warn!(crawls, "crawls were without an entry in the queue"),
                Err(error) => tracing::debug!(%error, "lost crawls cannot be looked for"),
            }
            match self.store.end_lost_watch_runs().await {
                Ok(0) => {}
                Ok(runs) => tracing::warn!(runs, "listings were without an entry in the queue"),
                Err(error) => tracing::debug!(%error, "lost listings cannot be looked for"),
            }
        }
    }

    /// Removes what is older than it is kept.
    async fn keep_history_short(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(retention::EVERY);
        loop {
            ticks.tick().await;
            self.remove_old().await;
        }
    }

    /// Takes entries until `stopping`, whatever becomes of the database.
    async fn take_again(self: &Arc<Self>, stopping: &CancellationToken) {
        while !stopping.is_cancelled() {
            if let Err(error) = Arc::clone(self).take(stopping.clone()).await {
                tracing::warn!(error, "the queue cannot be used, trying again");
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    () = stopping.cancelled() => {}
                }
            }
        }
    }

    /// Hands attempts back that are not done in time, and returns when they had time to note that.
    async fn end_grace(&self, stopping: &CancellationToken) {
        stopping.cancelled().await;
        tokio::time::sleep(self.settings.grace).await;
        self.hand_back.cancel();
        tokio::time::sleep(NOTE).await;
    }

    /// Takes entries until `stopping`, or until the database cannot be used.
    async fn take(self: Arc<Self>, stopping: CancellationToken) -> Result<(), String> {
        let shutdown = WorkerShutdownConfig::default()
            .listen_os_shutdown_signals(false)
            .grace_period(NEVER)
            .interrupted_job_retry_delay(Duration::ZERO)
            .shutdown_signal(stopping.cancelled_owned());
        let recovery = WorkerRecoveryConfig::default()
            .heartbeat_interval(HEARTBEAT)
            .sweep_interval(SWEEP)
            .sweep_threshold(SILENCE)
            .recovery_delay(Duration::ZERO);
        let worker = WorkerOptions::default()
            .schema(SCHEMA)
            .database(self.store.queue().database())
            .concurrency(1)
            .poll_interval(POLL * u32::try_from(self.settings.concurrency).unwrap_or(u32::MAX))
            .worker_shutdown(shutdown)
            .worker_recovery(recovery)
            .add_extension(Arc::clone(&self))
            .define_job::<QueueEntry>()
            .define_job::<ChildrenEntry>()
            .define_job::<ActionEntry>()
            .define_job::<CrawlEntry>()
            .define_job::<WatchEntry>()
            .init()
            .await
            .map_err(|error| error.to_string())?;
        worker.run().await.map_err(|error| error.to_string())
    }

    /// Tells attempts that run here when their job is cancelled. What is missed while the database
    /// cannot be reached, an attempt sees when it notes how far it is.
    async fn hear_cancels(self: Arc<Self>) {
        let mut notices = self.listener.subscribe();
        loop {
            match notices.recv().await {
                Ok(Notice::Cancelled(job_id)) => {
                    if let Some(cancelled) = self.running().get(&job_id) {
                        tracing::info!(%job_id, "a job that runs here is to be cancelled");
                        cancelled.cancel();
                    }
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that attempts at jobs run here, until what is returned is dropped.
    pub(super) fn enter(&self, job_ids: Vec<Uuid>) -> Running<'_> {
        let cancelled = CancellationToken::new();
        self.running().extend(job_ids.iter().map(|job_id| (*job_id, cancelled.clone())));
        Running { worker: self, job_ids, cancelled }
    }

    /// Whether no job of the feed with this hash was left to others before.
    pub(super) fn is_first_left(&self, feed: &str, hash: Option<&str>) -> bool {
        let left = (feed.to_owned(), hash.map(str::to_owned));
        self.left.lock().unwrap_or_else(PoisonError::into_inner).insert(left)
    }

    /// Does an action on jobs, until it is done or this worker stops.
    pub(super) async fn act(&self, action_id: Uuid) -> Result<(), StoreError> {
        while self.retry_transient(|| self.store.act(action_id, &self.feeds)).await? {
            if self.hand_back.is_cancelled() {
                return self.store.hand_action_on(action_id).await;
            }
        }
        Ok(())
    }

    /// Ends the work on an entry: the slot is free once this has returned, and then there may be more to do.
    pub(super) fn leave(&self, done: Result<(), StoreError>) -> Result<(), String> {
        self.listener.wake();
        done.map_err(|error| pipeline::error::causes(&error).join(": "))
    }

    /// A connection for a load.
    pub(super) async fn connection(&self) -> Result<Connection> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match idle {
                Some(connection) if connection.is_closed() => {}
                Some(connection) => return Ok(connection),
                None => return self.database.connect().await,
            }
        }
    }

    /// A connection for a crawl.
    pub(super) async fn direct_connection(&self) -> Result<Connection> {
        self.direct.connect().await
    }

    /// Keeps a connection for the next load.
    pub(super) fn keep(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

/// Does something of which a panic is to harm nobody else: none if it panicked, which is in the log. What
/// it held is dropped by then: its connection is closed, so that the server undoes what it began.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(work).catch_unwind().await.ok()
}

/// Does what a worker does all the time, and begins again when it panics.
async fn for_ever<F: Future<Output = ()>>(work: fn(Arc<Worker>) -> F, worker: Arc<Worker>) {
    while caught(work(Arc::clone(&worker))).await.is_none() {
        tokio::time::sleep(RETRY).await;
    }
}

/// Attempts that run together in this process.
pub(super) struct Running<'a> {
    worker: &'a Worker,
    job_ids: Vec<Uuid>,
    /// Set when one of the jobs is cancelled.
    pub(super) cancelled: CancellationToken,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = self.worker.running();
        self.job_ids.iter().for_each(|job_id| drop(running.remove(job_id)));
    }
}
