//! Opens what is beneath a folder, and nothing else.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, Stat, fstat, open, openat, readlinkat};
use rustix::io::Errno;

use super::is_file;

/// How files are opened: opening a pipe must not wait for its other end, nor a terminal become ours.
const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
/// How folders are opened whose names are to be read.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// How folders are opened that are only passed through, which does not need the right to read them.
#[cfg(target_os = "linux")]
const PASSED: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const PASSED: OFlags = FOLDER;

/// Links that are followed one after the other, at most.
const MAX_LINKS: usize = 8;

/// How a key is opened whose names are no links.
type Opener = fn(&OwnedFd, &str, OFlags) -> Result<OwnedFd, Errno>;

/// A folder whose files are opened.
///
/// Keys lead through folders only, never through links to folders, so that a folder that links to
/// itself gives no file a second name. A key may be a link to a file beneath the folder, as the files of
/// a mounted ConfigMap are; that it stays there is told from its text.
#[derive(Debug, Clone)]
pub(in crate::store) struct Root {
    path: Arc<Path>,
    opener: Opener,
}

impl Root {
    /// The folder of a path that holds no links.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path: path.into(), opener: at_once }
    }

    /// The same for kernels that do not resolve beneath a folder.
    #[cfg(test)]
    pub(super) fn step_by_step(path: PathBuf) -> Self {
        Self { path: path.into(), opener: step_by_step }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder, by its path every time: it may be made anew or be mounted later.
    fn handle(&self) -> Result<OwnedFd, Errno> {
        open(&*self.path, PASSED | OFlags::NOFOLLOW, Mode::empty())
    }

    /// Opens the regular file of a key.
    pub(super) fn open_file(&self, key: &str) -> io::Result<(File, Stat)> {
        let root = self.handle()?;
        let mut key = Cow::Borrowed(key);
        for followed in 0..=MAX_LINKS {
            match (self.opener)(&root, &key, FILE) {
                // A link to a folder is no folder where each name is opened by itself.
                Err(Errno::LOOP | Errno::MLINK | Errno::NOTDIR) => {
                    key = self.target(&root, &key, followed > 0)?.into();
                }
                opened => return regular(opened),
            }
        }
        Err(Errno::LOOP.into())
    }

    /// Opens a folder to read its names; the key of the root itself is empty.
    pub(super) fn open_folder(&self, key: &str) -> io::Result<OwnedFd> {
        let key = if key.is_empty() { "." } else { key };
        Ok((self.opener)(&self.handle()?, key, FOLDER)?)
    }

    /// The key that another one stands for which holds a link: at its end, or wherever it is the text of
    /// a link.
    fn target(&self, root: &OwnedFd, key: &str, is_text: bool) -> Result<String, Errno> {
        let ends = key.match_indices('/').map(|(at, _)| at).chain([key.len()]);
        for end in ends {
            let (link, rest) = key.split_at(end);
            let (folder, name) = link.rsplit_once('/').unwrap_or((".", link));
            let holder = (self.opener)(root, folder, PASSED)?;
            match readlinkat(&holder, name, Vec::new()) {
                Err(Errno::INVAL) => {}
                Ok(_) if !rest.is_empty() && !is_text => return Err(Errno::LOOP),
                text => {
                    let text = text?.into_string().map_err(|_| Errno::ILSEQ)?;
                    let target = resolve(&self.path, folder, &(text + rest));
                    return target.ok_or(Errno::XDEV);
                }
            }
        }
        Err(Errno::LOOP)
    }
}

/// Opens a regular file by a path of which links are followed wherever they lead.
pub(super) fn open_anywhere(path: &Path) -> io::Result<(File, Stat)> {
    regular(open(path, FILE, Mode::empty()))
}

/// Whether an error says that there is no such file, or none that a key may lead to.
pub(super) fn is_missing(error: &io::Error) -> bool {
    const MISSING: [Errno; 10] = [
        Errno::NOENT,
        Errno::NOTDIR,
        Errno::LOOP,
        Errno::MLINK,
        Errno::XDEV,
        Errno::NAMETOOLONG,
        Errno::ILSEQ,
        // A name that is no link any more.
        Errno::INVAL,
        // A socket, or a device that is not there.
        Errno::NXIO,
        Errno::NODEV,
    ];
    Errno::from_io_error(error).is_some_and(|error| MISSING.contains(&error))
}

fn regular(opened: Result<OwnedFd, Errno>) -> io::Result<(File, Stat)> {
    let opened = opened?;
    let stat = fstat(&opened)?;
    if is_file(&stat) { Ok((opened.into(), stat)) } else { Err(Errno::NOENT.into()) }
}

/// Opens a key beneath a folder by one call, where the kernel has it.
#[cfg(target_os = "linux")]
fn at_once(root: &OwnedFd, key: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};

    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(root, key, flags, Mode::empty(), resolve) {
        // An old kernel, or a container that does not let the call through.
        Err(Errno::NOSYS | Errno::PERM) => step_by_step(root, key, flags),
        opened => opened,
    }
}

#[cfg(not(target_os = "linux"))]
fn at_once(root: &OwnedFd, key: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    step_by_step(root, key, flags)
}

/// Opens a key name by name, each from the folder before, so that a link is seen at each.
fn step_by_step(root: &OwnedFd, key: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let step = |folder: &OwnedFd, name: &str, flags| {
        openat(folder.as_fd(), name, flags | OFlags::NOFOLLOW, Mode::empty())
    };
    let Some((folders, name)) = key.rsplit_once('/') else {
        return step(root, key, flags);
    };
    let (first, others) = folders.split_once('/').unwrap_or((folders, ""));
    let mut folder = step(root, first, PASSED)?;
    for name in others.split('/').filter(|name| !name.is_empty()) {
        folder = step(&folder, name, PASSED)?;
    }
    step(&folder, name, flags)
}

/// The key that the text of a link in a folder stands for, if that is beneath the root. It is told
/// from the text alone: links within it are followed afterwards.
fn resolve(root: &Path, folder: &str, text: &str) -> Option<String> {
    let text = Path::new(text);
    let path = match text.is_absolute() {
        true => text.strip_prefix(root).ok()?.to_owned(),
        false => Path::new(folder).join(text),
    };
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name.to_str()?),
            Component::ParentDir => drop(names.pop()?),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!names.is_empty()).then(|| names.join("/"))
}
