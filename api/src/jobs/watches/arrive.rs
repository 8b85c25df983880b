//! What becomes of a notice: what it names is looked up, noted and submitted.

use futures::{StreamExt, stream};
use pipeline::error::Error;
use pipeline::feed::Feeds;
use pipeline::store::{Bucket, Object};
use serde::Serialize;
use utoipa::ToSchema;

use super::Watch;
use super::notices::{Kind, Named};
use crate::jobs::store::{Store, StoreError};
use crate::metrics;

/// Objects that are looked up at the same time.
const LOOK_UPS: usize = 16;

/// What became of the objects that notices named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Arrived {
    /// Objects that got a job
    pub(crate) submitted: u64,
    /// Objects whose version was found before, or that another job is under way for
    pub(crate) known: u64,
    /// Objects that a listing takes later, since they or their key changed a moment ago
    pub(crate) held: u64,
    /// Objects that the store refuses to show; the log says why
    pub(crate) refused: u64,
    /// Objects that were gone again
    pub(crate) gone: u64,
    /// Objects that the watch is not over, or that arrived while it was paused
    pub(crate) ignored: u64,
}

/// Why notices could not be dealt with: they are to be sent again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArriveError {
    #[error(transparent)]
    Look(#[from] Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of the look-up of an object.
enum Looked {
    There(Box<Object>),
    Gone,
    Refused,
    Ignored,
}

impl Store {
    /// Deals with the objects that notices of one kind named. When it returns, their jobs are committed.
    pub(crate) async fn arrive(
        &self,
        watch: &Watch,
        bucket: &Bucket,
        feeds: &Feeds,
        (kind, named): (Kind, &[Named]),
        request_id: &str,
    ) -> Result<Arrived, ArriveError> {
        watch.check_feed(feeds)?;
        let mut arrived = Arrived::default();
        let mut objects = Vec::new();
        let looked = named.iter().map(|named| look_up(watch, bucket, named)).collect::<Vec<_>>();
        let mut looked = stream::iter(looked).buffered(LOOK_UPS);
        while let Some(looked) = looked.next().await {
            match looked? {
                Looked::There(object) => objects.push(*object),
                Looked::Gone => arrived.gone += 1,
                Looked::Refused => arrived.refused += 1,
                Looked::Ignored => arrived.ignored += 1,
            }
        }
        objects.sort_by(|one, other| one.key.cmp(&other.key));
        let all = objects.len() as u64;
        objects.dedup_by(|one, other| one.key == other.key);
        if !objects.is_empty() {
            let noted = self.note_objects(watch, None, &objects, feeds, request_id).await?;
            (arrived.submitted, arrived.held) = (noted.submitted, noted.held);
            arrived.known = all - noted.submitted - noted.held;
        }
        for (outcome, count) in [
            ("submitted", arrived.submitted),
            ("known", arrived.known),
            ("held", arrived.held),
            ("gone", arrived.gone),
            ("refused", arrived.refused),
            ("ignored", arrived.ignored),
        ] {
            metrics::noticed(kind.as_str(), outcome, count);
        }
        Ok(arrived)
    }
}

async fn look_up(watch: &Watch, bucket: &Bucket, named: &Named) -> Result<Looked, Error> {
    if watch.is_paused() {
        return Ok(Looked::Ignored);
    }
    let Some(key) = bucket.key_of(&named.container, &named.key) else {
        return Ok(Looked::Ignored);
    };
    if key.contains('\0') || !watch.selection().means(bucket, &key)? {
        return Ok(Looked::Ignored);
    }
    match bucket.locate(&key).await {
        Ok(object) => Ok(Looked::There(Box::new(object))),
        Err(Error::NotFound { .. }) => Ok(Looked::Gone),
        // What is no key of ours is in no listing either.
        Err(Error::Location { .. }) => Ok(Looked::Ignored),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => {
            let error = error.with_causes();
            tracing::warn!(watch = watch.name, error, "an object that arrived cannot be looked up");
            Ok(Looked::Refused)
        }
    }
}
