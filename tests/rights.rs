//! The rights that `stevedore migrate --grant-load` gives are enough to load, those of `--grant-serve` to
//! serve and to work, and both for nothing else.

use std::io::{BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::database::migrate;
use pipeline::load::{Connections, LoadOptions, load};
use pipeline::sink::{Mode, RequestedMode, create_tables};
use pipeline::store::Bucket;
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;

use crate::support::{
    Serve, TestDatabase, USER_STATUS, load_text, options, record, repository, sample, stderr,
    stevedore,
};

/// A database whose tables are there, as a role that may load and nothing else.
pub(crate) async fn with_role(database: &TestDatabase, role: &str) -> TestDatabase {
    with_rights(database, role, "--grant-load").await
}

pub(crate) async fn with_rights(database: &TestDatabase, role: &str, grant: &str) -> TestDatabase {
    let mut owner = database.connect().await;
    migrate(&mut owner).await.unwrap();
    create_tables(&*owner, &USER_STATUS, RequestedMode::Auto).await.unwrap();
    owner.batch_execute(&format!("create role {role} login")).await.unwrap();
    let plain = role.trim_matches('"');
    let granted = database.stevedore(&["migrate", grant, plain]).output().unwrap();
    assert!(granted.status.success(), "{}", stderr(&granted));
    assert!(stderr(&granted).contains("may load"), "{}", stderr(&granted));
    TestDatabase { url: database.url.replace("postgres@", &format!("{role}@")) }
}

pub(crate) async fn assert_forbidden(role: &TestDatabase, statements: &[&str]) {
    let connection = role.connect().await;
    for forbidden in statements {
        let error = connection.batch_execute(forbidden).await.expect_err(forbidden);
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{forbidden}");
    }
}

/// What neither loading nor serving needs.
const FORBIDDEN: [&str; 11] = [
    "update stevedore.load_tables set rows = 0",
    "update stevedore.loads set records = 0",
    "delete from stevedore.load_parts",
    "update user_status_error_rec set raw = ''",
    "delete from stevedore.loads",
    "drop table stevedore.loads",
    "drop table user_status",
    "drop table user_status_log",
    "delete from user_status",
    "update user_status_error_rec set error_rec = ''",
    "create table stevedore.mine ()",
];

#[tokio::test]
async fn the_rights_of_the_grants_are_enough_to_merge_and_for_nothing_else() {
    let database = TestDatabase::empty().await;
    let etl = with_role(&database, "etl").await;
    etl.load(&[&sample("user_status_merge_1.ndjson")]);
    // The role may not read the log, so the tables cannot be shown: a remark, and no failure.
    let second = sample("user_status_merge_2.ndjson");
    let output = etl.stevedore(&["load", &second]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("note: the tables cannot be shown: "), "{}", stderr(&output));
    assert_eq!(database.counts().await, [4, 7, 0]);
    assert_forbidden(&etl, &FORBIDDEN).await;
}

#[tokio::test]
async fn the_printed_grants_are_those_that_are_granted() {
    let database = TestDatabase::empty().await;
    let owner = database.connect().await;
    assert!(database.stevedore(&["migrate"]).output().unwrap().status.success());
    owner.batch_execute("create role \"by psql\" login").await.unwrap();
    let printed = stevedore(&["migrate", "--print-grants", "by psql"]).output().unwrap();
    let mut psql = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", &database.url])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    psql.stdin.take().unwrap().write_all(&printed.stdout).unwrap();
    assert!(psql.wait().unwrap().success());
    let role = TestDatabase { url: database.url.replace("postgres@", "by%20psql@") };
    role.load(&[&sample("user_status_merge_1.ndjson")]);
    assert_forbidden(&role, &FORBIDDEN).await;
    let folder = repository("data");
    let serve = Serve::start(&role, &[], &folder);
    let done = serve.ended(&serve.load("user_status_merge_2.ndjson").await).await;
    assert_eq!(done["state"], "succeeded", "{done}");
}

#[tokio::test]
async fn the_rights_of_the_grants_are_enough_to_append_and_for_nothing_else() {
    let database = TestDatabase::with_old_tables().await;
    let etl = with_role(&database, "\"Old ETL\"").await;
    let etl = TestDatabase { url: etl.url.replace("\"Old ETL\"", "Old%20ETL") };
    load_text(&etl, "{}", Mode::Append).await.unwrap();
    etl.load(&["--mode", "append", &sample("user_status_sample.json")]);
    assert_eq!(database.counts().await, [7, 13, 4]);
    // In parts too, the numbers of rejected records included.
    let store = Arc::new(InMemory::new());
    let lines = format!("{}\n{{\n{{\n", record("u", 1, "s"));
    store.put(&"lines".into(), PutPayload::from(lines)).await.unwrap();
    let object = Bucket::new("memory://", store).locate("lines").await.unwrap();
    let connections = Connections { wanted: NonZeroUsize::new(2), part_bytes: 100 };
    let options = LoadOptions { connections, ..options(Mode::Append) };
    let mut connection = etl.connect().await;
    load(&object, &USER_STATUS, &mut connection, &options).await.unwrap();
    assert_eq!(database.count("user_status_error_rec where record_no = 3 and raw = '{'").await, 1);
    assert_forbidden(&etl, &FORBIDDEN).await;
    assert_forbidden(&etl, &["update stevedore.load_parts set records = 0"]).await;
}

/// A process that ends with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Serves the samples, and returns the URL.
fn serve(database: &TestDatabase, buckets: &str) -> (Service, String) {
    let args = ["serve", "--no-worker", "--listen", "127.0.0.1:0", "--bucket", buckets];
    let mut server = database.stevedore(&args).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let url = said.find_map(|line| {
        let url = line.strip_prefix("serving ")?.split(',').next()?;
        Some(url.to_owned())
    });
    // What it says from now on is read, so that it is not held up.
    std::thread::spawn(move || said.for_each(drop));
    (Service(server), url.expect("it serves"))
}

/// Defines a crawler, waits for a run of it, and removes it with its tables.
async fn crawl(client: &reqwest::Client, url: &str) {
    let target = json!({ "kind": "objects", "bucket": "samples", "sample": 10 });
    let new = json!({ "name": "samples", "target": target });
    let defined = client.post(format!("{url}/v1/crawlers")).json(&new).send().await.unwrap();
    assert_eq!(defined.status(), 201);
    let crawler = format!("{url}/v1/crawlers/samples");
    assert_eq!(client.post(format!("{crawler}/runs")).send().await.unwrap().status(), 202);
    let report = loop {
        let told: Value = client.get(&crawler).send().await.unwrap().json().await.unwrap();
        assert_eq!(told["last_run"]["error"], Value::Null, "{told}");
        if told["last_run"]["report"].is_object() {
            break told["last_run"]["report"].clone();
        }
        tokio::task::yield_now().await;
    };
    assert!(report["records"].as_u64().unwrap() > 0, "{report}");
    let removed = client.delete(format!("{crawler}?tables=delete")).send().await.unwrap();
    let removed: Value = removed.json().await.unwrap();
    assert!(!removed["deleted"].as_array().unwrap().is_empty(), "{removed}");
}

#[tokio::test]
async fn the_rights_of_the_service_are_enough_to_serve_and_to_work_and_for_little_else() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let database = TestDatabase::empty().await;
    assert!(database.stevedore(&["migrate"]).output().unwrap().status.success());
    let role = with_rights(&database, "service", "--grant-serve").await;
    let buckets = format!("samples={}", repository("data").display());
    let (_server, url) = serve(&role, &buckets);
    let work = ["worker", "--bucket", &buckets];
    let _worker = Service(role.stevedore(&work).stderr(Stdio::null()).spawn().unwrap());
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
    for (request, records) in [
        (json!({ "bucket": "samples", "key": "user_status_sample.json" }), 10),
        (json!({ "bucket": "samples", "glob": "user_status_merge_*.ndjson" }), 7),
    ] {
        let post = client.post(format!("{url}/v1/jobs")).header("idempotency-key", records);
        let answer = post.json(&request).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        let job: Value = answer.json().await.unwrap();
        let watch = ["jobs", "watch", "--json", "--server", &url, job["job_id"].as_str().unwrap()];
        let output = stevedore(&watch).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let job: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&job["state"], &job["records"]), (&json!("succeeded"), &json!(records)));
    }
    crawl(&client, &url).await;
    for path in ["/v1/jobs", "/v1/loads", "/v1/rejects", "/metrics", "/readyz"] {
        let answer = client.get(format!("{url}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    assert!(stevedore(&["health", "--server", &url]).output().unwrap().status.success());
    assert_eq!(database.count("stevedore_queue._private_jobs").await, 0);
    assert_forbidden(&role, &FORBIDDEN).await;
    let forbidden = [
        "delete from stevedore.job_events",
        "truncate stevedore.jobs cascade",
        "update stevedore.jobs set key = 'other'",
        "update stevedore.jobs set bucket = 'other', prefix = 'other', glob = 'other'",
        "update stevedore.jobs set dry_run = false",
        "update stevedore.jobs set max_rejected = null, catalog = false",
        "update stevedore.jobs set requested_by = 'other'",
        "update stevedore.jobs set request_id = 'other'",
        "update stevedore.jobs set created_at = now()",
        "update stevedore.jobs set parent_id = null, job_id = null",
        "update stevedore.job_events set at = now()",
        "update stevedore.catalog_versions set version = 9",
        "update stevedore.catalog_versions set crawler = 'other'",
        "delete from stevedore.catalog_versions",
        "update stevedore.job_events set state = 'succeeded'",
        "drop table stevedore.jobs",
        "drop schema stevedore_queue cascade",
        "insert into stevedore_queue.migrations (id) values (1000)",
        "create table stevedore_queue.mine ()",
    ];
    assert_forbidden(&role, &forbidden).await;
    // What retention does. The events go with their jobs, although the role may not remove any.
    assert!(database.count("stevedore.job_events").await > 0);
    role.connect().await.batch_execute("delete from stevedore.jobs").await.unwrap();
    assert_eq!(database.count("stevedore.job_events").await, 0);
}

#[tokio::test]
async fn a_role_that_may_only_load_is_told_what_it_lacks_to_serve() {
    let database = TestDatabase::empty().await;
    assert!(database.stevedore(&["migrate"]).output().unwrap().status.success());
    let role = with_role(&database, "loader").await;
    let buckets = format!("samples={}", repository("data").display());
    let args = ["serve", "--listen", "127.0.0.1:0", "--bucket", &buckets];
    let output = role.stevedore(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("migrate --grant-serve ROLE"), "{}", stderr(&output));
}
