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
fn all_that_is_deployed_reads_the_same_feeds() {
    for file in SETTINGS {
        assert_eq!(value(file, "feeds ="), "/feeds", "{file}");
    }
    for name in ["api", "worker", "migrate"] {
        let file = format!("deploy/kubernetes/base/{name}.yaml");
        let text = read_to_string(repository(&file)).unwrap();
        assert!(
            text.contains("name: stevedore-feeds") && text.contains("mountPath: /feeds"),
            "{file}"
        );
    }
    let compose = read_to_string(repository("compose.yaml")).unwrap();
    assert_eq!(compose.matches("STEVEDORE_FEEDS: /feeds").count(), 2);
    let deployed = "deploy/kubernetes/example/feeds";
    let folder = repository(deployed);
    let listed =
        stevedore(&["feed", "list", "--feeds", folder.to_str().unwrap()]).output().unwrap();
    assert!(stdout(&listed).contains("orders"), "{}", stderr(&listed));
    let example = read_to_string(repository("feeds/examples/orders.toml")).unwrap();
    assert_eq!(read_to_string(folder.join("orders.toml")).unwrap(), example);
}

#[test]
fn the_image_is_built_of_all_that_the_build_reads() {
    let (image, ignored) = ("Dockerfile", ".dockerignore");
    let (image, ignored) =
        (read_to_string(repository(image)).unwrap(), read_to_string(repository(ignored)).unwrap());
    for folder in ["api", "pipeline", "sql", "feeds"] {
        assert!(image.contains(&format!("COPY {folder} {folder}\n")), "{folder}");
        assert!(ignored.lines().any(|line| line == format!("!{folder}")), "{folder}");
    }
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
