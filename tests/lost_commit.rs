//! The answer to a COMMIT is lost with its connection: the load asks the ledger on another one.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::bundle::{Size, load_bundled};
use pipeline::database::Database;
use pipeline::error::Error;
use pipeline::load::{Connections, LoadOptions, State, load};
use pipeline::sink::{Mode, RequestedMode, create_tables};
use pipeline::store::{Bucket, Object, find};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

use crate::support::{
    TestDatabase, USER_STATUS, json_lines, options, record, sample, stderr, stevedore,
};

#[tokio::test]
async fn a_load_whose_commit_is_not_answered_says_what_became_of_it() {
    for commits in [true, false] {
        let database = TestDatabase::empty().await;
        // So that the only commit to come is that of the load.
        drop(database.migrated().await);
        let (url, proxy) = proxy_that_loses(&database, 1, commits).await;
        let output = tokio::task::spawn_blocking(move || {
            let sample = sample("user_status_sample.json");
            stevedore(&["load", "--json", "--no-preflight", "--database-url", &url, &sample])
                .output()
                .unwrap()
        });
        let output = output.await.unwrap();
        proxy.abort();
        assert_eq!(output.status.success(), commits, "{}", stderr(&output));
        assert_eq!(json_lines(&output)[0]["state"], if commits { "loaded" } else { "failed" });
        assert_eq!(database.counts().await, if commits { [7, 13, 3] } else { [0, 0, 0] });
        let again = database.load(&[&sample("user_status_sample.json")]);
        assert_eq!(again[0]["state"], if commits { "already_loaded" } else { "loaded" });
        assert_eq!(database.counts().await, [7, 13, 3]);
    }
}

#[tokio::test]
async fn a_bundle_whose_commit_is_not_answered_is_loaded_once() {
    for commits in [true, false] {
        let database = with_tables(TestDatabase::empty().await).await;
        let folder = tempfile::tempdir().unwrap();
        for at in 0..8 {
            let line = record(&format!("u{at}"), 1, "s");
            std::fs::write(folder.path().join(format!("{at}.json")), line).unwrap();
        }
        let objects = find(folder.path().to_str().unwrap(), &[]).await.unwrap().objects;
        // The second of two bundles.
        let (url, proxy) = proxy_that_loses(&database, 2, commits).await;
        let mut connection = Database::new(&url).unwrap().connect().await.unwrap();
        let mut states = Vec::new();
        load_bundled(
            objects,
            &USER_STATUS,
            vec![&mut connection],
            &options(Mode::Merge),
            Size { objects: 4, ..Size::default() },
            |_, ended| states.push(ended.map(|summary| summary.state)),
        )
        .await;
        proxy.abort();
        assert!(states.iter().all(|state| matches!(state, Ok(State::Loaded))), "{states:?}");
        assert_eq!((states.len(), database.counts().await), (8, [8, 8, 0]), "{commits}");
        assert_eq!(database.count("stevedore.loads where state = 'loaded'").await, 8, "{commits}");
    }
}

#[tokio::test]
async fn parts_whose_commits_are_not_answered_are_loaded_once() {
    // The first commit is that of the plan, the last one makes the load complete.
    for (number, commits) in
        [(1, true), (1, false), (2, true), (2, false), (3, true), (6, true), (6, false)]
    {
        let database = with_tables(TestDatabase::with_old_tables().await).await;
        let lines: String = (0..40).map(|at| record(&format!("u{at}"), 1, "s") + "\n").collect();
        let object = object(lines.as_bytes()).await;
        let part_bytes = object.size.div_ceil(4);
        let connections = Connections { wanted: NonZeroUsize::new(2), part_bytes };
        let options = LoadOptions { connections, ..options(Mode::Append) };
        let (url, proxy) = proxy_that_loses(&database, number, commits).await;
        let mut connection = Database::new(&url).unwrap().connect().await.unwrap();
        let loaded = load(&object, &USER_STATUS, &mut connection, &options).await;
        proxy.abort();
        let is_loaded = loaded.is_ok();
        match loaded {
            // Also where the other connection took the part that was not committed.
            Ok(summary) => {
                assert_eq!((summary.state, summary.records), (State::Loaded, 40), "{number}");
            }
            // Without the plan there is no load to go on with.
            Err(Error::Database { .. }) if number == 1 => {
                assert!(!commits);
                assert_eq!(database.count("stevedore.loads where state = 'loading'").await, 0);
            }
            Err(Error::Incomplete { committed, .. }) => {
                assert!(!commits, "{number}");
                let there = "stevedore.load_parts where committed_at is not null";
                assert_eq!(database.count(there).await, committed as i64, "{number}");
            }
            Err(error) => panic!("{number}: {}", error.with_causes()),
        }
        let mut connection = database.connect().await;
        let again = load(&object, &USER_STATUS, &mut connection, &options).await.unwrap();
        let state = if is_loaded { State::AlreadyLoaded } else { State::Loaded };
        assert_eq!((again.state, again.records), (state, 40), "{number}");
        assert_eq!(database.counts().await, [40, 40, 0], "{number}");
    }
}

/// So that the commits to come are those of loads only.
async fn with_tables(database: TestDatabase) -> TestDatabase {
    create_tables(&*database.migrated().await, &USER_STATUS, RequestedMode::Auto).await.unwrap();
    database
}

async fn object(text: &[u8]) -> Object {
    let store = Arc::new(InMemory::new());
    store.put(&"lines".into(), PutPayload::from(text.to_vec())).await.unwrap();
    Bucket::new("memory://", store).locate("lines").await.unwrap()
}

/// A proxy to the server that cuts the connection on which the `COMMIT` of this number comes, counted
/// from 1 over all connections: after the server has answered it, or without handing it on.
pub(crate) async fn proxy_that_loses(
    database: &TestDatabase,
    number: usize,
    commits: bool,
) -> (String, JoinHandle<()>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let of_connection = move || {
        let seen = Arc::clone(&seen);
        move |asked: &[u8]| {
            asked.windows(7).any(|word| word == b"COMMIT\0")
                && seen.fetch_add(1, Ordering::Relaxed) + 1 == number
        }
    };
    start(database, of_connection, commits).await
}

/// A proxy of the database that loses the answer to the first run of a prepared statement with a text.
pub(crate) async fn proxy_that_loses_answer(
    database: &TestDatabase,
    text: &'static str,
) -> (String, JoinHandle<()>) {
    let is_done = Arc::new(AtomicBool::new(false));
    let of_connection = move || {
        let (is_done, mut is_prepared) = (Arc::clone(&is_done), false);
        move |asked: &[u8]| {
            let is_run = is_prepared && asked.starts_with(b"B");
            is_prepared |= asked.windows(text.len()).any(|it| it == text.as_bytes());
            is_run && !is_done.swap(true, Ordering::Relaxed)
        }
    };
    start(database, of_connection, true).await
}

/// A proxy, and which of the messages of each connection it loses: their answers, or the messages themselves.
async fn start<L: FnMut(&[u8]) -> bool + Send + 'static>(
    database: &TestDatabase,
    of_connection: impl Fn() -> L + Send + 'static,
    passes: bool,
) -> (String, JoinHandle<()>) {
    let (_, folder) = database.url.split_once("?host=").unwrap();
    let socket = format!("{folder}/.s.PGSQL.5432");
    let name = database.url.split(['/', '?']).nth(3).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url =
        format!("postgresql://postgres@127.0.0.1:{}/{name}", listener.local_addr().unwrap().port());
    let proxy = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(pass_on(client, server, of_connection(), passes));
        }
    });
    (url, proxy)
}

/// Passes everything on until one end closes, or the message comes that is to be lost.
async fn pass_on(
    mut client: TcpStream,
    mut server: UnixStream,
    mut is_lost: impl FnMut(&[u8]) -> bool,
    passes: bool,
) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let asked = &asked[..length];
                let is_lost = is_lost(asked);
                if is_lost && !passes {
                    return;
                }
                if server.write_all(asked).await.is_err() {
                    return;
                }
                if is_lost {
                    assert!(server.read(&mut answered).await.unwrap() > 0);
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
