//! What is directly in a folder of a bucket, for people who look for an object.

use chrono::{DateTime, Utc};
use object_store::path::Path;

use super::bucket::{Bucket, parse_key};
use super::remote;
use crate::error::Error;

/// What is directly in a folder.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    /// The folders in it, by their whole paths, without a final `/`.
    pub folders: Vec<String>,
    /// The objects in it.
    pub objects: Vec<FolderObject>,
}

/// An object as a listing has it.
#[derive(Debug, Clone)]
pub struct FolderObject {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written.
    pub written_at: DateTime<Utc>,
}

impl Bucket {
    /// What is directly in a folder, which is named without a final `/`; the empty one is the bucket itself.
    ///
    /// # Errors
    /// [`Error::Location`] when no folder can have that name, and what the store says.
    pub async fn browse(&self, folder: &str) -> Result<Folder, Error> {
        let path = if folder.is_empty() { Path::ROOT } else { parse_key(&self.name, folder)? };
        let failed =
            |source| remote::not_listed(&self.name, &format!("{}/{path}", self.name), source);
        let listed = self.store().list_with_delimiter(Some(&path)).await.map_err(failed)?;
        let folders = listed.common_prefixes.into_iter().map(String::from);
        let objects = listed.objects.into_iter().map(|meta| FolderObject {
            key: meta.location.into(),
            size: meta.size,
            written_at: meta.last_modified,
        });
        Ok(Folder { folders: folders.collect(), objects: objects.collect() })
    }
}
