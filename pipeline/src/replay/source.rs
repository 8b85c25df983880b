//! Finds the version of an object that a load has read.

use crate::error::{Error, Result};
use crate::ledger::Source;
use crate::store::{Bucket, Object, find};

/// Finds it where it really is, as [`find`] does.
///
/// # Errors
/// [`Error::NotFound`] and [`Error::VersionNotFound`] when it is gone; else as [`find`].
pub async fn find_source(source: &Source, environment: &[(String, String)]) -> Result<Object> {
    let found = find(&source.origin, environment).await?;
    let is_it = |origin: String| origin == source.origin;
    match found.objects.into_iter().find(|listed| is_it(listed.origin())) {
        Some(listed) => listed.bucket().locate_version(listed.key(), &source.version).await,
        None => Err(Error::NotFound { object: source.origin.clone() }),
    }
}

/// Finds it in one of some buckets: the one that holds it, whatever that is called now.
///
/// # Errors
/// [`Error::NotFound`] when it is gone, or none of the buckets holds it; else as [`Bucket::locate_version`].
pub async fn locate_source(
    source: &Source,
    buckets: impl Iterator<Item = &Bucket>,
) -> Result<Object> {
    let holds = |bucket: &Bucket| {
        let key = match bucket.origin() {
            Some(origin) => source.origin.strip_prefix(origin)?,
            None => (bucket.name == source.bucket).then_some(&*source.key)?,
        };
        Some((bucket.clone(), key.to_owned()))
    };
    let found: Vec<_> = buckets.filter_map(holds).collect();
    match found.into_iter().next() {
        Some((bucket, key)) => bucket.locate_version(&key, &source.version).await,
        None => Err(Error::NotFound { object: source.origin.clone() }),
    }
}
