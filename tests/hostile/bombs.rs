//! Small objects that become endless text, or endless rejects: the load stops with a clear error, and
//! nothing of it is written.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::error::Error;
use pipeline::load::{Connections, LoadOptions, load};
use pipeline::sink::Mode;
use pipeline::store::Bucket;
use serde_json::{Value, json};

use crate::support::{Serve, TestDatabase, USER_STATUS, json_lines, options, record, stderr};

/// A frame of zstd with 4 MiB of line feeds, as often as it takes to make 4 GiB: some 150 KB.
pub(super) fn line_feeds() -> Vec<u8> {
    zstd::encode_all(&vec![b'\n'; 4 << 20][..], 1).unwrap().repeat(1024)
}

/// A member of gzip with a hundred thousand of `{}`, 1050 times: some 300 KB.
pub(super) fn empty_records() -> Vec<u8> {
    gzip(&b"{}\n".repeat(100_000)).repeat(1050)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What is said of a load that must fail.
fn fails(database: &TestDatabase, args: &[&str]) -> String {
    let output = database.stevedore(&["load"]).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    stderr(&output)
}

/// Why loads failed, as the ledger has it.
async fn codes(database: &TestDatabase) -> Vec<Value> {
    let failed = "select error_code as code from stevedore.loads where state = 'failed'";
    database.rows(failed).await.iter().map(|row| row["code"].clone()).collect()
}

#[tokio::test]
async fn gigabytes_of_line_feeds_are_given_up_after_64_mib() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let path = write(folder.path(), "bomb.ndjson.zst", &line_feeds());
    let said = fails(&database, &[&path]);
    assert_eq!(codes(&database).await, ["expansion_limit"], "{said}");
    assert!(said.contains("more than 1000 times as many"), "{said}");
    assert!(said.contains("hint: ") && said.contains("--max-expansion"), "{said}");
    assert_eq!(database.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn a_text_may_be_no_longer_than_the_setting_says() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let text = format!("{}\n", record("a", 1, "ACTIVE")).repeat(1000);
    let path = write(folder.path(), "users.ndjson.gz", &gzip(text.as_bytes()));
    let limit = (text.len() - 1).to_string();
    let said = fails(&database, &["--max-text-bytes", &limit, &path]);
    assert_eq!(codes(&database).await, ["text_limit"], "{said}");
    assert!(said.contains(&format!("longer than {limit} bytes")), "{said}");
    assert!(said.contains("--max-text-bytes"), "{said}");
    assert_eq!(database.counts().await, [0, 0, 0]);
    let limit = text.len().to_string();
    for limit in [&*limit, "0"] {
        let loads = database.load(&["--reload", "--max-text-bytes", limit, &path]);
        assert_eq!(loads[0]["records"], 1000);
    }
}

#[tokio::test]
async fn a_small_object_may_repeat_itself_as_it_likes() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let text = format!("{}\n", record("a", 1, "ACTIVE")).repeat(10_000);
    let bytes = zstd::encode_all(text.as_bytes(), 3).unwrap();
    assert!(text.len() / bytes.len() > 1000, "{} bytes", bytes.len());
    let path = write(folder.path(), "users.ndjson.zst", &bytes);
    assert_eq!(database.load(&[&path])[0]["records"], 10_000);
}

#[tokio::test]
async fn rejects_without_end_are_given_up_and_none_is_written() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let path = write(folder.path(), "bomb.ndjson.gz", &empty_records());
    let limit = ["--no-preflight", "--max-rejects-in-a-row", "20000"];
    let said = fails(&database, &[&limit[..], &[&path]].concat());
    assert_eq!(codes(&database).await, ["reject_limit"], "{said}");
    assert!(said.contains("records in a row were rejected, most of them as null_field"), "{said}");
    assert!(said.contains("--max-rejects-in-a-row"), "{said}");
    assert_eq!(database.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn a_record_that_is_loaded_begins_the_count_of_rejects_anew() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let some = format!("{}{}\n", "{}\n".repeat(3), record("a", 1, "ACTIVE"));
    let path = write(folder.path(), "users.ndjson", some.repeat(3).as_bytes());
    let args = ["--no-preflight", "--max-rejects-in-a-row", "4", &path];
    assert_eq!(database.load(&args)[0]["rejected"], 9);
    fails(&database, &["--no-preflight", "--reload", "--max-rejects-in-a-row", "3", &path]);
    assert_eq!(codes(&database).await, ["reject_limit"]);
    let args = ["--reload", "--max-rejects-in-a-row", "0", &path];
    assert_eq!(database.load(&args)[0]["rejected"], 9);
}

#[tokio::test]
async fn of_a_bundle_only_the_bomb_fails() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let good = |at: i64| format!("{}\n{{}}\n", record(&format!("user{at}"), at, "ACTIVE"));
    for at in 0..5 {
        write(folder.path(), &format!("{at}.ndjson"), good(at).as_bytes());
    }
    write(folder.path(), "rejects.ndjson", &b"{}\n".repeat(50));
    write(folder.path(), "bomb.ndjson.zst", &line_feeds());
    let args = ["--no-preflight", "--max-rejects-in-a-row", "50", folder.path().to_str().unwrap()];
    let said = fails(&database, &args);
    assert_eq!(codes(&database).await, ["expansion_limit", "reject_limit"], "{said}");
    assert!(said.contains("rejects.ndjson was stopped: 50 records in a row"), "{said}");
    assert_eq!(database.counts().await, [5, 5, 5]);
}

#[tokio::test]
async fn of_a_load_in_parts_no_part_with_too_many_rejects_is_committed() {
    let database = TestDatabase::with_old_tables().await;
    let store = Arc::new(InMemory::new());
    store.put(&"lines".into(), PutPayload::from(b"{}\n".repeat(4000))).await.unwrap();
    let object = Bucket::new("memory://", store).locate("lines").await.unwrap();
    let connections = Connections { wanted: NonZeroUsize::new(2), part_bytes: 3000 };
    let options = LoadOptions { connections, max_rejects_in_a_row: 900, ..options(Mode::Append) };
    let mut connection = database.migrated().await;
    let error = load(&object, &USER_STATUS, &mut connection, &options).await.unwrap_err();
    let Error::Incomplete { committed, parts, .. } = &error else { panic!("{error}") };
    assert_eq!((error.code(), *committed, *parts), ("reject_limit", 0, 4));
    assert_eq!(database.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn a_crawl_gives_a_bomb_up_and_goes_on() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    write(folder.path(), "bomb.ndjson.zst", &line_feeds());
    write(folder.path(), "users.ndjson", record("a", 1, "ACTIVE").as_bytes());
    let path = folder.path().to_str().unwrap();
    let crawl = database.stevedore(&["crawl", "objects", path, "--json"]).output().unwrap();
    assert!(crawl.status.success(), "{}", stderr(&crawl));
    let report = &json_lines(&crawl)[0];
    assert_eq!(report["records"], 1, "{report}");
    assert!(report.to_string().contains("more than 1000 times as many"), "{report}");
}

#[tokio::test]
async fn a_job_over_a_bomb_fails_for_good() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    write(folder.path(), "bomb.ndjson.zst", &zstd::encode_all(&[b'\n'; 2000][..], 1).unwrap());
    write(folder.path(), "rejects.ndjson", &b"{}\n".repeat(50));
    let limits = ["--max-text-bytes", "1000", "--max-rejects-in-a-row", "50"];
    let serve = Serve::start(&database, &limits, folder.path());
    for (key, code) in [("bomb.ndjson.zst", "text_limit"), ("rejects.ndjson", "reject_limit")] {
        let body = json!({"bucket": "bucket", "key": key, "catalog": false});
        let job = serve.post_json("/v1/jobs", &body).await.json();
        let job = serve.ended(&job).await;
        assert_eq!((&job["state"], &job["attempts"]), (&json!("failed"), &json!(1)), "{job}");
        assert_eq!(job["error"]["code"], code, "{job}");
    }
    assert_eq!(database.counts().await, [0, 0, 0]);
}
