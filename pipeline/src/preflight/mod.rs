//! Before a load: the feed held against what the catalog knows of the object.
//!
//! What would reject every record is an error before the first row; what is new, or fits in part, is a
//! warning of the load's summary. A bucket that nobody has crawled is crawled by a sample. Nothing
//! that goes wrong with the catalog itself keeps an object from being loaded.

mod edits;
mod fit;
mod probe;
mod source;
mod warnings;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

pub use crate::catalog::sample::Others;
use crate::catalog::sample::{crawl_sample, options};
use crate::database::Connection;
use crate::decode::Limits;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::infer::objects::infer_object;
use crate::load::{LoadOptions, is_loaded, note_failure};
use crate::sink::{RequestedMode, Targets};
use crate::store::{Listed, Object};
pub use edits::add_catalog;
use fit::{Fit, check_compatibility};
use source::{Columns, Known, Named, Source};
pub use warnings::PreflightReport;

/// Records of which a table must have been made, to say what every record is like.
const RECORDS: u64 = 2;
/// Objects that are asked for together.
const AT_ONCE: usize = 1000;
/// How long what targets can hold is taken to be as it was.
const LIMITS_FOR: Duration = Duration::from_secs(60);

/// Holds a feed against the catalog, remembering what it has seen of it.
#[derive(Debug, Default)]
pub struct Preflight {
    columns: Columns,
    limits: Mutex<Option<(Instant, RequestedMode, Limits)>>,
    /// Buckets that could not be crawled.
    closed: Mutex<HashSet<String>>,
}

/// What is to be loaded, and how.
#[derive(Debug, Clone, Copy)]
pub struct PreflightRequest<'a> {
    /// The object.
    pub object: &'a Object,
    /// Its feed.
    pub feed: &'a Arc<Feed>,
    /// How it is to be loaded.
    pub options: &'a LoadOptions,
    /// Whether nothing may be written, not even into the catalog.
    pub dry_run: bool,
    /// What else may be looked at when the bucket was never crawled.
    pub others: Others<'a>,
}

/// What many objects that are to be loaded have in common.
#[derive(Clone, Copy)]
struct Many<'a> {
    feed: &'a Arc<Feed>,
    options: &'a LoadOptions,
    others: Others<'a>,
}

impl Preflight {
    /// Holds the feed of a load against the newest table of the catalog that the object belongs to.
    /// A connection that breaks meanwhile is replaced by another.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when of the table's records none could be loaded, and none of those at the
    /// beginning of the object can; the ledger has a note of it. Not for an object that is loaded
    /// already. [`Error::Connect`] when there is no other connection.
    pub async fn check(
        &self,
        planned: &PreflightRequest<'_>,
        mut connection: Option<&mut Connection>,
    ) -> Result<PreflightReport> {
        let held = self.compare(planned, connection.as_deref_mut()).await;
        if let Some(connection) = connection.filter(|connection| connection.is_closed()) {
            *connection = connection.database().connect().await?;
        }
        held
    }

    /// The same for many objects, and no dry run: those of which the catalog has a table that fits are
    /// asked for together, and not looked up. What became of each, in their order.
    pub async fn check_all(
        &self,
        objects: &[Listed],
        feed: &Arc<Feed>,
        options: &LoadOptions,
        others: Others<'_>,
        connection: &mut Connection,
    ) -> Vec<Result<PreflightReport>> {
        if !feed.records.is_document() {
            return objects.iter().map(|_| Ok(PreflightReport::default())).collect();
        }
        let mut held = Vec::with_capacity(objects.len());
        let mut tried = HashSet::new();
        for objects in objects.chunks(AT_ONCE) {
            let many = Many { feed, options, others };
            // The first one's bucket may have to be crawled.
            let Some((first, rest)) = objects.split_first() else { break };
            tried.insert(first.bucket().name.as_str());
            held.push(self.check_listed(first, many, connection).await);
            let limits = self.limits(feed, options.mode, Some(&mut *connection)).await;
            let named: Vec<_> = rest.iter().map(Named::from).collect();
            let found = self.columns.find(&named, feed, connection).await;
            let mut found = found.unwrap_or_default().into_iter();
            for object in rest {
                held.push(match found.next() {
                    Some(Known::NoTable) => Ok(PreflightReport::default()),
                    Some(Known::Table(source)) => {
                        let fit = check_compatibility(feed, &source.columns, &limits);
                        if fit.rejects_all() {
                            self.check_listed(object, many, connection).await
                        } else {
                            Ok(PreflightReport::new(&source, &fit))
                        }
                    }
                    // The bucket could not be crawled, and each look-up takes an answer of the store.
                    Some(Known::Nothing) | None
                        if object.bucket().is_remote() && !tried.insert(&object.bucket().name) =>
                    {
                        Ok(PreflightReport::default())
                    }
                    Some(Known::Nothing) | None => {
                        self.check_listed(object, many, connection).await
                    }
                });
            }
        }
        held
    }

    /// Looks an object up and checks it. What keeps it from being looked up, the load will say.
    async fn check_listed(
        &self,
        listed: &Listed,
        Many { feed, options, others }: Many<'_>,
        connection: &mut Connection,
    ) -> Result<PreflightReport> {
        let Ok(object) = listed.begin().await else {
            return Ok(PreflightReport::default());
        };
        let planned = PreflightRequest { object: &object, feed, options, dry_run: false, others };
        self.check(&planned, Some(connection)).await
    }

    async fn compare(
        &self,
        planned: &PreflightRequest<'_>,
        mut connection: Option<&mut Connection>,
    ) -> Result<PreflightReport> {
        let began = SystemTime::now();
        let source = match self.source(planned, connection.as_deref_mut()).await {
            Ok(Some(source)) => source,
            Ok(None) => return Ok(PreflightReport::default()),
            Err(error) => {
                tracing::debug!(error = error.with_causes(), "loaded without the catalog");
                return Ok(PreflightReport::default());
            }
        };
        let limits = self.limits_of(planned, connection.as_deref_mut()).await;
        let fit = check_compatibility(planned.feed, &source.columns, &limits);
        if !fit.rejects_all() || source.records < RECORDS {
            return Ok(PreflightReport::new(&source, &fit));
        }
        let Some(connection) = connection else {
            return self.confirm(planned, &source, &fit, &limits).await;
        };
        if is_loaded(planned.object, planned.feed, connection, planned.options).await {
            return Ok(PreflightReport::default());
        }
        self.forget_limits();
        let limits = self.limits_of(planned, Some(&mut *connection)).await;
        let fit = check_compatibility(planned.feed, &source.columns, &limits);
        if !fit.rejects_all() {
            return Ok(PreflightReport::new(&source, &fit));
        }
        let held = self.confirm(planned, &source, &fit, &limits).await;
        match &held {
            Err(error) if !planned.dry_run => {
                let PreflightRequest { object, feed, options, .. } = planned;
                note_failure(object, feed, connection, options, began, error).await;
            }
            // The object is another than those that were looked at.
            Ok(_) if source.is_sample && !planned.dry_run => {
                self.crawl(planned, connection).await;
            }
            _ => {}
        }
        held
    }

    /// What the object is taken to hold; of a bucket that was never crawled a sample is.
    async fn source(
        &self,
        planned: &PreflightRequest<'_>,
        connection: Option<&mut Connection>,
    ) -> Result<Option<Source>> {
        let PreflightRequest { object, feed, dry_run, .. } = *planned;
        // The catalog describes whole documents.
        let connection = connection.filter(|_| feed.records.is_document());
        let known = match connection {
            Some(connection) => {
                let known = self.known(object, feed, connection).await;
                match known {
                    Ok(Known::Nothing) if !dry_run => {
                        if !self.crawl(planned, connection).await {
                            return Ok(None);
                        }
                        self.known(object, feed, connection).await?
                    }
                    // Nothing was migrated yet, for instance.
                    Err(_) if dry_run => Known::Nothing,
                    known => known?,
                }
            }
            None => Known::Nothing,
        };
        match known {
            Known::Table(source) => Ok(Some(source)),
            Known::Nothing if dry_run => self_described(planned).await,
            Known::Nothing | Known::NoTable => Ok(None),
        }
    }

    async fn known(&self, object: &Object, feed: &Feed, connection: &Connection) -> Result<Known> {
        let known = self.columns.find(&[object.into()], feed, connection).await?;
        Ok(known.into_iter().next().unwrap_or(Known::Nothing))
    }

    /// Crawls a sample, unless that was in vain before; whether it was not.
    async fn crawl(&self, planned: &PreflightRequest<'_>, connection: &mut Connection) -> bool {
        let PreflightRequest { object, options, others, .. } = planned;
        let closed = || self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if closed().contains(&object.bucket.name) {
            return false;
        }
        match crawl_sample(object, *others, &options.cut, connection).await {
            Ok(()) => return true,
            // Another does it at this moment.
            Err(Error::Busy { .. }) => {}
            Err(error) => {
                tracing::debug!(error = error.with_causes(), "the bucket is not crawled");
                closed().insert(object.bucket.name.clone());
            }
        }
        false
    }

    /// Whether the object is like the table says: then the error, else warnings.
    async fn confirm(
        &self,
        planned: &PreflightRequest<'_>,
        source: &Source,
        fit: &Fit,
        limits: &Limits,
    ) -> Result<PreflightReport> {
        let PreflightRequest { object, feed, options, .. } = *planned;
        let is_rejected =
            probe::is_rejected(object, feed, limits.clone(), options.of_feed(feed).cut).await;
        match is_rejected {
            Ok(true) => Err(Error::Mismatch {
                object: object.url(),
                feed: feed.name.clone(),
                differences: fit.differences(&source.name),
            }),
            // What keeps it from being read, the load will say.
            Ok(false) | Err(_) => Ok(PreflightReport::new(source, fit)),
        }
    }

    async fn limits_of(
        &self,
        planned: &PreflightRequest<'_>,
        connection: Option<&mut Connection>,
    ) -> Limits {
        self.limits(planned.feed, planned.options.mode, connection).await
    }

    /// What the targets can hold. What is wrong with them the load will say.
    async fn limits(
        &self,
        feed: &Arc<Feed>,
        mode: RequestedMode,
        connection: Option<&mut Connection>,
    ) -> Limits {
        let fresh = || Targets::fresh(feed, mode.on_new_table(feed)).limits();
        let Some(connection) = connection else {
            return fresh();
        };
        let kept = || self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, of_mode, limits)) = &*kept()
            && *of_mode == mode
            && at.elapsed() < LIMITS_FOR
        {
            return limits.clone();
        }
        let found = Targets::find(&*connection, feed, mode).await;
        let limits = found.map_or_else(|_| fresh(), |targets| targets.limits());
        *kept() = Some((Instant::now(), mode, limits.clone()));
        limits
    }

    fn forget_limits(&self) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What the beginning of the object itself holds; nothing where there is no record with a field.
async fn self_described(planned: &PreflightRequest<'_>) -> Result<Option<Source>> {
    let cut = planned.options.of_feed(planned.feed).cut;
    let seen = infer_object(planned.object, &options(&cut)).await?;
    let columns = seen.shape.columns();
    Ok((!columns.is_empty()).then(|| Source {
        name: "the object".to_owned(),
        records: seen.records,
        columns: Arc::new(columns),
        is_sample: false,
    }))
}
