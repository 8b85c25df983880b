//! A private PostgreSQL for a laptop with nothing configured: a child process with its data in a
//! folder, reached by a socket, durable, and gone with us.
//!
//! The server runs below a small shell that holds a pipe from us: when we end, however we end, the
//! pipe closes and the shell shuts the server down. (`PDEATHSIG` would be Linux only, needs unsafe
//! code, and fires when the thread that started the child ends.)

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::Database;
use super::install::{Binaries, Download};
use crate::error::{Error, Result};

/// How long a server that another one's remains keep from starting is tried again.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long a server may take to recover from a crash, or to shut down.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(300);
/// How often a server that is starting is asked whether it is up.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// Longest path of a folder for a socket: 108 bytes hold it, `/.s.PGSQL.5432` and a NUL.
const SOCKET_FOLDER_BYTES: usize = 90;

/// Shuts the server down with SIGINT (fast: clients are cut off, everything is written) when the
/// pipe on its standard input closes, and ends when the server does. The signal is sent until the
/// server is gone: one that is just starting ignores it.
const KEEPER: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- & server=$!
echo $server >keeper.pid
{ read -r _ <&3; while kill -INT $server; do sleep 0.1; done; } 2>/dev/null & watcher=$!
wait $server; status=$?
kill $watcher 2>/dev/null
exit $status
"#;

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
    /// [`Error::InUse`] when another process uses the folder, [`Error::Download`] when no server is
    /// installed and none can be downloaded, [`Error::Embedded`] when it does not start.
    pub async fn start(options: &EmbeddedOptions) -> Result<Self> {
        let failed = |doing: &'static str| {
            let folder = options.folder.clone();
            move |source| Error::Embedded { doing, folder, source }
        };
        fs::create_dir_all(&options.folder).map_err(failed("create the folder of"))?;
        let folder = options.folder.canonicalize().map_err(failed("find the folder of"))?;
        let lock = lock(&folder)?;
        let owner = Owner::for_root().map_err(failed("find a user for"))?;
        let home = home(&folder, &options.system_folder, owner)
            .map_err(failed("create the data folder of"))?;
        let binaries = match Binaries::find(options.path.as_deref(), data_version(&home)) {
            Some(binaries) => binaries,
            None => Binaries::download(&options.download, &home, data_version(&home)).await?,
        };
        create_data(&binaries, &home, owner).await.map_err(failed("create the data of"))?;
        let (socket_folder, temporary) =
            socket_folder(&home, owner).map_err(failed("create a socket folder for"))?;
        let url = url(&socket_folder);
        let keeper =
            run(&binaries, &home, &socket_folder, owner, &url).await.map_err(failed("start"))?;
        writeln!(&lock.0, "{}\n{url}", std::process::id())
            .map_err(failed("note the address of"))?;
        let moved = !home.starts_with(&folder);
        Ok(Self { url, home, keeper, moved, _socket_folder: temporary, _lock: lock })
    }

    /// The URL by which this process, psql and others connect while the server runs.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
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

/// The lock of a folder. It is undone on purpose and not just closed: a program that another thread
/// is starting right now holds the open file too, until it runs.
#[derive(Debug)]
struct FolderLock(File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Fails only where locks are unknown, and there none was taken.
        self.0.unlock().ok();
    }
}

/// Locks the folder for this process; the file says who has it and where the server is.
fn lock(folder: &Path) -> Result<FolderLock> {
    let failed =
        |source| Error::Embedded { doing: "lock the folder of", folder: folder.to_owned(), source };
    let path = folder.join("lock");
    let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(failed)?;
            Ok(FolderLock(file))
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
        Err(TryLockError::WouldBlock) => {
            let noted = fs::read_to_string(&path).unwrap_or_default();
            let mut lines = noted.lines();
            Err(Error::InUse {
                folder: folder.to_owned(),
                process: lines.next().unwrap_or("just starting").to_owned(),
                url: lines.next().map(str::to_owned),
            })
        }
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

    /// Whether the user gets to a folder and may write there.
    fn reaches(self, folder: &Path) -> bool {
        let mut command = std::process::Command::new("test");
        std::os::unix::process::CommandExt::uid(&mut command, self.user);
        std::os::unix::process::CommandExt::gid(&mut command, self.group);
        command.arg("-w").arg(folder).current_dir("/").status().is_ok_and(|status| status.success())
    }
}

/// The folder of the server's own files: below `folder`, or below the system's where the server's
/// user cannot reach that.
fn home(folder: &Path, system_folder: &Path, owner: Option<Owner>) -> io::Result<PathBuf> {
    let home = owned_folder(&folder.join("postgres"), owner)?;
    match owner {
        Some(owner) if !owner.reaches(&home) => {
            fs::remove_dir(&home)?;
            // The end of the path tells folders apart, and names are not longer than 255 bytes.
            let path = folder.to_string_lossy().replace('/', "+");
            let end = path.ceil_char_boundary(path.len().saturating_sub(200));
            owned_folder(&system_folder.join(&path[end..]), Some(owner))
        }
        _ => Ok(home),
    }
}

/// A folder that only its owner may enter.
fn owned_folder(folder: &Path, owner: Option<Owner>) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    if let Some(Owner { user, group }) = owner {
        chown(folder, Some(user), Some(group))?;
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    Ok(folder.to_owned())
}

/// The folder of the server's socket: its own, unless the path would be too long for a socket.
fn socket_folder(
    home: &Path,
    owner: Option<Owner>,
) -> io::Result<(PathBuf, Option<tempfile::TempDir>)> {
    if home.as_os_str().len() <= SOCKET_FOLDER_BYTES {
        return Ok((home.to_owned(), None));
    }
    let folder = tempfile::Builder::new().prefix("stevedore-").tempdir_in("/tmp")?;
    owned_folder(folder.path(), owner)?;
    Ok((folder.path().to_owned(), Some(folder)))
}

/// The URL of the server whose socket is in a folder.
fn url(socket_folder: &Path) -> String {
    let encoded = url::Url::from_file_path(socket_folder).map(|url| url.path().replace('&', "%26"));
    let host = encoded.unwrap_or_else(|()| socket_folder.display().to_string());
    format!("postgresql://postgres@/postgres?host={host}")
}

/// The major version that the data were made by.
fn data_version(home: &Path) -> Option<u32> {
    fs::read_to_string(home.join("data/PG_VERSION")).ok()?.trim().parse().ok()
}

/// Creates the data, in one step: a crash midway leaves none.
async fn create_data(binaries: &Binaries, home: &Path, owner: Option<Owner>) -> io::Result<()> {
    let (data, unfinished) = (home.join("data"), home.join("data.new"));
    if data_version(home).is_some() {
        return Ok(());
    }
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    let mut command = command(&binaries.program("initdb"), home, owner);
    command.arg("-D").arg(&unfinished).args([
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--locale=C",
        "--auth=trust",
    ]);
    let output = command.stdin(Stdio::null()).output().await?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    fs::rename(unfinished, data)
}

/// Runs the server until it answers. What an earlier one left (a process that is still ending,
/// its lock file, its shared memory) goes by itself, so it is tried again for a while.
async fn run(
    binaries: &Binaries,
    home: &Path,
    socket_folder: &Path,
    owner: Option<Owner>,
    url: &str,
) -> io::Result<Child> {
    let since = Instant::now();
    loop {
        end_remains(home, since).await?;
        let log = home.join("postgres.log");
        let mut keeper = spawn(binaries, home, socket_folder, owner, &log)?;
        match answers(&mut keeper, home, url).await {
            Ok(()) => return Ok(keeper),
            Err(error) => {
                drop(keeper.stdin.take());
                keeper.wait().await?;
                let said = fs::read_to_string(&log).unwrap_or_default();
                let is_remains = said.contains("lock file") || said.contains("shared memory block");
                if !is_remains || since.elapsed() > START_PATIENCE {
                    let last =
                        said.lines().rev().find(|line| line.contains("FATAL")).unwrap_or_default();
                    return Err(io::Error::new(
                        error.kind(),
                        format!("{error} {last} (see {})", log.display()),
                    ));
                }
                tokio::time::sleep(ASK_EVERY * 10).await;
            }
        }
    }
}

/// Ends a server that runs on the data though we have not started one: it was left by a process
/// whose shell was killed too. The folder's lock is ours, so nobody uses it.
async fn end_remains(home: &Path, since: Instant) -> io::Result<()> {
    let noted = fs::read_to_string(home.join("data/postmaster.pid")).unwrap_or_default();
    let mut lines = noted.lines();
    // The lines of that file: process, data, start, port, folder of the socket.
    let (Some(process), Some(socket_folder)) = (lines.next(), lines.nth(3)) else {
        return Ok(());
    };
    // Empty when the server died before it listened: then there is nobody to ask.
    if socket_folder.is_empty() {
        return Ok(());
    }
    let database = Database::new(&url(Path::new(socket_folder))).map_err(io::Error::other)?;
    while database.connect().await.is_ok() {
        let process = process.trim().parse().ok().and_then(Pid::from_raw);
        let Some(process) = process.filter(|_| since.elapsed() < START_PATIENCE) else {
            return Err(io::Error::other("another server runs on its data"));
        };
        // Fails when it has just ended, which is what we want.
        kill_process(process, Signal::INT).ok();
        tokio::time::sleep(ASK_EVERY * 10).await;
    }
    Ok(())
}

fn spawn(
    binaries: &Binaries,
    home: &Path,
    socket_folder: &Path,
    owner: Option<Owner>,
    log: &Path,
) -> io::Result<Child> {
    let output = File::create(log)?;
    let mut keeper = command(Path::new("/bin/sh"), home, owner);
    keeper.args(["-c", KEEPER, "stevedore-postgres"]).arg(binaries.program("postgres"));
    keeper.arg("-D").arg(home.join("data"));
    keeper.arg("-c").arg("listen_addresses=");
    keeper.arg("-c").arg(format!("unix_socket_directories={}", socket_folder.display()));
    keeper.stdin(Stdio::piped()).stdout(output.try_clone()?).stderr(output);
    // A group of its own: Ctrl-C on the terminal is for us, and we let the server end in order.
    keeper.process_group(0).spawn()
}

/// Waits until the server that the keeper runs answers, or has ended.
async fn answers(keeper: &mut Child, home: &Path, url: &str) -> io::Result<()> {
    let database = Database::new(url).map_err(io::Error::other)?;
    let since = Instant::now();
    let process = |file: &str| {
        let noted = fs::read_to_string(home.join(file)).unwrap_or_default();
        noted.lines().next().map(|line| line.trim().to_owned())
    };
    // Another one may answer that was left, while ours ends because of it.
    while database.connect().await.is_err()
        || process("data/postmaster.pid") != process("keeper.pid")
    {
        if let Some(status) = keeper.try_wait()? {
            return Err(io::Error::other(format!("it ended with {status}.")));
        }
        if since.elapsed() > RECOVERY_PATIENCE {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer."));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    Ok(())
}

/// A command that runs as the server's user, in a folder which that user can enter.
fn command(program: &Path, folder: &Path, owner: Option<Owner>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    if let Some(Owner { user, group }) = owner {
        command.uid(user).gid(group);
    }
    command
}
