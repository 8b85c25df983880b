//! A private PostgreSQL for a laptop with nothing configured: a child process with its data in a
//! folder, reached by a socket, durable, and gone with us.
//!
//! The server runs below a small shell that holds a pipe from us: when we end, however we end, the
//! pipe closes and the shell shuts the server down. (`PDEATHSIG` would be Linux only, needs unsafe
//! code, and fires when the thread that started the child ends.)

mod home;
mod lock;
mod server;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use tokio::process::Child;

use super::install::{Binaries, Download};
use crate::error::{Error, Result};
use crate::trust::{Folder, TrustError};
use home::{home, socket_folder, url};
use lock::{FolderLock, lock};
use server::{RECOVERY_PATIENCE, create_data, data_version, run};

/// Where and how to run the embedded server.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The folder for data, socket and log.
    pub folder: PathBuf,
    /// The folder to use instead when we are root and the user to drop to cannot reach the other.
    pub system_folder: PathBuf,
    /// The PATH to find an installed server on.
    pub path: Option<OsString>,
    /// Where to get a server when none is installed.
    pub download: Download,
}

/// A running embedded server. Dropping it lets the server shut down by itself.
#[derive(Debug)]
pub struct Embedded {
    url: String,
    binaries: Binaries,
    home: PathBuf,
    keeper: Child,
    moved: bool,
    _socket_folder: Option<tempfile::TempDir>,
    _lock: FolderLock,
}

/// The user that the server runs as when we are root.
#[derive(Debug, Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

impl Embedded {
    /// Starts the server, creating its data first where there are none, and waits until it answers.
    ///
    /// # Errors
    /// [`Error::Exposed`] when somebody else can change the folder, [`Error::InUse`] when another
    /// process uses it, [`Error::Download`] when no server is installed and none can be downloaded,
    /// [`Error::Embedded`] when it does not start.
    pub async fn start(options: &EmbeddedOptions) -> Result<Self> {
        let failed = |doing: &'static str| {
            let folder = options.folder.clone();
            move |source| Error::Embedded { doing, folder, source }
        };
        let distrusted = |doing: &'static str| {
            let folder = options.folder.clone();
            move |error| match error {
                TrustError::Exposed { reason, remedy } => Error::Exposed { folder, reason, remedy },
                TrustError::Io(source) => Error::Embedded { doing, folder, source },
            }
        };
        let folder = Folder::open(&options.folder).map_err(distrusted("open the folder of"))?;
        let mut lock = lock(&folder)?;
        let owner = Owner::for_root().map_err(failed("find a user for"))?;
        let home = home(&folder, &options.system_folder, owner)
            .map_err(distrusted("create the data folder of"))?;
        let (programs, home) = (home.programs, home.folder);
        let binaries = match Binaries::find(options.path.as_deref(), data_version(&home)) {
            Some(binaries) => binaries,
            None => Binaries::download(&options.download, &programs, data_version(&home)).await?,
        };
        create_data(&binaries, &home, owner).await.map_err(failed("create the data of"))?;
        let (socket_folder, temporary) =
            socket_folder(&home, owner).map_err(distrusted("create a socket folder for"))?;
        let url = url(&socket_folder);
        let keeper =
            run(&binaries, &home, &socket_folder, owner, &url).await.map_err(failed("start"))?;
        lock.note(&url).map_err(failed("note the address of"))?;
        let moved = !home.path().starts_with(folder.path());
        let home = home.path().to_owned();
        Ok(Self { url, binaries, home, keeper, moved, _socket_folder: temporary, _lock: lock })
    }

    /// The URL by which this process, psql and others connect while the server runs.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The path of a program of the same PostgreSQL, like `psql`. It may not exist.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.binaries.program(name)
    }

    /// The folder of the data, if it is not the one that was asked for.
    #[must_use]
    pub fn moved_to(&self) -> Option<&Path> {
        self.moved.then_some(self.home.as_path())
    }

    /// Shuts the server down and waits until everything is written.
    ///
    /// # Errors
    /// [`Error::Embedded`] when it does not end in time.
    pub async fn stop(mut self) -> Result<()> {
        drop(self.keeper.stdin.take());
        let ended = tokio::time::timeout(RECOVERY_PATIENCE, self.keeper.wait()).await;
        let ended = ended
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "it does not end")));
        ended.map(drop).map_err(|source| Error::Embedded {
            doing: "stop",
            folder: self.home.clone(),
            source,
        })
    }
}

impl Owner {
    /// PostgreSQL refuses to run as root: then the user `postgres`, or else `nobody`.
    fn for_root() -> io::Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let id = |kind: &str, name: &str| {
            let output = std::process::Command::new("id").args([kind, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        let found = ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Some(Self { user: id("-u", name)?, group: id("-g", name)? }));
        found.map(Some).ok_or_else(|| {
            io::Error::other("PostgreSQL does not run as root, and there is no user nobody")
        })
    }

    const fn ids(self) -> (u32, u32) {
        (self.user, self.group)
    }

    /// Whether the user gets to a folder and may write there.
    fn reaches(self, folder: &Path) -> bool {
        let mut command = std::process::Command::new("test");
        std::os::unix::process::CommandExt::uid(&mut command, self.user);
        std::os::unix::process::CommandExt::gid(&mut command, self.group);
        command.arg("-w").arg(folder).current_dir("/").status().is_ok_and(|status| status.success())
    }
}
