//! Many small objects in one transaction: the tables and the ledger are what loads one after the other
//! would have made.

mod equal;
mod failures;

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

async fn in_folder(folder: &TempDir) -> Vec<Listed> {
    find(folder.path().to_str().unwrap(), &[]).await.unwrap().objects
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
