//! Folders as stores: what is beneath a folder is opened without leaving it, whatever is swapped
//! meanwhile.
//!
//! A check of a name says nothing about what the name leads to a moment later. So nothing is looked
//! up by a path of several names that may be links: the kernel resolves keys beneath the folder's
//! handle, and what was opened is looked at by its own handle.

mod beneath;
mod list;
mod store;
#[cfg(test)]
mod tests;

use chrono::DateTime;
use object_store::ObjectMeta;
use object_store::path::Path;
use rustix::fs::{FileType, Stat};

pub(super) use store::FolderStore;

/// Whether something that was opened or looked at is a regular file.
fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode).is_file()
}

/// An object as the store of all local files describes it, which the ledger's versions hold on to.
#[expect(clippy::unnecessary_cast, reason = "platforms have these numbers in other types")]
fn meta(location: Path, stat: &Stat) -> ObjectMeta {
    let (seconds, nanoseconds) = (stat.st_mtime as i64, stat.st_mtime_nsec as u32);
    let changed = DateTime::from_timestamp(seconds, nanoseconds).unwrap_or_default();
    let (inode, size) = (stat.st_ino as u64, stat.st_size as u64);
    let microseconds = changed.timestamp_micros().max(0);
    ObjectMeta {
        location,
        last_modified: changed,
        size,
        e_tag: Some(format!("\"{inode:x}-{microseconds:x}-{size:x}\"")),
        version: None,
    }
}
