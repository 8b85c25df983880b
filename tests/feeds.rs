//! Feeds are values: what a feed declares is what is loaded, and no code knows the names of one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::error::Error;
use pipeline::feed::{Feed, Kind};
use pipeline::load::{Summary, load};
use pipeline::sink::{Mode, RequestedMode};
use pipeline::store::Bucket;
use serde_json::json;

use crate::support::{
    TestDatabase, USER_STATUS, options, repository, sample, stderr, stdout, stevedore,
};

/// Names that SQL takes only in quotes, a list that may be missing, and a list that may not.
const ORDERS: &str = r#"
name = "orders"
key = ["Order", "site id"]
latest_by = "at"

[metadata]
load_id = "load"

[[table]]
name = "shop.Orders"
[table.columns]
Order = { path = "$.id", type = "bigint", required = true }
"site id" = { path = "$.site", type = "varchar(4)", required = true, non_empty = true }
at = { type = "integer", required = true }
select = { path = "$.note", type = "text" }

[[table]]
name = "shop.lines"
each = "$.lines[*]"
required = true
[table.columns]
sku = { type = "text" }
count = { type = "smallint" }

[[table]]
name = "shop.tags"
each = "$.tags[*]"
[table.columns]
"the tag" = { path = "$.name", type = "text" }

[rejects]
table = "shop.\"orders.rejects\""
"#;

static FEED: LazyLock<Arc<Feed>> = LazyLock::new(|| Feed::read("orders.toml", ORDERS).unwrap());

async fn load_orders(
    database: &TestDatabase,
    text: &str,
    mode: impl Into<RequestedMode>,
) -> Result<Summary, Error> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let key = format!("orders-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let store = Arc::new(InMemory::new());
    store.put(&key.as_str().into(), PutPayload::from(text.to_owned())).await.unwrap();
    let object = Bucket::new("memory://", store).locate(&key).await.unwrap();
    let mut connection = database.migrated().await;
    connection.batch_execute("create schema if not exists shop").await.unwrap();
    load(&object, &FEED, &mut connection, &options(mode)).await
}

#[tokio::test]
async fn a_feed_with_several_lists_and_names_in_quotes_is_loaded_as_it_is_declared() {
    for mode in [Mode::Merge, Mode::Append] {
        let database = TestDatabase::empty().await;
        let text = r#"
            {"id": 1, "site": "a", "at": 5, "note": "x", "lines": [{"sku": "s", "count": 2}, null], "tags": [{"name": "t"}]}
            {"id": 1, "site": "b", "at": 5, "lines": []}
            {"id": 1, "site": "long!", "at": 5, "lines": []}
            {"id": 2, "site": "", "at": 5, "lines": []}
            {"id": 2, "site": "a", "at": 5, "lines": [{"count": 40000}]}
            {"id": 2, "site": "a", "at": 5}"#;
        let summary = load_orders(&database, text, mode).await.unwrap();
        assert_eq!((summary.records, summary.loaded, summary.rejected), (6, 2, 4), "{mode}");
        let rows = database.rows("select * from shop.\"Orders\"").await;
        assert_eq!(rows[0], json!({"Order": 1, "site id": "a", "at": 5, "select": "x", "load": 1}));
        assert_eq!(
            rows[1],
            json!({"Order": 1, "site id": "b", "at": 5, "select": null, "load": 1})
        );
        assert_eq!(
            database.rows("select * from shop.lines").await,
            [
                json!({"Order": 1, "site id": "a", "sku": "s", "count": 2, "load": 1}),
                json!({"Order": 1, "site id": "a", "sku": null, "count": null, "load": 1}),
            ]
        );
        assert_eq!(
            database.rows("select * from shop.tags").await,
            [json!({"Order": 1, "site id": "a", "the tag": "t", "load": 1})]
        );
        let rejects = "select record_no, reason, detail from shop.\"orders.rejects\"";
        let reasons = ["out_of_range", "empty_text", "out_of_range", "null_field"];
        let rejects = database.rows(rejects).await;
        assert_eq!(
            rejects.iter().map(|row| row["reason"].as_str().unwrap()).collect::<Vec<_>>(),
            reasons,
            "{rejects:?}"
        );
    }
}

#[tokio::test]
async fn a_key_of_two_columns_merges_by_both() {
    let database = TestDatabase::empty().await;
    let order = |id: u32, site: &str, at: u32, note: &str| {
        format!(r#"{{"id":{id},"site":"{site}","at":{at},"note":"{note}","lines":[]}}"#) + "\n"
    };
    let first = order(1, "a", 5, "old") + &order(1, "b", 5, "kept");
    load_orders(&database, &first, RequestedMode::Auto).await.unwrap();
    let second = order(1, "a", 6, "new") + &order(1, "b", 4, "older") + &order(2, "a", 1, "more");
    let summary = load_orders(&database, &second, RequestedMode::Auto).await.unwrap();
    let of_root = summary.tables[0].counts;
    assert_eq!((of_root.inserted, of_root.updated, of_root.superseded), (1, 1, 1));
    // Again the same and one more: what would not change is left alone, but for the number of the load.
    let third = order(3, "a", 1, "third") + &second;
    let summary = load_orders(&database, &third, RequestedMode::Auto).await.unwrap();
    let of_root = summary.tables[0].counts;
    assert_eq!(
        (of_root.rows, of_root.inserted, of_root.unchanged, of_root.superseded),
        (4, 1, 2, 1)
    );
    let loads = database.rows(r#"select "load", count(*) from shop."Orders" group by 1"#).await;
    let expected = [(1, 1), (2, 2), (3, 1)].map(|(load, n)| json!({"load": load, "count": n}));
    assert_eq!(loads, expected);
    let rows = database.rows(r#"select "select" as note from shop."Orders""#).await;
    let expected = ["kept", "more", "new", "third"].map(|note| json!({ "note": note }));
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn feeds_are_listed_and_their_tables_are_printed_as_sql() {
    let output = stevedore(&["feed", "list"]).output().unwrap();
    assert!(
        stdout(&output)
            .contains("│ user_status ┆         ┆ auto ┆ userid ┆ user_status, user_status_log")
    );
    let database = TestDatabase::empty().await;
    let connection = database.migrated().await;
    let sql = stdout(&stevedore(&["feed", "ddl", "user_status"]).output().unwrap());
    // Tables that exist stay as they are.
    connection.batch_execute(&sql).await.unwrap();
    connection.batch_execute(&sql).await.unwrap();
    assert_eq!(database.load(&[&sample("user_status_sample.json")])[0]["strategy"], "merge");
    let of_append = ["feed", "ddl", "user_status", "--mode", "append"];
    let of_append = stdout(&stevedore(&of_append).output().unwrap());
    assert!(sql.contains("primary key (userid)") && !of_append.contains("primary key"));
    let output = stevedore(&["feed", "ddl", "orders"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no feed orders: expected one of user_status"));
}

/// The names that a feed gives to its tables and columns, and those that its records have.
fn names(feed: &Feed) -> Vec<String> {
    let tables = feed.plan.tables.iter();
    let tables = tables.map(|table| table.name.plain());
    let keys = feed.fields.iter().flat_map(|field| {
        let entries = match &field.kind {
            Kind::List(list) => list.fields.as_slice(),
            Kind::Value(..) => &[],
        };
        let fields = std::iter::once(field).chain(entries);
        fields.flat_map(|field| [field.name(), field.column.clone()]).collect::<Vec<_>>()
    });
    let concat = feed.concat.iter().map(|printed| printed.label.clone());
    let column = feed.plan.rejects().columns[0].name.as_str().to_owned();
    // What was counted of the feed that was there first.
    let counts = ["log_rows", "status_rows"].map(str::to_owned);
    let names = tables.chain(keys).chain(concat).chain([column]).chain(counts);
    // Answers of the API have a status too.
    names.filter(|name| name != "status").collect()
}

#[test]
fn no_code_knows_the_names_of_a_feed() {
    let names = names(&USER_STATUS);
    assert!(
        ["user_status_log", "lastVisitedAt", "updatedon", "error_rec"]
            .iter()
            .all(|name| names.iter().any(|known| known == name))
    );
    let mut files = Vec::new();
    for folder in ["pipeline/src", "api/src"] {
        sources(&repository(folder), &mut files);
    }
    assert!(files.len() > 100);
    for file in files.iter().filter(|file| !file.ends_with("feed/feeds/mod.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        for (number, line) in code.lines().enumerate() {
            for word in line.split(|c| !is_part(c)) {
                let known = names.iter().find(|name| name.eq_ignore_ascii_case(word));
                assert_eq!(known, None, "{}:{}", file.display(), number + 1);
            }
        }
    }
}

/// The files of Rust code below a folder, without those that hold tests.
fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}
