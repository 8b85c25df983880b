//! Files and folders that nobody else can change.
//!
//! What we keep in a folder (a database, a lock, programs), and what we read without being asked to
//! (settings), is used only if no other user can change it. That is told from what was opened, never
//! from a name, since a name may lead elsewhere a moment later.
//!
//! The rules:
//! - A file or folder of ours belongs to us; one that is only read may belong to root.
//! - Nobody else has the right to write to it, nor to a folder on the way to it. In folders on the way
//!   that are sticky, as `/tmp` is, others can write without being able to replace what is ours.
//! - A group may write if it is the private group of the owner: it has the owner's name and no other
//!   members. That is how many distributions create users, together with the umask 002.
//! - The owner of the working folder is trusted with feeds, and the owner of a folder on the way is trusted, whoever that is, as root often runs in a checkout
//!   that belongs to another user. That user can put another folder in the place of ours, which is
//!   refused then, as it does not belong to us.

mod folder;
mod group;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, statat};

pub(crate) use folder::Folder;

/// Why something is not used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Somebody else can change it.
    #[error("{reason}")]
    Exposed {
        /// What it is that somebody else can do.
        reason: String,
        /// The command that takes the right away.
        remedy: String,
    },
    /// It could not be opened or looked at.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<rustix::io::Errno> for TrustError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

/// Reads a text file that belongs to us or to root and that nobody else can change.
///
/// # Errors
/// [`TrustError::Exposed`] when somebody else can change the file or put another in its place;
/// [`TrustError::Io`] when it is not there, is no regular file or cannot be read.
pub fn read_text(path: &Path) -> Result<String, TrustError> {
    read_text_of(path, None)
}

/// The same for a file below the working folder, which may also belong to the owner of that folder.
///
/// # Errors
/// As [`read_text`].
pub fn read_text_here(path: &Path) -> Result<String, TrustError> {
    read_text_of(path, Some(statat(CWD, ".", AtFlags::empty())?.st_uid))
}

fn read_text_of(path: &Path, owner: Option<u32>) -> Result<String, TrustError> {
    let name = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(name.st_mode).is_symlink() {
        check_owner(path, &name, owner)?;
    }
    // Opening a pipe does not wait for its other end.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, path, flags, Mode::empty())?);
    let stat = fstat(&file)?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(io::Error::other("it is no regular file").into());
    }
    check_owner(path, &stat, owner)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let around = statat(CWD, folder, AtFlags::empty())?;
    let mut exposed = Exposed::default();
    exposed.look(path, &stat);
    exposed.look_on_the_way(folder, &around);
    exposed.or_none()?;
    let mut text = String::new();
    (&file).read_to_string(&mut text)?;
    Ok(text)
}

/// Refuses what belongs neither to us nor to root nor to another owner that may be.
fn check_owner(path: &Path, stat: &Stat, owner: Option<u32>) -> Result<(), TrustError> {
    let us = rustix::process::geteuid().as_raw();
    if [us, 0].contains(&stat.st_uid) || owner == Some(stat.st_uid) {
        return Ok(());
    }
    Err(TrustError::Exposed {
        reason: format!("{} belongs to {}", path.display(), user(stat.st_uid)),
        remedy: format!("chown {us} {}", quoted(path)),
    })
}

/// What others can write to, so that one command takes all of these rights away.
#[derive(Debug, Default)]
struct Exposed {
    reasons: Vec<String>,
    paths: Vec<String>,
}

impl Exposed {
    /// Looks at a file or folder of ours.
    fn look(&mut self, path: &Path, stat: &Stat) {
        let mode = Mode::from_raw_mode(stat.st_mode);
        let who = if mode.contains(Mode::WOTH) {
            "everybody".to_owned()
        } else if mode.contains(Mode::WGRP) && !group::is_private(stat.st_gid, stat.st_uid) {
            format!("the group {}", group::name(stat.st_gid))
        } else {
            return;
        };
        self.reasons.push(format!("{who} can write to {}", path.display()));
        self.paths.push(quoted(path));
    }

    /// Looks at a folder that what is ours is below.
    fn look_on_the_way(&mut self, path: &Path, stat: &Stat) {
        if !Mode::from_raw_mode(stat.st_mode).contains(Mode::SVTX) {
            self.look(path, stat);
        }
    }

    fn or_none(self) -> Result<(), TrustError> {
        if self.paths.is_empty() {
            return Ok(());
        }
        Err(TrustError::Exposed {
            reason: self.reasons.join(", "),
            remedy: format!("chmod go-w {}", self.paths.join(" ")),
        })
    }
}

/// A user's name, or else number, for people.
fn user(id: u32) -> String {
    format!("the user {}", group::user_name(id))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte);
    if text.bytes().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
