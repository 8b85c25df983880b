//! What is deployed fits together, as far as that can be told without a cluster.

use std::fs::read_to_string;

use sha2::{Digest, Sha256};

use crate::support::{repository, stderr, stdout, stevedore};

/// What follows a word in a file, up to the end of the line.
fn value(file: &str, word: &str) -> String {
    let text = read_to_string(repository(file)).unwrap();
    let line = text.lines().find_map(|line| line.trim().strip_prefix(word));
    line.unwrap_or_else(|| panic!("{file} has no {word}")).trim().trim_matches('"').to_owned()
}

fn number(file: &str, word: &str) -> u64 {
    value(file, word).trim_end_matches('s').parse().unwrap()
}

const SETTINGS: [&str; 2] =
    ["deploy/kubernetes/base/stevedore.toml", "deploy/kubernetes/example/stevedore.toml"];

#[test]
fn the_files_of_settings_have_only_settings_that_there_are() {
    for file in SETTINGS {
        let file = repository(file);
        let output = stevedore(&["config", "--config", file.to_str().unwrap()]).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stdout(&output).contains("grace_secs = "), "{}", stdout(&output));
    }
}

#[test]
fn workers_have_time_to_hand_back_and_are_as_many_as_the_queue_needs() {
    let given = number("deploy/kubernetes/base/worker.yaml", "terminationGracePeriodSeconds:");
    let target = number("deploy/kubernetes/keda/scaled-object.yaml", "targetQueryValue:");
    for file in SETTINGS {
        assert!(given > number(file, "grace_secs =") + 10, "{file}");
        assert_eq!(target, number(file, "concurrency ="), "{file}");
    }
    // The last of the two is that of the worker.
    let compose = read_to_string(repository("compose.yaml")).unwrap();
    let given = compose.rsplit("stop_grace_period: ").next().unwrap().split('s').next().unwrap();
    assert!(given.parse::<u64>().unwrap() > number("compose.yaml", "STEVEDORE_GRACE_SECS:") + 10);
}

#[test]
fn the_key_of_the_demo_is_the_one_that_its_commands_use() {
    let key = "sv_demo_key_not_for_production";
    for file in ["compose.yaml", "deploy/README.md", "deploy/compose/demo.env"] {
        assert!(read_to_string(repository(file)).unwrap().contains(key), "{file}");
    }
    let setting = value("deploy/compose/demo.env", "STEVEDORE_KEY=");
    assert_eq!(setting, format!("demo:admin:{}", hex::encode(Sha256::digest(key))));
}
