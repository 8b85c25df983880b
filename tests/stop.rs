//! Loads that wait, are stopped, aborted, or lose their server.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use pipeline::bundle::{Size, load_bundled};
use pipeline::database::{Connection, Database};
use pipeline::error::Error;
use pipeline::load::{Connections, Failpoint, LoadOptions, Progress, State, load};
use pipeline::sink::{Mode, RequestedMode, create_tables};
use pipeline::store::{Object, find};
use tokio_postgres::error::SqlState;

use crate::support::{Authority, TestDatabase, TestServer, USER_STATUS, options, record, sample};

/// The sample, as an object.
async fn sample_object() -> Object {
    find(&sample("user_status_sample.json"), &[])
        .await
        .unwrap()
        .objects
        .remove(0)
        .begin()
        .await
        .unwrap()
}

/// A database with its tables, and another session that has locked one of them.
async fn with_locked_status(database: &TestDatabase) -> Connection {
    let holder = database.migrated().await;
    create_tables(&*holder, &USER_STATUS, RequestedMode::Auto).await.unwrap();
    holder.batch_execute("begin; lock table user_status in access exclusive mode").await.unwrap();
    holder
}

#[tokio::test]
async fn a_load_waits_for_a_lock_as_long_as_it_is_told_and_the_connection_is_usable_after() {
    let database = TestDatabase::empty().await;
    let holder = with_locked_status(&database).await;
    let impatient = Database::new(&database.url).unwrap();
    let impatient = impatient.with_lock_timeout(Some(Duration::from_millis(100)));
    let mut connection = impatient.connect().await.unwrap();
    let (object, options) = (sample_object().await, options(Mode::Merge));
    let error = load(&object, &USER_STATUS, &mut connection, &options).await.unwrap_err();
    let Error::Database { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.code(), Some(&SqlState::LOCK_NOT_AVAILABLE));
    assert_eq!(database.count("stevedore.loads where state = 'failed'").await, 1);
    holder.batch_execute("rollback").await.unwrap();
    assert!(!connection.is_closed());
    let again = load(&object, &USER_STATUS, &mut connection, &options).await.unwrap();
    assert_eq!((again.state, again.loaded), (State::Loaded, 7));
}

#[tokio::test]
async fn a_load_that_failed_leaves_no_transaction_open() {
    let database = TestDatabase::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut_off.json.gz");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let text = format!("{}\n", record("u", 1, "s")).repeat(50_000);
    std::io::Write::write_all(&mut gzip, text.as_bytes()).unwrap();
    let bytes = gzip.finish().unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 100]).unwrap();
    let object =
        find(path.to_str().unwrap(), &[]).await.unwrap().objects.remove(0).begin().await.unwrap();
    let mut connection = database.migrated().await;
    let error = load(&object, &USER_STATUS, &mut connection, &options(Mode::Merge)).await;
    assert!(matches!(error, Err(Error::Decompress { .. })), "{error:?}");
    let process: i32 = connection.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    let is_idle = format!("pid = {process} and state = 'idle'");
    until(&database.connect().await, "pg_stat_activity", &is_idle).await;
    assert_eq!(database.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn a_load_that_is_stopped_before_it_commits_leaves_nothing() {
    static PROGRESS: LazyLock<Arc<Progress>> = LazyLock::new(Arc::default);
    let database = TestDatabase::empty().await;
    let mut connection = database.migrated().await;
    let options = LoadOptions {
        progress: Arc::clone(&PROGRESS),
        hit: |point| {
            if point == Failpoint::Recorded {
                assert!(PROGRESS.stop());
            }
        },
        ..options(Mode::Merge)
    };
    // The second time it is stopped from the beginning.
    for _ in 0..2 {
        let error = load(&sample_object().await, &USER_STATUS, &mut connection, &options).await;
        assert!(matches!(error, Err(Error::Cancelled { .. })), "{error:?}");
        assert_eq!(database.counts().await, [0, 0, 0]);
        assert_eq!(database.count("stevedore.loads").await, 0);
    }
}

#[tokio::test]
async fn a_load_that_has_committed_cannot_be_stopped() {
    static PROGRESS: LazyLock<Arc<Progress>> = LazyLock::new(Arc::default);
    let database = TestDatabase::empty().await;
    let mut connection = database.migrated().await;
    let options = LoadOptions {
        progress: Arc::clone(&PROGRESS),
        hit: |point| {
            if point == Failpoint::Committed {
                assert!(!PROGRESS.stop());
            }
        },
        ..options(Mode::Merge)
    };
    let object = sample_object().await;
    load(&object, &USER_STATUS, &mut connection, &options).await.unwrap();
    assert_eq!(database.counts().await, [7, 13, 3]);
    let seen = [&PROGRESS.records, &PROGRESS.loaded, &PROGRESS.rejected];
    assert_eq!(seen.map(|count| count.load(Ordering::Relaxed)), [10, 7, 3]);
}

#[tokio::test]
async fn a_bundle_that_is_stopped_before_it_commits_leaves_nothing() {
    static PROGRESS: LazyLock<Arc<Progress>> = LazyLock::new(Arc::default);
    let database = TestDatabase::empty().await;
    let mut connection = database.migrated().await;
    let folder = tempfile::tempdir().unwrap();
    for at in 0..4 {
        let line = record(&format!("u{at}"), 1, "s");
        std::fs::write(folder.path().join(format!("{at}.json")), line).unwrap();
    }
    let objects = find(folder.path().to_str().unwrap(), &[]).await.unwrap().objects;
    let options = LoadOptions {
        progress: Arc::clone(&PROGRESS),
        hit: |point| {
            if point == Failpoint::Recorded {
                assert!(PROGRESS.stop());
            }
        },
        ..options(Mode::Merge)
    };
    let mut ended = Vec::new();
    let (connections, size) = (vec![&mut connection], Size::default());
    load_bundled(objects, &USER_STATUS, connections, &options, size, |_, summary| {
        ended.push(summary.map(|_| ()));
    })
    .await;
    let is_cancelled = |ended: &Result<(), Error>| matches!(ended, Err(Error::Cancelled { .. }));
    assert!(ended.len() == 4 && ended.iter().all(is_cancelled), "{ended:?}");
    assert_eq!(database.counts().await, [0, 0, 0]);
    assert_eq!(database.count("stevedore.loads").await, 0);
}

#[tokio::test]
async fn no_part_is_committed_after_a_stop_that_says_so() {
    static PROGRESS: LazyLock<Arc<Progress>> = LazyLock::new(Arc::default);
    static IS_STOPPED: AtomicBool = AtomicBool::new(false);
    let database = TestDatabase::with_old_tables().await;
    let mut connection = database.migrated().await;
    let lines: String = (0..60).map(|at| record(&format!("u{at}"), 1, "s") + "\n").collect();
    let file = tempfile::NamedTempFile::with_suffix(".ndjson").unwrap();
    std::fs::write(file.path(), lines).unwrap();
    let found = find(file.path().to_str().unwrap(), &[]).await.unwrap().objects.remove(0);
    let object = found.begin().await.unwrap();
    let connections = Connections { wanted: NonZeroUsize::new(3), part_bytes: 500 };
    let options = LoadOptions {
        progress: Arc::clone(&PROGRESS),
        connections,
        hit: |point| match point {
            Failpoint::PartRecorded if PROGRESS.stop() => IS_STOPPED.store(true, Ordering::SeqCst),
            Failpoint::PartCommitted => assert!(!IS_STOPPED.load(Ordering::SeqCst)),
            _ => {}
        },
        ..options(Mode::Append)
    };
    let error = load(&object, &USER_STATUS, &mut connection, &options).await.unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    let Error::Incomplete { committed, .. } = error else { panic!("{error}") };
    let in_ledger = "stevedore.load_parts where committed_at is not null";
    assert_eq!(database.count(in_ledger).await, committed as i64);
}

/// Loads, drops the load once the server is at a statement that begins so, and aborts the
/// connection; waits until the server is rid of it.
async fn abort_during(url: &str, object: &Object, statement: &str) {
    let mut connection = Database::new(url).unwrap().connect().await.unwrap();
    let admin = Database::new(url).unwrap().connect().await.unwrap();
    // Held until the server is rid of the connection.
    let locked = "select pg_backend_pid() from pg_advisory_lock(42)";
    let process: i32 = connection.query_one(locked, &[]).await.unwrap().get(0);
    let at_statement = format!("pid = {process} and query like '{statement}%'");
    let options = options(Mode::Merge);
    tokio::select! {
        ended = load(object, &USER_STATUS, &mut connection, &options) => panic!("{ended:?}"),
        () = until(&admin, "pg_stat_activity", &at_statement) => {}
    }
    connection.abort().await;
    let gone = "set statement_timeout = '60s'; select pg_advisory_lock(42)";
    admin.batch_execute(gone).await.unwrap();
}

/// Asks until a table has a row like this: the server tells nobody.
async fn until(admin: &Connection, table: &str, condition: &str) {
    let sql = format!("select from {table} where {condition}");
    let since = Instant::now();
    while admin.query(&sql, &[]).await.unwrap().is_empty() {
        assert!(since.elapsed() < Duration::from_secs(60), "{condition}");
    }
}

#[tokio::test]
async fn a_load_that_is_aborted_within_a_copy_is_gone_from_the_server() {
    let database = TestDatabase::empty().await;
    database.migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.ndjson");
    std::fs::write(&path, format!("{}\n", record("u", 1, "s")).repeat(200_000)).unwrap();
    let object =
        find(path.to_str().unwrap(), &[]).await.unwrap().objects.remove(0).begin().await.unwrap();
    abort_during(&database.url, &object, "copy user_status_log").await;
    assert_eq!(database.counts().await, [0, 0, 0]);
    assert_eq!(database.count("stevedore.loads").await, 0);
}

#[tokio::test]
async fn a_load_that_is_aborted_while_it_waits_for_a_lock_is_gone_from_the_server() {
    let authority = Authority::new();
    let (certificate, key) = authority.certify("localhost");
    let server = TestServer::start_with_tls(&certificate, &key).await;
    let file = authority.file();
    let url =
        format!("{}?sslmode=verify-full&sslrootcert={}", server.url("postgres"), file.display());
    let database = TestDatabase { url };
    let holder = with_locked_status(&database).await;
    abort_during(&database.url, &sample_object().await, "select not exists").await;
    holder.batch_execute("rollback").await.unwrap();
    assert_eq!(database.counts().await, [0, 0, 0]);
    assert_eq!(database.count("stevedore.loads").await, 0);
}

#[tokio::test]
async fn a_server_that_is_killed_midway_has_nothing_of_the_load_when_it_is_back() {
    let mut server = TestServer::start().await;
    let database = TestDatabase { url: server.url("postgres") };
    let holder = with_locked_status(&database).await;
    let mut connection = database.connect().await;
    let (object, options) = (sample_object().await, options(Mode::Merge));
    let watcher = database.connect().await;
    let killed = async {
        until(&watcher, "pg_locks", "not granted").await;
        server.kill();
    };
    let (ended, ()) = tokio::join!(load(&object, &USER_STATUS, &mut connection, &options), killed);
    assert!(matches!(ended, Err(Error::Database { .. })), "{ended:?}");
    assert!(connection.is_closed());
    drop(holder);
    server.restart().await;
    assert_eq!(database.counts().await, [0, 0, 0]);
    let mut connection = database.connect().await;
    load(&object, &USER_STATUS, &mut connection, &options).await.unwrap();
    assert_eq!(database.counts().await, [7, 13, 3]);
}
