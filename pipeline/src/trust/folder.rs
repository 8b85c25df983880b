//! A folder of ours, reached and used by its handle.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid, fchmod, fchown, fstat, mkdirat, open, openat,
    readlinkat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::{Exposed, TrustError, quoted, user};

/// How folders are opened: never by a link.
const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// The same for one that is only passed through, which does not need the right to read it.
#[cfg(target_os = "linux")]
const PASSED: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const PASSED: OFlags = FOLDER;
/// How files are opened: never by a link, and a pipe without waiting for its other end.
const FILE: OFlags =
    OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// The mode of folders that others may pass through, as the server of another user does.
const PASSABLE: Mode =
    Mode::RWXU.union(Mode::RGRP).union(Mode::XGRP).union(Mode::ROTH).union(Mode::XOTH);
const PRIVATE_FOLDER: Mode = Mode::RWXU;
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
/// Longest text that is read of a file.
const MAX_TEXT_BYTES: u64 = 1 << 20;
/// Links that are followed on the way to a folder, at most.
const MAX_LINKS: usize = 40;

/// A folder that nobody else can change.
#[derive(Debug)]
pub(crate) struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder of ours, after creating what is missing of it.
    ///
    /// Links on the way are followed if they belong to us, to root, or to the owner of the folder that
    /// they are in.
    ///
    /// # Errors
    /// [`TrustError::Exposed`] when it belongs to somebody else, or when somebody else can write to it
    /// or to a folder on the way.
    pub(crate) fn open(path: &Path) -> Result<Self, TrustError> {
        let mut way = Way::new()?;
        way.follow(&std::path::absolute(path)?)?;
        let Way { mut folders, path, mut exposed, .. } = way;
        let handle = folders.pop().ok_or(Errno::NOENT)?;
        let stat = fstat(&handle)?;
        let us = geteuid().as_raw();
        if stat.st_uid != us {
            return Err(TrustError::Exposed {
                reason: format!("{} belongs to {}", path.display(), user(stat.st_uid)),
                remedy: format!("chown -R {us} {}", quoted(&path)),
            });
        }
        exposed.look(&path, &stat);
        exposed.or_none()?;
        // It may be opened for being passed through only.
        Ok(Self { handle: openat(&handle, ".", FOLDER, Mode::empty())?, path })
    }

    /// Its path without links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder within, which is created if it is missing. It is made private, and given to a user where
    /// one is named.
    pub(crate) fn private(&self, name: &str, owner: Option<(u32, u32)>) -> io::Result<Self> {
        match mkdirat(&self.handle, name, PRIVATE_FOLDER) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let folder = self.folder(name)?;
        let found = fstat(&folder.handle)?.st_uid;
        if found != geteuid().as_raw() && owner.is_none_or(|(user, _)| user != found) {
            let path = folder.path.display();
            return Err(io::Error::other(format!("{path} belongs to {}", user(found))));
        }
        folder.give(owner)?;
        Ok(folder)
    }

    /// Makes it private, and gives it to a user where one is named.
    pub(crate) fn give(&self, owner: Option<(u32, u32)>) -> io::Result<()> {
        fchmod(&self.handle, PRIVATE_FOLDER)?;
        if let Some((user, group)) = owner {
            fchown(&self.handle, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?;
        }
        Ok(())
    }

    /// Lets other users pass through it.
    pub(crate) fn open_up(&self) -> io::Result<()> {
        Ok(fchmod(&self.handle, PASSABLE)?)
    }

    /// A folder within that is there.
    pub(crate) fn folder(&self, name: &str) -> io::Result<Self> {
        let handle = openat(&self.handle, name, FOLDER, Mode::empty())?;
        Ok(Self { handle, path: self.path.join(name) })
    }

    /// Removes an empty folder within.
    pub(crate) fn remove_folder(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.handle, name, AtFlags::REMOVEDIR)?)
    }

    /// Whether there is something of a name within.
    pub(crate) fn holds(&self, name: &str) -> bool {
        statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.handle, from, &self.handle, to)?)
    }

    /// The beginning of a file within as text; of one that is not there, or is none, an empty one.
    pub(crate) fn text(&self, name: &str) -> String {
        let mut bytes = Vec::new();
        let read = self
            .file(name, OFlags::RDONLY)
            .and_then(|(file, _)| file.take(MAX_TEXT_BYTES).read_to_end(&mut bytes));
        read.map(|_| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// A new file within that only we can open, in place of what has the name.
    pub(crate) fn create_file(&self, name: &str) -> io::Result<File> {
        match unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.file(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?.0)
    }

    /// A file within that belongs to us and that only we can open; it is created if it is missing.
    pub(crate) fn own_file(&self, name: &str) -> io::Result<File> {
        let (file, stat) = self.file(name, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE)?;
        if stat.st_uid != geteuid().as_raw() {
            let path = self.path.join(name);
            let owner = user(stat.st_uid);
            return Err(io::Error::other(format!("{} belongs to {owner}", path.display())));
        }
        fchmod(&file, PRIVATE_FILE)?;
        Ok(file)
    }

    fn file(&self, name: &str, flags: OFlags) -> io::Result<(File, Stat)> {
        let path = || self.path.join(name);
        let opened = openat(&self.handle, name, FILE | flags, PRIVATE_FILE);
        let file = File::from(opened.map_err(|error| match error {
            Errno::LOOP | Errno::MLINK => {
                io::Error::other(format!("{} is a link, which is not followed", path().display()))
            }
            error => error.into(),
        })?);
        let stat = fstat(&file)?;
        // What has a second name is somewhere else too.
        if FileType::from_raw_mode(stat.st_mode).is_file() && stat.st_nlink <= 1 {
            return Ok((file, stat));
        }
        Err(io::Error::other(format!("{} is no regular file of its own", path().display())))
    }
}

/// The way to a folder: what is opened one within the other, and what others can change of it.
struct Way {
    folders: Vec<OwnedFd>,
    path: PathBuf,
    exposed: Exposed,
    links: usize,
}

impl Way {
    fn new() -> io::Result<Self> {
        let root = open("/", PASSED, Mode::empty())?;
        let path = PathBuf::from("/");
        Ok(Self { folders: vec![root], path, exposed: Exposed::default(), links: 0 })
    }

    /// Follows a path from where the way has come to.
    fn follow(&mut self, path: &Path) -> Result<(), TrustError> {
        for component in path.components() {
            match component {
                Component::Normal(name) => self.enter(name)?,
                Component::ParentDir if self.folders.len() > 1 => {
                    self.folders.pop();
                    self.path.pop();
                }
                Component::RootDir => {
                    self.folders.truncate(1);
                    self.path = PathBuf::from("/");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Goes into a folder, or to where a link leads.
    fn enter(&mut self, name: &OsStr) -> Result<(), TrustError> {
        let holder = self.folders.last().ok_or(Errno::NOENT)?;
        let around = fstat(holder)?;
        self.exposed.look_on_the_way(&self.path, &around);
        let handle = match openat(holder, name, PASSED, Mode::empty()) {
            // Nothing is created where others can change it.
            Err(Errno::NOENT) => {
                std::mem::take(&mut self.exposed).or_none()?;
                create(holder, name).map_err(|error| self.failed(name, error))?
            }
            Err(Errno::LOOP | Errno::MLINK | Errno::NOTDIR) => {
                return self.enter_link(name, &around);
            }
            opened => opened.map_err(|error| self.failed(name, error))?,
        };
        self.folders.push(handle);
        self.path.push(name);
        Ok(())
    }

    fn enter_link(&mut self, name: &OsStr, around: &Stat) -> Result<(), TrustError> {
        let holder = self.folders.last().ok_or(Errno::NOENT)?;
        let path = self.path.join(name);
        let stat = statat(holder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if !FileType::from_raw_mode(stat.st_mode).is_symlink() {
            return Err(self.failed(name, Errno::NOTDIR).into());
        }
        if ![geteuid().as_raw(), 0, around.st_uid].contains(&stat.st_uid) {
            return Err(TrustError::Exposed {
                reason: format!("{} is a link of {}", path.display(), user(stat.st_uid)),
                remedy: format!("rm {}", quoted(&path)),
            });
        }
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(self.failed(name, Errno::LOOP).into());
        }
        let target = readlinkat(holder, name, Vec::new())?;
        self.follow(Path::new(&OsString::from_vec(target.into_bytes())))
    }

    fn failed(&self, name: &OsStr, error: Errno) -> io::Error {
        let error = io::Error::from(error);
        io::Error::new(error.kind(), format!("{}: {error}", self.path.join(name).display()))
    }
}

/// Creates a folder, whatever the umask says; it is nobody else's if it is there all the same.
fn create(holder: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    // Root's database is run by another user, who has to pass.
    let mode = if geteuid().is_root() { PASSABLE } else { PRIVATE_FOLDER };
    match mkdirat(holder, name, mode) {
        Ok(()) => {
            let made = openat(holder, name, FOLDER, Mode::empty())?;
            fchmod(&made, mode)?;
            Ok(made)
        }
        Err(Errno::EXIST) => openat(holder, name, PASSED, Mode::empty()),
        Err(error) => Err(error),
    }
}
