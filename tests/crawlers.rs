//! `/v1/crawlers`: crawlers that workers run, when they are asked to or due.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::serve::{Answer, answer};
use crate::support::{Serve, TestDatabase};

/// A bucket with objects of one record each.
fn objects(count: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..count {
        write(folder.path(), &format!("{at}.json"), &format!(r#"{{"id":{at},"name":"x"}}"#));
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn plan() -> Value {
    json!({ "target": { "kind": "objects", "bucket": "bucket" } })
}

async fn define(serve: &Serve, name: &str, plan: &Value) -> Answer {
    let mut new = plan.clone();
    new["name"] = name.into();
    serve.post_json("/v1/crawlers", &new).await
}

async fn put(serve: &Serve, name: &str, plan: &Value) -> Answer {
    answer(serve.request(Method::PUT, &format!("/v1/crawlers/{name}")).json(plan)).await
}

async fn run(serve: &Serve, name: &str) -> Answer {
    serve.post(&format!("/v1/crawlers/{name}/runs")).await
}

/// How often crawls have begun.
fn begun(serves: &[&Serve]) -> usize {
    let lines = serves.iter().flat_map(|serve| serve.lines());
    lines.filter(|line| line.contains("a crawl begins")).count()
}

#[tokio::test]
async fn a_crawler_is_defined_run_by_a_worker_defined_anew_and_removed() {
    let (database, folder) = (TestDatabase::empty().await, objects(3));
    let serve = Serve::start(&database, &[], folder.path());
    let defined = define(&serve, "mine", &plan()).await;
    assert_eq!((defined.status, defined.header("location")), (201, Some("/v1/crawlers/mine")));
    assert_eq!(
        (&defined.json()["state"], &defined.json()["last_run"]),
        (&json!("ready"), &Value::Null)
    );
    assert_eq!(define(&serve, "mine", &plan()).await.outcome(), (409, "crawler_exists".to_owned()));
    let asked = run(&serve, "mine").await;
    assert_eq!(asked.status, 202, "{asked:?}");
    assert_eq!(asked.json()["state"], "queued");
    let done = serve.crawled("mine").await;
    let last = &done["last_run"];
    assert_eq!(last["requested_by"], "anybody");
    assert_eq!((&last["error"], &last["report"]["records"]), (&Value::Null, &json!(3)), "{done}");
    assert_eq!(serve.get("/v1/crawlers").await.json()["crawlers"][0]["name"], "mine");
    let databases = serve.get("/v1/catalog/databases").await.json();
    assert_eq!(databases["databases"], json!([{ "name": "default", "tables": 1 }]));

    let mut wanted = plan();
    wanted["target"]["paths"] = json!(["$.none", "$"]);
    wanted["on_change"] = "log".into();
    assert_eq!(
        put(&serve, "mine", &wanted).await.json()["target"]["paths"],
        json!(["$.none", "$"])
    );
    write(folder.path(), "more.json", r#"{"id":1.5,"name":"x"}"#);
    assert_eq!(run(&serve, "mine").await.status, 202);
    let done = serve.crawled("mine").await;
    let table = &done["last_run"]["report"]["tables"][0];
    assert_eq!((&table["version"], &table["held_back"][0]["to"]), (&json!(1), &json!("double")));

    let remove = |query: &'static str| {
        answer(serve.request(Method::DELETE, &format!("/v1/crawlers/mine{query}")))
    };
    let removed = remove("?tables=delete").await.json();
    assert_eq!(removed, json!({ "kept": [], "deleted": ["table_bucket"] }));
    assert_eq!(remove("").await.outcome(), (404, "crawler_not_found".to_owned()));
    assert_eq!(database.count("stevedore.catalog_objects").await, 0);
}

#[tokio::test]
async fn tables_of_postgres_are_crawled_but_those_that_are_shut_out() {
    let (database, folder) = (TestDatabase::with_old_tables().await, objects(0));
    let serve = Serve::start(&database, &[], folder.path());
    let target = json!({ "kind": "postgres", "include": ["user_*"], "exclude": ["*_log"] });
    assert_eq!(define(&serve, "tables", &json!({ "target": target })).await.status, 201);
    run(&serve, "tables").await;
    let crawler = serve.crawled("tables").await;
    assert_eq!(crawler["target"]["schemas"], json!(["public"]));
    let tables = crawler["last_run"]["report"]["tables"].as_array().unwrap();
    let mut names: Vec<_> = tables.iter().map(|table| table["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].ends_with("_public_user_status"), "{names:?}");
    assert!(names[1].ends_with("_public_user_status_error_rec"), "{names:?}");
}

#[tokio::test]
async fn a_crawler_that_runs_is_not_run_again_nor_removed() {
    let (database, folder) = (TestDatabase::empty().await, objects(1));
    let serve = Serve::start(&database, &[], folder.path());
    define(&serve, "mine", &plan()).await;
    // As a crawl of the command line holds it.
    let crawl = database.connect().await;
    let lock = "select pg_advisory_lock(hashtextextended('stevedore.crawler.mine', 0)); \
        update stevedore.crawlers set state = 'running', started_at = now()";
    crawl.batch_execute(lock).await.unwrap();
    assert_eq!(serve.get("/v1/crawlers/mine").await.json()["state"], "running");
    assert_eq!(run(&serve, "mine").await.outcome(), (409, "crawler_busy".to_owned()));
    let remove = || answer(serve.request(Method::DELETE, "/v1/crawlers/mine"));
    assert_eq!(remove().await.outcome(), (409, "crawler_busy".to_owned()));
    crawl.batch_execute("select pg_advisory_unlock_all()").await.unwrap();
    let crawler = serve.get("/v1/crawlers/mine").await.json();
    assert_eq!(
        (&crawler["state"], &crawler["last_run"]["error"]["code"]),
        (&json!("ready"), &json!("interrupted"))
    );
    assert_eq!(run(&serve, "mine").await.status, 202);
    assert_eq!(serve.crawled("mine").await["last_run"]["report"]["objects"], 1);
    assert_eq!(remove().await.json()["kept"], json!(["bucket_0"]));
}

#[tokio::test]
async fn what_cannot_be_carried_out_is_not_defined() {
    let (database, folder) = (TestDatabase::empty().await, objects(1));
    let serve = Serve::start(&database, &["--no-worker"], folder.path());
    let objects = |field: &str, value: Value| {
        let mut wrong = plan();
        wrong["target"][field] = value;
        wrong
    };
    let scheduled =
        |schedule: &str| json!({ "target": { "kind": "postgres" }, "schedule": schedule });
    for (wrong, status, code) in [
        (objects("bucket", json!("elsewhere")), 400, "bucket_not_found"),
        (objects("bucket", json!("file:///etc")), 400, "bucket_not_found"),
        (objects("paths", json!(["a.b"])), 400, "invalid_crawler"),
        (objects("include", json!(["[a"])), 400, "invalid_crawler"),
        (objects("prefix", json!("a\0")), 400, "invalid_crawler"),
        (objects("sample", json!(0)), 400, "invalid_crawler"),
        (objects("colour", json!(0)), 422, "invalid_body"),
        (scheduled("0 3 * *"), 400, "invalid_crawler"),
        (scheduled("0 0 30 2 *"), 400, "invalid_crawler"),
        (json!({ "target": { "kind": "kafka" } }), 422, "invalid_body"),
    ] {
        assert_eq!(
            define(&serve, "mine", &wrong).await.outcome(),
            (status, code.to_owned()),
            "{wrong}"
        );
    }
    assert_eq!(define(&serve, "../mine", &plan()).await.outcome().1, "invalid_crawler");
    assert_eq!(put(&serve, "mine", &plan()).await.outcome().1, "crawler_not_found");
    assert_eq!(database.count("stevedore.crawlers").await, 0);
}

#[tokio::test]
async fn a_crawler_that_was_due_while_nobody_was_there_is_run_once_by_one_of_many() {
    let (database, folder) = (TestDatabase::empty().await, objects(2));
    let accepting = Serve::start(&database, &["--no-worker"], folder.path());
    let mut plan = plan();
    plan["schedule"] = "0 0 1 1 *".into();
    let defined = define(&accepting, "nightly", &plan).await.json();
    assert!(defined["next_run_at"].as_str().unwrap().ends_with("-01-01T00:00:00Z"), "{defined}");
    let due = "update stevedore.crawlers set next_run_at = now() - interval '3 years'";
    database.connect().await.batch_execute(due).await.unwrap();
    let [one, other] = [(); 2].map(|()| Serve::start(&database, &[], folder.path()));
    let crawler = accepting.crawled("nightly").await;
    let last = &crawler["last_run"];
    assert_eq!(
        (&last["requested_by"], &last["report"]["objects"]),
        (&json!("schedule"), &json!(2))
    );
    assert_eq!(crawler["next_run_at"], defined["next_run_at"]);
    assert_eq!(begun(&[&one, &other]), 1);
}

#[tokio::test]
async fn a_crawl_whose_worker_is_killed_is_taken_over_and_reads_only_the_rest() {
    let (database, folder) = (TestDatabase::empty().await, objects(550));
    let mut dying = Serve::start_with(&database, &[], folder.path(), |command| {
        command.env("STEVEDORE_FAILPOINT", "objects_kept")
    });
    define(&dying, "mine", &plan()).await;
    run(&dying, "mine").await;
    dying.wait_for("failpoint: objects_kept");
    dying.kill();
    let serve = Serve::start(&database, &[], folder.path());
    let crawler = serve.crawled("mine").await;
    let report = &crawler["last_run"]["report"];
    assert_eq!((&report["unchanged"], &report["read"]), (&json!(500), &json!(50)), "{crawler}");
    assert_eq!(database.count("stevedore.catalog_tables where objects = 550").await, 1);
}

#[tokio::test]
async fn versions_of_a_table_are_listed_and_exported() {
    let (database, folder) = (TestDatabase::empty().await, objects(1));
    let serve = Serve::start(&database, &[], folder.path());
    define(&serve, "mine", &plan()).await;
    for text in [r#"{"id":1}"#, r#"{"id":1.5}"#] {
        write(folder.path(), "0.json", text);
        run(&serve, "mine").await;
        serve.crawled("mine").await;
    }
    let versions = "/v1/catalog/tables/bucket_0/versions";
    let listed = serve.get(versions).await.json();
    let numbers: Vec<_> =
        listed["versions"].as_array().unwrap().iter().map(|version| &version["version"]).collect();
    assert_eq!(numbers, [&json!(2), &json!(1)]);
    let get = |rest: &str| {
        let path = format!("{versions}/{rest}");
        let serve = &serve;
        async move { serve.get(&path).await }
    };
    assert_eq!(get("1").await.json()["columns"][0]["data_type"], "int");
    let ddl = get("2?format=ddl").await.body;
    let expected = "create table \"bucket_0\" (\n    \"id\" double precision not null\n);\n\
        comment on column \"bucket_0\".\"id\" is 'in 1 records, null in 0';\n";
    assert_eq!(ddl, expected);
    let schema = get("1?format=json_schema").await;
    assert_eq!(schema.header("content-type"), Some("application/schema+json"));
    assert_eq!(schema.json()["properties"]["id"]["type"], "integer");
    assert_eq!(get("3").await.outcome(), (404, "version_not_found".to_owned()));
    assert_eq!(get("1?format=xml").await.outcome(), (400, "invalid_parameter".to_owned()));
}

#[tokio::test]
async fn a_crawler_keeps_its_runs_and_one_that_waits_is_cancelled() {
    let (database, folder) = (TestDatabase::empty().await, objects(3));
    let serve = Serve::start(&database, &["--no-worker"], folder.path());
    define(&serve, "mine", &plan()).await;
    let first = run(&serve, "mine").await.json();
    let cancel = format!("/v1/crawlers/mine/runs/{}/cancel", first["run_id"].as_str().unwrap());
    let cancelled = serve.post(&cancel).await;
    assert_eq!((cancelled.status, &cancelled.json()["state"]), (202, &json!("ready")));
    assert_eq!(serve.post(&cancel).await.outcome(), (409, "run_not_cancellable".to_owned()));
    let second = run(&serve, "mine").await.json();
    let worker = Serve::start(&database, &[], folder.path());
    worker.wait_for("a crawl has ended");
    let runs = serve.get("/v1/crawlers/mine/runs").await.json();
    let runs = runs["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert_eq!((&runs[0]["run_id"], &runs[0]["state"]), (&second["run_id"], &json!("ended")));
    assert!(runs[0]["report"].get("error").is_none() && runs[0]["finished_at"].is_string());
    assert_eq!(runs[1]["report"]["error"]["code"], "cancelled");
    assert_eq!(serve.get("/v1/crawlers/other/runs").await.status, 404);
}
