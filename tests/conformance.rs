//! The cases of the job that this replaces: the same rows, to the last one.

use std::path::Path;
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::load::load;
use pipeline::sink::Mode;
use pipeline::store::{Bucket, Object, find};
use serde_json::{Value, json};

use crate::support::{TestDatabase, USER_STATUS, options, repository};

const STATUS: &str = "select userid, createdat, status, lastvisitedat, isblacklisted, \
     '1970-01-01T00:00:00Z' as ingested_at from user_status";
const LOG: &str =
    "select userid, updatedon, status, '1970-01-01T00:00:00Z' as ingested_at from user_status_log";
const ERROR_REC: &str = "select error_rec from user_status_error_rec";
const REJECTS: &str = "select record_no, reason from user_status_error_rec";

#[tokio::test]
async fn local_files_give_the_rows_of_the_old_job() {
    for case in cases() {
        let input = input(&case);
        let objects = find(input.to_str().unwrap(), &[]).await.unwrap().objects;
        let object = objects[0].begin().await.unwrap();
        gives_the_expected_rows(&case, &object).await;
    }
}

#[tokio::test]
async fn objects_in_memory_give_the_rows_of_the_old_job() {
    let store = Arc::new(InMemory::new());
    let bucket = Bucket::new("memory://cases", Arc::clone(&store) as _);
    for case in cases() {
        let bytes = std::fs::read(input(&case)).unwrap();
        let key = case.file_name().unwrap().to_str().unwrap();
        store.put(&key.into(), PutPayload::from(bytes)).await.unwrap();
        gives_the_expected_rows(&case, &bucket.locate(key).await.unwrap()).await;
    }
}

async fn gives_the_expected_rows(case: &Path, object: &Object) {
    let database = TestDatabase::with_old_tables().await;
    let mut connection = database.migrated().await;
    let summary =
        load(object, &USER_STATUS, &mut connection, &options(Mode::Append)).await.unwrap();
    for (file, query) in [
        ("user_status", STATUS),
        ("user_status_log", LOG),
        ("user_status_error_rec", ERROR_REC),
        ("rejects", REJECTS),
    ] {
        let found = database.rows(query).await;
        let expected = expected(&case.join(format!("{file}.ndjson")));
        assert_eq!(sorted(found), sorted(expected), "{} {file}", case.display());
    }
    assert_eq!(summary.records, summary.loaded + summary.rejected);
    let ledger =
        database.rows("select state, records, loaded, rejected from stevedore.loads").await;
    let counts = json!({"state": "loaded", "records": summary.records, "loaded": summary.loaded,
        "rejected": summary.rejected});
    assert_eq!(ledger, [counts]);
    let tables = "select \"table\", inserted as rows from stevedore.load_tables order by position";
    let written = summary.tables.iter();
    let written = written.map(|it| json!({"table": it.table, "rows": it.counts.rows}));
    assert_eq!(sorted(database.rows(tables).await), sorted(written.collect()));
}

fn cases() -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(repository("tests/conformance")).unwrap();
    let mut folders: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    assert_eq!(folders.len(), 18);
    folders
}

fn input(case: &Path) -> std::path::PathBuf {
    let names = ["input.ndjson", "input.json", "input.ndjson.gz"];
    names.iter().map(|name| case.join(name)).find(|path| path.exists()).unwrap()
}

fn expected(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sorted(rows: Vec<Value>) -> Vec<String> {
    let mut rows: Vec<_> = rows.iter().map(Value::to_string).collect();
    rows.sort();
    rows
}
