//! A job over many objects: it lists them, and each becomes a job of its own.

use std::sync::Arc;

use deadpool_postgres::Transaction;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, stream};
use pipeline::error::Error;
use pipeline::store::{Bucket, Selection};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::attempt::{failed, store_failed};
use super::outcome::Outcome;
use super::record::Started;
use super::store::{StoreError, begin, commit, database_failed, finish_parent};
use super::submit::{JobFeed, Wanted, insert_objects};
use super::worker::Worker;
use crate::wire::JobError;

/// Jobs that are written in one transaction.
const AT_ONCE: usize = 1000;
/// Listed keys that are looked up at the same time.
const LOOK_UPS: usize = 16;

impl Worker {
    /// Gives each object a job of its own, but those whose version another job is under way for.
    pub(super) async fn list_objects(
        &self,
        started: &Started,
        bucket: &Bucket,
        cancelled: &CancellationToken,
    ) -> Outcome {
        let objects = match objects_of(started, bucket) {
            Ok(objects) => objects,
            Err(error) => return failed(&error),
        };
        let mut pieces = objects.chunks(AT_ONCE);
        let (mut listed, mut entries) = (0, 0..);
        loop {
            let piece = tokio::select! {
                piece = pieces.next() => piece,
                () = cancelled.cancelled() => return self.called_off(started).await,
                () = self.hand_back.cancelled() => return Outcome::HandedBack,
            };
            let Some(piece) = piece else { break };
            let objects: Vec<Wanted> = match piece.into_iter().collect() {
                Ok(objects) => objects,
                Err(error) => return failed(&error),
            };
            listed += objects.len();
            match self.add_children(started, &objects, entries.next().unwrap_or_default()).await {
                Ok(true) => {}
                Ok(false) => return self.called_off(started).await,
                Err(error) => return store_failed(&error),
            }
        }
        if listed == 0 {
            let detail = "no object matches the prefix, glob or keys";
            return Outcome::Failed(JobError::new("no_objects", detail, false));
        }
        match self.end_listing(started).await {
            Ok(true) => Outcome::Listed,
            Ok(false) => self.called_off(started).await,
            Err(error) => store_failed(&error),
        }
    }

    /// Calls off what the job has brought about.
    pub(super) async fn called_off(&self, started: &Started) -> Outcome {
        match self.store.cancel(started.job_id).await {
            Ok(_) => Outcome::Cancelled,
            Err(error) => store_failed(&error),
        }
    }

    /// The feed of an object: that of the job, else the one that is for its key. If that is unclear, the job
    /// of the object will say so.
    fn feed_of<'a>(&'a self, started: &'a Started, key: &str) -> JobFeed<'a> {
        let mode = started.mode.as_deref();
        if let Some(name) = &started.feed {
            return JobFeed { name: Some(name), hash: started.feed_hash.as_deref(), mode };
        }
        let routed = self.feeds.route(key, |of| of.contain_key(key));
        JobFeed::new(routed.ok().map(Arc::as_ref), mode)
    }

    /// Writes jobs for objects, and an entry that leads to them; false when the job is cancelled, or another
    /// attempt's.
    async fn add_children(
        &self,
        started: &Started,
        objects: &[Wanted],
        entry: usize,
    ) -> Result<bool, StoreError> {
        let mut client = self.store.client().await?;
        let transaction = begin(&mut client).await?;
        if !goes_on(&transaction, started).await? {
            return Ok(false);
        }
        let how = started.how();
        let parent = Some(started.job_id);
        let jobs = insert_objects(
            &transaction,
            started.bucket.as_deref().unwrap_or_default(),
            objects,
            parent,
            &how,
            |object| (Uuid::now_v7(), self.feed_of(started, &object.key)),
        )
        .await?;
        if !jobs.is_empty() {
            self.store.enqueue_children(&transaction, started.job_id, entry, None).await?;
        }
        commit(transaction).await?;
        Ok(true)
    }

    /// Notes that all objects have jobs; false when the job is cancelled, or another attempt's.
    async fn end_listing(&self, started: &Started) -> Result<bool, StoreError> {
        let mut client = self.store.client().await?;
        let transaction = begin(&mut client).await?;
        if !goes_on(&transaction, started).await? {
            return Ok(false);
        }
        let sql = "update stevedore.jobs set children_created = true where job_id = $1";
        let listed = transaction.execute(sql, &[&started.job_id]).await;
        listed.map_err(database_failed("note that all objects are listed"))?;
        finish_parent(&transaction, started.job_id).await?;
        commit(transaction).await?;
        Ok(true)
    }
}

/// The objects that a job is over. One that was listed and is not there is known by its key, so that a job says so.
fn objects_of(
    started: &Started,
    bucket: &Bucket,
) -> Result<BoxStream<'static, Result<Wanted, Error>>, Error> {
    let selection = match started {
        Started { prefix: Some(prefix), .. } => Selection::Prefix(prefix.clone()),
        Started { glob: Some(glob), .. } => Selection::Glob(glob.clone()),
        Started { keys, .. } => {
            let (keys, bucket) = (keys.clone().unwrap_or_default(), bucket.clone());
            let objects = stream::iter(keys).map(move |key| look_up(bucket.clone(), key).boxed());
            return Ok(objects.buffered(LOOK_UPS).boxed());
        }
    };
    Ok(bucket.select(selection)?.map(|object| object.map(Wanted::from)).boxed())
}

async fn look_up(bucket: Bucket, key: String) -> Result<Wanted, Error> {
    match bucket.locate(&key).await {
        Ok(object) => Ok(object.into()),
        Err(error) if error.is_transient() => Err(error),
        Err(_) => Ok(Wanted { key, version: None, bytes: None }),
    }
}

/// Whether the job is this attempt's and is not cancelled; it stays so until the transaction ends.
async fn goes_on(transaction: &Transaction<'_>, started: &Started) -> Result<bool, StoreError> {
    let sql = "select cancel_requested from stevedore.jobs \
        where job_id = $1 and attempts = $2 and state = 'running' for update";
    let row = transaction.query_opt(sql, &[&started.job_id, &started.attempt]).await;
    let row = row.map_err(database_failed("look whether the job goes on"))?;
    Ok(row.is_some_and(|row| !row.get::<_, bool>(0)))
}
