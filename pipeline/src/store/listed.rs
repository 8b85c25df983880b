//! Objects that were found, of which maybe only a listing tells.

use chrono::{DateTime, TimeDelta, Utc};
use object_store::ObjectMeta;
use object_store::path::Path;

use super::bucket::{Bucket, parse_key};
use super::object::Object;
use crate::error::Error;
use crate::feed::Objects;

/// How much the clocks of a store and of this machine differ at most. Signed requests are refused where it
/// is more.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(15);

/// An object that was found: pinned to a version if it was looked up, and not if a remote store has only
/// listed it.
///
/// A listing has no version ids, and its times have another precision than those of answers about one
/// object. So what it tells of a version is a hint, and no load is known by it: the first answer about the
/// object itself pins it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// As it is pinned, or as it was listed.
    object: Object,
    /// When it was modified, if it is not pinned.
    modified: Option<DateTime<Utc>>,
}

impl Listed {
    /// What a store lists.
    pub(super) fn unpinned(bucket: &Bucket, key: String, meta: ObjectMeta) -> Self {
        let modified = Some(meta.last_modified);
        Self { object: Object::pinned(bucket, key, meta), modified }
    }

    /// An object of a remote bucket of which only the key and about the size are known.
    pub(super) fn named(bucket: &Bucket, key: &str, size: u64) -> Result<Self, Error> {
        let location = parse_key(&bucket.name, key)?;
        let last_modified = DateTime::UNIX_EPOCH;
        let meta = ObjectMeta { location, last_modified, size, e_tag: None, version: None };
        Ok(Self::unpinned(bucket, key.to_owned(), meta))
    }

    /// The bucket that holds it.
    #[must_use]
    pub const fn bucket(&self) -> &Bucket {
        &self.object.bucket
    }

    /// Its key there.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.object.key
    }

    /// Its size in bytes, as far as that is known.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.object.size
    }

    /// As [`Object::url`].
    #[must_use]
    pub fn url(&self) -> String {
        self.object.url()
    }

    /// As [`Object::origin`].
    #[must_use]
    pub fn origin(&self) -> String {
        self.object.origin()
    }

    /// The object, if it is pinned.
    #[must_use]
    pub const fn object(&self) -> Option<&Object> {
        match self.modified {
            None => Some(&self.object),
            Some(_) => None,
        }
    }

    /// Whether a feed is for it. A local file is known by the end of its path.
    #[must_use]
    pub fn is_among(&self, objects: &Objects) -> bool {
        match self.bucket().is_local() {
            true => objects.contain_file(self.key()),
            false => objects.contain_key(self.key()),
        }
    }

    pub(super) const fn path(&self) -> &Path {
        &self.object.path
    }

    /// Pins the object, with its beginning if it is remote and there is memory for it: who loads it needs
    /// no other look-up.
    ///
    /// # Errors
    /// As [`Bucket::begin`].
    pub async fn begin(&self) -> Result<Object, Error> {
        match self.object() {
            Some(object) => Ok(object.clone()),
            None => self.bucket().begin(self.key()).await,
        }
    }

    /// Pins the object.
    ///
    /// # Errors
    /// As [`Bucket::locate`].
    pub async fn locate(&self) -> Result<Object, Error> {
        match self.object() {
            Some(object) => Ok(object.clone()),
            None => self.bucket().locate(self.key()).await,
        }
    }

    /// The object under the version that it seems to have: what a listing tells of it, if it is not pinned.
    #[must_use]
    pub const fn seeming(&self) -> &Object {
        &self.object
    }

    /// Whether the object has the version that it seems to have, if a load of that version began then.
    ///
    /// Where a bucket has no versions, the version is the e-tag, which a listing has too. An object of that
    /// e-tag which was not modified since the load began is what the load has read. Where the bucket has
    /// versions, no load has an e-tag for its version.
    pub(crate) fn was_loaded(&self, load_began: DateTime<Utc>) -> bool {
        self.modified
            .is_none_or(|modified| self.object.has_e_tag() && modified + CLOCKS_DIFFER < load_began)
    }
}

impl From<Object> for Listed {
    fn from(object: Object) -> Self {
        Self { object, modified: None }
    }
}
