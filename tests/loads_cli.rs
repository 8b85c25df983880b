//! What `stevedore loads list` and `stevedore loads show` print.

use std::process::Command;

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{TestDatabase, json_lines, repository, sample, stderr, stdout};

/// Exit code, standard output and standard error, with what changes from run to run replaced.
fn assert_shown(name: &str, command: &mut Command) {
    let output = command.current_dir(repository("")).output().unwrap();
    let root = repository("").canonicalize().unwrap().display().to_string();
    let text = format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap(),
        stdout(&output),
        stderr(&output)
    );
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(repository("tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "INSTANT");
    settings.add_filter(r"took \d+\.\d\d s", "took SECONDS");
    settings.add_filter(r" +\d+\.\d\d │", " SECONDS │");
    settings.add_filter(r"(?m)^(version: +).*$", "${1}VERSION");
    settings.add_filter(r"object +┆", "object ┆");
    settings.add_filter(r"[─┬┴═╪┼]{60,}", "─");
    settings.bind(|| assert_snapshot!(name, text.replace(&root, "ROOT")));
}

#[tokio::test]
async fn loads_are_listed_and_shown() {
    let database = TestDatabase::empty().await;
    assert_shown("loads_list_none", &mut database.stevedore(&["loads", "list"]));
    database.load(&[&sample("user_status_sample.json")]);
    database.load(&[&sample("user_status_merge_1.ndjson")]);
    assert_shown("loads_list", &mut database.stevedore(&["loads", "list"]));
    assert_shown("loads_show", &mut database.stevedore(&["loads", "show", "1"]));
    assert_shown("loads_show_missing", &mut database.stevedore(&["loads", "show", "9"]));
}

#[tokio::test]
async fn a_load_that_failed_says_why() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let object = folder.path().join("broken.ndjson.gz");
    std::fs::write(&object, [0x1F, 0x8B, 8, 0, 1, 2, 3]).unwrap();
    let load = database.stevedore(&["load", object.to_str().unwrap()]).output().unwrap();
    assert_eq!(load.status.code(), Some(1));
    let listed = database.stevedore(&["loads", "list", "--json"]).output().unwrap();
    let load_id = json_lines(&listed)[0]["load_id"].to_string();
    let shown = database.stevedore(&["loads", "show", &load_id]).output().unwrap();
    assert_eq!((shown.status.code(), stderr(&shown)), (Some(0), String::new()));
    let text = stdout(&shown);
    assert!(text.contains("failed (feed user_status"), "{text}");
    assert!(text.contains("error (decompress_failed): could not decompress"), "{text}");
    let json = database.stevedore(&["loads", "show", &load_id, "--json"]).output().unwrap();
    let json = &json_lines(&json)[0];
    assert_eq!(
        (json["load_id"].to_string(), &json["state"]),
        (load_id, &json!("failed")),
        "{json}"
    );
    assert!(json["error"].as_str().unwrap().starts_with("could not decompress"), "{json}");
}

#[tokio::test]
async fn loads_are_picked_by_feed_state_object_and_number() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("broken.ndjson.gz"), [0x1F, 0x8B, 8, 0, 1, 2, 3]).unwrap();
    std::fs::copy(sample("user_status_sample.json"), folder.path().join("a_b.json")).unwrap();
    std::fs::copy(sample("user_status_sample.json"), folder.path().join("axb.json")).unwrap();
    database.stevedore(&["load", folder.path().to_str().unwrap()]).output().unwrap();
    let keys = |args: &[&str]| -> Vec<String> {
        let args = [&["loads", "list", "--json"], args].concat();
        let output = database.stevedore(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let lines = json_lines(&output);
        let name = |key: &str| key.rsplit('/').next().unwrap().to_owned();
        lines.iter().map(|load| name(load["key"].as_str().unwrap())).collect()
    };
    assert_eq!(keys(&[]).len(), 3);
    assert_eq!(keys(&["--feed", "user_status"]).len(), 3);
    assert_eq!(keys(&["--feed", "orders"]), [""; 0]);
    assert_eq!(keys(&["--state", "failed"]), ["broken.ndjson.gz"]);
    assert_eq!(keys(&["--state", "loading"]), [""; 0]);
    // `_` is a character like others.
    assert_eq!(keys(&["--object", "a_b"]), ["a_b.json"]);
    assert_eq!(keys(&["--object", folder.path().to_str().unwrap(), "--state", "loaded"]).len(), 2);
    assert_eq!(keys(&["--limit", "2"]).len(), 2);
    let output = database.stevedore(&["loads", "list", "--limit", "2"]).output().unwrap();
    assert_eq!(stderr(&output), "note: there are more loads: raise --limit\n");
}
