//! The flags of `serve` and `worker` that say how they work on jobs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use futures::future::join_all;
use pipeline::database::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Serve, TestDatabase, record, sample, stderr};

/// Longest time that anything may take: shorter than the timeouts that hold if nothing is said.
const PATIENCE: Duration = Duration::from_secs(25);

/// The verbs that work on jobs.
pub(super) const VERBS: [&str; 2] = ["serve", "worker"];

/// A process that works on jobs.
pub(super) struct Works {
    process: Child,
    /// The lines of its log.
    log: Receiver<String>,
}

impl Works {
    pub(super) fn start(
        verb: &str,
        database: &TestDatabase,
        folder: &Path,
        flags: &[&str],
    ) -> Self {
        Self::start_with(verb, database, folder, flags, |command| command)
    }

    fn start_with(
        verb: &str,
        database: &TestDatabase,
        folder: &Path,
        flags: &[&str],
        more: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let bucket = format!("bucket={}", folder.display());
        let mut command = database.stevedore(&[verb, "--bucket", &bucket]);
        command.args(flags).env("STEVEDORE_LISTEN", "127.0.0.1:0");
        more(&mut command).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, log) = channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { process, log }
    }

    /// Reads the log up to a line that holds a text.
    fn wait_for(&self, text: &str) -> String {
        let (until, mut lines) = (Instant::now() + PATIENCE, Vec::new());
        while let Ok(line) = self.log.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            if line.contains(text) {
                return line;
            }
            lines.push(line);
        }
        panic!("no line with {text}: {lines:#?}");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Works {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A bucket with two small objects.
fn bucket() -> TempDir {
    let bucket = tempfile::tempdir().unwrap();
    for name in ["a.ndjson", "b.ndjson"] {
        std::fs::copy(sample("user_status_sample.ndjson"), bucket.path().join(name)).unwrap();
    }
    bucket
}

/// A database, and a server that accepts jobs for it and leaves them to others.
pub(super) async fn accepting(bucket: &Path) -> (TestDatabase, Serve) {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &["--no-worker"], bucket);
    (database, serve)
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it does not take so long")
}

/// Asks again and again until as many rows are there.
async fn until(client: &Connection, rows: &str, count: i64) {
    let sql = format!("select count(*) from {rows}");
    let asked = async {
        while client.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0) != count {
            tokio::task::yield_now().await;
        }
    };
    within(asked).await;
}

/// Those who wait for a lock on a table of this database.
fn waiting_for(table: &str) -> String {
    format!(
        "pg_locks where not granted and relation = '{table}'::regclass \
            and database = (select oid from pg_database where datname = current_database())"
    )
}

async fn lock(database: &TestDatabase, table: &str) -> Connection {
    let holder = database.connect().await;
    let sql = format!("begin; lock table {table} in access exclusive mode");
    holder.batch_execute(&sql).await.unwrap();
    holder
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_jobs_run_at_once_as_are_asked_for() {
    for verb in VERBS {
        for at_once in ["1", "2"] {
            let bucket = bucket();
            let (database, serve) = accepting(bucket.path()).await;
            // Jobs that load again on purpose are not loaded together.
            let again = |key| json!({"bucket": "bucket", "key": key, "reload": true});
            let mut jobs = Vec::new();
            for key in ["a.ndjson", "b.ndjson"] {
                jobs.push(serve.post_json("/v1/jobs", &again(key)).await.json());
            }
            let hold = bucket.path().join("hold");
            std::fs::write(&hold, "").unwrap();
            let flags = ["--concurrency", at_once];
            let works = Works::start_with(verb, &database, bucket.path(), &flags, |command| {
                let command = command.env("STEVEDORE_FAILPOINT", "children_copied");
                command.env("STEVEDORE_FAILPOINT_FILE", &hold)
            });
            // With one slot the second job does not begin before the first has ended.
            for _ in 0..at_once.parse().unwrap() {
                works.wait_for("failpoint: children_copied");
            }
            std::fs::remove_file(&hold).unwrap();
            for job in &jobs {
                assert_eq!(serve.ended(job).await["state"], "succeeded");
            }
            let overlapping = "stevedore.jobs a join stevedore.jobs b on a.job_id < b.job_id \
                and a.started_at < b.finished_at and b.started_at < a.finished_at";
            let expected = i64::from(at_once == "2");
            assert_eq!(database.count(overlapping).await, expected, "{verb} {at_once}");
        }
    }
}

#[tokio::test]
async fn a_huge_object_is_loaded_on_as_many_connections() {
    let bucket = tempfile::tempdir().unwrap();
    let blank = " ".repeat((1 << 20) - 1) + "\n";
    std::fs::write(bucket.path().join("huge.ndjson"), blank.repeat(33) + &record("u", 1, "s"))
        .unwrap();
    for verb in VERBS {
        for (connections, parts) in [("1", 0), ("2", 2)] {
            let (database, serve) = accepting(bucket.path()).await;
            let wanted = json!({"bucket": "bucket", "key": "huge.ndjson", "mode": "append"});
            let job = serve.post_json("/v1/jobs", &wanted).await.json();
            let flags = ["--connections", connections];
            let _works = Works::start(verb, &database, bucket.path(), &flags);
            assert_eq!(serve.ended(&job).await["state"], "succeeded");
            assert_eq!(database.count("stevedore.load_parts").await, parts, "{verb} {connections}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_may_go_on_for_the_grace_period() {
    for verb in VERBS {
        for (grace, ended) in [("0", "queued"), ("3600", "succeeded")] {
            let bucket = bucket();
            let (database, serve) = accepting(bucket.path()).await;
            database.load(&[bucket.path().join("b.ndjson").to_str().unwrap()]);
            let holder = lock(&database, "user_status_log").await;
            let job = serve.load("a.ndjson").await;
            let flags = ["--grace-secs", grace, "--no-preflight"];
            let mut works = Works::start(verb, &database, bucket.path(), &flags);
            until(&database.connect().await, &waiting_for("user_status_log"), 1).await;
            works.signal("-TERM");
            works.wait_for("stopping");
            if grace != "0" {
                holder.batch_execute("rollback").await.unwrap();
            }
            assert!(works.process.wait().unwrap().success());
            let state = "select state, error is null as fine from stevedore.jobs";
            let expected = json!({"state": ended, "fine": true});
            assert_eq!(database.rows(state).await, [expected], "{verb} {grace} {job}");
        }
    }
}

#[tokio::test]
async fn a_load_waits_for_a_lock_as_long_as_it_may() {
    for verb in VERBS {
        let bucket = bucket();
        let (database, serve) = accepting(bucket.path()).await;
        database.load(&[bucket.path().join("b.ndjson").to_str().unwrap()]);
        let _holder = lock(&database, "user_status_log").await;
        serve.load("a.ndjson").await;
        let flags = ["--lock-timeout-secs", "1", "--no-preflight"];
        let _works = Works::start(verb, &database, bucket.path(), &flags);
        let failed = "stevedore.jobs where first_error ->> 'code' = 'database_failed'";
        until(&database.connect().await, failed, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_take_as_long_as_they_may() {
    let bucket = bucket();
    let (database, serve) = accepting(bucket.path()).await;
    let flags = ["--no-worker", "--statement-timeout-secs", "1"];
    let impatient = Serve::start(&database, &flags, bucket.path());
    serve.load("a.ndjson").await;
    let holder = lock(&database, "stevedore.jobs").await;
    // The API.
    assert_eq!(within(impatient.get("/v1/jobs")).await.outcome().0, 503);
    // What a worker asks about its job.
    for verb in VERBS {
        let flags = ["--statement-timeout-secs", "1"];
        Works::start(verb, &database, bucket.path(), &flags).wait_for("timeout");
    }
    holder.batch_execute("rollback").await.unwrap();
}

#[tokio::test]
async fn the_pool_has_as_many_connections_as_are_asked_for() {
    const REQUESTS: usize = 8;
    const NO_JOB: &str = "/v1/jobs/00000000-0000-7000-8000-000000000000";
    let bucket = bucket();
    let mut all = Vec::new();
    for size in [2, 5] {
        let database = TestDatabase::empty().await;
        let named = TestDatabase { url: format!("{}&application_name=pooled", database.url) };
        let flags = ["--no-worker", "--pool-size", &size.to_string()];
        let serve = Serve::start(&named, &flags, bucket.path());
        let holder = lock(&database, "stevedore.jobs").await;
        // Of pages, fewer are read at the same time.
        let asked = join_all((0..REQUESTS).map(|_| serve.get(NO_JOB)));
        let looked = async {
            until(&database.connect().await, &waiting_for("stevedore.jobs"), size).await;
            holder.batch_execute("rollback").await.unwrap();
        };
        let (answers, ()) = tokio::join!(asked, looked);
        assert!(answers.iter().all(|answer| answer.status == 404), "{answers:?}");
        let connected = "pg_stat_activity where application_name = 'pooled' \
            and datname = current_database()";
        all.push(database.count(connected).await);
    }
    // Whatever else a server has, it has with either.
    assert_eq!(all[1] - all[0], 3, "{all:?}");
}

#[tokio::test]
async fn jobs_are_loaded_as_the_worker_is_told() {
    for verb in VERBS {
        let bucket = tempfile::tempdir().unwrap();
        let long = record("u", 1, "s") + "\n" + &record("v", 1, &"s".repeat(400));
        std::fs::write(bucket.path().join("a.ndjson"), long).unwrap();
        let (database, serve) = accepting(bucket.path()).await;
        let job = serve.load("a.ndjson").await;
        let flags = ["--max-record-bytes", "400", "--no-preflight"];
        let _works = Works::start(verb, &database, bucket.path(), &flags);
        let done: Value = serve.ended(&job).await;
        assert_eq!(done["summary"]["rejected_by_reason"], json!({"too_large": 1}), "{verb}");
        assert_eq!(database.count("stevedore.crawlers").await, 0, "{verb}");
    }
}

#[tokio::test]
async fn without_the_default_folder_the_error_tells_how_to_name_a_bucket() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    for verb in VERBS {
        let output = database.stevedore(&[verb]).current_dir(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{verb}");
        let text = stderr(&output);
        assert!(text.contains("caused by: the bucket microservice-hw cannot be opened"), "{text}");
        assert!(text.contains("hint: name your buckets with --bucket NAME=FOLDER"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_answers_probes_and_counts_what_it_does() {
    let bucket = bucket();
    let (database, serve) = accepting(bucket.path()).await;
    let works = Works::start("worker", &database, bucket.path(), &["--listen", "127.0.0.1:0"]);
    let line = works.wait_for("probes and counts: ");
    let url = line.split("counts: ").nth(1).unwrap().trim_end_matches("/metrics").to_owned();
    let get = async |path: &str| {
        let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(path).await, (200, r#"{"status":"ok"}"#.to_owned()));
    }
    let (status, problem) = get("/v1/jobs").await;
    assert!(status == 404 && problem.contains(r#""code":"not_found""#), "{problem}");
    serve.ended(&serve.load("a.ndjson").await).await;
    let (_, counts) = get("/metrics").await;
    for line in [
        r#"stevedore_attempts_total{ended="succeeded"} 1"#,
        r#"stevedore_loads_total{feed="user_status",state="loaded"} 1"#,
        r#"stevedore_records_total{feed="user_status",became="loaded"} "#,
        r#"stevedore_jobs{state="queued"} 0"#,
    ] {
        assert!(counts.contains(line), "{line}: {counts}");
    }
    let port = url.rsplit(':').next().unwrap();
    let taken = ["--listen", &format!("127.0.0.1:{port}")].map(str::to_owned);
    let taken = taken.each_ref().map(String::as_str);
    let refused = Works::start("worker", &database, bucket.path(), &taken);
    refused.wait_for("could not listen on 127.0.0.1");
    // Two that say nothing do not stand in each other's way.
    let others = [(); 2].map(|()| Works::start("worker", &database, bucket.path(), &[]));
    for other in &others {
        other.wait_for("probes and counts: ");
    }
    let silent = Works::start("worker", &database, bucket.path(), &["--no-listen"]);
    silent.wait_for("working on");
    silent.signal("-TERM");
    let rest: Vec<String> = silent.log.iter().collect();
    assert!(!rest.iter().any(|line| line.contains("probes")), "{rest:?}");
}
