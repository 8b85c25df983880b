//! Objects, and the version of each that a load is pinned to.

use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectMeta;
use object_store::path::Path;

use super::bucket::Bucket;
use super::probe::Probe;
use crate::error::Error;

/// The version id that S3 gives to every version of an object while versioning is suspended.
const NO_VERSION: &str = "null";

/// One object, pinned to the version that was there when it was looked up.
#[derive(Debug, Clone)]
pub struct Object {
    /// The bucket that holds it.
    pub bucket: Bucket,
    /// Its key there.
    pub key: String,
    /// Its size in bytes, as it is stored.
    pub size: u64,
    pub(super) path: Path,
    pub(super) e_tag: Option<String>,
    pub(super) version_id: Option<String>,
    modified: String,
    /// What came with the answer that pinned it.
    pub(super) probe: Option<Arc<Probe>>,
}

impl Object {
    /// The object of a bucket that the store describes.
    pub(super) fn pinned(bucket: &Bucket, key: String, meta: ObjectMeta) -> Self {
        Self {
            bucket: bucket.clone(),
            key,
            size: meta.size,
            path: meta.location,
            e_tag: meta.e_tag,
            version_id: meta.version.filter(|version| version != NO_VERSION),
            modified: meta.last_modified.to_rfc3339(),
            probe: None,
        }
    }

    /// The bucket and key as one text, for people and for the error table.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/{}", self.bucket.name, self.key)
    }

    /// Where the object really is: the same text whether it was found by its path or URL or in a
    /// configured bucket.
    #[must_use]
    pub fn origin(&self) -> String {
        match &self.bucket.origin {
            Some(origin) => format!("{origin}{}", self.key),
            None => self.url(),
        }
    }

    /// What tells this version of the object from others: the store's version, else the e-tag,
    /// else time and size.
    #[must_use]
    pub fn version(&self) -> String {
        let known = self.version_id.clone().or_else(|| self.e_tag.clone());
        known.unwrap_or_else(|| format!("{}-{}", self.modified, self.size))
    }

    /// Its beginning, or all of it, if that came when it was pinned.
    pub(super) fn beginning(&self) -> Option<Bytes> {
        self.probe.as_ref().map(|probe| probe.bytes())
    }

    pub(super) const fn has_e_tag(&self) -> bool {
        self.e_tag.is_some()
    }

    /// Fails unless `meta` is of the version that this object is pinned to.
    pub(super) fn check(&self, meta: &ObjectMeta) -> Result<(), Error> {
        let same = meta.size == self.size
            && meta.e_tag == self.e_tag
            && meta.last_modified.to_rfc3339() == self.modified;
        if same { Ok(()) } else { Err(Error::Changed { object: self.url() }) }
    }
}
