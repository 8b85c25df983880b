//! The first answer about an object: it pins the object to a version, and brings its beginning or all
//! of it.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, GetRange};

use super::range::{Answer, ask, read_range, reason};
use crate::error::{Error, causes};
use crate::store::bucket::{Bucket, not_a_key};
use crate::store::budget::BUDGET;
use crate::store::object::Object;
use crate::store::probe::Probe;

/// Bytes of the beginning: as many as tell the format of its records.
const BEGINNING_BYTES: u64 = 1 << 20;

/// Pins an object of a remote bucket to the version that is there now by reading its beginning; none
/// where there is no memory left for it.
///
/// # Errors
/// As [`Bucket::locate`].
pub(in crate::store) async fn begin(
    bucket: &Bucket,
    key: &str,
    path: &Path,
) -> Result<Option<Object>, Error> {
    let Some(mut hold) = BUDGET.hold_beginning(BEGINNING_BYTES) else {
        return Ok(None);
    };
    let range = Some(GetRange::Bounded(0..BEGINNING_BYTES));
    let answer = ask(bucket, path, GetOptions { range, ..GetOptions::default() }).await;
    let answer = match answer {
        // An empty object has no beginning, and a store says so in words of its own.
        Err(source) if may_be_empty(&source) => return Ok(None),
        answer => answer.map_err(|source| not_there(bucket, key, source))?,
    };
    let mut object = Object::pinned(bucket, key.to_owned(), answer.meta.clone());
    let bytes = body(&object, object.size.min(BEGINNING_BYTES), answer).await?;
    hold.shrink(bytes.len() as u64);
    object.probe = Some(Arc::new(Probe::new(bytes, hold)));
    Ok(Some(object))
}

impl Object {
    /// The same with its beginning, if it is remote and there is memory for it: for a caller that reads many
    /// objects, and begins with some before their turns. If the beginning cannot be read, reading the object
    /// says why.
    pub(crate) async fn with_beginning(mut self) -> Self {
        let bytes = self.size.min(BEGINNING_BYTES);
        if bytes == 0 || self.probe.is_some() || !self.bucket.is_remote() {
            return self;
        }
        if let Some(hold) = BUDGET.hold_beginning(bytes)
            && let Ok(bytes) = read_range(&self, Some(0..bytes)).await
        {
            self.probe = Some(Arc::new(Probe::new(bytes, hold)));
        }
        self
    }
}

/// The bytes of the answer that has pinned an object, which are to be as many.
pub(super) async fn body(object: &Object, bytes: u64, answer: Answer<'_>) -> Result<Bytes, Error> {
    match answer.bytes().await {
        Ok(body) if body.len() as u64 == bytes => Ok(body),
        Ok(_) => Err(Error::Changed { object: object.url() }),
        Err(source) => Err(reason(object, Error::Read { object: object.url(), source }).await),
    }
}

/// Why a store has no answer about an object of which nothing is known.
pub(in crate::store) fn not_there(
    bucket: &Bucket,
    key: &str,
    source: object_store::Error,
) -> Error {
    let object = format!("{}/{key}", bucket.name);
    match source {
        object_store::Error::NotFound { .. } => Error::NotFound { object },
        object_store::Error::InvalidPath { source } => {
            not_a_key(&bucket.name, key, &source.to_string())
        }
        source => Error::Read { object, source },
    }
}

/// Whether a store may have refused a range because the object is empty.
fn may_be_empty(error: &object_store::Error) -> bool {
    let said = causes(error).join(": ").to_ascii_lowercase();
    let is_generic = matches!(error, object_store::Error::Generic { .. });
    is_generic && ["416", "range", "non-partial"].iter().any(|word| said.contains(word))
}
