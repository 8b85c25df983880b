//! `stevedore feed`: what is printed of feed files, of feeds, and of a feed beside the tables of a database.

use std::process::{Command, Output};

use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{TestDatabase, json_lines, repository, stderr, stdout, stevedore};

/// Five things are wrong with it.
const WRONG: &str = r#"name = "orders"
key = ["order"]

[[table]]
name = "orders"
[table.columns]
id = { type = "int", required = true }
total = { path = "total", type = "numeric(12,2)" }

[[table]]
name = "order_items"
each = "$.items"
[table.columns]
sku = { type = "text" }

[[rule]]
name = "total_is_positive"
check = "totl > 0"
"#;

/// A feed that is edited after its tables were created.
const PARCELS: &str = r#"name = "parcels"
mode = "merge"
key = ["id"]

[[table]]
name = "parcels"
[table.columns]
id = { type = "bigint", required = true }
grams = { type = "integer" }

[[table]]
name = "parcel_stops"
each = "$.stops[*]"
[table.columns]
place = { type = "text" }
"#;

const PARCEL: &str = r#"{"id": 1, "grams": 5, "note": "n", "stops": [{"place": "Bern", "at": 7}]}"#;

fn text(output: &Output) -> String {
    format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap(),
        stdout(output),
        stderr(output)
    )
}

fn assert_shown(name: &str, command: &mut Command) {
    let root = repository("").canonicalize().unwrap().display().to_string();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(repository("tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"in \d+\.\d\d s", "in SECONDS");
    let text = text(&command.output().unwrap()).replace(&root, "ROOT");
    settings.bind(|| assert_snapshot!(name, text));
}

fn in_repository(args: &[&str]) -> Command {
    let mut command = stevedore(args);
    command.current_dir(repository(""));
    command
}

/// A folder with a feed of parcels, and one.
fn parcels() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("feeds")).unwrap();
    std::fs::write(folder.path().join("feeds/parcels.toml"), PARCELS).unwrap();
    std::fs::write(folder.path().join("parcel.ndjson"), PARCEL).unwrap();
    folder
}

/// Replaces something in the file of the feed of parcels.
fn edit(folder: &TempDir, from: &str, to: &str) {
    let file = folder.path().join("feeds/parcels.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn all_problems_of_a_feed_file_are_shown_where_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("wrong.toml"), WRONG).unwrap();
    let check = |args: &[&str]| {
        let mut command = stevedore(&[&["feed", "check", "wrong.toml"], args].concat());
        command.current_dir(folder.path());
        command
    };
    assert_shown("feed_check_wrong", &mut check(&[]));
    let output = check(&["--json"]).output().unwrap();
    let json = &json_lines(&output)[0];
    assert_eq!((output.status.code(), &json["is_valid"]), (Some(1), &json!(false)), "{json}");
    let place = |it: &Value| (it["line"].as_u64().unwrap(), it["column"].as_u64().unwrap());
    let places: Vec<_> = json["problems"].as_array().unwrap().iter().map(place).collect();
    assert_eq!(places, [(2, 8), (7, 15), (8, 18), (12, 8), (18, 9)]);
    let missing = stevedore(&["feed", "check", "missing.toml"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("could not read missing.toml"), "{}", stderr(&missing));
}

#[test]
fn a_feed_is_checked_with_the_records_of_an_object_and_without_a_database() {
    let of_orders = ["feed", "check", "feeds/examples/orders.toml"];
    assert_shown("feed_check", &mut in_repository(&of_orders));
    let against = [&of_orders[..], &["--against", "data/examples/orders.ndjson"]].concat();
    assert_shown("feed_check_against", &mut in_repository(&against));
    let output = in_repository(&[&against[..], &["--json"]].concat()).output().unwrap();
    let json = &json_lines(&output)[0];
    assert_eq!((output.status.code(), &json["is_valid"]), (Some(0), &json!(true)), "{json}");
    let object = &json["objects"][0];
    assert_eq!(
        object["records"].as_u64().unwrap(),
        object["loaded"].as_u64().unwrap() + object["rejected"].as_u64().unwrap()
    );
    let reasons = object["rejected_by_reason"].as_object().unwrap();
    let examples = object["examples"].as_object().unwrap();
    assert_eq!(reasons.keys().collect::<Vec<_>>(), examples.keys().collect::<Vec<_>>());
    assert!(examples.values().all(|it| it["record_no"].as_u64() > Some(0)), "{json}");
}

#[test]
fn a_feed_is_shown_with_its_flow_its_tables_and_its_rules() {
    let of_examples = ["feed", "show", "orders", "--feeds", "feeds/examples"];
    assert_shown("feed_show", &mut in_repository(&of_examples));
    assert_shown("feed_show_built_in", &mut stevedore(&["feed", "show", "user_status"]));
    let json = in_repository(&[&of_examples[..], &["--json"]].concat()).output().unwrap();
    let json = &json_lines(&json)[0];
    let items = &json["tables"][1];
    assert_eq!((&items["table"], &items["each"]), (&json!("order_items"), &json!("$.items[*]")));
    let columns = items["columns"].as_array().unwrap();
    let sku = columns.iter().find(|column| column["column"] == "sku").unwrap();
    let expected =
        json!({"column": "sku", "type": "text", "from": "$.items[*].sku", "rules": ["required"]});
    assert_eq!(sku, &expected);
    let missing = stevedore(&["feed", "show", "nothing"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("there is no feed nothing"), "{}", stderr(&missing));
}

/// What a feed file has, as far as a JSON Schema describes it.
fn unknown_keys(schema: &Value, of: &Value, file: &Value, unknown: &mut Vec<String>) {
    // Beside a default a reference stands alone in a list.
    let reference = of["$ref"].as_str().or_else(|| of["allOf"][0]["$ref"].as_str());
    let of = match reference {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap(),
        None => of,
    };
    match file {
        Value::Object(values) => {
            for (key, value) in values {
                let known = of["properties"].get(key).or_else(|| of.get("additionalProperties"));
                match known.filter(|known| known.is_object()) {
                    Some(known) => unknown_keys(schema, known, value, unknown),
                    None => unknown.push(key.clone()),
                }
            }
        }
        Value::Array(values) => {
            values.iter().for_each(|value| unknown_keys(schema, &of["items"], value, unknown));
        }
        _ => {}
    }
}

#[test]
fn the_schema_describes_feed_files() {
    let output = stevedore(&["feed", "schema"]).output().unwrap();
    let schema: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    let unknown = |text: &str| {
        let file: Value = toml::from_str(text).unwrap();
        let mut unknown = Vec::new();
        unknown_keys(&schema, &schema, &file, &mut unknown);
        unknown
    };
    let orders = std::fs::read_to_string(repository("feeds/examples/orders.toml")).unwrap();
    assert_eq!(unknown(&orders), Vec::<String>::new());
    assert_eq!(unknown(&orders.replace("latest_by", "latest")), ["latest"]);
    assert_eq!(unknown(&orders.replace("required", "require")), ["require"; 5]);
}

#[tokio::test]
async fn a_feed_and_the_tables_of_the_database_are_compared() {
    let (database, folder) = (TestDatabase::empty().await, parcels());
    let run = |args: &[&str]| {
        let mut command = database.stevedore(args);
        command.current_dir(folder.path());
        command
    };
    let diff = ["feed", "diff", "parcels"];
    assert_shown("feed_diff_new", &mut run(&diff));
    assert!(run(&["migrate"]).status().unwrap().success());
    assert_shown("feed_diff_fits", &mut run(&diff));
    edit(
        &folder,
        "grams = { type = \"integer\" }",
        "grams = { type = \"text\" }\nnote = { type = \"text\" }",
    );
    let connection = database.connect().await;
    let changed = "alter table parcels add column by_hand text;
        alter table parcel_stops add column needed text not null";
    connection.batch_execute(changed).await.unwrap();
    assert_shown("feed_diff_differs", &mut run(&diff));
    let json = run(&[&diff[..], &["--json"]].concat()).output().unwrap();
    let tables = json_lines(&json).remove(0);
    let of_table = |table: &Value| table["changes"].as_array().unwrap().clone();
    let changes: Vec<_> = tables.as_array().unwrap().iter().flat_map(of_table).collect();
    let by_migrate: Vec<_> = changes.iter().map(|change| &change["by_migrate"]).collect();
    assert_eq!(by_migrate, [true, false, false], "{tables}");
    // What it says that helps does help.
    let all: Vec<_> = changes.iter().map(|change| change["sql"].as_str().unwrap()).collect();
    connection.batch_execute(&all.join(";")).await.unwrap();
    assert_eq!(run(&diff).output().unwrap().status.code(), Some(0));
}

#[tokio::test]
async fn the_edits_that_load_all_that_the_catalog_has_seen_are_shown_and_help() {
    let (database, folder) = (TestDatabase::empty().await, parcels());
    let run = |args: &[&str]| {
        let mut command = database.stevedore(args);
        command.current_dir(folder.path());
        command
    };
    std::fs::create_dir(folder.path().join("lake")).unwrap();
    let seen = r#"{"id":1,"grams":1.5,"note":"n","size":{"w":2},"stops":[{"place":"Bern","at":"x"}],"tags":[{"k":"a"}]}"#;
    std::fs::write(folder.path().join("lake/parcels.ndjson"), format!("{seen}\n")).unwrap();
    assert!(run(&["migrate"]).status().unwrap().success());
    let crawled = run(&["crawl", "objects", "lake"]).output().unwrap();
    assert!(crawled.status.success(), "{}", stderr(&crawled));
    let diff = ["feed", "diff", "parcels"];
    assert_shown("feed_diff_catalog", &mut run(&diff));
    let json = json_lines(&run(&[&diff[..], &["--json"]].concat()).output().unwrap()).remove(0);
    let edits = |at: usize| json[at]["edits"].as_array().unwrap().clone();
    for edit in edits(0).into_iter().chain(edits(1)) {
        let (table, line) = (edit["table"].as_str().unwrap(), edit["feed"].as_str().unwrap());
        match line.split_once(" = ") {
            Some(("grams", _)) => self::edit(&folder, "grams = { type = \"integer\" }", line),
            _ if line.starts_with("[[table]]") => {
                let file = folder.path().join("feeds/parcels.toml");
                let text = std::fs::read_to_string(&file).unwrap();
                std::fs::write(&file, format!("{text}\n{line}\n")).unwrap();
            }
            _ if table == "parcels" => {
                self::edit(&folder, "grams =", &format!("{line}\ngrams ="));
            }
            _ => self::edit(&folder, "place =", &format!("{line}\nplace =")),
        }
        if let Some(sql) = edit["sql"].as_str() {
            database.psql(sql);
        }
    }
    assert!(run(&["migrate"]).status().unwrap().success());
    let again = run(&diff).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", stdout(&again));
    assert!(!stdout(&again).contains("edit the feed file"), "{}", stdout(&again));
    let unknown = run(&[&diff[..], &["--catalog", "nothing"]].concat()).output().unwrap();
    assert!(
        stderr(&unknown).contains("the catalog has no table of this name"),
        "{}",
        stderr(&unknown)
    );
}

#[tokio::test]
async fn migrate_adds_columns_that_may_be_null_and_loads_add_none() {
    let (database, folder) = (TestDatabase::empty().await, parcels());
    let run = |args: &[&str]| database.stevedore(args).current_dir(folder.path()).output().unwrap();
    let load = ["load", "parcel.ndjson", "--feed", "parcels", "--reload", "--no-preflight"];
    let loaded = run(&load);
    assert_eq!(loaded.status.code(), Some(0), "{}", stderr(&loaded));
    edit(&folder, "[table.columns]\nid", "[table.columns]\nnote = { type = \"text\" }\nid");
    edit(&folder, "place =", "at = { type = \"integer\" }\nplace =");
    let refused = run(&load);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("it has no column note"), "{}", stderr(&refused));
    for _ in 0..2 {
        let migrated = run(&["migrate"]);
        assert_eq!(migrated.status.code(), Some(0), "{}", stderr(&migrated));
        assert!(!stderr(&migrated).contains("do not fit"), "{}", stderr(&migrated));
    }
    let loaded = run(&load);
    assert_eq!(loaded.status.code(), Some(0), "{}", stderr(&loaded));
    assert_eq!(
        database.rows("select id, grams, note from parcels").await,
        [json!({"id": 1, "grams": 5, "note": "n"})]
    );
    assert_eq!(
        database.rows("select place, at from parcel_stops order by at").await.last(),
        Some(&json!({"place": "Bern", "at": null}))
    );
    // Rows that are there have no value for a required column, so it is left to people.
    edit(&folder, "grams =", "weight = { type = \"integer\", required = true }\ngrams =");
    let migrated = run(&["migrate"]);
    assert_eq!(migrated.status.code(), Some(0), "{}", stderr(&migrated));
    let note = "note: these tables do not fit the feed parcels: parcels. `stevedore feed diff parcels` shows why";
    assert!(stderr(&migrated).contains(note), "{}", stderr(&migrated));
}

/// The lines of the blocks of shell commands of a page.
fn commands(page: &str) -> String {
    let blocks = page.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

#[tokio::test]
async fn every_command_of_the_guide_to_a_feed_of_ones_own_works() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    for file in ["data/examples/orders.ndjson", "feeds/examples/orders.toml"] {
        let copy = folder.path().join(file);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(repository(file), copy).unwrap();
    }
    let guide = std::fs::read_to_string(repository("docs/guides/your-own-feed.md")).unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_stevedore")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-exc", &commands(&guide)]).current_dir(folder.path());
    shell.env("PATH", path).env("DATABASE_URL", &database.url);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    let notes = database.rows("select distinct note is null as is_null from orders").await;
    assert!(notes.contains(&json!({"is_null": false})), "{}", stdout(&output));
}
