//! One run of a crawler, whatever it looks at.

use serde::Serialize;

use super::crawler::{CrawlReport, crawl_objects};
use super::definition::{Definition, Target};
use super::postgres::{TablesReport, crawl_tables};
use super::progress::Run;
use super::store::Crawlers;
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::store::Bucket;

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
