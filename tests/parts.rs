//! One object on many connections: the same rows, whatever fails, and each part once.

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::join;
use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::bundle::{Size, load_bundled};
use pipeline::error::Error;
use pipeline::load::{Connections, Failpoint, LoadOptions, Progress, State, Summary, load};
use pipeline::sink::{Mode, RequestedMode, create_tables};
use pipeline::store::{Bucket, Object, find};
use serde_json::{Value, json};

use crate::support::{TestDatabase, USER_STATUS, json_lines, options, record, stderr};

/// Everything about rows but which load has written them.
const TABLES: [&str; 3] = [
    "select userid, createdat, status, lastvisitedat, isblacklisted from user_status",
    "select userid, updatedon, status from user_status_log",
    "select error_rec, reason, detail, raw, record_no, byte_offset, byte_length from user_status_error_rec",
];

pub(crate) async fn object(text: &[u8]) -> Object {
    let store = Arc::new(InMemory::new());
    store.put(&"lines".into(), PutPayload::from(text.to_vec())).await.unwrap();
    Bucket::new("memory://", store).locate("lines").await.unwrap()
}

/// On three connections, in parts of so many bytes.
fn in_parts(part_bytes: u64) -> LoadOptions {
    let connections = Connections { wanted: NonZeroUsize::new(3), part_bytes };
    LoadOptions { connections, ..options(Mode::Append) }
}

pub(crate) async fn load_object(
    database: &TestDatabase,
    object: &Object,
    options: &LoadOptions,
) -> Result<Summary, Error> {
    let mut connection = database.migrated().await;
    load(object, &USER_STATUS, &mut connection, options).await
}

async fn rows(database: &TestDatabase) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for table in TABLES {
        rows.push(database.rows(table).await);
    }
    rows
}

/// So many lines, every third of them rejected.
pub(crate) fn lines(count: i64) -> String {
    let line = |at| match at % 3 {
        0 => format!("{{broken {at}\n"),
        _ => record(&format!("u{at}"), at, "\u{20ac}") + "\r\n",
    };
    (0..count).map(line).collect()
}

#[tokio::test]
async fn parts_make_the_rows_that_one_connection_makes() {
    let long = record(&"long".repeat(200), 1, "s");
    let good = record("u", 2, "\u{1f600}");
    let texts = [
        lines(40),
        format!("\u{feff}{good}\n\u{feff}{good}\n{{\n{long}\n\n \n  {{broken}} \n{good}"),
        format!("\n\n{{}}\n{{}}\n{good}{good}\n{long}\n[1]\n"),
    ];
    for text in texts {
        let object = object(text.as_bytes()).await;
        let whole = TestDatabase::with_old_tables().await;
        let one = load_object(&whole, &object, &options(Mode::Append)).await.unwrap();
        let expected = rows(&whole).await;
        for part_bytes in [16, 100, 1000] {
            let database = TestDatabase::with_old_tables().await;
            let progress = Arc::new(Progress::default());
            let options = LoadOptions { progress: Arc::clone(&progress), ..in_parts(part_bytes) };
            let summary = load_object(&database, &object, &options).await.unwrap();
            assert_eq!(rows(&database).await, expected, "{part_bytes}");
            assert_eq!(
                (summary.records, summary.loaded, summary.rejected, summary.tables),
                (one.records, one.loaded, one.rejected, one.tables.clone())
            );
            assert_eq!(summary.rejected_by_reason, one.rejected_by_reason);
            assert_eq!(progress.counts()[0], object.size);
            // As many for each of the three connections.
            let parts = object.size.div_ceil(part_bytes).next_multiple_of(3);
            let parts = object.size.div_ceil(object.size.div_ceil(parts));
            assert_eq!(database.count("stevedore.load_parts").await, parts as i64);
            let instants = "select distinct ingested_at from user_status union \
                select ingested_at from user_status_log union select ingested_at from user_status_error_rec \
                union select started_at at time zone 'UTC' from stevedore.loads";
            assert_eq!(database.rows(instants).await.len(), 1);
            let again = load_object(&database, &object, &options).await.unwrap();
            assert_eq!(again.state, State::AlreadyLoaded);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_in_parts_is_loaded_as_a_whole() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, lines(9).as_bytes()).unwrap();
    let array = format!("[{}]", record("u", 1, "s"));
    for bytes in [gzip.finish().unwrap(), array.into_bytes(), record("u", 1, "s").into_bytes()] {
        let database = TestDatabase::with_old_tables().await;
        // The last one is no larger than a part.
        let options = in_parts(record("u", 1, "s").len() as u64);
        let summary = load_object(&database, &object(&bytes).await, &options).await.unwrap();
        assert_eq!(summary.state, State::Loaded);
        assert_eq!(database.count("stevedore.load_parts").await, 0);
    }
    for mode in [Mode::Merge.into(), RequestedMode::Auto] {
        let merged = TestDatabase::empty().await;
        let options = LoadOptions { mode, ..in_parts(10) };
        load_object(&merged, &object(lines(9).as_bytes()).await, &options).await.unwrap();
        assert_eq!(merged.count("stevedore.load_parts").await, 0);
    }
}

/// Ends the load of `text` when the `last` part is committed, for good.
pub(crate) async fn interrupted(database: &TestDatabase, object: &Object) -> Error {
    // Its test runs on one thread.
    thread_local!(static PROGRESS: Arc<Progress> = Arc::default());
    let connections = Connections { wanted: NonZeroUsize::new(2), part_bytes: 500 };
    let options = LoadOptions {
        progress: PROGRESS.with(Arc::clone),
        connections,
        hit: |point| {
            if point == Failpoint::PartCommitted {
                PROGRESS.with(|progress| progress.stop());
            }
        },
        ..options(RequestedMode::Auto)
    };
    load_object(database, object, &options).await.unwrap_err()
}

#[tokio::test]
async fn a_load_that_is_stopped_keeps_its_parts_and_another_goes_on_with_them() {
    let (database, object) =
        (TestDatabase::with_old_tables().await, object(lines(60).as_bytes()).await);
    let error = interrupted(&database, &object).await;
    assert!(error.is_cancelled(), "{error}");
    let Error::Incomplete { load_id, committed, parts, .. } = error else { panic!("{error}") };
    let in_ledger = "stevedore.load_parts where committed_at is not null";
    assert_eq!(database.count(in_ledger).await, committed as i64);
    assert!(0 < committed && committed < parts, "{committed} of {parts}");
    assert_eq!(database.count("stevedore.loads where state = 'failed'").await, 0);
    let there = database.counts().await;
    assert!(there[0] > 0 && there[0] < 40, "{there:?}");

    // What is there can be verified.
    let verified = database.stevedore(&["verify", "--json"]).output().unwrap();
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
    let incomplete = json!({"committed": committed, "parts": parts});
    assert_eq!(json_lines(&verified)[0]["incomplete"], incomplete);
    let note = format!("is not complete: {committed} of its {parts} parts are committed");
    assert!(stderr(&verified).contains(&note), "{}", stderr(&verified));

    // In the mode in which it was begun.
    let merge = options(Mode::Merge);
    database
        .connect()
        .await
        .batch_execute("alter table user_status add unique (userid)")
        .await
        .unwrap();
    let error = load_object(&database, &object, &merge).await.unwrap_err();
    assert!(matches!(error, Error::OtherMode { .. }), "{error}");
    let key = "alter table user_status drop constraint user_status_userid_key";
    database.connect().await.batch_execute(key).await.unwrap();

    // On one connection too, and when it is to be loaded again: it is not loaded yet.
    let parts_before = database.rows(&format!("select part, committed_at from {in_ledger}")).await;
    let progress = Arc::new(Progress::default());
    let reload = LoadOptions {
        reload: true,
        progress: Arc::clone(&progress),
        ..options(RequestedMode::Auto)
    };
    let summary = load_object(&database, &object, &reload).await.unwrap();
    assert_eq!((summary.load_id, summary.records), (Some(load_id), 60));
    assert_eq!(progress.counts(), [object.size, 60, 40, 20]);
    let parts_after = database.rows(&format!("select part, committed_at from {in_ledger}")).await;
    assert!(parts_before.iter().all(|part| parts_after.contains(part)), "{parts_after:?}");
    let whole = TestDatabase::with_old_tables().await;
    load_object(&whole, &object, &options(Mode::Append)).await.unwrap();
    assert_eq!(rows(&database).await, rows(&whole).await);
}

/// The record u40 is refused, which the sequence tells, since nothing undoes that; and the first part is
/// not committed while somebody has the lock 42.
const REFUSING: &str = "create sequence refused;
    create function refuse() returns trigger language plpgsql as
        $$ begin perform nextval('refused'); raise exception 'no u40'; end $$;
    create trigger refuse before insert on user_status for each row
        when (new.userid = 'u40') execute function refuse();
    create function hold() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock(42); return null; end $$;
    create constraint trigger hold after update on stevedore.load_parts deferrable initially deferred
        for each row when (new.start_byte = 0) execute function hold();
    select pg_advisory_lock(42)";

#[tokio::test]
async fn a_part_that_cannot_be_written_leaves_the_others_and_the_failure_in_the_ledger() {
    let database = TestDatabase::with_old_tables().await;
    let holder = database.migrated().await;
    holder.batch_execute(REFUSING).await.unwrap();
    let (object, options) = (object(lines(60).as_bytes()).await, in_parts(500));
    let released_once_refused = async {
        let refused = "select is_called from refused";
        while !holder.query_one(refused, &[]).await.unwrap().get::<_, bool>(0) {}
        holder.batch_execute("select pg_advisory_unlock(42)").await.unwrap();
    };
    let (loaded, ()) = join(load_object(&database, &object, &options), released_once_refused).await;
    let error = loaded.unwrap_err();
    assert_eq!(error.code(), "database_failed");
    assert!(error.with_causes().contains("no u40"), "{}", error.with_causes());
    let Error::Incomplete { committed, .. } = error else { panic!("{error}") };
    let in_ledger = database.count("stevedore.load_parts where committed_at is not null").await;
    assert_eq!(committed as i64, in_ledger, "with the one that was committing");
    let states = database.rows("select state, error_code from stevedore.loads").await;
    let expected = [
        json!({"state": "failed", "error_code": "database_failed"}),
        json!({"state": "loading", "error_code": null}),
    ];
    assert_eq!(states, expected);
    holder.batch_execute("drop trigger refuse on user_status").await.unwrap();
    let summary = load_object(&database, &object, &options).await.unwrap();
    assert_eq!((summary.state, summary.records), (State::Loaded, 60));
    assert_eq!(database.counts().await, [40, 40, 20]);
}

#[tokio::test]
async fn a_bundle_leaves_an_object_that_was_begun_in_parts_to_a_load_of_its_own() {
    let database = TestDatabase::with_old_tables().await;
    let holder = database.migrated().await;
    let refuse = "alter table user_status add constraint refuse check (userid <> 'u40')";
    holder.batch_execute(refuse).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("0", lines(6)), ("1", lines(60)), ("2", lines(9))] {
        std::fs::write(folder.path().join(name).with_extension("ndjson"), text).unwrap();
    }
    let objects = find(folder.path().to_str().unwrap(), &[]).await.unwrap().objects;
    let begun = objects[1].begin().await.unwrap();
    let error = load_object(&database, &begun, &in_parts(500)).await.unwrap_err();
    let Error::Incomplete { load_id, committed, parts, .. } = error else { panic!("{error}") };
    assert!(committed < parts, "{committed} of {parts}");
    holder.batch_execute("alter table user_status drop constraint refuse").await.unwrap();

    let mut connection = database.connect().await;
    let mut ended = Vec::new();
    let (options, size) = (options(Mode::Append), Size::default());
    load_bundled(objects, &USER_STATUS, vec![&mut connection], &options, size, |_, summary| {
        ended.push(summary.unwrap());
    })
    .await;
    let records: Vec<_> = ended.iter().map(|summary| (summary.state, summary.records)).collect();
    let expected = [6, 60, 9].map(|records| (State::Loaded, records));
    assert_eq!((records.as_slice(), ended[1].load_id), (&expected[..], Some(load_id)));
    assert_eq!(database.counts().await, [50, 50, 25]);
    assert_eq!(database.count("stevedore.loads where state = 'loaded'").await, 3);
}

#[tokio::test]
async fn loads_that_race_share_the_parts_and_say_the_same() {
    let database = TestDatabase::with_old_tables().await;
    let object = object(lines(300).as_bytes()).await;
    // So that only the plan is raced for, and the parts.
    create_tables(&*database.migrated().await, &USER_STATUS, RequestedMode::Auto).await.unwrap();
    let racing = [in_parts(400), in_parts(400), options(Mode::Append)];
    let loads = racing.iter().map(|options| load_object(&database, &object, options));
    let summaries = futures::future::try_join_all(loads).await.unwrap();
    for summary in &summaries {
        assert_eq!((summary.records, summary.loaded, summary.rejected), (300, 200, 100));
        assert_eq!(summary.load_id, summaries[0].load_id);
    }
    assert!(summaries.iter().any(|summary| summary.state == State::Loaded));
    assert_eq!(database.counts().await, [200, 200, 100]);
}
