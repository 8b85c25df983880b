//! Attempts at several jobs at once: their objects are small, and are loaded in one transaction.
//!
//! Each job keeps its own attempt, its own end and its own row in the ledger. A bad object costs the others nothing.
//! When one of the jobs is cancelled before the commit, or the worker stops, all that is not committed yet waits
//! again.

use std::sync::Arc;

use futures::{FutureExt, StreamExt, stream};
use pipeline::bundle::{Requested, Size, load_bundled};
use pipeline::database::Connection;
use pipeline::feed::Feed;
use pipeline::load::{LoadOptions, Progress, Summary};
use pipeline::preflight::{Others, PreflightReport};
use pipeline::store::Listed;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::attempt::{NOTE_EVERY, failed};
use super::outcome::Outcome;
use super::record::Started;
use super::spans;
use super::store::StoreError;
use super::worker::{Worker, caught};
use crate::wire::JobError;
use crate::{failpoint, metrics};

/// Files that are looked up at the same time.
const LOOK_UPS: usize = 8;

/// What came of the jobs of a bundle, in their order. None of those that are not done.
type Outcomes = Vec<Option<Outcome>>;

impl Worker {
    /// Makes the attempts at jobs that were claimed together, and notes what came of each.
    pub(super) async fn attempt_bundle(&self, jobs: &[Started]) -> Result<(), StoreError> {
        tracing::info!(
            jobs = jobs.len(),
            bucket = jobs[0].bucket,
            "attempts at small objects begin"
        );
        let mut outcomes: Outcomes = jobs.iter().map(|_| None).collect();
        let span = spans::of_bundle(jobs);
        if caught(self.load_bundle(jobs, &mut outcomes).instrument(span)).await.is_none() {
            tracing::warn!("a panic ended the attempts: the jobs are tried one by one");
            for (job, outcome) in jobs.iter().zip(&mut outcomes).filter(|(_, done)| done.is_none())
            {
                *outcome = Some(self.outcome_of_one(job).await);
            }
        }
        let outcomes: Vec<_> =
            outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::HandedBack)).collect();
        self.note(&jobs.iter().zip(&outcomes).collect::<Vec<_>>()).await
    }

    /// Loads the objects of the jobs, until one of them is cancelled or the worker stops.
    async fn load_bundle(&self, jobs: &[Started], outcomes: &mut Outcomes) {
        let running = self.enter(jobs.iter().map(|job| job.job_id).collect());
        let (feed, options) = match self.bundle_options(&jobs[0]) {
            Ok(options) => options,
            Err(error) => return fail_rest(outcomes, &error),
        };
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(error) => return fail_rest(outcomes, &JobError::from(&error)),
        };
        let progress = Arc::clone(&options.progress);
        let mut loading =
            Box::pin(self.load_objects(jobs, feed, &options, &mut connection, outcomes));
        let is_interrupted = tokio::select! {
            () = &mut loading => false,
            () = self.interrupted(jobs, &running.cancelled) => true,
        };
        if is_interrupted && progress.stop() {
            drop(loading);
            connection.abort().await;
            return;
        }
        if is_interrupted {
            // It commits just now: only its end tells.
            loading.await;
        } else {
            drop(loading);
        }
        self.keep(connection);
    }

    /// The feed of all jobs of a bundle, and how they are loaded.
    fn bundle_options(&self, job: &Started) -> Result<(&Arc<Feed>, LoadOptions), JobError> {
        let (mode, max_rejected) = job.how_to_load()?;
        let feed = self.feeds.get(job.feed.as_deref().unwrap_or_default());
        let feed = feed.map_err(|error| JobError::from(&error))?;
        let options = self.options(mode.unwrap_or(feed.mode), &Arc::new(Progress::default()));
        let max_rejected = max_rejected.or(options.max_rejected);
        Ok((feed, LoadOptions { max_rejected, ..options }))
    }

    async fn load_objects(
        &self,
        jobs: &[Started],
        feed: &Arc<Feed>,
        options: &LoadOptions,
        connection: &mut Connection,
        outcomes: &mut Outcomes,
    ) {
        let (mut at, mut listed) = (Vec::new(), Vec::new());
        let found: Vec<_> = jobs.iter().map(|job| self.listed(job).boxed()).collect();
        let mut found = stream::iter(found).buffered(LOOK_UPS).enumerate();
        while let Some((number, found)) = found.next().await {
            match found {
                Ok(object) => {
                    at.push(number);
                    listed.push(object);
                }
                Err(outcome) => outcomes[number] = Some(outcome),
            }
        }
        drop(found);
        let reports = self.check_bundle(&jobs[0], &listed, feed, options, connection).await;
        let mut wanted = Vec::with_capacity(listed.len());
        let mut waiting = Vec::with_capacity(listed.len());
        for ((number, listed), report) in at.into_iter().zip(listed).zip(reports) {
            match report {
                Ok(report) => {
                    wanted.push(Requested { listed, job_id: Some(jobs[number].job_id) });
                    waiting.push((number, report));
                }
                Err(error) => outcomes[number] = Some(failed(&error)),
            }
        }
        let mut waiting = waiting.into_iter();
        let mut fatal = None;
        let tell = |_: &Listed, done: pipeline::error::Result<Summary>| {
            // They are told in their order.
            let Some((number, report)) = waiting.next() else { return };
            fatal =
                done.as_ref().err().filter(|error| error.fails_every_load()).map(JobError::from);
            outcomes[number] = outcome(done, report);
        };
        load_bundled(wanted, feed, vec![connection], options, Size::default(), tell).await;
        if let Some(error) = fatal {
            fail_rest(outcomes, &error);
        }
    }

    /// The object of a job: the answer about it that loading it begins with pins its version.
    async fn listed(&self, job: &Started) -> Result<Listed, Outcome> {
        let name = job.bucket.as_deref().unwrap_or_default();
        let no_bucket = || Outcome::Failed(JobError::no_bucket(name));
        let bucket = self.buckets.get(name).ok_or_else(no_bucket)?;
        let (key, size) = (job.key.as_deref().unwrap_or_default(), job.bytes.unwrap_or_default());
        failpoint::poison(key);
        bucket.listed(key, size.unsigned_abs()).await.map_err(|error| failed(&error))
    }

    /// Compares the feed with the catalog, if that is wanted.
    async fn check_bundle(
        &self,
        job: &Started,
        objects: &[Listed],
        feed: &Arc<Feed>,
        options: &LoadOptions,
        connection: &mut Connection,
    ) -> Vec<pipeline::error::Result<PreflightReport>> {
        if !job.catalog || !self.settings.catalog {
            return objects.iter().map(|_| Ok(PreflightReport::default())).collect();
        }
        self.preflight.check_all(objects, feed, options, Others::OfFolder, connection).await
    }

    /// Returns when one of the jobs is cancelled or is another worker's, or this one stops.
    async fn interrupted(&self, jobs: &[Started], cancelled: &CancellationToken) {
        let lost = async {
            let ids: Vec<Uuid> = jobs.iter().map(|job| job.job_id).collect();
            let attempts: Vec<i32> = jobs.iter().map(|job| job.attempt).collect();
            let mut ticks = tokio::time::interval(NOTE_EVERY);
            ticks.tick().await;
            loop {
                ticks.tick().await;
                match self.store.go_on(&ids, &attempts).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => tracing::debug!(%error, "nobody knows whether the jobs go on"),
                }
            }
        };
        tokio::select! {
            () = cancelled.cancelled() => {}
            () = self.hand_back.cancelled() => {}
            () = lost => {}
        }
    }
}

/// What came of one object. None if the bundle was stopped before: the job waits again.
fn outcome(done: pipeline::error::Result<Summary>, report: PreflightReport) -> Option<Outcome> {
    match done {
        Ok(summary) => {
            let summary = report.added_to(summary);
            metrics::loaded(&summary);
            Some(Outcome::Done(Box::new(summary)))
        }
        Err(error) if error.is_cancelled() => None,
        Err(error) => Some(failed(&error)),
    }
}

/// Fails what has not come to its end.
fn fail_rest(outcomes: &mut Outcomes, error: &JobError) {
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_none()) {
        *outcome = Some(Outcome::Failed(error.clone()));
    }
}
