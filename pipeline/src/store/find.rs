//! Finds the objects that a location names: a path, a URL, a folder or a pattern.

use std::path::{Component, Path as FilePath, PathBuf};

use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;

use super::bucket::{Bucket, local_path, parse_key};
use super::listed::Listed;
use super::object::Object;
use super::remote::{RemoteUrl, shown};
use super::select::{KeyPattern, WILDCARDS, looks_like_json};
use crate::error::Error;
use crate::pattern::{Patterns, Wildcards};

/// What a location names.
#[derive(Debug, Default)]
pub struct Found {
    /// The objects, in order of their keys.
    pub objects: Vec<Listed>,
    /// What could not be looked at beside them.
    pub unreadable: Vec<Error>,
}

impl Found {
    fn one(object: Object) -> Self {
        Self { objects: vec![object.into()], unreadable: Vec::new() }
    }

    /// All that is listed; fails when that is nothing but an error.
    async fn all(mut listed: BoxStream<'static, Result<Listed, Error>>) -> Result<Self, Error> {
        let mut found = Self::default();
        while let Some(object) = listed.next().await {
            match object {
                Ok(object) => found.objects.push(object),
                Err(error) => found.unreadable.push(error),
            }
        }
        if found.objects.is_empty() && found.unreadable.len() == 1 {
            return Err(found.unreadable.remove(0));
        }
        found.objects.sort_by(|one, other| one.key().cmp(other.key()));
        Ok(found)
    }

    fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.unreadable.is_empty()
    }

    /// Fails when nothing was found.
    fn or_none(self, location: &str) -> Result<Self, Error> {
        if self.is_empty() { Err(Error::NoObjects { location: shown(location) }) } else { Ok(self) }
    }
}

/// Finds the objects that a location names: a path, a `file://` URL or the URL of a remote object
/// (`s3://bucket/key`, `gs://`, `az://`), a folder, or a glob of any of these. Of a folder those whose
/// names end like JSON (`.json`, `.ndjson`, `.jsonl`, also `.gz`, `.gzip`, `.zst`) and do not begin
/// with a dot.
///
/// Remote stores are configured as [`Bucket::open`] says; their buckets are named like
/// `s3://bucket`, so that an object's [`url`](Object::url) names it again. Keys are taken as they are
/// written, without percent-decoding. Of a remote object that is named by its key the beginning is read
/// at once ([`Bucket::begin`]); what is listed is not looked up.
///
/// # Errors
/// [`Error::Location`] when the text is no such thing, [`Error::Pattern`] when a pattern cannot be used,
/// [`Error::NotFound`] when nothing is there,
/// [`Error::NoObjects`] when a folder or glob holds no object, [`Error::Read`] when it cannot be
/// listed.
pub async fn find(location: &str, environment: &[(String, String)]) -> Result<Found, Error> {
    match RemoteUrl::parse(location)? {
        Some(url) => find_remote(location, &url, environment).await,
        None => find_local(location).await,
    }
}

async fn find_remote(
    location: &str,
    url: &RemoteUrl,
    environment: &[(String, String)],
) -> Result<Found, Error> {
    let bucket = Bucket::remote(&url.root, url, environment)?;
    let key = url.key.as_str();
    if key.is_empty() || key.ends_with('/') {
        return list_folder(&bucket, key).await?.or_none(location);
    }
    match bucket.begin(key).await {
        Err(Error::NotFound { .. }) => {}
        located => return located.map(Found::one),
    }
    if key.contains(WILDCARDS) {
        let KeyPattern { folder, is_deep, matcher } = KeyPattern::parse(&bucket.name, key)?;
        let listed = bucket.list(folder, is_deep, move |key| matcher.is_match(key));
        return Found::all(listed).await?.or_none(location);
    }
    let found = list_folder(&bucket, key).await?;
    if found.is_empty() { Err(Error::NotFound { object: shown(location) }) } else { Ok(found) }
}

/// The objects below a folder that look like JSON.
async fn list_folder(bucket: &Bucket, folder: &str) -> Result<Found, Error> {
    let folder = match folder.strip_suffix('/').unwrap_or(folder) {
        "" => Path::ROOT,
        folder => parse_key(&bucket.name, folder)?,
    };
    Found::all(bucket.list(folder, true, looks_like_json)).await
}

async fn find_local(location: &str) -> Result<Found, Error> {
    let bucket = Bucket::local();
    let path = local_path(location)?;
    if let Ok(path) = path.canonicalize() {
        let key = store_path(location, &path)?;
        if !path.is_dir() {
            check_regular(&path)?;
            return bucket.locate(key.as_ref()).await.map(Found::one);
        }
        return Found::all(bucket.list(key, true, looks_like_json)).await?.or_none(location);
    }
    if location.contains(WILDCARDS) {
        return glob(&bucket, location, &path).await?.or_none(location);
    }
    Err(Error::NotFound { object: path.display().to_string() })
}

/// The objects below the folders that the pattern names without wildcards, if they match it.
async fn glob(bucket: &Bucket, location: &str, pattern: &FilePath) -> Result<Found, Error> {
    let is_plain = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(WILDCARDS);
    let folder: PathBuf = pattern.components().take_while(is_plain).collect();
    let rest = pattern.strip_prefix(&folder).unwrap_or(pattern);
    let Ok(folder) = folder.canonicalize() else {
        return Ok(Found::default());
    };
    let matcher = Patterns::one(&rest.to_string_lossy(), Wildcards::WithinNames)?;
    let prefix = store_path(location, &folder)?;
    let is_wanted = {
        let prefix = prefix.clone();
        move |key: &str| {
            let below = key.strip_prefix(prefix.as_ref()).unwrap_or(key);
            matcher.is_match(below.trim_start_matches('/'))
        }
    };
    Found::all(bucket.list(prefix, rest.components().count() > 1, is_wanted)).await
}

/// Refuses pipes and the like, which could be read for ever, and not twice.
fn check_regular(path: &FilePath) -> Result<(), Error> {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(Error::Location {
            location: path.display().to_string(),
            reason: "it is no regular file".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn store_path(location: &str, path: &FilePath) -> Result<Path, Error> {
    Path::from_absolute_path(path).map_err(|source| Error::Location {
        location: location.to_owned(),
        reason: source.to_string(),
    })
}
