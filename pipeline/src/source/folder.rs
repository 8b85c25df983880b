//! What belongs to a bucket that is a folder: regular files below it, wherever links lead.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use tokio::sync::mpsc;
use walkdir::{DirEntry, WalkDir};

use crate::error::Error;

/// Keys that are listed ahead of their user at most.
const LISTED_AHEAD: usize = 256;

/// Whether the key's file is there, is a regular one (opening a pipe would wait for ever) and is
/// within the folder once links are followed.
pub(super) async fn holds(root: &FilePath, key: &str) -> bool {
    let Ok(file) = tokio::fs::canonicalize(root.join(key)).await else {
        return false;
    };
    let is_file = tokio::fs::metadata(&file).await.is_ok_and(|metadata| metadata.is_file());
    is_file && file.starts_with(root)
}

/// The keys below a folder, or only those directly in it, each looked for when it is asked for.
pub(super) fn list(
    root: &Arc<FilePath>,
    below: &Path,
    deep: bool,
) -> BoxStream<'static, Result<String, Error>> {
    let (sender, receiver) = mpsc::channel(LISTED_AHEAD);
    let root = Arc::clone(root);
    let top = root.join(below.as_ref());
    tokio::task::spawn_blocking(move || {
        for key in walk(&root, top, deep) {
            // Nobody listens any more.
            if sender.blocking_send(key).is_err() {
                return;
            }
        }
    });
    let received = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|key| (key, receiver))
    });
    received.boxed()
}

/// Walks within the folder; what leads out, leads around in circles, or has no name in UTF-8 is
/// not there.
fn walk(root: &FilePath, top: PathBuf, deep: bool) -> impl Iterator<Item = Result<String, Error>> {
    let is_there = top.canonicalize().is_ok_and(|top| top.starts_with(root));
    let walked = is_there.then(|| {
        let depth = if deep { usize::MAX } else { 1 };
        let within = root.to_owned();
        let entries = WalkDir::new(top).max_depth(depth).follow_links(true).into_iter();
        entries.filter_entry(move |entry| is_within(&within, entry))
    });
    let root = root.to_owned();
    walked.into_iter().flatten().filter_map(move |entry| match entry {
        Ok(entry) if entry.file_type().is_file() => key(&root, entry.path()).map(Ok),
        Ok(_) => None,
        Err(error) if error.loop_ancestor().is_some() => None,
        Err(error) => unreadable(error).map(Err),
    })
}

/// Links are followed where they lead to something within the folder.
fn is_within(root: &FilePath, entry: &DirEntry) -> bool {
    !entry.path_is_symlink() || entry.path().canonicalize().is_ok_and(|path| path.starts_with(root))
}

fn key(root: &FilePath, path: &FilePath) -> Option<String> {
    let key = path.strip_prefix(root).ok()?.to_str()?;
    Path::parse(key).is_ok_and(|parsed| parsed.as_ref() == key).then(|| key.to_owned())
}

/// The error of an entry that is there and cannot be looked at.
fn unreadable(error: walkdir::Error) -> Option<Error> {
    let object = error.path().map(|path| path.display().to_string()).unwrap_or_default();
    let source = error.into_io_error()?;
    if source.kind() == std::io::ErrorKind::NotFound {
        return None;
    }
    let source = object_store::Error::Generic { store: "folder", source: Box::new(source) };
    Some(Error::Read { object, source })
}
