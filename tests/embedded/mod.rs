//! The embedded PostgreSQL: there with nothing configured, gone with us, whole after any crash.

mod download;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline::database::{Binaries, Database, Download, Embedded, EmbeddedOptions};
use pipeline::error::Error;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

use crate::support::{sample, stderr, stdout, stevedore};

/// A folder that the server's user can reach, also when we are root.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn options(folder: &Path) -> EmbeddedOptions {
    EmbeddedOptions {
        folder: folder.to_owned(),
        system_folder: folder.join("system"),
        path: std::env::var_os("PATH"),
        download: Download::default(),
    }
}

fn load_in(folder: &Path) -> Command {
    let mut command = stevedore(&["load", &sample("user_status_sample.json")]);
    command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn count(url: &str) -> i64 {
    let connection = Database::new(url).unwrap().connect().await.unwrap();
    connection.query_one("select count(*) from user_status", &[]).await.unwrap().get(0)
}

#[test]
fn with_nothing_configured_the_sample_is_loaded_and_the_tables_are_shown() {
    let folder = folder();
    let first = load_in(folder.path()).output().unwrap();
    assert!(first.status.success(), "{}", stderr(&first));
    for table in
        ["user_status, 7 rows", "user_status_log, first 10 rows", "user_status_error_rec, 3 rows"]
    {
        assert!(stdout(&first).contains(table), "{}", stdout(&first));
    }
    assert!(stderr(&first).contains("open it with `stevedore psql`"), "{}", stderr(&first));
    let count = ["psql", "-Atc", "select count(*) from user_status"];
    let psql = stevedore(&count).current_dir(folder.path()).output().unwrap();
    assert_eq!(stdout(&psql), "7\n", "{}", stderr(&psql));
    let second = load_in(folder.path()).output().unwrap();
    assert!(stdout(&second).contains("is loaded already"), "{}", stderr(&second));
}

#[tokio::test]
async fn two_at_once_on_one_folder_are_refused_with_the_address_of_the_first() {
    let folder = folder();
    let first = Embedded::start(&options(folder.path())).await.unwrap();
    let second = Embedded::start(&options(folder.path())).await;
    let Err(Error::InUse { url, process, .. }) = second else { panic!("{second:?}") };
    assert_eq!((url.as_deref(), process), (Some(first.url()), std::process::id().to_string()));
    let output =
        stevedore(&["migrate", "--data-dir", folder.path().to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output)
            .contains(&format!("hint: use its database: --database-url '{}'", first.url()))
    );
    let folder_name = folder.path().to_str().unwrap();
    let psql =
        stevedore(&["psql", "--data-dir", folder_name, "-Atc", "select 1"]).output().unwrap();
    assert_eq!(stdout(&psql), "1\n", "psql uses the server that runs: {}", stderr(&psql));
    first.stop().await.unwrap();
    Embedded::start(&options(folder.path())).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn killing_us_takes_the_server_along_and_the_next_run_is_whole() {
    let folder = folder();
    let mut command = load_in(folder.path());
    let mut load = command.env("STEVEDORE_FAILPOINT", "recorded").spawn().unwrap();
    let mut lines = BufReader::new(load.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "failpoint: recorded"));
    let server = server_process(&folder.path().join(".stevedore"));
    load.kill().unwrap();
    load.wait().unwrap();
    // The lines end when the last process that holds the pipe does; the server has it not.
    while Path::new(&format!("/proc/{server}")).exists() {
        tokio::task::yield_now().await;
    }
    let embedded = Embedded::start(&options(&folder.path().join(".stevedore"))).await.unwrap();
    assert_eq!(count(embedded.url()).await, 0, "nothing of a load that was killed is there");
    embedded.stop().await.unwrap();
    assert!(load_in(folder.path()).output().unwrap().status.success());
}

#[tokio::test]
async fn a_server_that_was_left_alone_is_ended_before_another_is_started() {
    let folder = folder();
    let embedded = Embedded::start(&options(folder.path())).await.unwrap();
    let left = server_process(folder.path());
    // Its keeper is killed, so that nobody shuts it down when we go.
    let status = std::fs::read_to_string(format!("/proc/{left}/status")).unwrap();
    let keeper =
        status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().to_owned();
    let family = Command::new("pkill").args(["-9", "-P", &keeper, "sh"]).status().unwrap();
    assert!(
        family.success() && Command::new("kill").args(["-9", &keeper]).status().unwrap().success()
    );
    drop(embedded);
    assert!(Path::new(&format!("/proc/{left}")).exists());
    let embedded = Embedded::start(&options(folder.path())).await.unwrap();
    assert_ne!(server_process(folder.path()), left);
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_server_left_that_died_before_it_listened_harms_nobody() {
    let folder = folder();
    Embedded::start(&options(folder.path())).await.unwrap().stop().await.unwrap();
    let mut bystander = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let data = folder.path().join("postgres/data");
    // The process number was given to another program meanwhile; the socket's line is empty.
    let left = format!("{}\n{}\n1\n5432\n\n", bystander.id(), data.display());
    std::fs::write(data.join("postmaster.pid"), left).unwrap();
    let started = Embedded::start(&options(folder.path())).await;
    assert!(bystander.try_wait().unwrap().is_none(), "it was not ours to end");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    if let Ok(embedded) = started {
        embedded.stop().await.unwrap();
    }
}

#[tokio::test]
async fn killing_the_server_loses_nothing_that_was_committed() {
    let folder = folder();
    assert!(load_in(folder.path()).output().unwrap().status.success());
    let data = folder.path().join(".stevedore");
    let embedded = Embedded::start(&options(&data)).await.unwrap();
    let killed =
        Command::new("kill").arg("-9").arg(server_process(&data).to_string()).status().unwrap();
    assert!(killed.success());
    drop(embedded);
    let embedded = Embedded::start(&options(&data)).await.unwrap();
    assert_eq!(count(embedded.url()).await, 7);
    embedded.stop().await.unwrap();
}

fn server_process(folder: &Path) -> u32 {
    let file = std::fs::read_to_string(folder.join("postgres/data/postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_folder_whose_path_is_odd_or_too_long_for_a_socket_will_do() {
    let folder = folder();
    for path in ["a folder/50% & ünïcode?", &"long/".repeat(20)] {
        let embedded = Embedded::start(&options(&folder.path().join(path))).await.unwrap();
        assert!(Database::new(embedded.url()).unwrap().connect().await.is_ok());
        let psql = Command::new("psql").args([embedded.url(), "-c", "select 1"]).output().unwrap();
        assert!(psql.status.success(), "{}", stderr(&psql));
        embedded.stop().await.unwrap();
    }
}

#[tokio::test]
async fn as_root_a_folder_that_the_servers_user_cannot_reach_is_replaced_by_the_systems() {
    let private = folder();
    std::fs::set_permissions(private.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let system = folder();
    let asked = EmbeddedOptions {
        system_folder: system.path().join("data"),
        ..options(&private.path().join(".stevedore"))
    };
    let embedded = Embedded::start(&asked).await.unwrap();
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let moved = embedded.moved_to().map(PathBuf::from);
    assert_eq!(moved.is_some_and(|home| home.starts_with(system.path())), is_root);
    embedded.stop().await.unwrap();
}
