//! One run of a crawler, whatever it looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use uuid::Uuid;

use super::crawler::{CrawlReport, crawl_objects};
use super::definition::{Definition, Target};
use super::postgres::{TablesReport, crawl_tables};
use super::store::Crawlers;
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::failpoint::Failpoint;
use crate::store::Bucket;

/// A run of a crawler.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id: that of the request for it, if there is one.
    pub run_id: Uuid,
    /// How far it is.
    pub progress: Arc<CrawlProgress>,
    /// Told at each point at which a test may stop it.
    pub hit: fn(Failpoint),
}

/// How far a crawl of objects is.
#[derive(Debug, Default)]
pub struct CrawlProgress {
    /// Objects that are listed.
    pub objects: AtomicU64,
    /// Those among them that need not be read.
    pub unchanged: AtomicU64,
    /// Those that were read.
    pub read: AtomicU64,
    /// Records in these.
    pub records: AtomicU64,
    /// Bytes that were read, also of objects that are not read to their end yet.
    pub bytes_read: Arc<AtomicU64>,
}

impl CrawlProgress {
    /// Looks at what was done.
    pub(super) fn look(&self, report: &CrawlReport) {
        self.objects.store(report.objects, Ordering::Relaxed);
        self.unchanged.store(report.unchanged, Ordering::Relaxed);
        self.read.store(report.read, Ordering::Relaxed);
        self.records.store(report.records, Ordering::Relaxed);
    }
}

/// What a run has done.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Report {
    /// Of objects.
    Objects(CrawlReport),
    /// Of tables of Postgres.
    Postgres(TablesReport),
}

/// Runs a crawler that is defined, and notes how it goes. Objects are those of `bucket`.
///
/// # Errors
/// [`Error::Busy`] while the same crawler runs, [`Error::NoCrawler`] when it is not defined,
/// [`Error::Location`] when there is no bucket, [`Error::Pattern`] and [`Error::Schema`] when what it is to
/// look at cannot be, [`Error::Read`] when the bucket
/// cannot be listed, and [`Error::Database`]. An object that cannot be read is skipped, and the report
/// says why.
pub async fn crawl(
    definition: &Definition,
    bucket: Option<&Bucket>,
    run: &Run,
    connection: &mut Connection,
) -> Result<Report> {
    let origin = bucket.and_then(Bucket::origin);
    Crawlers::begin(&**connection, &definition.name, run.run_id, origin).await?;
    let crawled = run_target(definition, bucket, run, connection).await;
    let ended = Crawlers::end(&**connection, &definition.name, crawled.as_ref()).await;
    let report = crawled?;
    ended.map(|()| report)
}

async fn run_target(
    definition: &Definition,
    bucket: Option<&Bucket>,
    run: &Run,
    connection: &mut Connection,
) -> Result<Report> {
    definition.target.check()?;
    match (&definition.target, bucket) {
        (Target::Postgres(target), _) => {
            crawl_tables(definition, target, connection).await.map(Report::Postgres)
        }
        (Target::Objects(target), Some(bucket)) => {
            let crawled = crawl_objects(definition, (target, bucket), run, connection).await;
            crawled.map(Report::Objects)
        }
        (Target::Objects(target), None) => Err(Error::Location {
            location: target.bucket.clone(),
            reason: "there is no bucket of that name".to_owned(),
        }),
    }
}
