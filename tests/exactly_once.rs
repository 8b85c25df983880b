//! Exactly once: for whoever asks, also at the same time, also when an answer was lost.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::support::{TestDatabase, json_lines, sample, stderr, stevedore};

const SAMPLE: &str = "user_status_sample.json";

#[tokio::test]
async fn loading_again_writes_nothing_and_says_so() {
    let database = TestDatabase::empty().await;
    let first = database.load(&[&sample(SAMPLE)]);
    let counts = database.counts().await;
    assert_eq!(counts, [7, 13, 3]);
    let second = database.load(&[&sample(SAMPLE)]);
    assert_eq!(
        (&first[0]["state"], &second[0]["state"]),
        (&json!("loaded"), &json!("already_loaded"))
    );
    assert_eq!(second[0]["load_id"], first[0]["load_id"]);
    assert_eq!(second[0]["rejected_by_reason"], first[0]["rejected_by_reason"]);
    assert_eq!(database.counts().await, counts);
}

#[tokio::test]
async fn reload_loads_again_on_purpose() {
    let database = TestDatabase::empty().await;
    database.load(&[&sample(SAMPLE)]);
    for load in 2..4 {
        let again = database.load(&["--reload", &sample(SAMPLE)]);
        assert_eq!(again[0]["state"], "loaded");
        assert_eq!(database.counts().await, [7, 13 * load, 3 * load]);
    }
    let reloads =
        database.rows("select reload, count(*) from stevedore.loads group by reload").await;
    assert_eq!(
        reloads,
        [json!({"reload": false, "count": 1}), json!({"reload": true, "count": 2})]
    );
}

#[tokio::test]
async fn a_changed_file_is_another_version() {
    let database = TestDatabase::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.json");
    std::fs::copy(sample(SAMPLE), &path).unwrap();
    let path = path.to_str().unwrap();
    database.load(&[path]);
    std::fs::write(path, "[]").unwrap();
    assert_eq!(database.load(&[path])[0]["state"], "loaded");
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let database = TestDatabase::empty().await;
    let summary = database.load(&["--dry-run", &sample("user_status_dirty.ndjson")]);
    assert_eq!(summary[0]["state"], "dry_run");
    assert_eq!(
        (&summary[0]["records"], &summary[0]["loaded"], &summary[0]["rejected"]),
        (&json!(15), &json!(3), &json!(12))
    );
    assert_eq!(summary[0]["load_id"], json!(null));
    let tables = "select count(*) from pg_tables where schemaname in ('public', 'stevedore')";
    assert_eq!(database.rows(tables).await, [json!({"count": 0})]);
}

#[tokio::test]
async fn of_loaders_that_race_one_loads() {
    let database = TestDatabase::empty().await;
    let spawn = |_| {
        let mut command = database.stevedore(&["load", "--json", &sample(SAMPLE)]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let loaders: Vec<_> = (0..6).map(spawn).collect();
    let mut states = Vec::new();
    for loader in loaders {
        let output = loader.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        states.push(json_lines(&output)[0]["state"].as_str().unwrap().to_owned());
    }
    states.sort();
    assert_eq!(
        states,
        [
            "already_loaded",
            "already_loaded",
            "already_loaded",
            "already_loaded",
            "already_loaded",
            "loaded"
        ]
    );
    assert_eq!(database.counts().await, [7, 13, 3]);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_looked_up() {
    for commits in [true, false] {
        let database = TestDatabase::empty().await;
        // So that the only commit to come is that of the load.
        drop(database.migrated().await);
        let (url, proxy) = proxy_that_loses_the_commit(&database, commits).await;
        let output = tokio::task::spawn_blocking(move || {
            stevedore(&["load", "--json", "--no-catalog", "--database-url", &url, &sample(SAMPLE)])
                .output()
                .unwrap()
        });
        let output = output.await.unwrap();
        proxy.abort();
        assert_eq!(output.status.success(), commits, "{}", stderr(&output));
        assert_eq!(json_lines(&output)[0]["state"], if commits { "loaded" } else { "failed" });
        assert_eq!(database.counts().await, if commits { [7, 13, 3] } else { [0, 0, 0] });
        let again = database.load(&[&sample(SAMPLE)]);
        assert_eq!(again[0]["state"], if commits { "already_loaded" } else { "loaded" });
        assert_eq!(database.counts().await, [7, 13, 3]);
    }
}

/// A proxy to the server that cuts the first connection on which `COMMIT` comes: after the server
/// has answered it, or without handing it on.
async fn proxy_that_loses_the_commit(
    database: &TestDatabase,
    commits: bool,
) -> (String, tokio::task::JoinHandle<()>) {
    let (_, folder) = database.url.split_once("?host=").unwrap();
    let socket = format!("{folder}/.s.PGSQL.5432");
    let name = database.url.split(['/', '?']).nth(3).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url =
        format!("postgresql://postgres@127.0.0.1:{}/{name}", listener.local_addr().unwrap().port());
    let proxy = tokio::spawn(async move {
        let mut lost = false;
        while let Ok((client, _)) = listener.accept().await {
            let server = UnixStream::connect(&socket).await.unwrap();
            if lost {
                tokio::spawn(pass_on(client, server));
            } else {
                lose_the_commit(client, server, commits).await;
                lost = true;
            }
        }
    });
    (url, proxy)
}

async fn pass_on(mut client: TcpStream, mut server: UnixStream) {
    tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
}

async fn lose_the_commit(mut client: TcpStream, mut server: UnixStream, commits: bool) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let asked = &asked[..read.unwrap()];
                let is_commit = asked.windows(7).any(|word| word == b"COMMIT\0");
                if is_commit && !commits {
                    return;
                }
                server.write_all(asked).await.unwrap();
                if is_commit {
                    assert!(server.read(&mut answered).await.unwrap() > 0);
                    return;
                }
            }
            read = server.read(&mut answered) => client.write_all(&answered[..read.unwrap()]).await.unwrap(),
        }
    }
}
