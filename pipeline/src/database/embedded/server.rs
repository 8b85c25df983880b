//! The server as a process: its data, its shell, and how it ends.

use std::io;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::super::Database;
use super::super::install::Binaries;
use super::Owner;
use super::home::url;
use crate::trust::Folder;

/// How long a server that another one's remains keep from starting is tried again.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long a server may take to recover from a crash, or to shut down.
pub(super) const RECOVERY_PATIENCE: Duration = Duration::from_secs(300);
/// How often a server that is starting is asked whether it is up.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// What the server says is written here.
const LOG: &str = "postgres.log";
/// The folder of the data, and its name until they are complete.
const DATA: &str = "data";
const UNFINISHED: &str = "data.new";

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

/// The major version that the data were made by.
pub(super) fn data_version(home: &Folder) -> Option<u32> {
    of_data(home, "PG_VERSION").trim().parse().ok()
}

/// The text of a file of the data. It is the server's user who wrote it.
fn of_data(home: &Folder, file: &str) -> String {
    home.folder(DATA).map(|data| data.text(file)).unwrap_or_default()
}

/// Creates the data, in one step: a crash midway leaves none.
pub(super) async fn create_data(
    binaries: &Binaries,
    home: &Folder,
    owner: Option<Owner>,
) -> io::Result<()> {
    if data_version(home).is_some() {
        return Ok(());
    }
    if home.holds(UNFINISHED) {
        let mut remove = command(Path::new("rm"), home, owner);
        done(&remove.args(["-rf", UNFINISHED]).stdin(Stdio::null()).output().await?)?;
    }
    let mut command = command(&binaries.program("initdb"), home, owner);
    command.arg("-D").arg(home.path().join(UNFINISHED)).args([
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--locale=C",
        "--auth=trust",
    ]);
    done(&command.stdin(Stdio::null()).output().await?)?;
    home.rename(UNFINISHED, DATA)
}

/// Fails with what a program said that failed.
fn done(output: &Output) -> io::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// Runs the server until it answers. What an earlier one left (a process that is still ending,
/// its lock file, its shared memory) goes by itself, so it is tried again for a while.
pub(super) async fn run(
    binaries: &Binaries,
    home: &Folder,
    socket_folder: &Path,
    owner: Option<Owner>,
    url: &str,
) -> io::Result<Child> {
    let since = Instant::now();
    loop {
        end_remains(home, owner, since).await?;
        let mut keeper = spawn(binaries, home, socket_folder, owner)?;
        match answers(&mut keeper, home, url).await {
            Ok(()) => return Ok(keeper),
            Err(error) => {
                drop(keeper.stdin.take());
                keeper.wait().await?;
                let said = home.text(LOG);
                let is_remains = said.contains("lock file") || said.contains("shared memory block");
                if !is_remains || since.elapsed() > START_PATIENCE {
                    let last =
                        said.lines().rev().find(|line| line.contains("FATAL")).unwrap_or_default();
                    return Err(io::Error::new(
                        error.kind(),
                        format!("{error} {last} (see {})", home.path().join(LOG).display()),
                    ));
                }
                tokio::time::sleep(ASK_EVERY * 10).await;
            }
        }
    }
}

/// Ends a server that runs on the data though we have not started one: it was left by a process
/// whose shell was killed too. The folder's lock is ours, so nobody uses it.
async fn end_remains(home: &Folder, owner: Option<Owner>, since: Instant) -> io::Result<()> {
    let noted = of_data(home, "postmaster.pid");
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
        end(process, home, owner).await;
        tokio::time::sleep(ASK_EVERY * 10).await;
    }
    Ok(())
}

/// Tells a server to end, with no more rights than the server's user has, who noted its number. Fails
/// when it has just ended, which is what we want.
async fn end(process: Pid, home: &Folder, owner: Option<Owner>) {
    if owner.is_none() {
        kill_process(process, Signal::INT).ok();
        return;
    }
    let process = process.as_raw_nonzero().to_string();
    let mut kill = command(Path::new("kill"), home, owner);
    kill.args(["-INT", &process]).stdin(Stdio::null()).output().await.ok();
}

fn spawn(
    binaries: &Binaries,
    home: &Folder,
    socket_folder: &Path,
    owner: Option<Owner>,
) -> io::Result<Child> {
    let output = home.create_file(LOG)?;
    let mut keeper = command(Path::new("/bin/sh"), home, owner);
    keeper.args(["-c", KEEPER, "stevedore-postgres"]).arg(binaries.program("postgres"));
    keeper.arg("-D").arg(home.path().join(DATA));
    keeper.arg("-c").arg("listen_addresses=");
    keeper.arg("-c").arg(format!("unix_socket_directories={}", socket_folder.display()));
    keeper.stdin(Stdio::piped()).stdout(output.try_clone()?).stderr(output);
    // A group of its own: Ctrl-C on the terminal is for us, and we let the server end in order.
    keeper.process_group(0).spawn()
}

/// Waits until the server that the keeper runs answers, or has ended.
async fn answers(keeper: &mut Child, home: &Folder, url: &str) -> io::Result<()> {
    let database = Database::new(url).map_err(io::Error::other)?;
    let since = Instant::now();
    let first_line = |text: String| text.lines().next().map(|line| line.trim().to_owned());
    // Another one may answer that was left, while ours ends because of it.
    while database.connect().await.is_err()
        || first_line(of_data(home, "postmaster.pid")) != first_line(home.text("keeper.pid"))
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
fn command(program: &Path, folder: &Folder, owner: Option<Owner>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder.path());
    if let Some(Owner { user, group }) = owner {
        command.uid(user).gid(group);
    }
    command
}
