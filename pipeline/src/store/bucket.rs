//! Buckets: places that hold objects by their keys, and never give anything from outside.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;

use super::distance::Distance;
use super::folder::FolderStore;
use super::remote::{self, RemoteUrl, shown};
use crate::error::Error;

/// How the bucket of all local files is called.
const LOCAL: &str = "file://";

/// A place that holds objects by their keys.
#[derive(Clone)]
pub struct Bucket {
    /// The name by which the ledger knows the bucket; keys are unique within it.
    pub name: String,
    pub(super) store: Arc<dyn ObjectStore>,
    place: Place,
    /// What the URLs of its objects begin with where no bucket is configured, if that is another.
    pub(super) origin: Option<String>,
    distance: Arc<Distance>,
}

/// What has to be minded with a store's keys.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Nothing: what is listed is what is there.
    Open,
    /// What is listed is not pinned to a version.
    Remote,
}

/// Without the store, which knows credentials.
impl fmt::Debug for Bucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Bucket").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Bucket {
    /// A bucket over any store.
    pub fn new(name: impl Into<String>, store: Arc<dyn ObjectStore>) -> Self {
        let distance = Arc::default();
        Self { name: name.into(), store, place: Place::Open, origin: None, distance }
    }

    /// A bucket over a store that is taken for one on another machine.
    #[cfg(test)]
    pub(super) fn far(name: &str, store: Arc<dyn ObjectStore>) -> Self {
        Self { place: Place::Remote, ..Self::new(name, store) }
    }

    /// The bucket of all local files; a key is an absolute path.
    #[must_use]
    pub fn local() -> Self {
        Self::new(LOCAL, Arc::new(FolderStore::Anywhere))
    }

    /// A bucket by its URL: a folder (a path or `file:///folder`), or a bucket of S3, Google or
    /// Azure with a prefix or without (`s3://bucket/prefix`, `gs://`, `az://`).
    ///
    /// The variables of `environment` that begin with `AWS_`, `GOOGLE_` or `AZURE_` configure the
    /// remote ones, a query overrides them (`s3://bucket?region=eu-west-1&endpoint=http://minio:9000`),
    /// and what S3 lacks then is looked for in the files of the AWS command line.
    ///
    /// # Errors
    /// [`Error::Location`] when the URL is none of these, a setting is unknown or does not fit, or
    /// there is no such folder. Remote stores are not asked.
    pub fn open(name: &str, url: &str, environment: &[(String, String)]) -> Result<Self, Error> {
        let Some(url) = RemoteUrl::parse(url)? else {
            return Self::folder(name, url);
        };
        let bucket = Self::remote(name, &url, environment)?;
        let prefix = url.key.strip_suffix('/').unwrap_or(&url.key);
        if prefix.is_empty() {
            return Ok(bucket);
        }
        let prefix = parse_key(&url.root, prefix)?;
        let origin = Some(format!("{}/{prefix}/", url.root));
        Ok(Self { store: Arc::new(PrefixStore::new(bucket.store, prefix)), origin, ..bucket })
    }

    /// The whole of a remote bucket, whatever the URL says beyond it.
    pub(super) fn remote(
        name: &str,
        url: &RemoteUrl,
        environment: &[(String, String)],
    ) -> Result<Self, Error> {
        let store = remote::open(url, environment)?;
        let origin = Some(format!("{}/", url.root));
        Ok(Self { place: Place::Remote, origin, ..Self::new(name, store) })
    }

    fn folder(name: &str, url: &str) -> Result<Self, Error> {
        let wrong =
            |reason: &str| Error::Location { location: shown(url), reason: reason.to_owned() };
        let root = local_path(url)?.canonicalize().map_err(|error| wrong(&error.to_string()))?;
        if !root.is_dir() {
            return Err(wrong("it is no folder"));
        }
        let origin = Some(format!("file://{}/", root.display()));
        let store = Arc::new(FolderStore::beneath(root));
        Ok(Self { origin, ..Self::new(name, store) })
    }

    /// The key here of an object that others know by the name of its bucket or container, and its key there; none if
    /// that is not in this bucket.
    #[must_use]
    pub fn key_of(&self, container: &str, key: &str) -> Option<String> {
        let (ours, prefix) = match &self.origin {
            Some(origin) if self.is_remote() => container_of(origin),
            _ => (self.name.as_str(), ""),
        };
        let key = key.strip_prefix(prefix)?;
        (container == ours).then(|| key.to_owned())
    }

    /// What the URLs of its objects begin with where no bucket is configured; none of a store that
    /// has no such URLs, and of [`Self::local`].
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Whether it is [`Self::local`].
    pub(crate) fn is_local(&self) -> bool {
        self.origin.is_none() && self.name == LOCAL
    }

    /// Whether the bucket is on another machine.
    pub(crate) const fn is_remote(&self) -> bool {
        matches!(self.place, Place::Remote)
    }

    pub(super) fn store(&self) -> &dyn ObjectStore {
        self.store.as_ref()
    }

    /// How far away it is.
    pub(super) fn distance(&self) -> &Distance {
        &self.distance
    }
}

/// The name of the bucket or container that a remote origin is in, and what its keys begin with there.
fn container_of(origin: &str) -> (&str, &str) {
    let (scheme, rest) = origin.split_once("://").unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    match authority.split_once('@') {
        // As Azure writes it: container@account.
        Some((container, _)) => (container, path),
        None if !scheme.starts_with("http") => (authority, path),
        None if authority.contains(".s3.") => {
            (authority.split('.').next().unwrap_or_default(), path)
        }
        None => path.split_once('/').unwrap_or((path, "")),
    }
}

/// The store's path of a key that is written as the store writes it, so that no two keys name the
/// same object.
pub(super) fn parse_key(bucket: &str, key: &str) -> Result<Path, Error> {
    match Path::parse(key) {
        Ok(path) if path.as_ref() == key && !key.is_empty() => Ok(path),
        Ok(_) => Err(not_a_key(bucket, key, "it is empty, or begins or ends with /")),
        Err(error) => Err(not_a_key(bucket, key, &error.to_string())),
    }
}

pub(super) fn not_a_key(bucket: &str, key: &str, why: &str) -> Error {
    Error::Location { location: format!("{bucket}/{key}"), reason: format!("not a key: {why}") }
}

/// The path that a local path or a `file://` URL names.
pub(super) fn local_path(location: &str) -> Result<PathBuf, Error> {
    let wrong =
        |reason: &str| Error::Location { location: shown(location), reason: reason.to_owned() };
    if let Some((scheme, _)) = location.split_once("://") {
        if scheme != "file" {
            return Err(wrong(&format!(
                "only local paths and file://, s3://, gs:// and az:// URLs are read, not {scheme}://"
            )));
        }
        let url = url::Url::parse(location).map_err(|error| wrong(&error.to_string()))?;
        return url.to_file_path().map_err(|()| wrong("expected file:///absolute/path"));
    }
    std::path::absolute(location).map_err(|error| wrong(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::container_of;

    #[test]
    fn the_container_and_the_prefix_of_an_origin_are_those_of_notices() {
        for (origin, expected) in [
            ("s3://exports/", ("exports", "")),
            ("s3://exports/in/2026/", ("exports", "in/2026/")),
            ("gs://exports/in/", ("exports", "in/")),
            ("abfss://exports@account.dfs.core.windows.net/in/", ("exports", "in/")),
            ("https://account.blob.core.windows.net/exports/in/", ("exports", "in/")),
            ("https://s3.eu-west-1.amazonaws.com/exports/in/", ("exports", "in/")),
            ("https://exports.s3.eu-west-1.amazonaws.com/in/", ("exports", "in/")),
        ] {
            assert_eq!(container_of(origin), expected, "{origin}");
        }
    }
}
