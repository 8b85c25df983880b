//! Stores that are far away: how many requests a load makes, over the real protocol of S3, and what becomes
//! of those that the store refuses because there are too many.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::moto::Moto;
use crate::support::proxy::{Asked, Fate, Proxy};
use crate::support::s3::{self, S3Server};
use crate::support::{Serve, TestDatabase, json_lines, record, stderr};

/// `stevedore load --json` with the variables of a store.
fn load(database: &TestDatabase, proxy: &Proxy, args: &[&str]) -> Vec<Value> {
    let mut command = database.stevedore(&["load", "--json"]);
    let output = run(command.args(args), proxy);
    assert!(output.status.success(), "{}", stderr(&output));
    json_lines(&output)
}

fn run(command: &mut Command, proxy: &Proxy) -> Output {
    with_store(command, proxy).output().unwrap()
}

/// A process that knows the store, and no other of its kind.
fn with_store<'a>(command: &'a mut Command, proxy: &Proxy) -> &'a mut Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("HOME", "/nonexistent").envs(s3::environment(&proxy.endpoint))
}

fn forwarding(endpoint: &str) -> Proxy {
    Proxy::start(endpoint, |_, _| Fate::Forward)
}

/// What was asked: objects, looks at nothing but the version, listings.
fn asked(proxy: &Proxy) -> (Vec<Asked>, usize, usize) {
    let (lists, gets): (Vec<_>, Vec<_>) =
        proxy.asked("GET").into_iter().partition(|asked| asked.path.contains("list-type"));
    (gets, proxy.asked("HEAD").len(), lists.len())
}

fn lines(count: usize) -> String {
    (0..count).map(|user| record(&format!("user-{user}"), 1, "ACTIVE") + "\n").collect()
}

/// A store with so many objects of two records below `in/`.
fn store_of(count: usize) -> S3Server {
    let server = S3Server::start();
    for number in 0..count {
        let records = [record(&format!("user-{number}"), 1, "a"), record("shared", 2, "b")];
        server.put(&format!("in/{number:03}.json"), records.join("\n"));
    }
    server
}

#[tokio::test]
async fn a_small_object_takes_one_request_with_the_catalog_and_without() {
    for args in [&["--no-preflight"][..], &[], &["--mode", "merge", "--connections", "2"]] {
        let (server, database) = (S3Server::start(), TestDatabase::empty().await);
        server.put("users.json", lines(100));
        let proxy = forwarding(&server.endpoint);
        let loaded = load(&database, &proxy, &[args, &["s3://bucket/users.json"]].concat());
        assert_eq!((&loaded[0]["loaded"], &loaded[0]["state"]), (&json!(100), &json!("loaded")));
        let (gets, heads, lists) = asked(&proxy);
        assert_eq!((gets.len(), heads, lists), (1, 0, 0), "{args:?}: {gets:?}");
        // Again it takes one, and nothing is loaded.
        let again = load(&database, &proxy, &["s3://bucket/users.json"]);
        assert_eq!(again[0]["state"], "already_loaded");
        assert_eq!(asked(&proxy).0.len(), 2);
    }
}

#[tokio::test]
async fn a_large_object_begins_with_one_answer_and_is_read_once() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    let text = lines(40_000);
    server.put("users.json", &text);
    let proxy = forwarding(&server.endpoint);
    let loaded = load(&database, &proxy, &["s3://bucket/users.json"]);
    assert_eq!(loaded[0]["loaded"], 40_000);
    let (gets, heads, lists) = asked(&proxy);
    assert_eq!(gets[0].range.as_deref(), Some("bytes=0-1048575"));
    assert_eq!(gets.iter().map(|asked| asked.body_bytes).sum::<usize>(), text.len());
    // The last look makes sure that the version is still there.
    assert_eq!((heads, lists), (1, 0));
    let ranges = (text.len() - (1 << 20)).div_ceil(2 << 20);
    assert_eq!(gets.len(), 1 + ranges, "the preflight reads the first answer: {gets:?}");
}

#[tokio::test]
async fn listed_objects_take_one_request_each() {
    let (server, database) = (store_of(60), TestDatabase::empty().await);
    server.put("in/empty.json", "");
    server.put("in/large.json", lines(10_000));
    let proxy = forwarding(&server.endpoint);
    let loaded = load(&database, &proxy, &["--no-preflight", "s3://bucket/in/"]);
    assert!(loaded.iter().all(|line| line["state"] == "loaded"), "{loaded:?}");
    let objects: Vec<_> = loaded.iter().map(|line| line["object"].as_str().unwrap()).collect();
    assert!(objects.is_sorted() && objects.len() == 62, "{objects:?}");
    let (gets, heads, lists) = asked(&proxy);
    // The large one is read in two ranges, and looked at again.
    assert_eq!((gets.len(), heads, lists), (63, 1, 1), "{gets:?}");
    assert_eq!(database.count("user_status").await, 10_001);
}

#[tokio::test]
async fn a_bucket_that_is_sampled_first_reads_what_it_samples_once_more() {
    let (server, database) = (store_of(60), TestDatabase::empty().await);
    let proxy = forwarding(&server.endpoint);
    load(&database, &proxy, &["s3://bucket/in/"]);
    let (gets, heads, _) = asked(&proxy);
    // Where there is no memory for its beginning, a sampled object is only looked up.
    assert!(gets.len() <= 60 + 2 * 32 && heads <= 32, "{} {heads}", gets.len());
}

#[tokio::test]
async fn a_job_asks_the_store_once_when_it_is_accepted_and_once_to_load() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    server.put("users.json", lines(100));
    let proxy = forwarding(&server.endpoint);
    let serve =
        Serve::start_with(&database, &["--no-preflight"], Path::new("s3://bucket"), |command| {
            with_store(command, &proxy)
        });
    let found = serve.request(reqwest::Method::GET, "/trigger?bucket=bucket&key=users.json");
    let found = crate::support::serve::answer(found).await;
    assert_eq!(found.status, 200, "{found:?}");
    assert_eq!(serve.ended(&found.json()).await["state"], "succeeded");
    let (gets, heads, lists) = asked(&proxy);
    assert_eq!((gets.len(), heads, lists), (1, 1, 0), "{gets:?}");
}

#[tokio::test]
async fn objects_that_were_loaded_long_after_they_were_written_are_not_read_again() {
    let Some(moto) = Moto::start() else { return };
    let database = TestDatabase::empty().await;
    for number in 0..5 {
        let text = record(&format!("user-{number}"), 1, "a");
        moto.put(&format!("bucket/in/{number}.json"), &text);
    }
    let proxy = forwarding(&moto.endpoint);
    let folder = ["--no-preflight", "s3://bucket/in/"];
    load(&database, &proxy, &folder);
    let states = |lines: Vec<Value>| {
        lines.iter().map(|line| line["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // Just after they were written, the clocks might differ: what is there now is read.
    assert_eq!(states(load(&database, &proxy, &folder)), ["already_loaded"; 5]);
    assert_eq!(asked(&proxy).0.len(), 10);
    let later = "set session_replication_role = replica;
        update stevedore.loads set started_at = started_at + interval '1 hour'";
    database.connect().await.batch_execute(later).await.unwrap();
    moto.put("bucket/in/3.json", &record("user-3", 2, "b"));
    let again = states(load(&database, &proxy, &folder));
    let expected = |number| if number == 3 { "loaded" } else { "already_loaded" };
    assert_eq!(again, (0..5).map(expected).collect::<Vec<_>>());
    let (gets, heads, _) = asked(&proxy);
    assert_eq!((gets.len(), heads), (11, 0));
    let now = "set session_replication_role = replica;
        update stevedore.loads set started_at = started_at - interval '1 hour'";
    database.connect().await.batch_execute(now).await.unwrap();
    // Where the bucket has versions, a listing does not tell which one there is.
    moto.keep_versions();
    moto.put("bucket/in/4.json", &record("user-4", 1, "a"));
    let again = states(load(&database, &proxy, &folder));
    assert_eq!(again[4], "loaded");
    let versions = "select version from stevedore.loads where key = 'in/4.json'";
    assert_eq!(database.rows(versions).await.len(), 2);
}

#[tokio::test]
async fn what_a_busy_store_refuses_is_loaded_in_the_end() {
    let (server, database) = (store_of(300), TestDatabase::empty().await);
    let text = lines(60_000);
    server.put("in/large.json", &text);
    let proxy = Proxy::start_busy(&server.endpoint, 3);
    let loaded = load(&database, &proxy, &["--no-preflight", "s3://bucket/in/"]);
    assert_eq!(loaded.len(), 301);
    assert!(loaded.iter().all(|line| line["state"] == "loaded"), "{loaded:?}");
    assert_eq!(database.count("user_status").await, 60_001);
    let gets = asked(&proxy).0;
    let refused = gets.iter().filter(|asked| asked.was_refused).count();
    assert!(refused > 0, "the store was never busy");
    let read: usize = gets
        .iter()
        .filter(|asked| !asked.was_refused && asked.path.contains("large"))
        .map(|asked| asked.body_bytes)
        .sum();
    assert_eq!(read, text.len());
}
