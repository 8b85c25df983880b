//! Feeds of jobs and in the ledger: which one a job goes through, who runs it, and which text was used.

use std::path::Path;

use std::time::Duration;

use pipeline::error::Error;
use pipeline::feed::{Feed, Feeds};
use pipeline::load::{discard, load};
use pipeline::sink::Mode;
use serde_json::{Value, json};

use crate::parts::{interrupted, lines, object};
use crate::routing::{Folder, feed_text};
use crate::support::{Serve, TestDatabase, USER_STATUS, options, record, stderr};

/// Longest time that anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server in a folder that has feeds and the bucket `data`.
fn serve(database: &TestDatabase, folder: &Folder, args: &[&str]) -> Serve {
    Serve::start_with(database, args, &folder.path().join("data"), |command| {
        command.current_dir(folder.path())
    })
}

/// A folder with feeds and one object for each of them.
fn folder(feeds: &[(&str, &str)]) -> Folder {
    let folder = Folder::new(feeds);
    for (name, _) in feeds {
        folder.write(&format!("data/{name}/1.json"), &record(name, 1, "ACTIVE"));
    }
    folder
}

/// The text of the feed `orders` after an edit that changes nothing of what it declares.
fn edited() -> String {
    feed_text("orders", "orders/*") + "\n# edited\n"
}

fn hash_of(text: &str) -> String {
    Feed::read("orders.toml", text).unwrap().hash.clone()
}

/// Asks for the job until it is as it should be.
async fn until(serve: &Serve, wanted: &Value, is_so: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/v1/jobs/{}", wanted["job_id"].as_str().unwrap());
    let asked = async {
        loop {
            let job = serve.get(&path).await.json();
            if is_so(&job) {
                return job;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("the job is as it should be")
}

fn waits(job: &Value) -> bool {
    job["state"] == "queued" && job["error"]["code"] == "feed_unavailable"
}

#[tokio::test]
async fn a_job_goes_through_the_feed_that_is_asked_for_or_that_is_for_its_key() {
    let folder = folder(&[("orders", "orders/*"), ("visits", "visits/**")]);
    let database = TestDatabase::empty().await;
    let serve = serve(&database, &folder, &[]);
    let job = serve.load("orders/1.json").await;
    assert_eq!((&job["feed"], &job["mode"]), (&json!("orders"), &json!("auto")));
    assert_eq!(job["feed_hash"], hash_of(&feed_text("orders", "orders/*")));
    let done = serve.ended(&job).await;
    assert_eq!((&done["state"], &done["summary"]["feed"]), (&json!("succeeded"), &json!("orders")));
    let triggered = serve.post("/trigger?bucket=bucket&key=visits/1.json").await;
    serve.ended(&triggered.json()).await;
    let triggered = serve.post("/trigger?bucket=bucket&key=visits/1.json&feed=orders").await;
    serve.ended(&triggered.json()).await;
    assert_eq!((database.count("orders").await, database.count("visits").await), (2, 1));
    for feed in ["orders", "visits"] {
        let jobs = serve.get(&format!("/v1/jobs?feed={feed}")).await.json();
        let loads = serve.get(&format!("/v1/loads?feed={feed}")).await.json();
        for list in [&jobs["jobs"], &loads["loads"]] {
            let list = list.as_array().unwrap();
            assert_eq!(list.len(), if feed == "orders" { 2 } else { 1 }, "{list:?}");
            assert!(list.iter().all(|entry| entry["feed"] == feed), "{list:?}");
        }
    }
    let counted = serve.get("/metrics").await.body;
    assert!(
        counted.contains("stevedore_records_total{feed=\"orders\",became=\"loaded\"} 2"),
        "{counted}"
    );
    let unknown = serve.post("/trigger?bucket=bucket&key=visits/1.json&feed=returns").await;
    assert_eq!(unknown.outcome(), (400, "feed_not_found".to_owned()));
}

#[tokio::test]
async fn a_job_over_many_objects_gives_each_the_feed_that_is_for_it_and_fails_where_that_is_unclear()
 {
    let folder = folder(&[("orders", "orders/*"), ("visits", "visits/**"), ("old", "*/1.json")]);
    folder.write("data/orders/2.json", &record("b", 1, "ACTIVE"));
    let database = TestDatabase::empty().await;
    let serve = serve(&database, &folder, &[]);
    let unclear = serve.post("/trigger?bucket=bucket&key=orders/1.json").await;
    assert_eq!(unclear.outcome(), (400, "feed_unclear".to_owned()));
    assert!(unclear.body.contains("old, orders"), "{unclear:?}");
    let all = json!({"bucket": "bucket", "glob": "**/*.json"});
    let job = serve.post_json("/v1/jobs", &all).await.json();
    assert!(job.get("feed").is_none() && job.get("mode").is_none(), "{job}");
    let done = serve.ended(&job).await;
    assert_eq!(done["jobs"]["succeeded"], 2, "{done}");
    let children = format!("/v1/jobs?parent_id={}", job["job_id"].as_str().unwrap());
    let children = serve.get(&children).await.json();
    for child in children["jobs"].as_array().unwrap() {
        let expected = match child["key"].as_str().unwrap() {
            "orders/2.json" => "orders",
            "old/1.json" => "old",
            _ => {
                assert_eq!(child["error"]["code"], "feed_unclear", "{child}");
                continue;
            }
        };
        assert_eq!((&child["feed"], &child["state"]), (&expected.into(), &"succeeded".into()));
    }
    // With a feed, it is that of all of them.
    let job = json!({"bucket": "bucket", "prefix": "visits/", "feed": "visits", "mode": "merge"});
    let done = serve.ended(&serve.post_json("/v1/jobs", &job).await.json()).await;
    assert_eq!((&done["state"], &done["feed"]), (&json!("succeeded"), &json!("visits")));
    assert_eq!(database.count("visits").await, 1);
}

#[tokio::test]
async fn a_job_waits_for_a_worker_that_has_its_feed_as_it_was_and_says_so_once() {
    let (old, new) = (folder(&[("orders", "orders/*")]), folder(&[("orders", "orders/*")]));
    new.write("feeds/orders.toml", &edited());
    let database = TestDatabase::empty().await;
    let others = serve(&database, &old, &[]);
    let none = folder(&[("visits", "visits/**")]);
    let without = serve(&database, &none, &[]);
    let server = serve(&database, &new, &["--no-worker"]);
    let job = server.load("orders/1.json").await;
    let first = until(&server, &job, waits).await;
    assert!(first["error"]["detail"].as_str().unwrap().contains(&hash_of(&edited())), "{first}");
    // It is left again and again, without an attempt.
    let again = |job: &Value| waits(job) && job["next_attempt_at"] != first["next_attempt_at"];
    let second = until(&server, &job, again).await;
    let third = until(&server, &job, |job| {
        again(job) && job["next_attempt_at"] != second["next_attempt_at"]
    });
    assert_eq!(third.await["attempts"], 0);
    let lines = [others.lines(), without.lines()].concat();
    assert!(lines.iter().any(|line| line.contains("jobs of this feed are left to other workers")));
    let worker = serve(&database, &new, &[]);
    let done = worker.ended(&job).await;
    assert_eq!((&done["state"], &done["attempts"]), (&json!("succeeded"), &json!(1)), "{done}");
    assert!(done.get("error").is_none() && done.get("first_error").is_none(), "{done}");
    let noted = "select count(*) as noted from stevedore.job_events \
        where error ->> 'code' = 'feed_unavailable'";
    assert_eq!(database.rows(noted).await, [json!({"noted": 1})]);
}

#[tokio::test]
async fn a_job_that_is_cancelled_and_retried_uses_the_feed_as_the_server_has_it() {
    let (old, new) = (folder(&[("orders", "orders/*")]), folder(&[("orders", "orders/*")]));
    new.write("feeds/orders.toml", &edited());
    let database = TestDatabase::empty().await;
    let job = serve(&database, &old, &["--no-worker"]).load("orders/1.json").await;
    let server = serve(&database, &new, &[]);
    until(&server, &job, waits).await;
    let path = format!("/v1/jobs/{}", job["job_id"].as_str().unwrap());
    assert_eq!(server.post(&format!("{path}/cancel")).await.status, 202);
    assert_eq!(server.post(&format!("{path}/retry")).await.status, 202);
    let done = server.ended(&job).await;
    assert_eq!(done["state"], "succeeded", "{done}");
    assert_eq!(done["feed_hash"], hash_of(&edited()));
    assert_eq!(server.get("/v1/loads/1").await.json()["feed_hash"], hash_of(&edited()));
}

#[tokio::test]
async fn the_feeds_of_a_server_are_listed_and_shown_with_their_texts() {
    let (database, folder) = (TestDatabase::empty().await, folder(&[("orders", "orders/*")]));
    let serve = serve(&database, &folder, &[]);
    let list = serve.get("/v1/feeds").await.json();
    let feeds = list["feeds"].as_array().unwrap();
    let names: Vec<_> = feeds.iter().map(|feed| feed["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["orders", "user_status"]);
    assert!(feeds.iter().all(|feed| feed.get("text").is_none()), "{list}");
    let feed = serve.get("/v1/feeds/orders").await.json();
    let text = feed_text("orders", "orders/*");
    let expected = json!({"name": "orders", "objects": ["orders/*"], "mode": "auto",
        "key": ["userid"], "text": text, "hash": hash_of(&text)});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&feed[field], value, "{field} of {feed}");
    }
    let tables = feed["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 3);
    assert_eq!(tables[0]["table"], "orders");
    let column = json!({"name": "userid", "data_type": "varchar", "nullable": false});
    assert_eq!(tables[0]["columns"][0], column);
    let missing = serve.get("/v1/feeds/returns").await;
    assert_eq!(missing.outcome(), (404, "feed_not_found".to_owned()));
}

/// Loads a file of a folder, and returns what became of it.
fn load_file(database: &TestDatabase, folder: &Path, file: &str) -> Value {
    let mut command = database.stevedore(&["load", "--json", file]);
    let output = command.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    crate::support::json_lines(&output).remove(0)
}

#[tokio::test]
async fn the_ledger_keeps_every_text_that_was_used_and_an_edit_loads_nothing_again() {
    let folder = folder(&[("orders", "orders/*")]);
    folder.write("data/orders/2.json", &record("b", 1, "ACTIVE"));
    let database = TestDatabase::empty().await;
    load_file(&database, folder.path(), "data/orders/1.json");
    folder.write("feeds/orders.toml", &edited());
    let again = load_file(&database, folder.path(), "data/orders/1.json");
    assert_eq!(again["state"], "already_loaded");
    load_file(&database, folder.path(), "data/orders/2.json");
    let used = "select l.load_id, f.name, f.text from stevedore.loads l \
        join stevedore.feeds f on f.hash = l.feed_hash";
    let text = |load_id, text: String| json!({"load_id": load_id, "name": "orders", "text": text});
    let expected = [text(1, feed_text("orders", "orders/*")), text(2, edited())];
    assert_eq!(database.rows(used).await, expected);
    // A load that failed used a text too.
    let cut_off = [0x1f, 0x8b, 8, 0];
    std::fs::write(folder.path().join("data/orders/3.json.gz"), cut_off).unwrap();
    let mut failing = database.stevedore(&["load", "data/orders/3.json.gz"]);
    assert!(!failing.current_dir(folder.path()).status().unwrap().success());
    assert_eq!(database.rows(used).await.len(), 3);
    let edit = "update stevedore.feeds set text = ''";
    assert!(database.connect().await.batch_execute(edit).await.is_err());
}

#[tokio::test]
async fn a_load_in_parts_is_not_continued_with_another_text_of_its_feed_but_discarded_with_its_own()
{
    let database = TestDatabase::with_old_tables().await;
    let object = object(lines(60).as_bytes()).await;
    let Error::Incomplete { load_id, .. } = interrupted(&database, &object).await else {
        panic!("it is not complete")
    };
    let other = Feed::read("other.toml", &format!("{}# edited", USER_STATUS.text)).unwrap();
    let mut connection = database.connect().await;
    let refused = load(&object, &other, &mut connection, &options(Mode::Append)).await.unwrap_err();
    assert_eq!(refused.code(), "feed_changed");
    assert!(refused.to_string().contains(&USER_STATUS.hash), "{refused}");
    // Whatever feeds there are now.
    discard(&mut connection, &Feeds::default(), load_id).await.unwrap();
    assert_eq!(database.counts().await, [0, 0, 0]);
}
