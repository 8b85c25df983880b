//! The lock of a folder, which one process has at a time.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::trust::Folder;

/// The name of the file.
const NAME: &str = "lock";

/// The lock of a folder. It is undone on purpose and not just closed: a program that another thread
/// is starting right now holds the open file too, until it runs.
#[derive(Debug)]
pub(super) struct FolderLock(File);

impl FolderLock {
    /// Notes where the server is that runs under the lock.
    pub(super) fn note(&mut self, url: &str) -> io::Result<()> {
        writeln!(self.0, "{}\n{url}", std::process::id())
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Fails only where locks are unknown, and there none was taken.
        self.0.unlock().ok();
    }
}

/// Locks the folder for this process; the file says who has it and where the server is. Nobody else
/// can open the file, so nobody else can hold the lock.
pub(super) fn lock(folder: &Folder) -> Result<FolderLock> {
    let path = folder.path();
    let failed =
        |source| Error::Embedded { doing: "lock the folder of", folder: path.to_owned(), source };
    let file = folder.own_file(NAME).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(failed)?;
            Ok(FolderLock(file))
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
        Err(TryLockError::WouldBlock) => Err(in_use(folder, &file)),
    }
}

/// The error of a lock that another process has.
fn in_use(folder: &Folder, file: &File) -> Error {
    let noted = folder.text(NAME);
    let mut lines = noted.lines();
    let (process, url) = (lines.next().map(str::to_owned), lines.next().map(str::to_owned));
    let folder = folder.path().to_owned();
    match holder(file) {
        // What is noted was left by one that was killed, or this one is just starting.
        Some(holder) if Some(&holder) != process.as_ref() => {
            Error::InUse { folder, process: described(&holder), url: None }
        }
        _ => Error::InUse { folder, process: process.unwrap_or_else(|| "unknown".into()), url },
    }
}

/// The process that holds the lock of a file, if the system tells.
#[cfg(target_os = "linux")]
fn holder(file: &File) -> Option<String> {
    let stat = rustix::fs::fstat(file).ok()?;
    let (major, minor) = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
    let id = format!("{major:02x}:{minor:02x}:{}", stat.st_ino);
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let fields = locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let held = |fields: &Vec<&str>| {
        fields.get(1) == Some(&"FLOCK") && fields.get(5).is_some_and(|file| *file == id)
    };
    let process = fields.filter(held).find_map(|fields| fields.get(4).copied().map(str::to_owned));
    // One that is not to be seen from here has the number 0.
    process.filter(|process| process != "0")
}

#[cfg(not(target_os = "linux"))]
fn holder(_: &File) -> Option<String> {
    None
}

/// A process by its number, program and user.
fn described(process: &str) -> String {
    use std::os::unix::fs::MetadataExt;

    let about = Path::new("/proc").join(process);
    let program = std::fs::read_to_string(about.join("comm"));
    match (program, about.metadata()) {
        (Ok(program), Ok(metadata)) => {
            format!("{process}: {} of user {}", program.trim(), metadata.uid())
        }
        _ => process.to_owned(),
    }
}
