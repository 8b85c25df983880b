//! The flags that every verb has, and what `config` shows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::VERBS;
use crate::support::{TestDatabase, repository, stderr, stdout, stevedore};

/// Runs each verb with a flag before whose value nothing else can be done.
fn refused(flag: &str, value: &str, verbs: impl Fn(&str) -> bool, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    for (verb, args) in VERBS.iter().filter(|(verb, _)| verbs(verb)) {
        let mut command = stevedore(&verb.split(' ').collect::<Vec<_>>());
        let output = command.args([flag, value]).args(*args).current_dir(folder.path()).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2), "{verb}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{verb}: {}", stderr(&output));
    }
}

#[test]
fn every_verb_takes_the_filter_of_the_log() {
    // `config` only shows it.
    let is_logged = |verb: &str| verb != "config";
    refused("--log", "pipeline=loud", is_logged, "the filter of the log cannot be used");
}

#[test]
fn every_verb_reads_the_file_that_is_named() {
    refused("--config", "missing.toml", |_| true, "the settings in missing.toml cannot be read");
}

#[test]
fn every_verb_that_needs_feeds_reads_the_folder_that_is_named() {
    let needing = [
        "load",
        "serve",
        "worker",
        "loads discard",
        "rejects list",
        "rejects show",
        "rejects replay",
        "rejects ignore",
        "migrate",
        "feed list",
        "feed show",
        "feed ddl",
        "feed diff",
        "verify",
    ];
    let needs = |verb: &str| needing.contains(&verb);
    refused("--feeds", "missing", needs, "feeds cannot be read: missing");
}

#[tokio::test]
async fn logs_are_text_or_json() {
    let database = TestDatabase::empty().await;
    let logged = |format: &str| -> Vec<String> {
        let args = ["migrate", "--log", "debug", "--log-format", format];
        let output = database.stevedore(&args).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let is_logged = |line: &&str| line.contains("DEBUG");
        stderr(&output).lines().filter(is_logged).map(str::to_owned).collect()
    };
    let is_json = |line: &String| serde_json::from_str::<Value>(line).is_ok();
    let (text, json) = (logged("text"), logged("json"));
    assert!(!text.is_empty() && !text.iter().any(is_json), "{text:?}");
    assert!(!json.is_empty() && json.iter().all(is_json), "{json:?}");
    let quiet = database.stevedore(&["migrate", "--log", "error"]).output().unwrap();
    assert!(!stderr(&quiet).contains("DEBUG"), "{}", stderr(&quiet));
}

#[test]
fn the_version_is_printed() {
    let output = stevedore(&["--version"]).output().unwrap();
    assert_eq!(stdout(&output), format!("stevedore {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn config_shows_every_flag() {
    let made = stdout(&stevedore(&["key", "ci", "--scope", "read"]).output().unwrap());
    let key = made.lines().nth(1).unwrap();
    let of: BTreeMap<&str, &str> = BTreeMap::from([
        ("--bucket", "b=/tmp"),
        ("--cors-origin", "https://a.example"),
        ("--database-url", "postgresql://u@h/d"),
        ("--data-dir", "data"),
        ("--glue-key", "AKIDEXAMPLE:wJalrXUtnFEMIK7MDENG:read"),
        ("--key", key),
        ("--listen", "127.0.0.1:8081"),
        ("--log", "debug"),
        ("--log-format", "json"),
        ("--openlineage-key", "marquez-key"),
        ("--openlineage-namespace", "etl"),
        ("--openlineage-url", "https://marquez.example/api/v1/lineage"),
        ("--otlp-endpoint", "http://collector:4318"),
        ("--postgres-sha256", "ff"),
        ("--postgres-url", "https://builds.example/p"),
        ("--queue-database-url", "postgresql://q@h/d"),
        ("--tls-cert", "chain.pem"),
        ("--tls-key", "key.pem"),
        ("--webhook-origin", "https://hooks.example.com"),
        ("--webhook-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("--webhook-url", "https://hooks.example.com/loads"),
    ]);
    let help = stdout(&stevedore(&["config", "--help"]).output().unwrap());
    let (flags, _) = super::parse(&help);
    for flag in flags.iter().filter(|flag| !["--help", "--config"].contains(&flag.as_str())) {
        let is_switch = help.contains(&format!("      {flag}\n"));
        let value = *of.get(flag.as_str()).unwrap_or(&"7");
        let args: &[&str] = if is_switch { &[flag] } else { &[flag, value] };
        let mut command = stevedore(&["config"]);
        let output = command.args(args).current_dir(repository("data")).output().unwrap();
        assert!(output.status.success(), "{flag}: {}", stderr(&output));
        let name = flag.trim_start_matches('-').replace('-', "_");
        let shown = stdout(&output);
        let line = shown.lines().find(|line| line.starts_with(&format!("{name} = ")));
        let line = line.unwrap_or_else(|| panic!("{flag}: {shown}"));
        assert!(line.ends_with("# flag"), "{line}");
        // A secret is hidden, and the address of the database is completed.
        let value = match (is_switch, flag.as_str()) {
            (true, _) => "true",
            (_, "--key") => "ci:read:***",
            (_, "--glue-key") => "AKIDEXAMPLE:***",
            (_, "--webhook-secret" | "--openlineage-key") => "***",
            (_, "--database-url") => "postgresql://u@h:5432/d",
            (_, "--queue-database-url") => "postgresql://q@h:5432/d",
            _ => value,
        };
        assert!(line.contains(value), "{line}");
    }
}
