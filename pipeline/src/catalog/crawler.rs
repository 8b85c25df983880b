//! The objects' crawler: lists a bucket, reads what is new or changed, and writes the tables that
//! it finds into the catalog.

use std::collections::BTreeMap;
use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::crawl::{InferOptions, ObjectShape, infer_all};
use super::group::{Group, group};
use super::store::{Knowledge, Known, Published, Table, TableKind, Tables};
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::source::{Bucket, Object, Selection};

/// The catalog's database where none is named.
pub const DEFAULT_DATABASE: &str = "user_status_db";
/// Objects that are looked up at once.
const AT_ONCE: usize = 500;
/// Skipped objects that are named; the others are counted.
const NAMED: usize = 100;

/// What to crawl, and how.
#[derive(Debug, Clone)]
pub struct ObjectsCrawler {
    /// Its name: what is known of objects is kept by it.
    pub name: String,
    /// The catalog's database for its tables.
    pub database: String,
    /// The bucket.
    pub bucket: Bucket,
    /// What the keys of the objects begin with.
    pub prefix: String,
    /// How objects are read.
    pub options: InferOptions,
    /// Objects that are read at the same time.
    pub parallel: usize,
}

/// What a crawl has done.
#[derive(Debug, Default, Serialize)]
pub struct CrawlReport {
    /// Objects that are there.
    pub objects: u64,
    /// Objects that are as they were, and were not read.
    pub unchanged: u64,
    /// Objects that were known and are gone.
    pub gone: u64,
    /// Records in the objects that were read.
    pub records: u64,
    /// Texts in them that are no records.
    pub malformed: u64,
    /// Bytes that were read, as they are stored.
    pub bytes_read: u64,
    /// Objects that are in no table.
    pub skipped: u64,
    /// Why, by their keys, for the first of them.
    pub skipped_because: BTreeMap<String, String>,
    /// The tables that were found.
    pub tables: Vec<Published>,
    /// Tables of the crawler that were not found any more.
    pub deprecated: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

/// Crawls the objects of a bucket. What was found before it was stopped is kept: the next crawl
/// reads only what is new or changed since.
///
/// # Errors
/// [`Error::Busy`] while the same crawler runs, [`Error::Read`] when the bucket cannot be listed, and
/// [`Error::Database`]. An object that cannot be read is skipped, and the report says why.
pub async fn crawl_objects(
    crawler: &ObjectsCrawler,
    connection: &mut Connection,
) -> Result<CrawlReport> {
    let began = Instant::now();
    let target = target(crawler);
    let named = (crawler.name.as_str(), TableKind::Objects);
    begin(named, &crawler.database, target, connection).await?;
    let known = Knowledge { crawler: &crawler.name, run: Uuid::now_v7() };
    let crawled = async {
        let mut report = CrawlReport::default();
        read(crawler, connection, &known, &mut report).await?;
        report.gone = known.forget_gone(&**connection).await?;
        publish(crawler, connection, &known, &mut report).await?;
        report.seconds = began.elapsed().as_secs_f64();
        Ok(report)
    };
    let crawled = crawled.await;
    end(&crawler.name, crawled.as_ref(), connection).await?;
    crawled
}

/// What the crawler looks at, and where that really is.
pub(super) fn target(crawler: &ObjectsCrawler) -> serde_json::Value {
    serde_json::json!({
        "bucket": crawler.bucket.name,
        "prefix": crawler.prefix,
        "origin": crawler.bucket.origin(),
    })
}

/// Takes the crawler's lock, which goes with the connection if nobody gives it back.
pub(super) async fn begin(
    (name, kind): (&str, TableKind),
    database: &str,
    target: serde_json::Value,
    connection: &Connection,
) -> Result<()> {
    let failed = |source| Error::Database { doing: "begin the crawl".to_owned(), source };
    let sql = "select pg_try_advisory_lock(hashtextextended('stevedore.crawler.' || $1::text, 0))";
    let row = connection.query_one(sql, &[&name]).await.map_err(failed)?;
    if !row.get::<_, bool>(0) {
        return Err(Error::Busy { crawler: name.to_owned() });
    }
    let sql = "insert into stevedore.crawlers (name, database, kind, target, state) \
        values ($1, $2, $3, $4, 'running') on conflict (name) do update \
        set state = 'running', database = excluded.database, target = excluded.target";
    let params: [&(dyn ToSql + Sync); 4] = [&name, &database, &kind.as_str(), &Json(target)];
    let written = connection.execute(sql, &params).await;
    written.map(drop).map_err(failed)
}

/// Notes how a crawl went, and gives the lock back.
pub(super) async fn end<R: Serialize>(
    name: &str,
    crawled: Result<&R, &Error>,
    connection: &Connection,
) -> Result<()> {
    let last = match crawled {
        Ok(report) => serde_json::to_value(report).unwrap_or_default(),
        Err(error) => serde_json::json!({ "error": error.code() }),
    };
    let sql = "with done as (update stevedore.crawlers set state = 'ready', last_run = $2 \
        where name = $1 returning name) \
        select pg_advisory_unlock(hashtextextended('stevedore.crawler.' || name, 0)) from done";
    let ended = connection.query(sql, &[&name, &Json(last)]).await;
    ended
        .map(drop)
        .map_err(|source| Error::Database { doing: "note how the crawl went".to_owned(), source })
}

/// Reads the objects that are new or changed.
async fn read(
    crawler: &ObjectsCrawler,
    connection: &Connection,
    known: &Knowledge<'_>,
    report: &mut CrawlReport,
) -> Result<()> {
    let listed = crawler.bucket.select(Selection::Every(crawler.prefix.clone()))?;
    let mut pieces = listed.try_chunks(AT_ONCE);
    while let Some(piece) = pieces.next().await {
        let objects = piece.map_err(|error| error.1)?;
        let seen = objects.len();
        let unknown = known.unknown(&**connection, objects).await?;
        report.objects += seen as u64;
        report.unchanged += (seen - unknown.len()) as u64;
        let objects = stream::iter(unknown.into_iter().map(Ok));
        let mut inferred =
            std::pin::pin!(infer_all(objects, crawler.options.clone(), crawler.parallel));
        while let Some((object, shape)) = inferred.try_next().await? {
            let found = found(shape);
            report.add(&object, &found);
            known.keep(&**connection, &object, &found).await?;
        }
    }
    Ok(())
}

/// What an object holds, or why it is in no table.
pub(super) fn found(shape: Result<ObjectShape>) -> Result<ObjectShape, String> {
    match shape {
        Ok(shape) if shape.records > 0 => Ok(shape),
        Ok(shape) if shape.malformed + shape.other == 0 => Err("it holds no records".to_owned()),
        Ok(shape) => {
            let texts = shape.malformed + shape.other;
            Err(format!("none of its {texts} texts is a JSON object"))
        }
        Err(error) => Err(error.with_causes()),
    }
}

impl CrawlReport {
    pub(super) fn add(&mut self, object: &Object, found: &Result<ObjectShape, String>) {
        match found {
            Ok(shape) => {
                self.records += shape.records;
                self.malformed += shape.malformed + shape.other;
                self.bytes_read += shape.bytes_read;
            }
            Err(why) => {
                self.skipped += 1;
                if self.skipped_because.len() < NAMED {
                    self.skipped_because.insert(object.key.clone(), why.clone());
                }
            }
        }
    }
}

/// Puts what is known under tables, and writes those into the catalog.
async fn publish(
    crawler: &ObjectsCrawler,
    connection: &mut Connection,
    known: &Knowledge<'_>,
    report: &mut CrawlReport,
) -> Result<()> {
    let members = known.members(&**connection).await?;
    publish_groups(crawler, connection, known, group(&crawler.bucket.name, &members), report).await
}

/// Writes groups of objects into the catalog as tables, in one transaction.
pub(super) async fn publish_groups(
    crawler: &ObjectsCrawler,
    connection: &mut Connection,
    known: &Knowledge<'_>,
    groups: Vec<Group>,
    report: &mut CrawlReport,
) -> Result<()> {
    let failed = |doing: &str| {
        let doing = doing.to_owned();
        move |source| Error::Database { doing, source }
    };
    let transaction =
        connection.transaction().await.map_err(failed("begin to write the catalog"))?;
    for group in &groups {
        let merged = known.merged(&transaction, &group.keys).await?;
        report.tables.push(Tables::publish(&transaction, &table(crawler, group, merged)).await?);
    }
    let found: Vec<String> = groups.into_iter().map(|group| group.table).collect();
    report.deprecated = Tables::deprecate(&transaction, &crawler.name, &found).await?;
    transaction.commit().await.map_err(failed("commit the catalog"))
}

fn table(crawler: &ObjectsCrawler, group: &Group, known: Known) -> Table {
    let only = |counts: &BTreeMap<String, u64>| match counts.len() {
        1 => counts.keys().next().cloned(),
        _ => None,
    };
    Table {
        database: crawler.database.clone(),
        name: group.table.clone(),
        kind: TableKind::Objects,
        location: format!("{}/{}", crawler.bucket.name, group.location),
        classification: "json".to_owned(),
        format: only(&known.formats),
        compression: only(&known.compressions),
        objects: Some(known.objects),
        records: Some(known.records),
        bytes: Some(known.bytes),
        sampled: known.sampled,
        crawler: crawler.name.clone(),
        columns: known.shape.map(|shape| shape.columns()).unwrap_or_default(),
    }
}
