//! Records in an array within a document: loaded, checked and refused as others are.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use pipeline::bundle::{Size, load_bundled};
use pipeline::error::Error;
use pipeline::feed::Feed;
use pipeline::load::{Connections, LoadOptions, Summary, dry_run, load};
use pipeline::sink::Mode;
use pipeline::store::find;
use serde_json::json;

use crate::support::{TestDatabase, options, record, repository};

/// The built-in feed, but for where its records are.
static IN_DOCUMENTS: LazyLock<Arc<Feed>> = LazyLock::new(|| {
    let text = std::fs::read_to_string(repository("feeds/user_status.toml")).unwrap();
    Feed::read("documents.toml", &format!("records = \"$.data.users[*]\"\n{text}")).unwrap()
});

/// Three records, the second of which is damaged, among other members.
fn document() -> String {
    let [first, last] = ["a", "b"].map(|user| record(user, 1, "s"));
    let other = record("of another list", 1, "s");
    format!(
        "{{\"meta\": {{\"users\": [{other}]}},\n \"data\": {{\"users\": [\n{first},\n{{oops}},\n{last}\n],\n \
         \"more\": [{other}]}}, \"next\": null}}\n"
    )
}

async fn load_file(
    path: &Path,
    database: &TestDatabase,
    options: &LoadOptions,
) -> Result<Summary, Error> {
    let found = find(path.to_str().unwrap(), &[]).await.unwrap().objects.remove(0);
    let mut connection = database.migrated().await;
    let object = found.begin().await?;
    let checked = dry_run(&object, &IN_DOCUMENTS, Some(&mut connection), options).await?;
    let loaded = load(&object, &IN_DOCUMENTS, &mut connection, options).await?;
    assert_eq!((checked.records, checked.rejected), (loaded.records, loaded.rejected));
    Ok(loaded)
}

#[tokio::test]
async fn the_records_of_a_document_are_loaded_and_its_rejects_have_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let text = document();
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    for (name, bytes) in [("plain.json", text.as_bytes()), ("packed.json.zst", &zstd)] {
        let database = TestDatabase::with_old_tables().await;
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let summary = load_file(&path, &database, &options(Mode::Append)).await.unwrap();
        assert_eq!((summary.records, summary.loaded, summary.rejected), (3, 2, 1));
        let users = database.rows("select userid from user_status order by 1").await;
        assert_eq!(users, [json!({"userid": "a"}), json!({"userid": "b"})]);
        let rejects = "select raw, reason, record_no, byte_offset from user_status_error_rec";
        let place = text.find("{oops}").unwrap();
        let expected =
            json!({"raw": "{oops}", "reason": "malformed", "record_no": 2, "byte_offset": place});
        assert_eq!(database.rows(rejects).await, [expected]);
    }
}

#[tokio::test]
async fn a_document_without_the_array_fails_and_says_what_it_has() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let path = folder.path().join("a.json");
    std::fs::write(&path, "{\"data\": {\"people\": [], \"total\": 0}}").unwrap();
    let error = load_file(&path, &database, &options(Mode::Append)).await.unwrap_err();
    assert_eq!(error.code(), "records_not_found");
    let expected = format!(
        "file://{} has no records at $.data.users[*]: $.data has no key users, its keys are people, total",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn of_a_bundle_only_the_document_without_the_array_fails() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    for (name, text) in [("a", document()), ("b", "{}".to_owned()), ("c", document())] {
        std::fs::write(folder.path().join(format!("{name}.json")), text).unwrap();
    }
    database.migrated().await;
    let mut connection = database.connect().await;
    let objects = find(folder.path().to_str().unwrap(), &[]).await.unwrap().objects;
    let (options, mut ended) = (options(Mode::Merge), Vec::new());
    load_bundled(
        objects,
        &IN_DOCUMENTS,
        vec![&mut connection],
        &options,
        Size::default(),
        |_, summary| {
            ended.push(summary.map(|summary| summary.records).map_err(|error| error.code()));
        },
    )
    .await;
    assert_eq!(ended, [Ok(3), Err("records_not_found"), Ok(3)]);
}

#[tokio::test]
async fn documents_are_not_loaded_in_parts_and_the_summary_says_why() {
    let (database, folder) = (TestDatabase::with_old_tables().await, tempfile::tempdir().unwrap());
    let path = folder.path().join("a.json");
    std::fs::write(&path, document()).unwrap();
    let connections = Connections { wanted: NonZeroUsize::new(3), part_bytes: 10 };
    let options = LoadOptions { connections, ..options(Mode::Append) };
    let summary = load_file(&path, &database, &options).await.unwrap();
    let reason = "its records are within documents ($.data.users[*])";
    assert_eq!(summary.sequential_reason.as_deref(), Some(reason));
}
