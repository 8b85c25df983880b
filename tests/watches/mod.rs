//! Watches: what arrives under a prefix is loaded once, found by listings and told by notices.

mod cli;
mod many;
mod notices;
mod queue;
mod stores;

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::serve::{Answer, answer};
use crate::support::{Serve, TestDatabase, record, stderr, stdout};

/// Longest time that anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A bucket with objects of one record each.
fn objects(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    names.iter().for_each(|name| put(folder.path(), name, name));
    folder
}

/// Puts an object of one record, whole from the beginning.
fn put(folder: &Path, name: &str, user: &str) {
    let file = folder.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let part = file.with_extension("part");
    std::fs::write(&part, record(user, 1, "s") + "\n").unwrap();
    std::fs::rename(part, file).unwrap();
}

fn change_time(folder: &Path, name: &str, at: SystemTime) {
    File::open(folder.join(name)).unwrap().set_modified(at).unwrap();
}

fn hours_ago(hours: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(3600 * hours)
}

/// A watch over the whole bucket `bucket`, with more said about it.
async fn define(serve: &Serve, name: &str, more: Value) -> Answer {
    let mut plan =
        json!({ "name": name, "bucket": "bucket", "feed": "user_status", "every": "1s" });
    plan.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serve.post_json("/v1/watches", &plan).await
}

/// Waits until something holds that nothing tells of: it is asked for again and again.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let holds = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Waits until so many loads are in the ledger.
async fn loaded(database: &TestDatabase, loads: i64) {
    let what = format!("{loads} loads");
    until(&what, async || (database.count("stevedore.loads").await == loads).then_some(())).await;
}

/// Asks for a run, and waits until it has ended.
async fn run(serve: &Serve, name: &str) -> Value {
    let path = format!("/v1/watches/{name}/runs");
    let asked = until("a run is accepted", async || {
        let asked = serve.post(&path).await;
        (asked.status == 202).then(|| asked.json())
    });
    ended(serve, name, &asked.await["run_id"]).await
}

async fn ended(serve: &Serve, name: &str, run_id: &Value) -> Value {
    let path = format!("/v1/watches/{name}/runs");
    until("the run ends", async || {
        let runs = serve.get(&path).await.json();
        let mut runs = runs["runs"].as_array().unwrap().iter();
        runs.find(|run| run["run_id"] == *run_id && run["state"] == "ended").cloned()
    })
    .await
}

/// Some counts of a run.
fn counts(run: &Value) -> [u64; 4] {
    ["seen", "new", "submitted", "held"].map(|name| run[name].as_u64().unwrap())
}

/// A watch that lists on request only, as far as a test lasts.
fn seldom() -> Value {
    json!({ "every": null, "schedule": "0 0 1 1 *" })
}

#[tokio::test]
async fn what_is_there_and_what_arrives_is_loaded_whatever_its_name_and_date() {
    let (database, folder) =
        (TestDatabase::empty().await, objects(&["b.json", "c/d.ndjson", "e.txt"]));
    let serve = Serve::start(&database, &[], folder.path());
    let defined = define(&serve, "all", json!({ "labels": { "team": "a" } })).await;
    assert_eq!((defined.status, defined.header("location")), (201, Some("/v1/watches/all")));
    assert_eq!(defined.json()["defined_by"], "api");
    loaded(&database, 2).await;
    // Before all others by its name, and older than all others.
    put(folder.path(), "a.json", "older");
    change_time(folder.path(), "a.json", hours_ago(10_000));
    loaded(&database, 3).await;
    put(folder.path(), "b.json", "again");
    loaded(&database, 4).await;
    assert_eq!(database.counts().await[0], 4);
    let jobs = serve.get("/v1/jobs?label=watch%3Dall,team%3Da&limit=500").await.json();
    let jobs = jobs["jobs"].as_array().unwrap();
    let runs = serve.get("/v1/watches/all/runs?limit=500").await.json();
    let runs = runs["runs"].as_array().unwrap();
    let fruitful: Vec<_> = runs.iter().filter(|run| run["new"] != 0).map(counts).collect();
    assert_eq!(fruitful, [[3, 1, 1, 0], [3, 1, 1, 0], [2, 2, 2, 0]], "{runs:?}");
    // A job over many for each of these runs, and one for each object.
    assert_eq!(jobs.len(), 3 + 4, "{jobs:?}");
    let first = runs.iter().rfind(|run| run["new"] != 0).unwrap();
    let job = serve.get(&format!("/v1/jobs/{}", first["job_id"].as_str().unwrap())).await.json();
    assert_eq!(
        (&job["state"], &job["jobs"]["succeeded"]),
        (&json!("succeeded"), &json!(2)),
        "{job}"
    );
    let watch = serve.get("/v1/watches/all").await.json();
    assert!(watch["last_success_at"].is_string() && watch.get("token").is_none(), "{watch}");
}

#[tokio::test]
async fn without_backfill_only_what_arrives_from_now_on_is_loaded() {
    let (database, folder) = (TestDatabase::empty().await, objects(&["old.json", "late.json"]));
    for name in ["old.json", "late.json"] {
        change_time(folder.path(), name, hours_ago(1));
    }
    let serve = Serve::start(&database, &[], folder.path());
    define(&serve, "new", json!({ "backfill": false })).await;
    until("the first run", async || {
        let watch = serve.get("/v1/watches/new").await.json();
        watch["last_success_at"].is_string().then_some(())
    })
    .await;
    put(folder.path(), "new.json", "new");
    // With a date before the watch, as a file that was moved here has it.
    put(folder.path(), "moved.json", "moved");
    change_time(folder.path(), "moved.json", hours_ago(2));
    put(folder.path(), "late.json", "overwritten");
    loaded(&database, 3).await;
    let keys = database.psql("select string_agg(key, ' ' order by key) from stevedore.loads");
    assert_eq!(keys[0][0].as_deref(), Some("late.json moved.json new.json"));
}

#[tokio::test]
async fn an_object_that_still_changes_is_held_back_and_a_key_that_changes_all_the_time_too() {
    let (database, folder) = (TestDatabase::empty().await, objects(&["a.json", "b.json"]));
    change_time(folder.path(), "a.json", hours_ago(2));
    let serve = Serve::start(&database, &[], folder.path());
    let mut plan = seldom();
    plan["settle_secs"] = 3600.into();
    plan["min_interval_secs"] = 3600.into();
    define(&serve, "calm", plan).await;
    assert_eq!(counts(&run(&serve, "calm").await), [2, 1, 1, 1]);
    // What is held back is due when it may be taken.
    let due = "select next_run_at between now() + interval '50 min' and now() + interval '61 min' from stevedore.watches";
    assert_eq!(database.psql(due)[0][0].as_deref(), Some("t"));
    for name in ["a.json", "b.json"] {
        put(folder.path(), name, "changed");
        change_time(folder.path(), name, hours_ago(2));
    }
    // `a.json` was loaded a moment ago.
    assert_eq!(counts(&run(&serve, "calm").await), [2, 1, 1, 1]);
    let later = "update stevedore.watch_objects set submitted_at = now() - interval '2 hours'";
    database.connect().await.batch_execute(later).await.unwrap();
    assert_eq!(counts(&run(&serve, "calm").await), [2, 1, 1, 0]);
    assert_eq!(counts(&run(&serve, "calm").await), [2, 0, 0, 0]);
    loaded(&database, 3).await;
}

#[tokio::test]
async fn a_watch_that_is_paused_does_nothing_and_finds_what_arrived_when_it_is_resumed() {
    let (database, folder) = (TestDatabase::empty().await, objects(&["a.json"]));
    let serve = Serve::start(&database, &[], folder.path());
    define(&serve, "all", json!({})).await;
    loaded(&database, 1).await;
    let paused = serve.post("/v1/watches/all/pause").await;
    assert_eq!((paused.status, &paused.json()["state"]), (200, &json!("paused")));
    let refused = serve.post("/v1/watches/all/runs").await;
    assert_eq!(refused.outcome(), (409, "watch_paused".to_owned()));
    put(folder.path(), "b.json", "b");
    let due = "update stevedore.watches set next_run_at = now()";
    database.connect().await.batch_execute(due).await.unwrap();
    // Another watch is due as well, and is run.
    define(&serve, "other", json!({ "prefix": "none/" })).await;
    until("the other watch", async || {
        let watch = serve.get("/v1/watches/other").await.json();
        watch["last_success_at"].is_string().then_some(())
    })
    .await;
    assert_eq!(database.count("stevedore.loads").await, 1);
    assert_ne!(serve.post("/v1/watches/all/resume").await.json()["state"], "paused");
    loaded(&database, 2).await;
}

#[tokio::test]
async fn an_object_that_is_written_again_after_it_was_deleted_is_found_again() {
    let (database, folder) = (TestDatabase::empty().await, objects(&["a.json", "b.json"]));
    let serve = Serve::start(&database, &[], folder.path());
    define(&serve, "all", seldom()).await;
    assert_eq!(counts(&run(&serve, "all").await), [2, 2, 2, 0]);
    std::fs::remove_file(folder.path().join("a.json")).unwrap();
    assert_eq!(counts(&run(&serve, "all").await), [1, 0, 0, 0]);
    put(folder.path(), "a.json", "again");
    assert_eq!(counts(&run(&serve, "all").await), [2, 1, 1, 0]);
    // What is gone for days is forgotten.
    std::fs::remove_file(folder.path().join("a.json")).unwrap();
    let days = "update stevedore.watch_objects set listed_at = now() - interval '3 days'";
    database.connect().await.batch_execute(days).await.unwrap();
    run(&serve, "all").await;
    let known = database.rows("select key from stevedore.watch_objects").await;
    assert_eq!(known, [json!({ "key": "b.json" })]);
}

#[tokio::test]
async fn a_watch_is_defined_replaced_and_removed() {
    let (database, folder) = (TestDatabase::empty().await, objects(&["a.json", "in/b.json"]));
    let serve = Serve::start(&database, &[], folder.path());
    let token = define(&serve, "mine", seldom()).await.json()["token"].clone();
    assert!(token.as_str().unwrap().starts_with("sv_"), "{token}");
    assert_eq!(define(&serve, "mine", seldom()).await.outcome(), (409, "watch_exists".to_owned()));
    let plan = json!({ "bucket": "bucket", "glob": "in/*", "mode": "append", "every": "90m" });
    let put = |path: &'static str| answer(serve.request(Method::PUT, path).json(&plan));
    assert_eq!(put("/v1/watches/none").await.outcome(), (404, "watch_not_found".to_owned()));
    let replaced = put("/v1/watches/mine").await.json();
    let expected = json!({ "glob": "in/*", "mode": "append", "every": "90m", "state": "ready" });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&replaced[field], value, "{replaced}");
    }
    assert_eq!(counts(&run(&serve, "mine").await)[0], 1);
    assert_eq!(serve.get("/v1/watches").await.json()["watches"][0]["name"], "mine");
    let renewed = serve.post("/v1/watches/mine/token").await.json()["token"].clone();
    assert_ne!(renewed, token);
    let remove = || answer(serve.request(Method::DELETE, "/v1/watches/mine"));
    assert_eq!(remove().await.json(), json!({ "watch": "mine" }));
    assert_eq!(remove().await.outcome(), (404, "watch_not_found".to_owned()));
    assert_eq!(database.count("stevedore.watch_objects").await, 0);
}

#[tokio::test]
async fn what_cannot_be_carried_out_is_not_defined() {
    let (database, folder) = (TestDatabase::empty().await, objects(&[]));
    let serve = Serve::start(&database, &["--no-worker"], folder.path());
    for (wrong, said) in [
        (json!({ "bucket": "elsewhere" }), "there is no bucket elsewhere"),
        (json!({ "name": "../x" }), "a name has up to 100 letters"),
        (json!({ "name": null }), "the watch has no name"),
        (json!({ "prefix": "a", "glob": "b" }), "exclude each other"),
        (json!({ "prefix": "../" }), "not a key"),
        (json!({ "glob": "[a" }), "[a"),
        (json!({ "glob": "a\0" }), "U+0000"),
        (json!({ "feed": "none" }), "none"),
        (json!({ "every": "0s" }), "every is from 1s"),
        (json!({ "every": "8d" }), "every is from 1s"),
        (json!({ "schedule": "0 3 * * *" }), "exclude each other"),
        (json!({ "every": null, "schedule": "0 3 * *" }), "cannot be read"),
        (json!({ "labels": { "watch": "x" } }), "watch is not one of them"),
        (json!({ "settle_secs": 604_801 }), "at most 604800"),
        (json!({ "token_sha256": "12" }), "64 hexadecimal digits"),
        (json!({ "queue": "http://169.254.169.254/latest" }), "amazonaws.com/ACCOUNT/QUEUE"),
    ] {
        let refused = define(&serve, "mine", wrong.clone()).await;
        assert_eq!(refused.outcome(), (400, "invalid_watch".to_owned()), "{wrong}");
        assert!(refused.body.contains(said), "{wrong}: {}", refused.body);
    }
    let unknown = define(&serve, "mine", json!({ "colour": 1 })).await;
    assert_eq!(unknown.outcome(), (422, "invalid_body".to_owned()));
    assert_eq!(database.count("stevedore.watches").await, 0);
}

#[tokio::test]
async fn watches_of_the_settings_are_there_when_the_process_is_and_are_changed_only_there() {
    let (database, folder) = (TestDatabase::empty().await, objects(&["a.json"]));
    let file = folder.path().join("settings.toml");
    let text = "[[watch]]\nname = \"all\"\nbucket = \"bucket\"\nfeed = \"user_status\"\nevery = \"1s\"\n\
        labels = { team = \"a\" }\nsettle_secs = 0\n";
    std::fs::write(&file, text).unwrap();
    let settings = ["--config", file.to_str().unwrap()];
    let serve = Serve::start(&database, &settings, folder.path());
    loaded(&database, 1).await;
    let watch = serve.get("/v1/watches/all").await.json();
    assert_eq!((&watch["defined_by"], &watch["every"]), (&json!("settings"), &json!("1s")));
    let plan = json!({ "bucket": "bucket" });
    let put = answer(serve.request(Method::PUT, "/v1/watches/all").json(&plan)).await;
    assert_eq!(put.outcome(), (409, "watch_in_settings".to_owned()));
    // Without a token it takes no notices.
    let notice = serve.post_json("/v1/arrivals/all?token=", &json!({})).await;
    assert_eq!(notice.outcome(), (401, "token_unknown".to_owned()));
    let shown = database.stevedore(&["config", settings[0], settings[1]]).output().unwrap();
    assert!(stdout(&shown).contains("[[watch]] # file\nname = \"all\""), "{}", stdout(&shown));
    // It goes on where it was, also when a process starts that says the same.
    drop(serve);
    let serve = Serve::start(&database, &settings, folder.path());
    put_and_load(&database, folder.path(), 2).await;
    drop(serve);
    for (wrong, said) in [
        (text.replace("\"bucket\"", "\"none\""), "there is no bucket none"),
        (text.replace("every", "evry"), "evry"),
        ("watch = 1".to_owned(), "watch"),
    ] {
        std::fs::write(&file, wrong).unwrap();
        let refused = database.stevedore(&["serve", settings[0], settings[1]]);
        let refused = { refused }.args(["--bucket", "bucket=/tmp"]).output().unwrap();
        assert!(
            !refused.status.success() && stderr(&refused).contains(said),
            "{}",
            stderr(&refused)
        );
    }
}

async fn put_and_load(database: &TestDatabase, folder: &Path, loads: i64) {
    put(folder, "more.json", "more");
    loaded(database, loads).await;
}

#[tokio::test]
async fn a_listing_that_cannot_be_made_says_why_and_is_made_when_it_can_be() {
    let (database, folder) = (TestDatabase::empty().await, objects(&["a.json"]));
    let serve = Serve::start(&database, &[], folder.path());
    define(&serve, "all", seldom()).await;
    let elsewhere = "update stevedore.watches set bucket = 'gone'";
    database.connect().await.batch_execute(elsewhere).await.unwrap();
    let failed = run(&serve, "all").await;
    assert_eq!(
        (&failed["error"]["code"], &failed["seen"]),
        (&json!("bucket_not_found"), &json!(0))
    );
    let watch = serve.get("/v1/watches/all").await.json();
    assert_eq!(watch["last_success_at"], Value::Null);
    let back = "update stevedore.watches set bucket = 'bucket'";
    database.connect().await.batch_execute(back).await.unwrap();
    assert_eq!(counts(&run(&serve, "all").await), [1, 1, 1, 0]);
}

#[tokio::test]
async fn a_listing_that_is_asked_for_and_one_that_is_due_do_not_wait_for_each_other() {
    let (database, folder) = (TestDatabase::empty().await, objects(&[]));
    let serve = Serve::start(&database, &["--no-worker"], folder.path());
    assert_eq!(define(&serve, "all", seldom()).await.status, 201);
    // Both have to wait before they write the run. Then either is first.
    let client = database.connect().await;
    let mut blocker = database.connect().await;
    let blocking = blocker.transaction().await.unwrap();
    blocking.batch_execute("lock table stevedore.watch_runs in share mode").await.unwrap();
    let waiting = async |number: i64| {
        let waiting = "select from pg_locks where not granted and relation = \
            'stevedore.watch_runs'::regclass having count(*) >= $1";
        until("they wait", async || client.query_opt(waiting, &[&number]).await.unwrap()).await
    };
    let asked = serve.post("/v1/watches/all/runs");
    let due = async {
        waiting(1).await;
        let due = "update stevedore.watches set next_run_at = now() - interval '1 minute'";
        client.execute(due, &[]).await.unwrap();
        let lists = Serve::start(&database, &[], folder.path());
        waiting(2).await;
        blocking.commit().await.unwrap();
        lists
    };
    let (answer, _lists) = futures::join!(asked, due);
    assert!([202, 409].contains(&answer.status), "{answer:?}");
    let ended = "select from stevedore.watch_runs having bool_and(state = 'ended')";
    until("the run ends", async || client.query_opt(ended, &[]).await.unwrap()).await;
}
