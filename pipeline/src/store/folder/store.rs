//! Folders, and all local files, as stores that are read and never written.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path as FilePath, PathBuf};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, future};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use rustix::fs::Stat;

use super::beneath::{Root, is_missing, open_anywhere};
use super::list::{list, read_folder};
use super::meta;

/// How errors name the store.
const NAME: &str = "folder";

/// A store of files. Only regular ones are opened, and that is told from what was opened.
#[derive(Debug, Clone)]
pub(in crate::store) enum FolderStore {
    /// The files beneath a folder.
    Beneath(Root),
    /// All local files, by their absolute paths. Links are followed wherever they lead, since the
    /// paths are those of the user who runs us.
    Anywhere,
}

impl FolderStore {
    /// The store of a folder, by a path that holds no links.
    pub(in crate::store) fn beneath(root: PathBuf) -> Self {
        Self::Beneath(Root::new(root))
    }

    fn open(&self, location: &Path) -> io::Result<(File, Stat)> {
        match self {
            Self::Beneath(root) => root.open_file(location.as_ref()),
            Self::Anywhere => open_anywhere(&self.path(location)),
        }
    }

    /// The path by which errors name an object.
    fn path(&self, location: &Path) -> PathBuf {
        match self {
            Self::Beneath(root) => root.path().join(location.as_ref()),
            Self::Anywhere => FilePath::new("/").join(location.as_ref()),
        }
    }

    fn get(&self, location: Path, options: &GetOptions) -> Result<GetResult> {
        let path = self.path(&location);
        let (file, stat) = self.open(&location).map_err(|error| failed(&path, error))?;
        let meta = meta(location, &stat);
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            Some(range) => range
                .as_range(meta.size)
                .map_err(|source| Error::Generic { store: NAME, source: source.into() })?,
            None => 0..meta.size,
        };
        Ok(GetResult {
            payload: GetResultPayload::File(file, path),
            attributes: Default::default(),
            range,
            meta,
            extensions: Default::default(),
        })
    }
}

impl fmt::Display for FolderStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{NAME} {}", self.path(&Path::ROOT).display())
    }
}

/// The error of something that could not be opened or looked at.
pub(super) fn failed(path: &FilePath, error: io::Error) -> Error {
    let path = path.display().to_string();
    if is_missing(&error) {
        return Error::NotFound { path, source: error.into() };
    }
    let source = io::Error::new(error.kind(), format!("{path}: {error}"));
    Error::Generic { store: NAME, source: source.into() }
}

fn read_only(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: NAME.to_owned() }
}

#[async_trait]
impl ObjectStore for FolderStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (store, location) = (self.clone(), location.clone());
        let got = tokio::task::spawn_blocking(move || store.get(location, &options));
        got.await.map_err(|source| Error::JoinError { source })?
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self {
            Self::Beneath(root) => list(root, prefix.map(Path::to_string).unwrap_or_default()),
            Self::Anywhere => LocalFileSystem::new().list(prefix),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let Self::Beneath(root) = self else {
            return list_anywhere(prefix).await;
        };
        let (root, folder) = (root.clone(), prefix.map(Path::to_string).unwrap_or_default());
        let listed = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            let mut collect = |meta| {
                found.push(meta);
                ControlFlow::Continue(())
            };
            let folders = match read_folder(&root, &folder, &mut collect) {
                ControlFlow::Continue(folders) => folders,
                ControlFlow::Break(()) => Vec::new(),
            };
            Ok(ListResult {
                common_prefixes: folders.into_iter().map(Path::from).collect(),
                objects: found.into_iter().collect::<Result<_>>()?,
                extensions: Default::default(),
            })
        });
        listed.await.map_err(|source| Error::JoinError { source })?
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only("put"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only("put_multipart"))
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        future::ready(Err(read_only("delete"))).into_stream().boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only("copy"))
    }
}

/// What is directly in a folder; what is no regular file is not, as it cannot be opened.
async fn list_anywhere(prefix: Option<&Path>) -> Result<ListResult> {
    let mut listed = LocalFileSystem::new().list_with_delimiter(prefix).await?;
    let path = |meta: &ObjectMeta| FolderStore::Anywhere.path(&meta.location);
    listed.objects.retain(|meta| path(meta).metadata().is_ok_and(|found| found.is_file()));
    Ok(listed)
}
