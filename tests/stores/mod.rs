//! Buckets: S3 over its real protocol, with all that goes wrong on the way, and folders that
//! nothing leads out of.

mod broken;
mod folders;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use futures::TryStreamExt;
use pipeline::error::Error;
use pipeline::store::{Bucket, Selection, find};
use serde_json::{Value, json};

use crate::support::moto::{self, Moto};
use crate::support::proxy::{Fate, Proxy};
use crate::support::s3::{self, S3Server};
use crate::support::{TestDatabase, json_lines, record, stderr};

/// `stevedore load` with the variables of a store, and no others of its kind.
fn load(database: &TestDatabase, environment: &[(String, String)], args: &[&str]) -> Output {
    let mut command = database.stevedore(&["load", "--json"]);
    command.args(args);
    run(&mut command, environment)
}

fn run(command: &mut Command, environment: &[(String, String)]) -> Output {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("HOME", "/nonexistent").envs(environment.iter().cloned()).output().unwrap()
}

/// What was loaded from where.
fn loaded(output: &Output) -> Vec<(String, Value)> {
    assert!(output.status.success(), "{}", stderr(output));
    let lines = json_lines(output).into_iter();
    lines.map(|line| (line["object"].as_str().unwrap().to_owned(), line["state"].clone())).collect()
}

fn loaded_once(url: &str) -> Vec<(String, Value)> {
    vec![(url.to_owned(), json!("loaded"))]
}

/// The message of a load that failed without a word too many.
fn failure(output: &Output) -> String {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: could not load ") && said.contains("\nhint: "), "{said}");
    assert!(!said.contains("secret-key"), "{said}");
    said
}

#[tokio::test]
async fn an_object_of_s3_is_loaded_once() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    server.put("in/users one.json", record("a", 1, "s"));
    let url = "s3://bucket/in/users one.json";
    let environment = server.environment();
    assert_eq!(loaded(&load(&database, &environment, &[url])), loaded_once(url));
    let again = load(&database, &environment, &[url]);
    assert_eq!(loaded(&again), [(url.to_owned(), json!("already_loaded"))]);
    let by_folder = load(&database, &environment, &["s3://bucket/in/"]);
    assert_eq!(loaded(&by_folder), [(url.to_owned(), json!("already_loaded"))]);
    let noted = database.rows("select bucket, key from stevedore.loads").await;
    assert_eq!(noted, [json!({"bucket": "s3://bucket", "key": "in/users one.json"})]);
    server.put("in/users one.json", record("b", 1, "s"));
    assert_eq!(loaded(&load(&database, &environment, &[url])), loaded_once(url));
}

#[tokio::test]
async fn folders_and_patterns_of_s3_name_objects() {
    let server = S3Server::start();
    for key in ["logs/a.json", "logs/b/c.ndjson.gz", "logs/b/d.json", "logs/note.txt", "logs2.json"]
    {
        server.put(key, "[]");
    }
    let environment = server.environment();
    let keys = async |location: &str| {
        let found = find(location, &environment).await.unwrap();
        assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
        found.objects.iter().map(|object| object.key().to_owned()).collect::<Vec<_>>()
    };
    let all = ["logs/a.json", "logs/b/c.ndjson.gz", "logs/b/d.json"];
    assert_eq!(keys("s3://bucket/logs/").await, all);
    assert_eq!(keys("s3://bucket").await, [&all[..], &["logs2.json"]].concat());
    assert_eq!(keys("s3://bucket/logs/**/*.json").await, ["logs/a.json", "logs/b/d.json"]);
    assert_eq!(keys("s3://bucket/logs/*.json").await, ["logs/a.json"]);
    assert_eq!(keys("s3://bucket/log?2.json?region=eu-west-1").await, ["logs2.json"]);
    assert_eq!(keys("s3://bucket/logs/note.txt").await, ["logs/note.txt"]);
    let none = find("s3://bucket/logs/*.csv", &environment).await.unwrap_err();
    assert!(matches!(none, Error::NoObjects { .. }), "{none}");
    let none = find("s3://bucket/none/", &environment).await.unwrap_err();
    assert!(matches!(none, Error::NoObjects { .. }), "{none}");
    let wrong = find("s3://bucket/logs/[", &environment).await.unwrap_err();
    assert!(matches!(wrong, Error::Pattern { .. }), "{wrong}");
}

#[tokio::test]
async fn a_bucket_with_a_prefix_selects_below_it() {
    let server = S3Server::start();
    for key in ["in/day-1.json", "in/day-2/x.json", "in/day-2/y.txt", "in/other.json", "day-9.json"]
    {
        server.put(key, "[]");
    }
    let bucket = Bucket::open("inbox", "s3://bucket/in/", &server.environment()).unwrap();
    assert_eq!(bucket.locate("day-1.json").await.unwrap().url(), "inbox/day-1.json");
    let keys = async |selection| {
        let objects = bucket.select(selection).unwrap().try_collect::<Vec<_>>().await.unwrap();
        objects.into_iter().map(|object| object.key).collect::<Vec<_>>()
    };
    let prefix = |text: &str| Selection::Prefix(text.to_owned());
    let glob = |text: &str| Selection::Glob(text.to_owned());
    assert_eq!(keys(prefix("day-")).await, ["day-1.json", "day-2/x.json"]);
    assert_eq!(keys(prefix("day-2/")).await, ["day-2/x.json"]);
    assert_eq!(keys(prefix("")).await, ["day-1.json", "day-2/x.json", "other.json"]);
    assert_eq!(keys(glob("*")).await, ["day-1.json", "other.json"]);
    assert_eq!(keys(glob("day-*/**")).await, ["day-2/x.json", "day-2/y.txt"]);
    for wrong in [glob("{a"), prefix("../"), glob("/etc/*"), prefix("/")] {
        let refused = bucket.select(wrong);
        assert!(matches!(refused, Err(Error::Location { .. } | Error::Pattern { .. })));
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_allowed_is_said() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    server.put("users.json", record("a", 1, "s"));
    let mut environment = server.environment();
    let fails = |environment: &_, url| failure(&load(&database, environment, &[url]));
    let said = fails(&environment, "s3://bucket/missing.json");
    assert!(said.contains("there is no object s3://bucket/missing.json"), "{said}");
    let said = fails(&environment, "s3://missing/users.json");
    assert!(said.contains("s3://missing cannot be read: there is no such bucket"), "{said}");
    let said = fails(&environment, "s3://bucket/users.json?colour=red");
    assert!(said.contains("its store has no setting `colour`"), "{said}");
    let said = fails(&environment, "s3://key:secret-key@bucket/users.json");
    assert!(said.contains("credentials belong into the environment"), "{said}");
    let said = fails(&environment, "s3://bucket/users.json?secret_access_key=other-secret-key");
    assert!(said.contains("could not read s3://bucket/users.json"), "{said}");
    environment[1].1 = "wrong-secret-key".to_owned();
    let said = fails(&environment, "s3://bucket/users.json");
    assert!(said.contains("could not read s3://bucket/users.json"), "{said}");
    assert!(said.contains("403") && said.contains("check the credentials"), "{said}");
    let denied = find("s3://bucket/", &environment).await.unwrap_err();
    assert_eq!((denied.code(), denied.is_transient()), ("store_denied", false), "{denied}");
    assert_eq!(database.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn settings_come_from_the_url_and_from_the_files_of_the_command_line() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    server.put("users.json", record("a", 1, "s"));
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let keys = format!(
        "[other]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        s3::ACCESS_KEY,
        s3::SECRET_KEY
    );
    std::fs::write(home.path().join(".aws/credentials"), keys).unwrap();
    let config =
        format!("[profile other]\nregion = eu-west-1\nendpoint_url = {}\n", server.endpoint);
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let home = variable("HOME", home.path().to_str().unwrap());
    let url = "s3://bucket/users.json";
    let other = [home.clone(), variable("AWS_PROFILE", "other")];
    assert_eq!(loaded(&load(&database, &other, &[url])), loaded_once(url));
    let none = [home, variable("AWS_PROFILE", "none")];
    let said = failure(&load(&database, &none, &[url]));
    assert!(said.contains("the AWS profile none has no aws_access_key_id"), "{said}");
    let elsewhere = s3::environment("http://127.0.0.1:1");
    let by_url = format!("{url}?endpoint={}&region=eu-west-1", server.endpoint);
    let again = load(&database, &elsewhere, &["--reload", &by_url]);
    assert_eq!(loaded(&again), loaded_once(url));
}
