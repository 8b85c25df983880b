//! The objects' crawler: lists a bucket, reads what is new or changed, and writes the tables that
//! it finds into the catalog.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use uuid::Uuid;

use super::definition::{Definition, ObjectsTarget};
use super::existing::Existing;
use super::group::{Group, group};
use super::progress::{CrawlProgress, Run};
use super::sample::sample_of;
use super::store::{Found, Gone, Knowledge, Known, Published, Table, TableKind, Tables};
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::failpoint::Failpoint;
use crate::infer::classify::other_format;
use crate::infer::objects::{InferOptions, ObjectShape, infer_all};
use crate::store::{Bucket, Object, Selection};

/// The catalog's database where none is named.
pub const DEFAULT_DATABASE: &str = "default";
/// Objects that are looked up at once.
const AT_ONCE: usize = 500;
/// Objects of remote stores that are begun to be read before their turns.
const BEGUN_AHEAD: usize = 16;
/// Objects that are kept in one transaction, since each waits for the disk.
const KEPT_AT_ONCE: usize = 100;
/// How long what was found in objects waits to be kept: a crawl that is killed reads it again.
const KEPT_AFTER: Duration = Duration::from_secs(1);
/// Skipped objects that are named; the others are counted.
const NAMED: usize = 100;

/// What a crawl has done.
#[derive(Debug, Default, Serialize)]
pub struct CrawlReport {
    /// Objects that are there.
    pub objects: u64,
    /// Objects that are as they were, and were not read.
    pub unchanged: u64,
    /// Objects that were read.
    pub read: u64,
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
    #[serde(flatten)]
    pub gone_tables: Gone,
    /// How long it took.
    pub seconds: f64,
}

/// Crawls the objects of a bucket. What was found before it was stopped is kept: the next crawl
/// reads only what is new or changed since.
pub(super) async fn crawl_objects(
    definition: &Definition,
    (target, bucket): (&ObjectsTarget, &Bucket),
    run: &Run,
    connection: &mut Connection,
) -> Result<CrawlReport> {
    let began = Instant::now();
    let name = &definition.name;
    let known = Knowledge { crawler: name, run: Uuid::now_v7(), reading: target.reading() };
    let mut report = CrawlReport::default();
    read((target, bucket), connection, &known, run, &mut report).await?;
    report.gone = known.forget_gone(&**connection).await?;
    publish(definition, bucket, connection, &known, &mut report).await?;
    report.seconds = began.elapsed().as_secs_f64();
    Ok(report)
}

/// Reads the objects that are new or changed.
async fn read(
    (target, bucket): (&ObjectsTarget, &Bucket),
    connection: &mut Connection,
    known: &Knowledge<'_>,
    run: &Run,
    report: &mut CrawlReport,
) -> Result<()> {
    let bytes_read = Arc::clone(&run.progress.bytes_read);
    let options = InferOptions { bytes_read, ..target.options() };
    let processors = target.parallel.or_else(|| available_parallelism().ok());
    let parallel = processors.map_or(2, usize::from);
    let listed = bucket.select(Selection::Every(target.keys()))?;
    let mut pieces = listed.try_chunks(AT_ONCE);
    while let Some(piece) = pieces.next().await {
        let objects = piece.map_err(|error| error.1)?;
        let seen = objects.len();
        let unknown = known.unknown(&**connection, objects).await?;
        report.objects += seen as u64;
        report.unchanged += (seen - unknown.len()) as u64;
        note(report, &run.progress);
        let begun = unknown.into_iter().map(|object| async { Ok(object.with_beginning().await) });
        let objects = stream::iter(begun).buffered(BEGUN_AHEAD);
        let mut inferred = std::pin::pin!(infer_all(objects, options.clone(), parallel));
        let (mut since, mut waiting) = (Instant::now(), Vec::new());
        while let Some((object, shape)) = inferred.try_next().await? {
            let found = found(&object, shape).await;
            report.add(&object, &found);
            waiting.push((object, found));
            if waiting.len() == KEPT_AT_ONCE || since.elapsed() > KEPT_AFTER {
                known.keep(connection, &waiting).await?;
                (since, waiting) = (Instant::now(), Vec::new());
            }
            note(report, &run.progress);
        }
        known.keep(connection, &waiting).await?;
        (run.hit)(Failpoint::ObjectsKept);
    }
    Ok(())
}

/// What an object holds, or why it is in no table.
pub(super) async fn found(
    object: &Object,
    shape: Result<ObjectShape>,
) -> Result<ObjectShape, String> {
    let why = match shape {
        Ok(shape) if shape.records > 0 => return Ok(shape),
        Ok(shape) if shape.malformed + shape.other == 0 => "it holds no records".to_owned(),
        Ok(shape) => {
            let texts = shape.malformed + shape.other;
            format!("none of its {texts} texts is a JSON object")
        }
        Err(error) => error.with_causes(),
    };
    // If it cannot be read at all, that was said.
    let other = other_format(object).await.unwrap_or_default();
    let why = other.map_or(why, |what| format!("it is {what}"));
    Err(why.replace('\0', "\\u0000"))
}

impl CrawlReport {
    pub(super) fn add(&mut self, object: &Object, found: &Found) {
        self.read += 1;
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
    definition: &Definition,
    bucket: &Bucket,
    connection: &mut Connection,
    known: &Knowledge<'_>,
    report: &mut CrawlReport,
) -> Result<()> {
    let groups = group(&bucket.name, &known.members(&**connection).await?);
    publish_groups((definition, bucket), connection, known, groups, report).await
}

/// Writes groups of objects into the catalog as tables, in one transaction.
pub(super) async fn publish_groups(
    (definition, bucket): (&Definition, &Bucket),
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
    let sample = sample_of(bucket);
    let mut existing = Existing::read(&transaction, definition, Some(&sample)).await?;
    let mut continued = Vec::with_capacity(groups.len());
    for group in &groups {
        let table_ids = known.tables_of(&transaction, &sample, &group.keys).await?;
        continued.push(existing.take(&table_ids, &group.path));
    }
    let mut found = Vec::with_capacity(groups.len());
    for (mut group, before) in groups.into_iter().zip(continued) {
        let (before, name) = existing.name(&bucket.name, &group, before);
        group.table = name;
        let merged = known.merged(&transaction, &group.keys).await?;
        let table = table(definition, bucket, &group, merged);
        let on_change = definition.policies.on_change;
        let published = Tables::publish(&transaction, table, before.as_ref(), on_change).await?;
        known.put(&transaction, &group.keys, published.table_id).await?;
        found.push(published.table_id);
        report.tables.push(published);
    }
    let on_delete = definition.policies.on_delete;
    report.gone_tables = Tables::retire(&transaction, &definition.name, &found, on_delete).await?;
    transaction.commit().await.map_err(failed("commit the catalog"))
}

fn table(definition: &Definition, bucket: &Bucket, group: &Group, known: Known) -> Table {
    let only = |counts: &BTreeMap<String, u64>| match counts.len() {
        1 => counts.keys().next().cloned(),
        _ => None,
    };
    Table {
        database: definition.database.clone(),
        name: group.table.clone(),
        kind: TableKind::Objects,
        location: format!("{}/{}", bucket.name, group.location),
        classification: "json".to_owned(),
        format: only(&known.formats),
        compression: only(&known.compressions),
        objects: Some(known.objects),
        records: Some(known.records),
        bytes: Some(known.bytes),
        sampled: known.sampled,
        crawler: definition.name.clone(),
        path: group.path.clone(),
        columns: known.shape.map(|shape| shape.columns()).unwrap_or_default(),
    }
}

/// Notes what was done so far.
fn note(report: &CrawlReport, progress: &CrawlProgress) {
    progress.objects.store(report.objects, Ordering::Relaxed);
    progress.unchanged.store(report.unchanged, Ordering::Relaxed);
    progress.read.store(report.read, Ordering::Relaxed);
    progress.records.store(report.records, Ordering::Relaxed);
}
