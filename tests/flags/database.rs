//! Which database a verb uses, and where the embedded one comes from.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use pipeline::database::Binaries;

use super::VERBS;
use crate::support::{TestDatabase, record, stderr, stevedore};

/// A folder that the embedded database's user can reach, with an object.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(folder.path().join("x.ndjson"), record("u", 1, "s")).unwrap();
    folder
}

/// Starts every verb that uses a database, each with flags of its own, and waits for all of them.
fn run(
    folder: &Path,
    url: Option<&str>,
    flags: impl Fn(&str) -> Vec<String>,
) -> Vec<(&'static str, Output)> {
    let uses_none = |verb: &str| {
        verb.starts_with("jobs")
            || verb.starts_with("watch")
            || ["feed list", "feed show", "feed check", "feed ddl", "feed schema"].contains(&verb)
            || ["health", "key", "config", "completions"].contains(&verb)
    };
    let start = |(verb, args): &(&'static str, &[&str])| -> (&'static str, Child) {
        let mut command = stevedore(&[]);
        command.args(verb.split(' ')).args(flags(verb));
        command.args(*args).current_dir(folder).envs(url.map(|url| ("DATABASE_URL", url)));
        (*verb, command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    };
    let verbs = VERBS.iter().filter(|(verb, _)| !uses_none(verb));
    let started: Vec<_> = verbs.map(start).collect();
    started.into_iter().map(|(verb, child)| (verb, child.wait_with_output().unwrap())).collect()
}

#[tokio::test]
async fn every_verb_uses_the_database_that_is_named() {
    let (other, folder) = (TestDatabase::empty().await, folder());
    // There is nothing at this port, and the environment names a database that could be used.
    let url = "postgresql://nobody@127.0.0.1:1/nowhere";
    let ended = run(folder.path(), Some(&other.url), |_| vec!["--database-url".into(), url.into()]);
    assert_eq!(ended.len(), 24);
    for (verb, output) in ended {
        assert_eq!(output.status.code(), Some(1), "{verb}: {}", stderr(&output));
        let refused = "there is no connection to 127.0.0.1:1/nowhere";
        assert!(stderr(&output).contains(refused), "{verb}: {}", stderr(&output));
    }
    assert_eq!(other.count("pg_namespace where nspname = 'stevedore'").await, 0);
}

/// Answers every request with something that is no archive, and tells what it was asked for.
fn serve_builds() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/builds", listener.local_addr().unwrap());
    let (sender, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut line) = (stream.unwrap(), String::new());
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nnone";
            stream.write_all(answer).unwrap();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    (url, asked)
}

/// The folders of the embedded databases, one for each verb, with data of a version that is not
/// installed: so a build has to be downloaded.
fn home(folder: &Path, verb: &str) -> PathBuf {
    let home = folder.join(verb.replace(' ', "-"));
    std::fs::create_dir_all(home.join("postgres/data")).unwrap();
    std::fs::write(home.join("postgres/data/PG_VERSION"), "17\n").unwrap();
    home
}

#[test]
fn every_verb_starts_the_database_of_the_folder() {
    let folder = folder();
    // A file cannot be the folder.
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    for (verb, output) in run(folder.path(), None, |_| vec!["--data-dir".into(), file.into()]) {
        assert_eq!(output.status.code(), Some(1), "{verb}: {}", stderr(&output));
        assert!(stderr(&output).contains(file), "{verb}: {}", stderr(&output));
    }

    if Binaries::find(std::env::var_os("PATH").as_deref(), Some(17)).is_some() {
        // Nothing is downloaded where the pinned version is installed.
        return;
    }
    let (url, asked) = serve_builds();
    let sha256 = "0123456789abcdef".repeat(4);
    let flags = |verb: &str| {
        let home = home(folder.path(), verb).display().to_string();
        let flags = ["--data-dir", &home, "--postgres-url", &url, "--postgres-sha256", &sha256];
        flags.map(str::to_owned).to_vec()
    };
    for (verb, output) in run(folder.path(), None, flags) {
        assert_eq!(output.status.code(), Some(1), "{verb}: {}", stderr(&output));
        let from = format!("could not be downloaded from {url}");
        assert!(stderr(&output).contains(&from), "{verb}: {}", stderr(&output));
        // What came has another sum than the one that was named.
        assert!(stderr(&output).contains(&sha256), "{verb}: {}", stderr(&output));
        assert!(asked.recv().unwrap().starts_with("GET /builds/17."));
    }
}
