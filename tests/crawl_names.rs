//! How tables of the catalog are called, whose they are, and where their objects are.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{TestDatabase, stderr, stdout};

const ORDERS: &str = r#"{"id":1,"items":[{"sku":"a"},{"sku":"b"}]}"#;

/// Crawls a folder as the bucket `shop`; the names of the tables that it found.
fn crawl(database: &TestDatabase, folder: &Path, args: &[&str]) -> Vec<String> {
    let bucket = format!("shop={}", folder.display());
    let mut command = database.stevedore(&["crawl", "objects", "shop", "--json"]);
    let output = command.args(args).env("STEVEDORE_BUCKET", bucket).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let tables = report["tables"].as_array().unwrap().iter();
    tables.map(|table| table["name"].as_str().unwrap().to_owned()).collect()
}

fn show(database: &TestDatabase, args: &[&str]) -> String {
    let output = database.stevedore(&["catalog", "show"]).args(args).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

fn write(folder: &Path, key: &str, text: &str) {
    let path = folder.join(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test]
async fn a_table_of_one_object_is_called_after_it_and_of_several_after_their_folder() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    write(folder.path(), "orders.ndjson", ORDERS);
    assert_eq!(crawl(&database, folder.path(), &[]), ["orders"]);
    write(folder.path(), "users/2025.json", r#"{"name":"x","mail":"y"}"#);
    write(folder.path(), "users/2026.json", r#"{"name":"x","mail":"y"}"#);
    assert_eq!(crawl(&database, folder.path(), &[]), ["orders", "table_shop_users"]);
    // The table is the same one, of more objects.
    write(folder.path(), "more.ndjson", r#"{"id":null,"items":[{"sku":"a"}]}"#);
    assert_eq!(crawl(&database, folder.path(), &[]), ["table_shop", "table_shop_users"]);
    let tables = "select name, version, objects from stevedore.catalog_tables order by name";
    let expected = [("table_shop", 2, 2), ("table_shop_users", 1, 2)];
    let expected = expected.map(
        |(name, version, objects)| json!({"name": name, "version": version, "objects": objects}),
    );
    assert_eq!(database.rows(tables).await, expected);
    std::fs::remove_file(folder.path().join("more.ndjson")).unwrap();
    assert_eq!(crawl(&database, folder.path(), &[]), ["table_shop", "table_shop_users"]);
}

#[tokio::test]
async fn records_at_a_path_are_a_table_beside_the_one_of_their_documents() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    write(folder.path(), "orders.ndjson", ORDERS);
    let items = ["--json-path", "$.items[*]"];
    assert_eq!(crawl(&database, folder.path(), &[]), ["orders"]);
    assert_eq!(crawl(&database, folder.path(), &items), ["orders_items"]);
    assert_eq!(crawl(&database, folder.path(), &[]), ["orders"]);
    assert!(show(&database, &["orders"]).contains("items: array"));
    assert!(show(&database, &["orders_items"]).contains("sku: string"));
    let columns = "select name, version, state from stevedore.catalog_tables order by name";
    let expected = ["orders", "orders_items"]
        .map(|name| json!({"name": name, "version": 1, "state": "active"}));
    assert_eq!(database.rows(columns).await, expected);
    // Also under one name: then the other table is not found any more.
    let mine = ["--name", "mine", "--catalog-database", "other"];
    assert_eq!(crawl(&database, folder.path(), &mine), ["orders"]);
    let mine = [&mine[..], &items].concat();
    assert_eq!(crawl(&database, folder.path(), &mine), ["orders_items"]);
    let state =
        "select name, state from stevedore.catalog_tables where database = 'other' order by name";
    let expected = [("orders", "deprecated"), ("orders_items", "active")]
        .map(|(name, state)| json!({"name": name, "state": state}));
    assert_eq!(database.rows(state).await, expected);
}

#[tokio::test]
async fn two_crawlers_never_write_one_table() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    write(folder.path(), "orders.ndjson", ORDERS);
    assert_eq!(crawl(&database, folder.path(), &["--name", "one"]), ["orders"]);
    let before = database.rows("select * from stevedore.catalog_tables").await;
    assert_eq!(crawl(&database, folder.path(), &["--name", "two"]), ["orders_shop"]);
    assert_eq!(crawl(&database, folder.path(), &["--name", "three"]), ["orders_2"]);
    // Each finds its own again.
    assert_eq!(crawl(&database, folder.path(), &["--name", "two"]), ["orders_shop"]);
    let after = "select * from stevedore.catalog_tables where crawler = 'one'";
    assert_eq!(database.rows(after).await, before);
}

#[tokio::test]
async fn a_table_says_where_its_objects_are() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    write(folder.path(), "shop/orders.ndjson", ORDERS);
    for key in ["users/a.json", "users/b.json"] {
        write(folder.path(), key, r#"{"name":"x"}"#);
    }
    crawl(&database, folder.path(), &[]);
    crawl(&database, folder.path(), &["--json-path", "$.items[*]"]);
    let root = format!("file://{}", folder.path().canonicalize().unwrap().display());
    for (table, expected) in [
        ("orders", format!("1 object: {root}/shop/orders.ndjson")),
        ("default.table_shop_users", format!("2 objects in {root}/users/")),
        ("orders_items", format!("1 object: {root}/shop/orders.ndjson, records at $.items[*]")),
    ] {
        assert_eq!(show(&database, &[table]).lines().next().unwrap(), expected);
    }
    let shown: Value = serde_json::from_str(&show(&database, &["orders_items", "--json"])).unwrap();
    let expected =
        json!([format!("{root}/shop/orders.ndjson"), "shop/shop/orders.ndjson", 1, "$.items[*]"]);
    let found = json!([shown["url"], shown["location"], shown["objects"], shown["path"]]);
    assert_eq!(found, expected);
    assert_eq!(shown["columns"][0]["name"], "sku");
}

#[tokio::test]
async fn a_crawl_replaces_the_sample_of_a_load() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    write(folder.path(), "users.ndjson", &crate::support::record("u1", 1, "ACTIVE"));
    let file = folder.path().join("users.ndjson");
    database.load(&[file.to_str().unwrap()]);
    assert_eq!(crawl(&database, folder.path(), &[]), ["users"]);
    let tables = "select name, crawler from stevedore.catalog_tables";
    assert_eq!(database.rows(tables).await, [json!({"name": "users", "crawler": "shop"})]);
}
