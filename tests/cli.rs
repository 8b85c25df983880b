//! What the command line prints: exit code, standard output and standard error of each verb.

use std::process::Command;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{TestDatabase, repository, sample, stderr, stdout, stevedore};

/// Exit code, standard output and standard error, with what changes from run to run replaced.
fn shown(command: &mut Command) -> String {
    let output = command.current_dir(repository("")).output().unwrap();
    let root = repository("").canonicalize().unwrap().display().to_string();
    let text = format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap(),
        stdout(&output),
        stderr(&output)
    );
    text.replace(&root, "ROOT")
}

fn assert_shown(name: &str, command: &mut Command) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(repository("tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"in \d+\.\d\d s", "in SECONDS");
    settings.add_filter(r"(?m) +\d+\.\d\d$", " SECONDS");
    settings.add_filter(r"object +records", "object records");
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{1,6} *", "INSTANT ");
    settings.add_filter(r"(ingested_at|timestamp) +│", "$1 │");
    settings.add_filter(r"─{20,}", "─");
    settings.add_filter(r"═{20,}", "═");
    settings.bind(|| assert_snapshot!(name, shown(command)));
}

#[tokio::test]
async fn load_shows_the_tables() {
    let database = TestDatabase::empty().await;
    assert_shown(
        "load",
        &mut database.stevedore(&["load", "data/user_status_sample.json", "--preview", "3"]),
    );
    assert_shown(
        "load_again",
        &mut database.stevedore(&["load", "data/user_status_sample.json", "--preview", "0"]),
    );
}

#[tokio::test]
async fn a_folder_is_loaded_object_by_object() {
    let database = TestDatabase::empty().await;
    assert_shown("load_folder", &mut database.stevedore(&["load", "data/user_status_*"]));
    assert_shown("load_folder_again", &mut database.stevedore(&["load", "data/user_status_*"]));
}

#[tokio::test]
async fn an_object_that_fails_has_its_line_too() {
    let database = TestDatabase::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let sample = std::fs::read(sample("user_status_sample.ndjson")).unwrap();
    std::fs::write(folder.path().join("a.ndjson"), sample).unwrap();
    std::fs::write(folder.path().join("b.ndjson.gz"), [0x1f, 0x8b, 8, 0, 1, 2, 3]).unwrap();
    let output = database.stevedore(&["load", folder.path().to_str().unwrap()]).output().unwrap();
    let (printed, said) = (stdout(&output), stderr(&output));
    let columns = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = printed.lines().take(3).map(columns).collect();
    assert_eq!(lines[0], ["state", "object", "records", "loaded", "rejected", "seconds"]);
    assert_eq!(
        (&*lines[1][0], &lines[1][2..5]),
        ("loaded", &["10", "7", "3"].map(str::to_owned)[..])
    );
    assert_eq!(
        (&*lines[2][0], &lines[2][2..]),
        ("failed", &["-", "-", "-", "-"].map(str::to_owned)[..])
    );
    let ends = |line: &str| line.trim_end().chars().count();
    let ends: Vec<_> = printed.lines().take(3).map(ends).collect();
    assert_eq!(ends, [ends[0]; 3], "{printed}");
    assert!(
        printed.contains("objects: 1 loaded, 1 failed; 10 records, 3 of them rejected"),
        "{printed}"
    );
    assert!(said.contains("b.ndjson.gz\ncaused by: could not decompress"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn what_is_wrong_with_the_tables_is_told_once_and_ends_the_run() {
    let database = TestDatabase::with_old_tables().await;
    let folder = tempfile::tempdir().unwrap();
    let (small, large) = (folder.path().join("small"), folder.path().join("large"));
    let record = std::fs::read(sample("user_status_merge_1.ndjson")).unwrap();
    // The large ones are loaded alone, the small ones in bundles.
    for (folder, bytes) in [(&small, record.clone()), (&large, record.repeat(5000))] {
        std::fs::create_dir(folder).unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(folder.join(name).with_extension("ndjson"), &bytes).unwrap();
        }
    }
    for (loads, folder) in [(1, &small), (2, &large)] {
        let args = ["load", "--mode", "merge", folder.to_str().unwrap()];
        let output = database.stevedore(&args).output().unwrap();
        let (printed, said) = (stdout(&output), stderr(&output));
        assert_eq!(said.matches("cannot take this load").count(), 1, "{said}");
        assert!(said.contains("the other 2 objects were not tried"), "{said}");
        assert!(printed.contains("objects: 1 failed, 2 not tried; 0 records"), "{printed}");
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(database.count("stevedore.loads").await, loads);
    }
}

#[tokio::test]
async fn json_of_several_objects_is_nothing_but_a_line_each() {
    let database = TestDatabase::empty().await;
    let output = database
        .stevedore(&["load", "data/user_status_*", "--json"])
        .current_dir(repository(""))
        .output();
    let output = output.unwrap();
    let printed = stdout(&output);
    let state = |line| serde_json::from_str::<Value>(line).unwrap()["state"].clone();
    let states = printed.lines().map(state);
    assert_eq!(states.collect::<Vec<_>>(), vec![json!("loaded"); 6]);
    assert!(stderr(&output).starts_with("objects: 6 loaded; 52 records"), "{}", stderr(&output));
}

#[tokio::test]
async fn a_pattern_names_the_objects_that_match_it() {
    let database = TestDatabase::empty().await;
    let merge = repository("data/user_status_merge_?.ndjson");
    let deep = repository("**/user_status_sample.ndjson.g*");
    let summaries = database.load(&[merge.to_str().unwrap(), deep.to_str().unwrap()]);
    let names: Vec<_> = summaries
        .iter()
        .map(|summary| summary["object"].as_str().unwrap().rsplit('/').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "user_status_merge_1.ndjson",
            "user_status_merge_2.ndjson",
            "user_status_sample.ndjson.gz"
        ]
    );
}

#[tokio::test]
async fn json_has_the_fields_that_are_promised_and_no_others() {
    let database = TestDatabase::empty().await;
    let mut summary = database.load(&[&sample("user_status_sample.ndjson.gz")]).remove(0);
    let fields = summary.as_object_mut().unwrap();
    assert!(fields.remove("object").unwrap().as_str().unwrap().starts_with("file:///"));
    assert!(!fields.remove("version").unwrap().as_str().unwrap().is_empty());
    assert!(fields.remove("seconds").unwrap().as_f64().unwrap() > 0.0);
    let bytes = std::fs::metadata(sample("user_status_sample.ndjson.gz")).unwrap().len();
    let inserted = |table: &str, rows: u64| {
        json!({"table": table, "rows": rows, "inserted": rows,
        "updated": 0, "unchanged": 0, "superseded": 0, "deleted": 0})
    };
    let expected = json!({"feed": "user_status", "state": "loaded", "strategy": "merge", "records": 10, "loaded": 7,
        "rejected": 3, "tables": [inserted("user_status", 7), inserted("user_status_log", 13),
            inserted("user_status_error_rec", 3)],
        "bytes": bytes, "load_id": 1, "rejected_by_reason": {"null_field": 2, "empty_text": 1},
        "unknown_fields": {"country": 1}, "warnings": [{"field": "country", "kind": "new_field",
        "detail": "string in 1 of 10 records of user_status_sample, version 1; the feed does not have it"}]});
    assert_eq!(summary, expected);
}

#[tokio::test]
async fn errors_say_what_why_and_what_next() {
    let database = TestDatabase::with_old_tables().await;
    assert_shown(
        "load_refused",
        &mut database.stevedore(&["load", "data/user_status_sample.json", "--mode", "merge"]),
    );
    assert_shown("load_missing", &mut database.stevedore(&["load", "data/missing.json", "--json"]));
}

#[tokio::test]
async fn migrate_prepares_a_database_and_may_be_repeated() {
    let database = TestDatabase::empty().await;
    for _ in 0..2 {
        assert_shown("migrate", &mut database.stevedore(&["migrate"]));
    }
    assert_eq!(database.counts().await, [0, 0, 0]);
    let tables = database.count("pg_tables where schemaname = 'public'").await;
    assert_eq!(tables, 3);
}

#[test]
fn plans_are_explained_without_a_database() {
    let output = stevedore(&["load", "--explain"]).output().unwrap();
    let plans = stdout(&output);
    assert!(output.status.success());
    for (frame, operator) in [
        ("valid\n", "FILTER"),
        ("user_status\n", "WITH_COLUMNS"),
        ("user_status_log\n", "EXPLODE"),
        ("user_status_error_rec\n", "SELECT"),
    ] {
        assert!(plans.contains(frame) && plans.contains(operator), "{frame} {plans}");
    }
}

#[test]
fn help_has_an_example_for_every_verb() {
    for verb in
        ["load", "health", "migrate", "crawl", "catalog", "show", "export", "verify", "completions"]
    {
        let help = stdout(&stevedore(&[verb, "--help"]).output().unwrap());
        assert!(help.contains(&format!("  stevedore {verb} ")), "{help}");
    }
    assert!(
        !stdout(
            &stevedore(&["load", "--help"])
                .env("DATABASE_URL", "postgresql://u:secret@h/d")
                .output()
                .unwrap()
        )
        .contains("secret")
    );
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = stevedore(&["completions", shell]).output().unwrap();
        assert!(output.status.success() && stdout(&output).contains("stevedore"), "{shell}");
    }
}
