//! Google Cloud Storage and Azure Blob Storage: objects and folders are loaded, and watches are over them.

use std::process::Output;

use serde_json::{Value, json};

use super::{counts, define, loaded, objects, run, seldom};
use crate::support::azure::Azure;
use crate::support::google::Google;
use crate::support::serve::{Answer, answer};
use crate::support::{Serve, TestDatabase, json_lines, record, repository, stderr};

const STORES: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];

/// `stevedore load` with the variables of a store, and no others.
fn load(database: &TestDatabase, environment: &[(String, String)], url: &str) -> Vec<String> {
    let mut command = database.stevedore(&["load", "--json", url]);
    let is_of_store = |name: &str| STORES.iter().any(|prefix| name.starts_with(prefix));
    std::env::vars().filter(|(name, _)| is_of_store(name)).for_each(|(name, _)| {
        command.env_remove(name);
    });
    let output: Output = command.envs(environment.iter().cloned()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let line = |line: &Value| {
        format!("{} {}", line["object"].as_str().unwrap(), line["state"].as_str().unwrap())
    };
    let mut lines: Vec<_> = json_lines(&output).iter().map(line).collect();
    lines.sort();
    lines
}

/// A server over a remote bucket, with a watch that lists on request.
async fn watched(
    database: &TestDatabase,
    environment: Vec<(String, String)>,
    url: &str,
) -> (Serve, String) {
    let (folder, bucket) = (objects(&[]), format!("bucket={url}"));
    let serve = Serve::start_with(database, &["--bucket", &bucket], folder.path(), |command| {
        command.envs(environment)
    });
    let defined = define(&serve, "mine", seldom()).await.json();
    let url = format!("/v1/arrivals/mine?token={}", defined["token"].as_str().unwrap());
    (serve, url)
}

/// Sends the recorded notice of a store about another object.
async fn tell(serve: &Serve, url: &str, file: &str, (from, to): (&str, &str)) -> Answer {
    let body = std::fs::read_to_string(repository("tests/data/notices").join(file)).unwrap();
    answer(serve.request(reqwest::Method::POST, url).body(body.replace(from, to))).await
}

#[tokio::test]
async fn objects_of_google_are_loaded_and_watched() {
    let Some(google) = Google::start().await else { return };
    let database = TestDatabase::empty().await;
    for key in ["in/one.json", "in/two 2.json"] {
        google.put(key, &record(key, 1, "s")).await;
    }
    let environment = google.environment();
    let one = "gs://bucket/in/one.json";
    assert_eq!(load(&database, &environment, one), [format!("{one} loaded")]);
    let folder = load(&database, &environment, "gs://bucket/in/");
    assert_eq!(
        folder,
        [format!("{one} already_loaded"), "gs://bucket/in/two 2.json loaded".into()]
    );
    let (serve, url) = watched(&database, environment, "gs://bucket").await;
    assert_eq!(counts(&run(&serve, "mine").await), [2, 2, 2, 0]);
    google.put("in/three.json", &record("three", 1, "s")).await;
    for outcome in ["submitted", "known"] {
        let told = tell(&serve, &url, "google.json", ("in/google 1.json", "in/three.json")).await;
        assert_eq!(told.json()["objects"][outcome], json!(1), "{told:?}");
    }
    google.put("in/one.json", &record("one", 2, "s")).await;
    assert_eq!(counts(&run(&serve, "mine").await), [3, 1, 1, 0]);
    loaded(&database, 4).await;
    assert_eq!(database.counts().await[0], 4);
}

#[tokio::test]
async fn objects_of_azure_are_loaded_and_watched() {
    let Some(azure) = Azure::start().await else { return };
    let database = TestDatabase::empty().await;
    for key in ["in/one.json", "in/two 2.json"] {
        azure.put(key, &record(key, 1, "s")).await;
    }
    let environment = azure.environment();
    let one = "az://bucket/in/one.json";
    assert_eq!(load(&database, &environment, one), [format!("{one} loaded")]);
    let folder = load(&database, &environment, "az://bucket/in/");
    assert_eq!(
        folder,
        [format!("{one} already_loaded"), "az://bucket/in/two 2.json loaded".into()]
    );
    let (serve, url) = watched(&database, environment, "az://bucket/in").await;
    assert_eq!(counts(&run(&serve, "mine").await), [2, 2, 2, 0]);
    azure.put("in/three.json", &record("three", 1, "s")).await;
    for (file, from, outcome) in [
        ("event_grid.json", "in/event grid 1.json", "submitted"),
        ("cloud_event.json", "in/cloud event 1.json", "known"),
    ] {
        let told = tell(&serve, &url, file, (from, "in/three.json")).await;
        assert_eq!(told.json()["objects"][outcome], json!(1), "{told:?}");
    }
    azure.put("in/one.json", &record("one", 2, "s")).await;
    assert_eq!(counts(&run(&serve, "mine").await), [3, 1, 1, 0]);
    loaded(&database, 4).await;
    assert_eq!(database.counts().await[0], 4);
}
