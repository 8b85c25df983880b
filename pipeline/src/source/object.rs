//! Objects: where they are, and the version of each that a load is pinned to.

use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;

use futures::StreamExt;
use globset::GlobBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::error::Error;

/// A place that holds objects by their keys.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// The name by which the ledger knows the bucket; keys are unique within it.
    pub name: String,
    store: Arc<dyn ObjectStore>,
}

/// One object, pinned to the version that was there when it was located.
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
}

/// The endings of the names that a folder is searched for, before `.gz`, `.gzip`, `.zst`.
const ENDINGS: [&str; 3] = [".json", ".ndjson", ".jsonl"];
const COMPRESSED: [&str; 3] = [".gz", ".gzip", ".zst"];

impl Bucket {
    /// A bucket over any store.
    pub fn new(name: impl Into<String>, store: Arc<dyn ObjectStore>) -> Self {
        Self { name: name.into(), store }
    }

    /// The bucket of all local files; a key is an absolute path.
    #[must_use]
    pub fn local() -> Self {
        Self::new("file://", Arc::new(LocalFileSystem::new()))
    }

    pub(super) fn store(&self) -> &dyn ObjectStore {
        self.store.as_ref()
    }

    /// Looks an object up and pins it to the version that is there now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none; [`Error::Read`] when the store does not answer.
    pub async fn locate(&self, key: &str) -> Result<Object, Error> {
        let object = format!("{}/{key}", self.name);
        let path = Path::parse(key).map_err(|source| Error::Location {
            location: object.clone(),
            reason: source.to_string(),
        })?;
        match self.store.head(&path).await {
            Ok(meta) => Ok(self.pin(key.to_owned(), meta)),
            Err(object_store::Error::NotFound { .. }) => Err(Error::NotFound { object }),
            Err(source) => Err(Error::Read { object, source }),
        }
    }

    /// The objects below the folder `prefix`, or only those directly in it, in order of their keys.
    async fn list(&self, prefix: &Path, deep: bool) -> Result<Found, Error> {
        let failed = |source| Error::Read { object: format!("{}/{prefix}", self.name), source };
        let mut found = Found::default();
        if deep {
            let mut listed = self.store.list(Some(prefix));
            while let Some(entry) = listed.next().await {
                match entry {
                    Ok(meta) => found.objects.push(self.pin(meta.location.to_string(), meta)),
                    Err(source) => found.unreadable.push(failed(source)),
                }
            }
        } else {
            let listed = self.store.list_with_delimiter(Some(prefix)).await.map_err(failed)?;
            let pinned = listed.objects.into_iter();
            found.objects = pinned.map(|meta| self.pin(meta.location.to_string(), meta)).collect();
        }
        found.objects.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(found)
    }

    fn pin(&self, key: String, meta: ObjectMeta) -> Object {
        Object {
            bucket: self.clone(),
            key,
            size: meta.size,
            path: meta.location,
            e_tag: meta.e_tag,
            version_id: meta.version,
            modified: meta.last_modified.to_rfc3339(),
        }
    }
}

impl Object {
    /// The bucket and key as one text, for people and for the error table.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/{}", self.bucket.name, self.key)
    }

    /// What tells this version of the object from others: the store's version, else the e-tag,
    /// else time and size.
    #[must_use]
    pub fn version(&self) -> String {
        let known = self.version_id.clone().or_else(|| self.e_tag.clone());
        known.unwrap_or_else(|| format!("{}-{}", self.modified, self.size))
    }

    /// Fails unless `meta` is of the version that this object is pinned to.
    pub(super) fn check(&self, meta: &ObjectMeta) -> Result<(), Error> {
        let same = meta.size == self.size
            && meta.e_tag == self.e_tag
            && meta.last_modified.to_rfc3339() == self.modified;
        if same { Ok(()) } else { Err(Error::Changed { object: self.url() }) }
    }
}

/// What a location names.
#[derive(Debug, Default)]
pub struct Found {
    /// The objects, in order of their keys.
    pub objects: Vec<Object>,
    /// What could not be looked at beside them.
    pub unreadable: Vec<Error>,
}

impl Found {
    /// Fails when nothing was found.
    fn or_none(self, location: &str) -> Result<Self, Error> {
        if self.objects.is_empty() && self.unreadable.is_empty() {
            return Err(Error::NoObjects { location: location.to_owned() });
        }
        Ok(self)
    }
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

/// Finds the objects that a path, a `file://` URL, a folder or a glob names; of a folder those whose
/// names end like JSON (`.json`, `.ndjson`, `.jsonl`, also `.gz`, `.gzip`, `.zst`) and do not begin
/// with a dot.
///
/// # Errors
/// [`Error::Location`] when the text is no such thing, [`Error::NotFound`] when nothing is there,
/// [`Error::NoObjects`] when a folder or glob holds no object, [`Error::Read`] when it cannot be
/// listed.
pub async fn find(location: &str) -> Result<Found, Error> {
    let bucket = Bucket::local();
    let path = local_path(location)?;
    if let Ok(path) = path.canonicalize() {
        let key = store_path(location, &path)?;
        if !path.is_dir() {
            check_regular(&path)?;
            let objects = vec![bucket.locate(key.as_ref()).await?];
            return Ok(Found { objects, unreadable: Vec::new() });
        }
        let mut found = bucket.list(&key, true).await?;
        found.objects.retain(|object| looks_like_json(&object.key));
        return found.or_none(location);
    }
    if location.contains(WILDCARDS) {
        return glob(&bucket, location, &path).await?.or_none(location);
    }
    Err(Error::NotFound { object: path.display().to_string() })
}

/// The characters that make a path a pattern.
const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

/// The objects below the folders that the pattern names without wildcards, if they match it.
async fn glob(bucket: &Bucket, location: &str, pattern: &FilePath) -> Result<Found, Error> {
    let is_plain = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(WILDCARDS);
    let folder: PathBuf = pattern.components().take_while(is_plain).collect();
    let rest = pattern.strip_prefix(&folder).unwrap_or(pattern);
    let Ok(folder) = folder.canonicalize() else {
        return Ok(Found::default());
    };
    let wrong = |reason: String| Error::Location { location: location.to_owned(), reason };
    let glob = GlobBuilder::new(&rest.to_string_lossy()).literal_separator(true).build();
    let matcher = glob.map_err(|error| wrong(error.to_string()))?.compile_matcher();
    let prefix = store_path(location, &folder)?;
    let mut found = bucket.list(&prefix, rest.components().count() > 1).await?;
    found.objects.retain(|object| {
        let below = object.key.strip_prefix(prefix.as_ref()).unwrap_or(&object.key);
        matcher.is_match(below.trim_start_matches('/'))
    });
    Ok(found)
}

fn local_path(location: &str) -> Result<PathBuf, Error> {
    let wrong =
        |reason: &str| Error::Location { location: location.to_owned(), reason: reason.to_owned() };
    if let Some((scheme, _)) = location.split_once("://") {
        if scheme != "file" {
            return Err(wrong(&format!(
                "only local paths and file:// URLs are read, not {scheme}://"
            )));
        }
        let url = url::Url::parse(location).map_err(|error| wrong(&error.to_string()))?;
        return url.to_file_path().map_err(|()| wrong("expected file:///absolute/path"));
    }
    std::path::absolute(location).map_err(|error| wrong(&error.to_string()))
}

fn store_path(location: &str, path: &FilePath) -> Result<Path, Error> {
    Path::from_absolute_path(path).map_err(|source| Error::Location {
        location: location.to_owned(),
        reason: source.to_string(),
    })
}

fn looks_like_json(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key).to_ascii_lowercase();
    let plain = COMPRESSED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    !name.starts_with('.') && ENDINGS.iter().any(|ending| plain.ends_with(ending))
}
