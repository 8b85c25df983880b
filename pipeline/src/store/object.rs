//! Objects, and the version of each that a load is pinned to.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
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
    modified: DateTime<Utc>,
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
            modified: meta.last_modified,
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
        known.unwrap_or_else(|| format!("{}-{}", self.modified.to_rfc3339(), self.size))
    }

    /// What tells this version from others, whether a listing described it or an answer about the object: a listing has
    /// no version ids, and its times and e-tags are written in another way.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let e_tag = self.e_tag.as_deref().unwrap_or_default();
        let e_tag = e_tag.trim_start_matches("W/").trim_matches('"');
        format!("{e_tag}@{}-{}", self.modified.timestamp(), self.size)
    }

    /// When it was modified, as the store says.
    #[must_use]
    pub const fn modified(&self) -> DateTime<Utc> {
        self.modified
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
            && meta.last_modified == self.modified;
        if same { Ok(()) } else { Err(Error::Changed { object: self.url() }) }
    }
}
