//! A bucket's first use: a crawl of a few records of a few objects.

use std::num::NonZeroU64;
use std::time::Duration;

use futures::stream::FuturesOrdered;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::crawler::{CrawlReport, DEFAULT_DATABASE, found, publish_groups};
use super::definition::{Definition, ObjectsTarget, Policies, Target};
use super::group::group;
use super::store::{Crawlers, Knowledge};
use crate::database::Connection;
use crate::error::Result;
use crate::infer::objects::{InferOptions, Sample, infer_all};
use crate::records::CutOptions;
use crate::store::{Bucket, Listed, Object, Selection};

/// What the names of these crawlers begin with.
const SAMPLE: &str = "sample/";
/// Objects that are looked at.
const OBJECTS: usize = 32;
/// Records of each.
const RECORDS: u64 = 200;
/// Objects that are read at the same time.
const PARALLEL: usize = 4;
/// Objects that are looked up at the same time.
const LOOK_UPS: usize = 16;
/// How long it may take to list objects, and then to read them.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which objects besides the one that is to be loaded are looked at.
#[derive(Debug, Clone, Copy)]
pub enum Others<'a> {
    /// Those that are to be loaded with it, and none that nobody has named.
    These(&'a [Listed]),
    /// Those of its folder, in a bucket that is configured.
    OfFolder,
}

/// Whether a crawler is one of ours, and not one that somebody has asked for.
pub(crate) fn is_sample(crawler: &str) -> bool {
    crawler.starts_with(SAMPLE)
}

/// The name of the crawler that samples a bucket.
pub(super) fn sample_of(bucket: &Bucket) -> String {
    format!("{SAMPLE}{}", bucket.origin().unwrap_or(&bucket.name))
}

/// How an object is looked at.
pub(crate) fn options(cut: &CutOptions) -> InferOptions {
    InferOptions { sample: Sample::Records(RECORDS), cut: cut.clone(), ..InferOptions::default() }
}

/// Crawls an object and some others of its bucket, and adds what is found to the catalog. The bucket of
/// a local file is its folder, or the one that holds all those that are to be loaded.
///
/// # Errors
/// [`Error::Busy`](crate::error::Error::Busy) while another does the same,
/// [`Error::Database`](crate::error::Error::Database), and when the bucket cannot be opened.
pub(crate) async fn crawl_sample(
    object: &Object,
    others: Others<'_>,
    cut: &CutOptions,
    connection: &mut Connection,
) -> Result<()> {
    let bucket = bucket_of(object, others)?;
    let objects = objects(object, others, &bucket).await;
    let target = ObjectsTarget {
        bucket: bucket.name.clone(),
        sample: NonZeroU64::new(RECORDS),
        ..ObjectsTarget::default()
    };
    let definition = Definition {
        name: sample_of(&bucket),
        database: DEFAULT_DATABASE.to_owned(),
        target: Target::Objects(target.clone()),
        policies: Policies::default(),
    };
    let name = &definition.name;
    Crawlers::define(&**connection, &definition).await?;
    Crawlers::begin(&**connection, name, Uuid::now_v7(), bucket.origin()).await?;
    let known = Knowledge { crawler: name, run: Uuid::now_v7(), reading: target.reading() };
    let crawled = crawl((&definition, &bucket), objects, &known, cut, connection).await;
    Crawlers::end(&**connection, name, crawled.as_ref()).await?;
    crawled.map(drop)
}

async fn crawl(
    (definition, bucket): (&Definition, &Bucket),
    objects: Vec<Object>,
    known: &Knowledge<'_>,
    cut: &CutOptions,
    connection: &mut Connection,
) -> Result<CrawlReport> {
    let deadline = Instant::now() + PATIENCE;
    let mut report = CrawlReport { objects: objects.len() as u64, ..CrawlReport::default() };
    let unknown = known.unknown(&**connection, objects).await?;
    let unknown = stream::iter(unknown.into_iter().map(Ok));
    let mut shapes = std::pin::pin!(infer_all(unknown, options(cut), PARALLEL));
    let mut kept = Vec::new();
    while let Ok(Some((object, shape))) =
        timeout_at(deadline, shapes.try_next()).await.unwrap_or(Ok(None))
    {
        let found = found(&object, shape).await;
        report.add(&object, &found);
        kept.push((object, found));
    }
    known.keep(connection, &kept).await?;
    let groups = group(&bucket.name, &known.members(&**connection).await?);
    publish_groups((definition, bucket), connection, known, groups, &mut report).await?;
    Ok(report)
}

/// The object and the others, as the bucket knows them.
async fn objects(object: &Object, others: Others<'_>, bucket: &Bucket) -> Vec<Object> {
    let deadline = Instant::now() + PATIENCE;
    let object_listed = Listed::from(object.clone());
    let mut sampled: Vec<_> = within(bucket, &object_listed).await.into_iter().collect();
    match others {
        Others::These(others) => {
            let mut looked_up = FuturesOrdered::new();
            let mut others = others.iter();
            while sampled.len() < OBJECTS {
                // Somewhat more at once than one, since the store may be far away.
                while looked_up.len() < LOOK_UPS
                    && let Some(other) = others.next()
                {
                    if other.origin() != object.origin() {
                        looked_up.push_back(within(bucket, other));
                    }
                }
                match timeout_at(deadline, looked_up.next()).await {
                    Ok(Some(other)) => sampled.extend(other),
                    _ => break,
                }
            }
        }
        Others::OfFolder => {
            let folder = object.key.rfind('/').map_or("", |end| &object.key[..=end]);
            let Ok(mut listed) = bucket.select(Selection::Prefix(folder.to_owned())) else {
                return sampled;
            };
            while sampled.len() < OBJECTS
                && let Ok(Some(Ok(other))) = timeout_at(deadline, listed.next()).await
            {
                if other.key != object.key {
                    sampled.push(other);
                }
            }
        }
    }
    sampled
}

/// An object as a bucket knows it, if it is there.
async fn within(bucket: &Bucket, listed: &Listed) -> Option<Object> {
    if listed.bucket().origin() == bucket.origin() {
        return listed.begin().await.ok();
    }
    let origin = listed.origin();
    bucket.begin(origin.strip_prefix(bucket.origin()?)?).await.ok()
}

/// The bucket of an object under the name that `crawl objects` would give it.
fn bucket_of(object: &Object, others: Others<'_>) -> Result<Bucket> {
    if !object.bucket.is_local() {
        let mut bucket = object.bucket.clone();
        bucket.name = bucket.name.rsplit("://").next().unwrap_or_default().to_owned();
        return Ok(bucket);
    }
    let folder = folder(object, others);
    let name = folder.rsplit('/').next().unwrap_or_default();
    Bucket::open(if name.is_empty() { "root" } else { name }, &format!("/{folder}"), &[])
}

/// The folder of a local file: that of all the files that are to be loaded, unless they have only the
/// root in common.
fn folder<'a>(object: &'a Object, others: Others<'_>) -> &'a str {
    let folder_of = |key: &'a str| key.rsplit_once('/').map_or("", |(folder, _)| folder);
    let own = folder_of(&object.key);
    let Others::These(others) = others else {
        return own;
    };
    let mut common = own;
    for other in others.iter().filter(|other| other.bucket().is_local()) {
        while !other.key().strip_prefix(common).is_some_and(|rest| rest.starts_with('/')) {
            if common.is_empty() {
                return own;
            }
            common = folder_of(common);
        }
    }
    common
}
