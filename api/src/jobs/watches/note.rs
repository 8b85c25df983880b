//! What a watch has found is noted, and what is new of it submitted: in one statement, for up to a thousand objects.

use std::sync::Arc;

use pipeline::feed::Feeds;
use pipeline::store::Object;
use uuid::Uuid;

use super::Watch;
use crate::jobs::store::{Store, StoreError, database_failed};
use crate::jobs::submit::JobFeed;

/// What came of objects that a watch has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Those that are new or overwritten.
    pub(crate) new: u64,
    /// Those of them that got a job.
    pub(crate) submitted: u64,
    /// Those that are found again later.
    pub(crate) held: u64,
    /// Whether the run that found them goes on.
    pub(crate) goes_on: bool,
}

impl Store {
    /// Notes objects that a watch, whose feed is here, has found, as a listing or an answer about each describes them, and submits those
    /// that are new. Those of a run become jobs of one job, which has the id of the run.
    pub(super) async fn note_objects(
        &self,
        watch: &Watch,
        run_id: Option<Uuid>,
        objects: &[Object],
        feeds: &Feeds,
        request_id: &str,
    ) -> Result<Noted, StoreError> {
        let column = |of: fn(&Object) -> String| objects.iter().map(of).collect::<Vec<_>>();
        let keys: Vec<&str> = objects.iter().map(|object| object.key.as_str()).collect();
        let fingerprints = column(Object::fingerprint);
        let versions = column(Object::version);
        let modified: Vec<_> = objects.iter().map(Object::modified).collect();
        let bytes: Vec<_> = objects.iter().map(|object| object.size as i64).collect();
        let ids: Vec<_> = objects.iter().map(|_| Uuid::now_v7()).collect();
        let of_watch = watch.feed.as_ref().and_then(|name| feeds.get(name).ok());
        let of_watch = JobFeed::new(of_watch.map(Arc::as_ref), watch.mode.as_deref());
        let of_jobs = objects.iter().map(|object| match of_watch.name {
            Some(_) => of_watch,
            None => feed_of(watch, feeds, &object.key),
        });
        let of_jobs: Vec<JobFeed<'_>> = of_jobs.collect();
        let names: Vec<_> = of_jobs.iter().map(|feed| feed.name).collect();
        let hashes: Vec<_> = of_jobs.iter().map(|feed| feed.hash).collect();
        let modes: Vec<_> = of_jobs.iter().map(|feed| feed.mode).collect();
        let failed = || database_failed("note what a watch has found");
        let sql = include_str!("../../../../sql/queries/note_arrivals.sql");
        let client = self.client().await?;
        let statement = client.prepare_cached(sql).await.map_err(failed())?;
        let row = client
            .query_one(
                &statement,
                &[
                    &watch.name,
                    &run_id,
                    &keys,
                    &fingerprints,
                    &modified,
                    &bytes,
                    &versions,
                    &ids,
                    &names,
                    &hashes,
                    &modes,
                    &request_id,
                    &of_watch.hash,
                    &of_watch.mode,
                ],
            )
            .await
            .map_err(failed())?;
        let count = |column| row.get::<_, i64>(column).unsigned_abs();
        Ok(Noted {
            new: count("new_objects"),
            submitted: count("submitted"),
            held: count("held"),
            goes_on: row.get("goes_on"),
        })
    }
}

/// The feed that is for the key of an object. If that is unclear, the job of the object will say so.
fn feed_of<'a>(watch: &'a Watch, feeds: &'a Feeds, key: &str) -> JobFeed<'a> {
    let feed = feeds.route(key, |of_feed| of_feed.contain_key(key));
    JobFeed::new(feed.ok().map(Arc::as_ref), watch.mode.as_deref())
}
