//! The flags of the verbs that ask: a server, the catalog, the tables; and of `key`.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{
    Authority, Serve, TestDatabase, json_lines, repository, sample, stderr, stdout, stevedore,
};

fn run(database: &TestDatabase, args: &[&str]) -> String {
    let output = database.stevedore(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

fn run_json(database: &TestDatabase, args: &[&str]) -> Value {
    serde_json::from_str(&run(database, &[args, &["--json"]].concat())).unwrap()
}

#[test]
fn a_key_has_its_scopes() {
    let args = ["key", "ci", "--scope", "trigger", "--scope", "read"];
    let made = stdout(&stevedore(&args).output().unwrap());
    assert!(made.lines().nth(1).unwrap().starts_with("ci:trigger+read:"), "{made}");
}

#[tokio::test]
async fn health_is_that_of_the_server() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let health = |url: &str| stevedore(&["health", "--server", url]).output().unwrap();
    let ready = health(&serve.url);
    assert_eq!((ready.status.code(), stdout(&ready)), (Some(0), "ready\n".to_owned()));
    let nobody = health("http://127.0.0.1:1");
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr(&nobody).contains("127.0.0.1:1"), "{}", stderr(&nobody));
}

#[tokio::test]
async fn jobs_are_those_of_the_server_for_the_key() {
    let database = TestDatabase::empty().await;
    let made = stdout(&stevedore(&["key", "k", "--scope", "admin"]).output().unwrap());
    let (key, setting) = made.trim().split_once('\n').unwrap();
    let serve = Serve::start(&database, &["--no-worker", "--key", setting], &repository("data"));
    let body = json!({"bucket": "bucket", "key": "user_status_sample.json"});
    let request = serve.request(reqwest::Method::POST, "/v1/jobs").bearer_auth(key).json(&body);
    let job: Value = request.send().await.unwrap().json().await.unwrap();
    let id = job["job_id"].as_str().unwrap();
    // `watch` follows a job to its end, which a cancelled one has come to.
    for verb in [&["list"][..], &["show", id], &["cancel", id], &["watch", id], &["retry", id]] {
        let jobs = |flags: &[&str]| -> Output {
            let args = [&["jobs"], verb, &["--server", &serve.url], flags].concat();
            stevedore(&args).output().unwrap()
        };
        let refused = jobs(&[]);
        assert_eq!(refused.status.code(), Some(1), "{verb:?}");
        let for_people = jobs(&["--api-key", "wrong"]);
        assert!(stdout(&for_people).is_empty(), "{verb:?}: {}", stdout(&for_people));
        let told = jobs(&["--api-key", key, "--json"]);
        let told = json_lines(&told).pop().unwrap();
        assert_eq!(told["job_id"], id, "{verb:?}");
    }
}

#[tokio::test]
async fn jobs_are_filtered() {
    let database = TestDatabase::empty().await;
    let other = format!("other={}", repository("data").display());
    let serve = Serve::start(&database, &["--no-worker", "--bucket", &other], &repository("data"));
    for (bucket, key) in [
        ("bucket", "user_status_sample.json"),
        ("bucket", "user_status_sample.ndjson"),
        ("other", "user_status_sample.json"),
    ] {
        let asked = json!({"bucket": bucket, "key": key, "dry_run": bucket == "other"});
        assert_eq!(serve.post_json("/v1/jobs", &asked).await.status, 202);
    }
    let cancelled = serve.load("user_status_sample.ndjson").await;
    let path = format!("/v1/jobs/{}/cancel", cancelled["job_id"].as_str().unwrap());
    assert_eq!(serve.post(&path).await.status, 202);
    let count = |flags: &[&str]| {
        let args = [&["jobs", "list", "--json", "--server", &serve.url], flags].concat();
        json_lines(&stevedore(&args).output().unwrap()).len()
    };
    for (flags, jobs) in [
        (&[][..], 3),
        (&["--bucket", "bucket"], 2),
        (&["--bucket", "other"], 1),
        (&["--key", "user_status_sample.json"], 2),
        (&["--state", "cancelled"], 1),
        (&["--state", "queued"], 2),
        (&["--state", "queued", "--bucket", "bucket", "--key", "user_status_sample.json"], 1),
        (&["--feed", "user_status"], 3),
        (&["--feed", "orders"], 0),
        (&["--limit", "2"], 2),
    ] {
        assert_eq!(count(flags), jobs, "{flags:?}");
    }
}

#[tokio::test]
async fn jobs_that_match_are_counted_cancelled_and_retried() {
    let (database, bucket) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    std::fs::write(bucket.path().join("broken.json"), b"\x1f\x8b\x08 cut off").unwrap();
    let serve = Serve::start(&database, &[], bucket.path());
    let asked = json!({"bucket": "bucket", "key": "broken.json", "labels": {"run": "1"}});
    let asked = serve.post_json("/v1/jobs", &asked).await.json();
    assert_eq!(serve.ended(&asked).await["state"], "failed");
    let jobs = |args: &[&str]| {
        let output =
            stevedore(&[&["jobs", "--server", &serve.url], args].concat()).output().unwrap();
        (stdout(&output), stderr(&output))
    };
    let all = [
        "--label",
        "run=1",
        "--error-code",
        "decompress_failed",
        "--since",
        "2020-01-01T00:00:00Z",
    ];
    assert_eq!(jobs(&[&["list", "--json"][..], &all].concat()).0.lines().count(), 1);
    let nobody = "01990a7e-6c1f-7c3e-9d2b-0c8f6f6f6f6f";
    for flags in [
        ["--state", "queued"],
        ["--bucket", "other"],
        ["--key", "other"],
        ["--feed", "other"],
        ["--parent", nobody],
        ["--error-code", "other"],
        ["--label", "run=3"],
        ["--until", "2020-01-01T00:00:00Z"],
        ["--since", "2100-01-01T00:00:00Z"],
    ] {
        assert_eq!(jobs(&[&["list", "--json"], &flags[..]].concat()).0, "", "{flags:?}");
        for (verb, done) in [("cancel-all", "cancelled"), ("retry-all", "queued again")] {
            let told = jobs(&[&[verb], &flags[..]].concat());
            let none = format!("note: no job was {done}: ");
            assert!(told.0.is_empty() && told.1.starts_with(&none), "{verb} {flags:?}: {told:?}");
        }
    }
    assert!(jobs(&["retry-all"]).1.contains("at least one field is required"));
    assert!(jobs(&["counts"]).0.contains("decompress_failed"));
    let again = jobs(&[&["retry-all"][..], &all].concat());
    assert_eq!(again.0, "1 job was queued again\n", "{again:?}");
}

/// Writes objects below a folder.
fn write(folder: &Path, objects: &[(&str, &str)]) {
    for (name, text) in objects {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[tokio::test]
async fn objects_are_crawled_as_they_are_asked_for() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let record = "{\"id\":1}\n";
    let two = record.repeat(2);
    write(folder.path(), &[("2026/a.json", &two), ("2027/b.json", record), ("2026/c.json", &two)]);
    let bucket = format!("lake={}", folder.path().display());
    let flags = ["--bucket", &bucket, "--prefix", "2026/", "--sample", "1", "--parallel", "3"];
    let names = ["--name", "mine", "--catalog-database", "raw"];
    let crawl = [&["crawl", "objects", "lake"], &flags[..], &names].concat();
    let report = run_json(&database, &crawl);
    assert_eq!((&report["objects"], &report["records"]), (&json!(2), &json!(2)), "{report}");
    let crawlers = database.rows("select name, database, target from stevedore.crawlers").await;
    let [crawler] = &crawlers[..] else { panic!("{crawlers:?}") };
    assert_eq!((&crawler["name"], &crawler["database"]), (&json!("mine"), &json!("raw")));
    assert_eq!(crawler["target"]["parallel"], 3, "{crawler}");
    assert!(run(&database, &crawl).starts_with("crawled 2 objects"));
    assert!(run(&database, &["crawl", "list"]).contains("mine"));

    // Again as it was defined; the bucket is another folder by now.
    let moved = tempfile::tempdir().unwrap();
    write(moved.path(), &[("2026/d.json", record)]);
    let bucket = format!("lake={}", moved.path().display());
    let again = run_json(&database, &["crawl", "run", "mine", "--bucket", &bucket]);
    assert_eq!((&again["objects"], &again["gone"]), (&json!(1), &json!(2)), "{again}");
    let for_people = run(&database, &["crawl", "run", "mine", "--bucket", &bucket]);
    assert!(for_people.starts_with("crawled 1 objects"), "{for_people}");
}

#[tokio::test]
async fn tables_are_crawled_as_they_are_asked_for() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    let tables = "create schema s; create table s.a (id int); create table s.b (id int);
        create table s.c (id int); create table public.a (id int)";
    client.batch_execute(tables).await.unwrap();
    let name: String = client.query_one("select current_database()", &[]).await.unwrap().get(0);
    let [a, b] = ["a", "b"].map(|table| format!("postgres_{name}_s_{table}"));
    let tables = ["--schema", "s", "--include", "?", "--exclude", "c"];
    let names = ["--name", "mine", "--catalog-database", "raw"];
    let crawl = [&["crawl", "postgres"], &tables[..], &names].concat();
    let report = run_json(&database, &crawl);
    let found: Vec<_> =
        report["tables"].as_array().unwrap().iter().map(|table| &table["name"]).collect();
    assert_eq!(found, [&json!(a), &json!(b)]);
    let crawlers = database.rows("select name, database from stevedore.crawlers").await;
    assert_eq!(crawlers, [json!({"name": "mine", "database": "raw"})]);
    assert!(run(&database, &crawl).starts_with("crawled 2 tables"));

    client.batch_execute("alter table s.a add column more text; drop table s.b").await.unwrap();
    let policies = ["--on-change", "log", "--on-delete", "log"];
    let told = run_json(&database, &[&crawl[..], &policies].concat());
    let changed = &told["tables"][0];
    assert_eq!((&changed["version"], &told["missing"]), (&json!(1), &json!([b])), "{told}");
    assert_eq!(changed["held_back"].as_array().unwrap().len(), 1, "{told}");
    let policies = ["--on-change", "add-columns", "--on-delete", "delete"];
    let done = run_json(&database, &[&crawl[..], &policies].concat());
    let changed = &done["tables"][0];
    assert_eq!((&changed["version"], &done["deleted"]), (&json!(2), &json!([b])), "{done}");
}

#[tokio::test]
async fn versions_are_shown_in_every_format() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let bucket = format!("lake={}", folder.path().display());
    for text in ["{\"id\":1}", "{\"id\":1,\"name\":\"x\"}"] {
        write(folder.path(), &[("a.json", text)]);
        run(&database, &["crawl", "objects", "lake", "--bucket", &bucket]);
    }
    let show = |flags: &[&str]| run(&database, &[&["catalog", "show", "a"], flags].concat());
    assert!(show(&[]).contains("name: string"));
    let first = show(&["--version", "1"]);
    assert!(first.contains("id: int") && !first.contains("name"), "{first}");
    assert_eq!(show(&["--format", "tree"]), show(&[]));
    let schema: Value = serde_json::from_str(&show(&["--format", "json-schema"])).unwrap();
    assert!(schema["properties"]["name"].is_object(), "{schema}");
    let ddl = show(&["--format", "ddl", "--version", "2"]);
    let client = database.connect().await;
    client.batch_execute(&ddl).await.unwrap();
    assert_eq!(database.count("a").await, 0);
}

#[tokio::test]
async fn rows_are_picked_and_counted() {
    let database = TestDatabase::empty().await;
    database.load(&[&sample("user_status_sample.ndjson")]);
    let rows = |flags: &[&str]| {
        let shown = run(&database, &[&["show", "user_status"], flags].concat());
        shown.lines().filter(|line| line.starts_with("│ u-")).count()
    };
    for (flags, expected) in [
        (&[][..], 7),
        (&["--limit", "3"], 3),
        (&["--where", "userid = 'u-1001'"], 1),
        (&["--where", "userid > 'u-1001'"], 6),
        (&["--where", "userid > 'u-1001'", "--limit", "2"], 2),
        // The filter of the log is another one.
        (&["--where", "userid = 'u-1001'", "--log", "error"], 1),
        (&["--log", "error"], 7),
    ] {
        assert_eq!(rows(flags), expected, "{flags:?}");
    }
    let of_readme = ["show", "user_status_error_rec", "--where", "reason = 'null_field'"];
    assert!(run(&database, &[&of_readme[..], &["--limit", "3"]].concat()).contains("2 rows"));
}

#[tokio::test]
async fn a_server_is_trusted_by_the_certificates_that_are_named() {
    let (right, wrong) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = right.certify("127.0.0.1");
    std::fs::write(file("chain.pem"), certificate).unwrap();
    std::fs::write(file("key.pem"), key).unwrap();
    let flags = ["--no-worker", "--tls-cert", &file("chain.pem"), "--tls-key", &file("key.pem")];
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &flags, &repository("data"));
    for verb in [&["health"][..], &["jobs", "list"]] {
        let ask = |more: &[&str]| {
            stevedore(&[verb, &["--server", &serve.url], more].concat()).output().unwrap()
        };
        let root = |authority: &Authority| authority.file().to_str().unwrap().to_owned();
        let trusted = ask(&["--ca-cert", &root(&right)]);
        assert!(trusted.status.success(), "{verb:?}: {}", stderr(&trusted));
        for flags in [&["--ca-cert", &root(&wrong)][..], &["--ca-cert", &file("key.pem")], &[]] {
            assert_eq!(ask(flags).status.code(), Some(1), "{verb:?} {flags:?}");
        }
    }
}
