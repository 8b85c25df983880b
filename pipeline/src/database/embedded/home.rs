//! The folders of the server: of its own files, and of its socket.

use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use super::Owner;
use crate::trust::{Folder, TrustError};

/// Longest path of a folder for a socket: 108 bytes hold it, `/.s.PGSQL.5432` and a NUL.
const SOCKET_FOLDER_BYTES: usize = 90;
/// Longest name that a path is given; names of files have 255 bytes at most.
const NAME_BYTES: usize = 200;

/// The folders that a server uses.
pub(super) struct Home {
    /// The folder of the server's own files, which belongs to the server's user.
    pub(super) folder: Folder,
    /// The folder of programs, which belongs to us: they run as us too.
    pub(super) programs: PathBuf,
}

/// The server's own files are below `folder`, or below the system's where the server's user cannot
/// reach that.
pub(super) fn home(
    folder: &Folder,
    system_folder: &Path,
    owner: Option<Owner>,
) -> Result<Home, TrustError> {
    let ids = owner.map(Owner::ids);
    let home = folder.private("postgres", ids)?;
    if owner.is_none_or(|owner| owner.reaches(home.path())) {
        return Ok(Home { folder: home, programs: folder.path().to_owned() });
    }
    folder.remove_folder("postgres")?;
    let system = Folder::open(system_folder)?;
    let home = system.private(&name(folder.path()), ids)?;
    Ok(Home { folder: home, programs: system.path().to_owned() })
}

/// The name that a path has as a folder of the system: no two paths have the same.
fn name(path: &Path) -> String {
    let path = path.to_string_lossy();
    let name = path.replace('%', "%25").replace('+', "%2B").replace('/', "+");
    if name.len() <= NAME_BYTES {
        return name;
    }
    let end = name.ceil_char_boundary(name.len() - NAME_BYTES);
    format!("{:032x}{}", xxh3_128(path.as_bytes()), &name[end..])
}

/// The folder of the server's socket: its own, unless the path would be too long for a socket.
pub(super) fn socket_folder(
    home: &Folder,
    owner: Option<Owner>,
) -> Result<(PathBuf, Option<tempfile::TempDir>), TrustError> {
    if home.path().as_os_str().len() <= SOCKET_FOLDER_BYTES {
        return Ok((home.path().to_owned(), None));
    }
    let folder = tempfile::Builder::new().prefix("stevedore-").tempdir_in("/tmp")?;
    Folder::open(folder.path())?.give(owner.map(Owner::ids))?;
    Ok((folder.path().to_owned(), Some(folder)))
}

/// The URL of the server whose socket is in a folder.
pub(super) fn url(socket_folder: &Path) -> String {
    let encoded = url::Url::from_file_path(socket_folder).map(|url| url.path().replace('&', "%26"));
    let host = encoded.unwrap_or_else(|()| socket_folder.display().to_string());
    format!("postgresql://postgres@/postgres?host={host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_folders_have_the_same_name_in_the_systems() {
        let long = "long/".repeat(60);
        let paths = ["/a/b", "/a+b", "/a%2Bb", "/a", &format!("/x/{long}"), &format!("/y/{long}")];
        let names: std::collections::BTreeSet<_> =
            paths.iter().map(|path| name(Path::new(path))).collect();
        assert_eq!(names.len(), paths.len());
        assert!(names.iter().all(|name| name.len() < 255 && !name.contains('/')));
    }
}
