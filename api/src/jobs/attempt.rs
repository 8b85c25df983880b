//! One attempt at a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use pipeline::database::Connection;
use pipeline::error::{Error, Result, causes};
use pipeline::feed::Feed;
use pipeline::load::{LoadOptions, MaxRejected, Progress, dry_run, load};
use pipeline::preflight::{Others, PreflightReport, PreflightRequest};
use pipeline::sink::RequestedMode;
use pipeline::store::{Bucket, Object};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::outcome::Outcome;
use super::queue::ChildrenEntry;
use super::record::{Done, End, Started, Waiting};
use super::spans;
use super::store::{StoreError, finish_parent};
use super::worker::{Worker, caught};
use crate::wire::JobError;
use crate::wire::JobState;
use crate::{failpoint, metrics};

/// Attempts at a job that fails for reasons that can pass: half an hour or so in all.
const ATTEMPTS: i32 = 14;
/// Deaths of workers after which a job is taken to have caused them. A worker that is killed for other reasons meets
/// the same job by chance about once in thirty times, so four are no chance.
pub(super) const MAX_CRASHED_ATTEMPTS: i32 = 4;
/// Longest pause before another attempt.
const LONGEST_PAUSE_SECS: i64 = 300;
/// How often a running attempt notes how far it is.
pub(super) const NOTE_EVERY: Duration = Duration::from_millis(500);
/// How long jobs are left to others that this worker could not claim, since it lacks their feed or others claim them.
const UNCLAIMED: TimeDelta = TimeDelta::seconds(1);
/// How long to wait before something is tried again that the database did not let us do.
const AGAIN: Duration = Duration::from_millis(500);

impl Worker {
    /// Makes an attempt at a job, unless it has come to its end, and at small ones that wait beside it; notes what
    /// came of them.
    ///
    /// # Errors
    /// When the database does not take notes; the entry stays in the queue.
    pub(super) async fn attempt(&self, job_id: Uuid, worker: &str) -> Result<(), StoreError> {
        let claimed = self.claim(Waiting::Job(job_id), worker).await?;
        if !claimed.is_empty() {
            return self.attempt_claimed(&claimed).await;
        }
        if self.retry_transient(|| self.leave_to_others(job_id)).await? {
            return Ok(());
        }
        // It has ended, or its jobs have, or it is another worker's.
        finish_parent(&self.store.client().await?, job_id).await
    }

    /// Makes attempts at some of the jobs that belong to a job over many objects. Another entry leads to the rest.
    ///
    /// # Errors
    /// As [`Self::attempt`].
    pub(super) async fn attempt_children(
        &self,
        entry: &ChildrenEntry,
        worker: &str,
    ) -> Result<(), StoreError> {
        let claimed = self.claim(Waiting::ChildOf(entry.parent_id), worker).await?;
        let next_at = claimed.is_empty().then(|| Utc::now() + UNCLAIMED);
        self.retry_transient(|| self.store.enqueue_rest(entry, next_at)).await?;
        self.attempt_claimed(&claimed).await
    }

    async fn claim(&self, waiting: Waiting, worker: &str) -> Result<Vec<Started>, StoreError> {
        let (hashes, claim_id) = (self.feeds.hashes(), Uuid::now_v7());
        let is_repeated = AtomicBool::new(false);
        self.retry_transient(|| async {
            // It may be the answer that was lost, and not the claim.
            if is_repeated.swap(true, Ordering::Relaxed) {
                let claimed = self.store.claimed(worker, claim_id).await?;
                if !claimed.is_empty() {
                    return Ok(claimed);
                }
            }
            self.store.claim(waiting, worker, claim_id, &hashes).await
        })
        .await
    }

    async fn attempt_claimed(&self, claimed: &[Started]) -> Result<(), StoreError> {
        match claimed {
            [] => Ok(()),
            [started] => {
                let outcome = self.outcome_of_one(started).await;
                self.note(&[(started, &outcome)]).await
            }
            many => self.attempt_bundle(many).await,
        }
    }

    /// What comes of an attempt at one job by itself.
    pub(super) async fn outcome_of_one(&self, started: &Started) -> Outcome {
        let Started { job_id, attempt, asked, .. } = started;
        let span = tracing::info_span!("attempt", %job_id, attempt, request_id = asked.request_id);
        let traced = spans::of_attempt(started);
        async {
            tracing::info!(bucket = started.bucket, key = started.key, "an attempt begins");
            let outcome = caught(self.outcome(started)).await;
            let outcome = outcome.unwrap_or_else(|| Outcome::Failed(JobError::panicked()));
            spans::ended(&traced, &outcome);
            outcome
        }
        .instrument(traced.clone())
        .instrument(span)
        .await
    }

    /// Does something with the rows as soon as the database lets us.
    pub(super) async fn retry_transient<T, F>(&self, doing: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        loop {
            match doing().await {
                Err(error) if error.may_pass() => {
                    tracing::warn!(error = causes(&error).join(": "), "trying again");
                    tokio::time::sleep(AGAIN).await;
                }
                done => return done,
            }
        }
    }

    async fn outcome(&self, started: &Started) -> Outcome {
        if started.crashed_attempts >= MAX_CRASHED_ATTEMPTS {
            let detail =
                format!("{} workers died while they worked on it", started.crashed_attempts);
            return Outcome::Failed(JobError::new("worker_died", detail, false));
        }
        let (mode, max_rejected) = match started.how_to_load() {
            Ok(how) => how,
            Err(error) => return Outcome::Failed(error),
        };
        let running = self.enter(vec![started.job_id]);
        if started.cancel_requested {
            return self.called_off(started).await;
        }
        if let Some(task) = &started.rejects {
            return self.handle_rejects(started, task, mode, &running.cancelled).await;
        }
        let name = started.bucket.as_deref().unwrap_or_default();
        let Some(bucket) = self.buckets.get(name) else {
            return Outcome::Failed(JobError::no_bucket(name));
        };
        let Some(key) = &started.key else {
            return self.list_objects(started, bucket, &running.cancelled).await;
        };
        failpoint::poison(key);
        let located = tokio::select! {
            located = locate(bucket, key, started) => located,
            () = running.cancelled.cancelled() => return Outcome::Cancelled,
            () = self.hand_back.cancelled() => return Outcome::HandedBack,
        };
        let object = match located {
            Ok(object) => object,
            Err(error) => return failed(&error),
        };
        if started.version.as_deref() != Some(object.version().as_str()) {
            match self.store.pin(started, &object).await {
                Ok(true) => {}
                Ok(false) => {
                    let detail =
                        "another job is queued or running for the same version of the object";
                    return Outcome::Failed(JobError::new("object_busy", detail, true));
                }
                Err(error) => return store_failed(&error),
            }
        }
        let feed = match &started.feed {
            Some(name) => self.feeds.get(name),
            None => self.feeds.route(&object.url(), |of_feed| of_feed.contain_key(key)),
        };
        match feed {
            Ok(feed) => {
                let how = (mode.unwrap_or(feed.mode), max_rejected);
                self.load(started, feed, &object, how, &running.cancelled).await
            }
            Err(error) => failed(&error),
        }
    }

    /// Loads the object, unless the job is cancelled or handed back before it commits.
    async fn load(
        &self,
        started: &Started,
        feed: &Arc<Feed>,
        object: &Object,
        (mode, max_rejected): (RequestedMode, Option<MaxRejected>),
        cancelled: &CancellationToken,
    ) -> Outcome {
        let connected = tokio::select! {
            connected = self.connection() => connected,
            () = cancelled.cancelled() => return Outcome::Cancelled,
            () = self.hand_back.cancelled() => return Outcome::HandedBack,
        };
        let mut connection = match connected {
            Ok(connection) => connection,
            Err(error) => return failed(&error),
        };
        let progress = Arc::new(Progress::default());
        let (reload, job_id) = (started.reload, Some(started.job_id));
        let options = self.options(mode, &progress);
        let max_rejected = max_rejected.or(options.max_rejected);
        let options = LoadOptions { reload, job_id, max_rejected, ..options };
        let mut loading = Box::pin(async {
            let held = self.hold(started, feed, object, &options, &mut connection).await?;
            let summary = if started.dry_run {
                dry_run(object, feed, Some(&mut connection), &options).await?
            } else {
                load(object, feed, &mut connection, &options).await?
            };
            Ok(held.added_to(summary))
        });
        let stopped = tokio::select! {
            ended = &mut loading => Err(ended),
            () = cancelled.cancelled() => Ok(Outcome::Cancelled),
            () = self.watch(started, &progress) => Ok(Outcome::Cancelled),
            () = self.hand_back.cancelled() => Ok(Outcome::HandedBack),
        };
        let ended = match stopped {
            Ok(outcome) if progress.stop() => {
                drop(loading);
                connection.abort().await;
                return outcome;
            }
            // It commits already: only its end tells.
            Ok(_) => loading.await,
            Err(ended) => {
                drop(loading);
                ended
            }
        };
        match ended {
            Ok(summary) => {
                self.keep(connection);
                metrics::loaded(&summary);
                Outcome::Done(Box::new(summary))
            }
            Err(error) => failed(&error),
        }
    }

    /// Holds the feed against the catalog, if that is wanted.
    async fn hold(
        &self,
        started: &Started,
        feed: &Arc<Feed>,
        object: &Object,
        options: &LoadOptions,
        connection: &mut Connection,
    ) -> Result<PreflightReport> {
        if !started.catalog || !self.settings.catalog {
            return Ok(PreflightReport::default());
        }
        let (dry_run, others) = (started.dry_run, Others::OfFolder);
        let planned = PreflightRequest { object, feed, options, dry_run, others };
        self.preflight.check(&planned, Some(connection)).await
    }

    /// How this worker loads.
    pub(super) fn options(&self, mode: RequestedMode, progress: &Arc<Progress>) -> LoadOptions {
        LoadOptions {
            mode,
            cut: self.settings.cut.clone(),
            reload: false,
            job_id: None,
            max_rejects_in_a_row: self.settings.max_rejects_in_a_row,
            max_rejected: self.settings.max_rejected,
            connections: self.settings.connections,
            progress: Arc::clone(progress),
            hit: failpoint::hit,
        }
    }

    /// Notes how far the attempt is, until its job is cancelled or is another worker's; asks for help
    /// when it loads in parts.
    pub(super) async fn watch(&self, started: &Started, progress: &Progress) {
        let mut is_alone = true;
        let mut ticks = tokio::time::interval(NOTE_EVERY);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            match self.store.progress(started, progress).await {
                Ok(Some(false)) => {}
                Ok(_) => return,
                Err(error) => tracing::debug!(%error, "the progress is not noted"),
            }
            let parts = progress.parts.load(Ordering::Relaxed) as usize;
            if is_alone && parts > 1 {
                is_alone = self.ask_for_help(started.job_id, parts).await.is_err();
            }
        }
    }

    /// Notes what came of attempts.
    pub(super) async fn note(&self, outcomes: &[(&Started, &Outcome)]) -> Result<(), StoreError> {
        let ends = outcomes
            .iter()
            .filter_map(|(started, outcome)| End::of(started, outcome).map(|end| (*started, end)));
        let ends: Vec<_> = ends.collect();
        if ends.is_empty() {
            return Ok(());
        }
        // If it cannot be noted, the attempts count as some whose worker died.
        for (job_id, state) in self.retry_transient(|| self.store.end(&ends)).await? {
            tracing::info!(%job_id, state = state.as_str(), "an attempt has ended");
            metrics::ended(state.as_str());
        }
        Ok(())
    }
}

impl<'a> End<'a> {
    /// What is to be noted of an outcome; nothing of a job that goes on with its jobs.
    fn of(started: &Started, outcome: &'a Outcome) -> Option<Self> {
        let end = |state| Self { state, done: None, error: None, again_at: None };
        match outcome {
            Outcome::Listed => None,
            Outcome::Done(summary) => {
                Some(Self { done: Some(Done::Loaded(summary)), ..end(JobState::Succeeded) })
            }
            Outcome::Handled(handled) => {
                Some(Self { done: Some(Done::Handled(handled)), ..end(JobState::Succeeded) })
            }
            Outcome::Cancelled => Some(end(JobState::Cancelled)),
            Outcome::HandedBack => Some(end(JobState::Queued)),
            Outcome::Failed(error) if error.retryable && started.attempt_of_run < ATTEMPTS => {
                let again_at = Some(Utc::now() + pause(started.attempt_of_run));
                Some(Self { error: Some(error), again_at, ..end(JobState::Queued) })
            }
            Outcome::Failed(error) => Some(Self { error: Some(error), ..end(JobState::Failed) }),
        }
    }
}

/// The object of a job: its newest version, unless exactly one is wanted.
async fn locate(bucket: &Bucket, key: &str, started: &Started) -> Result<Object> {
    match &started.version {
        Some(version) if started.is_pinned => bucket.locate_version(key, version).await,
        _ => bucket.begin(key).await,
    }
}

/// The pause after an attempt: 2 s, doubling, and a quarter more or less, so that what failed at
/// once does not come back at once.
fn pause(attempt: i32) -> TimeDelta {
    let seconds = LONGEST_PAUSE_SECS.min(1 << attempt.clamp(0, 16));
    TimeDelta::milliseconds(seconds * fastrand::i64(750..=1250))
}

/// What is told of an error of the pipeline; its causes go to the log.
pub(super) fn failed(error: &Error) -> Outcome {
    if error.is_cancelled() {
        return Outcome::Cancelled;
    }
    tracing::warn!(error = error.with_causes(), "an attempt failed");
    Outcome::Failed(JobError::from(error))
}

pub(super) fn store_failed(error: &StoreError) -> Outcome {
    tracing::warn!(error = causes(error).join(": "), "an attempt failed");
    Outcome::Failed(JobError::new("database_failed", error.to_string(), true))
}
