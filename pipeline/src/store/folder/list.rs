//! Lists the files beneath a folder.

use std::io;
use std::ops::ControlFlow;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{ObjectMeta, Result};
use rustix::fs::{AtFlags, Dir, DirEntry, FileType, statat};
use tokio::sync::mpsc;

use super::beneath::{Root, is_missing};
use super::store::failed;
use super::{is_file, meta};

/// Objects that are listed ahead of their user at most.
const LISTED_AHEAD: usize = 256;

/// The files beneath a folder, in no order.
///
/// Must be called within a tokio runtime.
pub(super) fn list(root: &Root, below: String) -> BoxStream<'static, Result<ObjectMeta>> {
    let (sender, receiver) = mpsc::channel(LISTED_AHEAD);
    let root = root.clone();
    tokio::task::spawn_blocking(move || {
        // Broken off when nobody listens any more.
        let mut send = |found| match sender.blocking_send(found) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let mut folders = vec![below];
        while let Some(folder) = folders.pop() {
            match read_folder(&root, &folder, &mut send) {
                ControlFlow::Continue(within) => folders.extend(within),
                ControlFlow::Break(()) => return,
            }
        }
    });
    let received = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|found| (found, receiver))
    });
    received.boxed()
}

/// Hands on the files that are directly in a folder, and gives the keys of the folders that are.
///
/// What leads out, vanishes meanwhile, or has a name that no key can have is not there. No more
/// than one folder is open at once, however deep they are.
pub(super) fn read_folder(
    root: &Root,
    folder: &str,
    send: &mut impl FnMut(Result<ObjectMeta>) -> ControlFlow<()>,
) -> ControlFlow<(), Vec<String>> {
    let mut folders = Vec::new();
    let unreadable = |error| failed(&root.path().join(folder), error);
    let mut entries = match root.open_folder(folder).and_then(|handle| Ok(Dir::new(handle)?)) {
        Ok(entries) => entries,
        Err(error) if is_missing(&error) => return ControlFlow::Continue(folders),
        Err(error) => {
            send(Err(unreadable(error)))?;
            return ControlFlow::Continue(folders);
        }
    };
    while let Some(entry) = entries.read() {
        let looked = entry.map_err(io::Error::from).and_then(|entry| {
            let Some(key) = key(folder, &entry) else {
                return Ok(None);
            };
            look(root, &entries, &entry, key)
        });
        match looked {
            Ok(Some(Found::File(meta))) => send(Ok(meta))?,
            Ok(Some(Found::Folder(key))) => folders.push(key),
            Ok(None) => {}
            Err(error) if is_missing(&error) => {}
            Err(error) => send(Err(unreadable(error)))?,
        }
    }
    ControlFlow::Continue(folders)
}

enum Found {
    File(ObjectMeta),
    Folder(String),
}

/// What an entry of a folder is, if it is a file, a link to one beneath the root, or a folder.
fn look(root: &Root, entries: &Dir, entry: &DirEntry, key: Path) -> io::Result<Option<Found>> {
    let stat = || statat(entries.fd()?, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
    let (kind, stat) = match entry.file_type() {
        FileType::Directory => return Ok(Some(Found::Folder(key.to_string()))),
        FileType::RegularFile | FileType::Unknown => {
            let stat = stat()?;
            (FileType::from_raw_mode(stat.st_mode), Some(stat))
        }
        kind => (kind, None),
    };
    Ok(match (kind, stat) {
        (FileType::Directory, _) => Some(Found::Folder(key.to_string())),
        (FileType::Symlink, _) => {
            let (_, stat) = root.open_file(key.as_ref())?;
            Some(Found::File(meta(key, &stat)))
        }
        (_, Some(stat)) if is_file(&stat) => Some(Found::File(meta(key, &stat))),
        _ => None,
    })
}

/// The key of an entry, if it has one; that of the folder itself and its parent is none.
fn key(folder: &str, entry: &DirEntry) -> Option<Path> {
    let name = entry.file_name().to_str().ok()?;
    let key = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    Path::parse(&key).ok().filter(|parsed| parsed.as_ref() == key)
}
