//! Finds an installed PostgreSQL, or downloads a pinned build once.

mod download;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use self::download::{DEFAULT_DOWNLOAD_URL, Download};

/// Where PostgreSQL is when it is not on the PATH: Debian, Fedora and its relatives, Homebrew on
/// both kinds of Mac, Postgres.app. A `*` stands for any one folder.
const USUAL_FOLDERS: [&str; 8] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/opt/homebrew/bin",
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// The programs of a PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// The installed server: of the major version `major` if one is asked for, else the newest.
    ///
    /// Looks on `path`, where `pg_config` says, and in the usual folders of the platforms.
    #[must_use]
    pub fn find(path: Option<&OsStr>, major: Option<u32>) -> Option<Self> {
        let on_path =
            path.map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
        let usual = USUAL_FOLDERS.iter().flat_map(|pattern| matching_folders(pattern));
        let folders = on_path.into_iter().chain(pg_config_folder(path)).chain(usual);
        let mut found: Vec<_> = folders.filter_map(|folder| Self::in_folder(&folder)).collect();
        found.retain(|binaries| major.is_none_or(|major| binaries.major == major));
        // The first of equal ones: what is on the PATH goes before the usual folders.
        found.into_iter().reduce(|best, other| if other.major > best.major { other } else { best })
    }

    /// The path of one of the programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        // A link on the PATH leads to the folder that also holds what the server needs.
        let server = folder.join("postgres").canonicalize().ok()?;
        let folder = server.parent()?.to_owned();
        if !folder.join("initdb").exists() {
            return None;
        }
        let version = Command::new(server).arg("--version").output().ok()?;
        let version = String::from_utf8(version.stdout).ok()?;
        let number = version.split_whitespace().nth(2)?;
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        Some(Self { folder, major: digits.parse().ok()? })
    }
}

/// The command that installs PostgreSQL on this platform.
#[must_use]
pub fn install_command() -> &'static str {
    if cfg!(target_os = "macos") {
        return "brew install postgresql@17";
    }
    let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let is = |name: &str| {
        let ids = os
            .lines()
            .filter_map(|line| line.strip_prefix("ID=").or(line.strip_prefix("ID_LIKE=")));
        ids.flat_map(|ids| ids.trim_matches('"').split(' ')).any(|id| id == name)
    };
    if is("fedora") || is("rhel") {
        "sudo dnf install postgresql-server"
    } else if is("alpine") {
        "sudo apk add postgresql"
    } else if is("arch") {
        "sudo pacman -S postgresql"
    } else if is("suse") {
        "sudo zypper install postgresql-server"
    } else {
        "sudo apt-get install postgresql"
    }
}

/// The folders that a pattern with at most one `*` stands for.
fn matching_folders(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![PathBuf::from(pattern)];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or_default();
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    named.map(|entry| entry.path().join(after.trim_start_matches('/'))).collect()
}

fn pg_config_folder(path: Option<&OsStr>) -> Option<PathBuf> {
    let mut command = Command::new("pg_config");
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let output = command.arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

#[cfg(test)]
mod tests;
