//! Many small objects in one transaction: the tables and the ledger are what loads one after the other
//! would have made.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use pipeline::bundle::{Size, load_bundled};
use pipeline::database::Connection;
use pipeline::load::{Progress, State, Summary, load};
use pipeline::sink::{Mode, RequestedMode, create_tables};
use pipeline::store::{Listed, find};
use pipeline::verify::verify;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::crash::wait_at;
use crate::support::{TestDatabase, USER_STATUS, json_lines, options, record, stderr};

/// A line of an object.
#[derive(Debug, Clone)]
enum Line {
    /// A user, a visit: few of each, so that many are equal.
    Valid(u8, i64),
    /// One with a field that the feed does not have.
    Odd(u8),
    NoStatus,
    Malformed,
}

/// What becomes of the lines.
#[derive(Debug, Clone, Copy)]
enum Packing {
    Plain,
    Array,
    Gzip,
    /// A gzip whose end is missing.
    Cut,
    NotText,
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        6 => (0_u8..6, 0_i64..3).prop_map(|(user, visit)| Line::Valid(user, visit)),
        1 => (0_u8..6).prop_map(Line::Odd),
        1 => Just(Line::NoStatus),
        1 => Just(Line::Malformed),
    ]
}

fn packing() -> impl Strategy<Value = Packing> {
    prop_oneof![
        6 => Just(Packing::Plain),
        1 => Just(Packing::Array),
        2 => Just(Packing::Gzip),
        1 => Just(Packing::Cut),
        1 => Just(Packing::NotText),
    ]
}

/// Objects, how many of them are bundled, and how many bundles are loaded at the same time.
fn objects() -> impl Strategy<Value = (Vec<(Vec<Line>, Packing)>, usize, usize)> {
    (vec((vec(line(), 0..8), packing()), 1..16), 1_usize..8, 1_usize..4)
}

/// The status tells which record it was.
fn text(object: usize, lines: &[Line]) -> Vec<String> {
    let of_line =
        |(at, line): (usize, &Line)| match line {
            Line::Valid(user, visit) => {
                record(&format!("u-{user}"), *visit, &format!("s-{object}-{at}"))
            }
            Line::Odd(user) => record(&format!("u-{user}"), 1, &format!("s-{object}-{at}"))
                .replacen('{', r#"{"odd":1,"#, 1),
            Line::NoStatus => record("u-0", 1, ""),
            Line::Malformed => r#"{"userId":"#.to_owned(),
        };
    lines.iter().enumerate().map(of_line).collect()
}

fn packed(lines: &[String], packing: Packing) -> Vec<u8> {
    let gzip = || {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    match packing {
        Packing::Plain => lines.join("\n").into_bytes(),
        Packing::Array => format!("[{}]", lines.join(",\n")).into_bytes(),
        Packing::Gzip => gzip(),
        Packing::Cut => gzip()[..12].to_vec(),
        Packing::NotText => vec![0xFF, 0xFE, 0, 0, 1, 2, 3],
    }
}

fn write(folder: &Path, objects: &[(Vec<Line>, Packing)]) {
    for (at, (lines, packing)) in objects.iter().enumerate() {
        let path = folder.join(format!("{at:02}.json"));
        std::fs::write(path, packed(&text(at, lines), *packing)).unwrap();
    }
}

async fn in_folder(folder: &TempDir) -> Vec<Listed> {
    find(folder.path().to_str().unwrap(), &[]).await.unwrap().objects
}

async fn new_database(mode: Mode) -> TestDatabase {
    match mode {
        Mode::Merge => TestDatabase::empty().await,
        Mode::Append => TestDatabase::with_old_tables().await,
    }
}

/// What a load came to, without what another database would have otherwise.
fn came_to(ended: Result<Summary, pipeline::error::Error>) -> Value {
    match ended {
        Ok(summary) => json!([
            summary.object,
            summary.state,
            summary.records,
            summary.loaded,
            summary.rejected,
            summary.tables.iter().map(|table| table.counts.rows).collect::<Vec<_>>(),
            summary.bytes,
            summary.rejected_by_reason,
            summary.unknown_fields,
        ]),
        Err(error) => json!(error.with_causes()),
    }
}

async fn load_one_by_one(objects: &[Listed], database: &TestDatabase, mode: Mode) -> Vec<Value> {
    let mut connection = database.migrated().await;
    let mut ended = Vec::new();
    for object in objects {
        let object = object.begin().await.unwrap();
        ended.push(came_to(load(&object, &USER_STATUS, &mut connection, &options(mode)).await));
    }
    ended
}

async fn load_in_bundles(
    objects: &[Listed],
    database: &TestDatabase,
    mode: Mode,
    size: usize,
    at_once: usize,
) -> Vec<Value> {
    database.migrated().await;
    let mut connections = Vec::new();
    for _ in 0..at_once {
        connections.push(database.connect().await);
    }
    let size = Size { objects: size, ..Size::default() };
    let mut ended = Vec::new();
    load_bundled(
        objects.to_vec(),
        &USER_STATUS,
        connections.iter_mut().collect(),
        &options(mode),
        size,
        |_, summary| ended.push(came_to(summary)),
    )
    .await;
    ended
}

/// All that is in a database, but for instants and numbers of loads, and what became of the loads one by
/// one, which in a bundle are superseded by each other sooner.
async fn contents(database: &TestDatabase) -> Vec<Vec<Value>> {
    let mut contents = Vec::new();
    for query in [
        "select userid, createdat, status, lastvisitedat, isblacklisted from user_status",
        "select userid, updatedon, status from user_status_log",
        "select error_rec, r.reason, detail, raw, object, object_version, record_no, byte_offset,
            byte_length, l.key from user_status_error_rec r left join stevedore.loads l using (load_id)",
        "select feed, bucket, key, version, state, mode, reload, format, compression, bytes, records,
            loaded, rejected, rejected_by_reason, unknown_fields, error, error_code, job_id,
            origin from stevedore.loads",
        "select key, \"table\", rows, inserted + updated + unchanged + superseded as became
            from stevedore.load_tables join stevedore.loads using (load_id)",
        // Loads are numbered in the order of their objects.
        "select key, row_number() over (order by load_id) from stevedore.loads where state = 'loaded'",
    ] {
        contents.push(database.rows(query).await);
    }
    contents
}

async fn assert_same(objects: &[(Vec<Line>, Packing)], size: usize, at_once: usize, mode: Mode) {
    let folder = TempDir::new().unwrap();
    write(folder.path(), objects);
    let objects = in_folder(&folder).await;
    let (alone, bundled) = (new_database(mode).await, new_database(mode).await);
    let expected = load_one_by_one(&objects, &alone, mode).await;
    assert_eq!(load_in_bundles(&objects, &bundled, mode, size, at_once).await, expected);
    // Of objects none of which could be read there are no tables.
    create_tables(&*alone.connect().await, &USER_STATUS, RequestedMode::Auto).await.unwrap();
    create_tables(&*bundled.connect().await, &USER_STATUS, RequestedMode::Auto).await.unwrap();
    assert_eq!(contents(&bundled).await, contents(&alone).await);
    let loads = verify(&bundled.connect().await, &USER_STATUS, None).await.unwrap();
    assert!(loads.iter().all(|load| load.agrees()), "{loads:?}");
}

fn for_any_objects(mode: Mode) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&objects(), |(objects, size, at_once)| {
        runtime.block_on(assert_same(&objects, size, at_once, mode));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn merging_bundles_is_as_merging_one_object_after_the_other() {
    for_any_objects(Mode::Merge);
}

#[test]
fn appending_bundles_is_as_appending_one_object_after_the_other() {
    for_any_objects(Mode::Append);
}

/// A folder of `count` objects with three records each, of which one is rejected.
fn folder_of(count: usize) -> TempDir {
    let folder = TempDir::new().unwrap();
    for at in 0..count {
        let lines =
            [record(&format!("u-{at}"), 1, "a"), record("shared", at as i64, "b"), "no".into()];
        std::fs::write(folder.path().join(format!("{at:03}.json")), lines.join("\n")).unwrap();
    }
    folder
}

fn path_of(folder: &TempDir) -> &str {
    folder.path().to_str().unwrap()
}

/// What the tables have after all objects of [`folder_of`] were loaded.
async fn assert_all_there(database: &TestDatabase, count: i64) {
    assert_eq!(database.counts().await, [count + 1, 2 * count, count]);
    assert_eq!(database.count("stevedore.loads where state = 'loaded'").await, count);
}

#[tokio::test]
async fn an_object_that_cannot_be_read_fails_alone() {
    let database = TestDatabase::empty().await;
    let folder = folder_of(20);
    std::fs::write(folder.path().join("007.json"), [0x1F, 0x8B, 8, 0, 0]).unwrap();
    let output = database.stevedore(&["load", "--json", path_of(&folder)]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let states: Vec<_> = json_lines(&output).iter().map(|line| line["state"].clone()).collect();
    let expected = (0..20).map(|at| json!(if at == 7 { "failed" } else { "loaded" }));
    assert_eq!(states, expected.collect::<Vec<_>>());
    let said = stderr(&output);
    assert!(said.contains("007.json\ncaused by: could not decompress"), "{said}");
    assert!(
        said.contains("objects: 19 loaded, 1 failed; 57 records, 19 of them rejected, in "),
        "{said}"
    );
    let failed = "select key like '%/007.json' as is_it, error_code from stevedore.loads where state = 'failed'";
    let expected = [json!({"is_it": true, "error_code": "decompress_failed"})];
    assert_eq!(database.rows(failed).await, expected);
    assert_eq!(database.count("stevedore.loads where state = 'loaded'").await, 19);
}

#[tokio::test]
async fn an_object_that_the_database_refuses_fails_alone() {
    for mode in ["merge", "append"] {
        let database = if mode == "merge" {
            TestDatabase::empty().await
        } else {
            TestDatabase::with_old_tables().await
        };
        let connection = database.migrated().await;
        create_tables(&*connection, &USER_STATUS, RequestedMode::Auto).await.unwrap();
        let refuse = "create function refuse() returns trigger language plpgsql as
            $$ begin if new.userid = 'u-11' then raise 'not this one'; end if; return new; end $$;
            create trigger refuse before insert on user_status for each row execute function refuse()";
        connection.batch_execute(refuse).await.unwrap();
        let folder = folder_of(20);
        let arguments = ["load", "--json", "--mode", mode, path_of(&folder)];
        let output = database.stevedore(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let states: Vec<_> = json_lines(&output).iter().map(|line| line["state"].clone()).collect();
        let expected = (0..20).map(|at| json!(if at == 11 { "failed" } else { "loaded" }));
        assert_eq!(states, expected.collect::<Vec<_>>(), "{}", stderr(&output));
        assert!(stderr(&output).contains("not this one"), "{}", stderr(&output));
        let failed = "stevedore.loads where state = 'failed' and error like '%not this one%'";
        assert_eq!(database.count(failed).await, 1);
        assert_eq!(database.count("user_status_log").await, 38);
        assert_eq!(database.count("user_status_error_rec").await, 19);
    }
}

#[tokio::test]
async fn objects_that_are_loaded_already_are_left_out_of_a_bundle() {
    let database = TestDatabase::empty().await;
    let folder = folder_of(10);
    database.load(&[folder.path().join("003.json").to_str().unwrap()]);
    let states = |lines: Vec<Value>| {
        lines.iter().map(|line| line["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = states(database.load(&[path_of(&folder)]));
    let expected = |at| if at == 3 { "already_loaded" } else { "loaded" };
    assert_eq!(first, (0..10).map(expected).collect::<Vec<_>>());
    assert_eq!(states(database.load(&[path_of(&folder)])), ["already_loaded"; 10]);
    assert_all_there(&database, 10).await;
    assert_eq!(states(database.load(&["--reload", path_of(&folder)])), ["loaded"; 10]);
    assert_eq!(database.counts().await, [11, 40, 20]);
}

#[tokio::test]
async fn an_object_that_is_named_twice_is_loaded_once() {
    let database = TestDatabase::empty().await;
    let folder = folder_of(5);
    let lines = database.load(&[path_of(&folder), path_of(&folder)]);
    let states: Vec<_> = lines.iter().map(|line| line["state"].as_str().unwrap()).collect();
    assert_eq!(states, [["loaded"; 5], ["already_loaded"; 5]].concat());
    assert_all_there(&database, 5).await;
}

#[tokio::test]
async fn small_and_large_objects_are_loaded_in_their_order() {
    let database = TestDatabase::empty().await;
    let folder = folder_of(6);
    let lines = vec![record("shared", 2, "large"); 5000];
    std::fs::write(folder.path().join("002.json"), lines.join("\n")).unwrap();
    let summaries = database.load(&[path_of(&folder)]);
    let loads: Vec<_> =
        summaries.iter().map(|summary| summary["load_id"].as_i64().unwrap()).collect();
    assert_eq!(loads, [1, 2, 3, 4, 5, 6]);
    assert_eq!(summaries[2]["loaded"], 5000);
    assert_eq!(
        database.count("user_status where userid = 'shared' and lastvisitedat = 5").await,
        1
    );
}

#[tokio::test]
async fn of_processes_that_load_the_same_folder_one_loads_each_object() {
    let database = TestDatabase::empty().await;
    database.migrated().await;
    let folder = folder_of(60);
    let spawn = |_| {
        let mut command = database.stevedore(&["load", "--json", path_of(&folder)]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let loaders: Vec<_> = (0..3).map(spawn).collect();
    let mut loaded = 0;
    for loader in loaders {
        let output = loader.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let lines = json_lines(&output);
        assert_eq!(lines.len(), 60);
        loaded += lines.iter().filter(|line| line["state"] == "loaded").count();
    }
    assert_eq!(loaded, 60);
    assert_all_there(&database, 60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loaders_that_go_through_the_same_objects_in_other_orders_both_finish() {
    let database = TestDatabase::empty().await;
    database.migrated().await;
    let folder = folder_of(40);
    let objects = in_folder(&folder).await;
    let reversed: Vec<_> = objects.iter().rev().cloned().collect();
    let (one, other) = tokio::join!(
        load_in_bundles(&objects, &database, Mode::Merge, 3, 3),
        load_in_bundles(&reversed, &database, Mode::Merge, 4, 3),
    );
    let loaded = one.iter().chain(&other).filter(|ended| ended[1] == "loaded").count();
    assert_eq!((one.len(), other.len(), loaded), (40, 40, 40));
    assert_all_there(&database, 40).await;
}

async fn killed_at(point: &str, mode: &str) {
    let database = if mode == "merge" {
        TestDatabase::empty().await
    } else {
        TestDatabase::with_old_tables().await
    };
    let folder = folder_of(30);
    let args = ["--mode", mode, path_of(&folder)];
    let mut load = wait_at(database.stevedore(&[&["load"], &args[..]].concat()), point);
    load.kill().unwrap();
    load.wait().unwrap();
    let again = database.load(&args);
    let expected = if point == "committed" { "already_loaded" } else { "loaded" };
    assert!(again.iter().all(|summary| summary["state"] == expected), "{mode}, {point}");
    // In append mode each object has its row of the user that all have.
    let status_rows = if mode == "merge" { 31 } else { 60 };
    assert_eq!(database.counts().await, [status_rows, 60, 30], "{mode}, {point}");
    assert_eq!(database.count("stevedore.loads where state = 'loaded'").await, 30);
}

#[tokio::test]
async fn a_bundle_that_is_killed_anywhere_is_there_as_a_whole_or_not_at_all() {
    for point in
        ["children_copied", "rejects_copied", "root_copied", "merged", "recorded", "committed"]
    {
        killed_at(point, "merge").await;
    }
    for point in ["children_copied", "rejects_copied", "root_copied", "recorded", "committed"] {
        killed_at(point, "append").await;
    }
}

#[tokio::test]
async fn what_is_not_committed_when_it_is_stopped_is_not_there() {
    let database = TestDatabase::empty().await;
    let mut connection = database.migrated().await;
    let folder = folder_of(9);
    let progress = Arc::new(Progress::default());
    let options =
        pipeline::load::LoadOptions { progress: Arc::clone(&progress), ..options(Mode::Merge) };
    let size = Size { objects: 3, ..Size::default() };
    let mut states = Vec::new();
    let connections: Vec<&mut Connection> = vec![&mut connection];
    load_bundled(
        in_folder(&folder).await,
        &USER_STATUS,
        connections,
        &options,
        size,
        |_, ended| {
            progress.stop();
            states.push(ended.map(|summary| summary.state).map_err(|error| error.code()));
        },
    )
    .await;
    let expected = (0..9).map(|at| if at < 3 { Ok(State::Loaded) } else { Err("cancelled") });
    assert_eq!(states, expected.collect::<Vec<_>>());
    assert_eq!(database.counts().await, [4, 6, 3]);
    assert_eq!(database.count("stevedore.loads").await, 3);
}
