//! Parts of an object that an attempt loads in parts, loaded by other slots and other workers.
//!
//! An entry of the queue is about one part, whichever is free by then, and when that is committed there
//! is another entry: so jobs that come meanwhile need not wait for the end of a huge load. The attempt
//! at the job remains whose load it is: it takes parts too, waits for those of others and makes the load
//! complete. An entry for which there is no part any more, or no attempt, is dropped.

use std::sync::Arc;

use pipeline::error::{Error, causes};
use pipeline::feed::Feed;
use pipeline::load::{Progress, help};
use pipeline::store::Object;
use uuid::Uuid;

use super::store::StoreError;
use super::worker::{Worker, caught};
use crate::wire::{Job, JobState};

/// Parts of one object that others load at the same time, at most.
const HELPERS: usize = 16;

impl Worker {
    /// Asks others to help with a job of which so many parts are missing.
    pub(super) async fn ask_for_help(&self, job_id: Uuid, parts: usize) -> Result<(), StoreError> {
        let helpers = HELPERS.min(parts - 1);
        let asked = self.store.ask_for_help(job_id, helpers).await;
        if let Err(error) = &asked {
            tracing::debug!(error = causes(error).join(": "), "nobody is asked to help");
        }
        asked
    }

    /// Loads a part of a job's object, if an attempt at it is under way and a part is free.
    ///
    /// # Errors
    /// When the database does not say so; the entry stays in the queue.
    pub(super) async fn help(&self, job_id: Uuid) -> Result<(), StoreError> {
        let under_way = |job: &Job| job.state == JobState::Running && !job.cancel_requested;
        let Some(job) = self.store.get(job_id).await?.filter(under_way) else {
            return Ok(());
        };
        let helped = tokio::select! {
            helped = caught(self.load_part(&job)) => helped,
            () = self.hand_back.cancelled() => return Ok(()),
        };
        let Some(helped) = helped else {
            return Ok(());
        };
        match helped {
            Ok(true) => self.store.ask_for_help(job_id, 1).await,
            Ok(false) => Ok(()),
            Err(error) => {
                tracing::warn!(%job_id, error = error.with_causes(), "could not help with a part");
                Ok(())
            }
        }
    }

    /// Loads a part of the version that the job is about; false if there is none.
    async fn load_part(&self, job: &Job) -> Result<bool, Error> {
        // An attempt at a job whose mode this worker does not know is another version's.
        let mode = job.mode.as_deref().and_then(|mode| mode.parse().ok());
        let (Some(feed), Some(mode)) = (self.feed_of_job(job), mode) else {
            return Ok(false);
        };
        let Some(object) = self.object_of(job).await? else {
            return Ok(false);
        };
        let mut connection = self.connection().await?;
        let options = self.options(mode, &Arc::new(Progress::default()));
        let helped = help(&object, feed, &mut connection, &options).await?;
        self.keep(connection);
        Ok(helped)
    }

    /// The feed of a job, if it is the same here.
    fn feed_of_job(&self, job: &Job) -> Option<&Arc<Feed>> {
        let feed = self.feeds.get(job.feed.as_deref()?).ok()?;
        job.feed_hash.as_ref().is_none_or(|hash| *hash == feed.hash).then_some(feed)
    }

    async fn object_of(&self, job: &Job) -> Result<Option<Object>, Error> {
        let bucket = job.bucket.as_deref().and_then(|name| self.buckets.get(name));
        let (Some(bucket), Some(key)) = (bucket, &job.key) else {
            return Ok(None);
        };
        let object = bucket.locate(key).await?;
        Ok(Some(object).filter(|object| Some(object.version()) == job.version))
    }
}
