//! Drafts of feeds, through the binary.

use std::path::Path;
use std::process::Output;

use crate::support::{TestDatabase, json_lines, sample, stderr, stdout, stevedore};

fn write(folder: &Path, key: &str, text: &str) {
    let path = folder.join(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn draft(folder: &Path, args: &[&str]) -> Output {
    stevedore(&["feed", "draft"]).args(args).current_dir(folder).output().unwrap()
}

/// The draft that is printed, without the first line, which says where it is from.
fn drafted(folder: &Path, args: &[&str]) -> String {
    let output = draft(folder, args);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    text.split_once('\n').unwrap().1.to_owned()
}

/// The settings before the tables.
fn settings(draft: &str) -> &str {
    draft.split("\n\n[metadata]").next().unwrap()
}

fn records(count: usize, record: impl Fn(usize) -> String) -> String {
    (0..count).map(|at| record(at) + "\n").collect()
}

#[test]
fn a_draft_names_what_it_was_made_from() {
    let folder = tempfile::tempdir().unwrap();
    let orders = records(200, |at| format!(r#"{{"id":{at},"items":[{{"sku":"s{at}"}}]}}"#));
    write(folder.path(), "orders.ndjson", &orders);
    let output = draft(folder.path(), &["orders.ndjson", "--table", "shop.orders"]);
    let text = stdout(&output);
    let file = folder.path().canonicalize().unwrap().join("orders.ndjson");
    let first = format!("# Drafted from file://{}: records 200, objects 1.", file.display());
    assert_eq!(text.lines().next(), Some(&*first), "{}", stderr(&output));
    let expected = r#"name = "orders"
objects = ["orders.ndjson"]
mode = "merge"
key = ["id"]   # 200 records, 200 distinct values, never null
children = "replace"
unknown = "rest"

[metadata]
ingested_at = "ingested_at"
load_id = "load_id"

[[table]]
name = "shop.orders"
rest = "rest"
[table.columns]
id = { type = "bigint", required = true }

[[table]]
name = "shop.orders_items"
each = "$.items[*]"
position = "item_no"
[table.columns]
sku = { type = "text" }
"#;
    assert_eq!(drafted(folder.path(), &["orders.ndjson", "--table", "shop.orders"]), expected);
}

#[test]
fn a_value_that_is_there_twice_makes_no_key() {
    let folder = tempfile::tempdir().unwrap();
    // The sketch cannot tell one of a thousand; what is read again can.
    let twice = records(1000, |at| format!(r#"{{"id":{}}}"#, if at == 999 { 0 } else { at }));
    write(folder.path(), "a.ndjson", &twice);
    let text = drafted(folder.path(), &["a.ndjson"]);
    assert!(text.contains("mode = \"append\"\nrecord_id = \"record_id\""), "{text}");
    assert!(text.contains("# \"id\" may be a key: about 1,000 records, "), "{text}");
    // Also over several objects.
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.ndjson", "b.ndjson"] {
        write(folder.path(), name, &records(300, |at| format!(r#"{{"id":{at}}}"#)));
    }
    let text = drafted(folder.path(), &["."]);
    assert!(text.contains("objects = [\"*.ndjson\"]\nmode = \"append\""), "{text}");
}

#[test]
fn a_folder_of_several_kinds_is_a_file_for_each() {
    let folder = tempfile::tempdir().unwrap();
    for day in ["2026-01-01", "2026-01-02"] {
        let orders = records(3, |at| format!(r#"{{"order":{at},"total":1.5,"at":"x"}}"#));
        write(folder.path(), &format!("lake/orders/{day}.json"), &orders);
    }
    write(folder.path(), "lake/users.ndjson", r#"{"name":"x","mail":"y"}"#);
    write(folder.path(), "lake/notes.json", "no JSON");
    let refused = draft(folder.path(), &["lake"]);
    assert_eq!(refused.status.code(), Some(1));
    let expected =
        "it holds 2 kinds of records: orders (orders/*.json), users (users.ndjson). Name one";
    assert!(stderr(&refused).contains(expected), "{}", stderr(&refused));
    let output = draft(folder.path(), &["lake", "--out", "out"]);
    assert_eq!(stdout(&output), "out/orders.toml\nout/users.toml\n", "{}", stderr(&output));
    assert!(stderr(&output).contains("lake/notes.json: "), "{}", stderr(&output));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("out/orders.toml").contains("\nobjects = [\"orders/*.json\"]\n"));
    assert!(read("out/users.toml").contains("\nobjects = [\"users.ndjson\"]\n"));
    let again = draft(folder.path(), &["lake", "--out", "out"]);
    assert!(stderr(&again).contains("out/orders.toml exists already"), "{}", stderr(&again));
    let table = draft(folder.path(), &["lake", "--out", "other", "--table", "t"]);
    assert!(stderr(&table).contains("there are 2 kinds of records"), "{}", stderr(&table));
}

#[test]
fn drafts_of_one_folder_have_no_table_in_common() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "lake/users.ndjson", r#"{"items":[{"sku":"a"}]}"#);
    write(folder.path(), "lake/users_items.ndjson", r#"{"name":"x"}"#);
    let output = draft(folder.path(), &["lake", "--out", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("out/users.toml").contains("\nname = \"users_items_2\"\n"));
    assert!(read("out/users_items.toml").contains("\nname = \"users_items\"\n"));
}

#[test]
fn records_are_where_they_are_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let document =
        r#"{"next":null,"data":{"items":[{"id":1,"tags":[{"t":1}]},{"id":2},{"id":3}]}}"#;
    write(folder.path(), "page.json", document);
    let found = drafted(folder.path(), &["page.json"]);
    assert!(
        settings(&found).contains("records = \"$.data.items[*]\"\nmode = \"merge\""),
        "{found}"
    );
    assert!(found.contains("each = \"$.tags[*]\""), "{found}");
    write(folder.path(), "small.json", r#"{"a":1,"list":[{"t":1}]}"#);
    let said = drafted(folder.path(), &["small.json", "--records", "$.list[*]"]);
    assert!(said.contains("records = \"$.list[*]\""), "{said}");
    assert!(said.contains("[table.columns]\nt = { type = \"bigint\" }\n"), "{said}");
    let whole = drafted(folder.path(), &["page.json", "--records", "$"]);
    assert!(whole.contains("each = \"$.data.items[*]\""), "{whole}");
    write(folder.path(), "many.ndjson", &records(50, |at| format!(r#"{{"id":{at}}}"#)));
    let sampled = drafted(folder.path(), &["many.ndjson", "--sample", "10"]);
    assert!(sampled.starts_with("# Only a part of the records was looked at"), "{sampled}");
    assert!(sampled.contains("mode = \"append\""), "{sampled}");
    let none = draft(folder.path(), &["page.json", "--records", "$.none[*]"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(stderr(&none).contains("page.json holds no records"), "{}", stderr(&none));
}

#[tokio::test]
async fn a_table_of_the_catalog_is_drafted_without_reading_its_objects() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let users = |at| format!(r#"{{"id":{at},"joined":"2026-01-0{}","n":1.25}}"#, at % 9 + 1);
    write(folder.path(), "lake/users.ndjson", &records(20, users));
    let run = |args: &[&str]| {
        let output = database.stevedore(args).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    run(&["crawl", "objects", "lake"]);
    std::fs::remove_file(folder.path().join("lake/users.ndjson")).unwrap();
    let text = run(&["feed", "draft", "catalog:default.users"]);
    assert!(text.contains("key = [\"id\"]   # 20 records, 20 distinct values"), "{text}");
    assert!(text.contains("objects = [\"users.ndjson\"]"), "{text}");
    assert!(text.contains("joined = { type = \"date\" }\nn = { type = \"numeric\" }\n"), "{text}");
    let missing = database.stevedore(&["feed", "draft", "catalog:none"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("the catalog has no table none"), "{}", stderr(&missing));
}

#[tokio::test]
async fn a_draft_from_the_catalog_counts_what_a_sample_and_a_crawler_saw_once() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    std::fs::create_dir(folder.path().join("lake")).unwrap();
    std::fs::copy(sample("user_status_sample.json"), folder.path().join("lake/users.json"))
        .unwrap();
    let run = |args: &[&str]| {
        let output = database.stevedore(args).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    // The first load from a folder crawls a sample of it.
    run(&["load", "lake"]);
    run(&["crawl", "objects", "lake"]);
    let text = run(&["feed", "draft", "catalog:default.users"]);
    assert!(text.contains(": records 10, objects 1."), "{text}");
}

#[tokio::test]
async fn a_draft_loads_all_that_it_was_made_from() {
    let database = TestDatabase::empty().await;
    let folder = tempfile::tempdir().unwrap();
    for (name, records) in [
        ("user_status_sample.json", 10),
        ("user_status_merge_1.ndjson", 4),
        ("examples/orders.ndjson", 6),
        ("examples/github_events.ndjson", 5),
        // A document with more than its list is a record.
        ("examples/readings.json", 1),
    ] {
        let table = name.rsplit('/').next().unwrap().split('.').next().unwrap();
        let feed = format!("{table}.toml");
        let source = sample(name);
        let output = draft(folder.path(), &[&source, "--table", &format!("draft_{table}")]);
        assert!(output.status.success(), "{}", stderr(&output));
        write(folder.path(), &feed, &stdout(&output));
        let args = ["load", &source, "--feed", &format!("./{feed}"), "--json"];
        let output = database.stevedore(&args).current_dir(folder.path()).output().unwrap();
        let summary = &json_lines(&output)[0];
        let counts = [&summary["records"], &summary["loaded"], &summary["rejected"]];
        assert_eq!(
            counts,
            [records, records, 0],
            "{summary} {}",
            stdout(&draft(folder.path(), &[&source]))
        );
        let count = database.count(&format!("draft_{table}")).await;
        assert_eq!(count, records, "{name}");
    }
}
