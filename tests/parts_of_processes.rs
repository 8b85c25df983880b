//! One object on many connections of the binary: killed, shared by processes and by workers.

use std::io::{BufRead, BufReader};
use std::process::{Child, Output, Stdio};

use futures::StreamExt;
use serde_json::json;

use crate::support::{Serve, TestDatabase, json_lines, record, stderr};

/// Parts on the command line are of 32 MiB: an object of four, two for each connection.
pub(crate) struct Large {
    folder: tempfile::TempDir,
    records: i64,
}

impl Large {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pad = "x".repeat(1 << 20);
        let records = 40;
        let line = |at| match at % 4 {
            0 => format!("{{broken {pad}\n"),
            _ => record(&format!("u{at}"), at, &pad) + "\n",
        };
        std::fs::write(
            folder.path().join("large.ndjson"),
            (0..records).map(line).collect::<String>(),
        )
        .unwrap();
        Self { folder, records }
    }

    fn path(&self) -> String {
        self.folder.path().join("large.ndjson").to_str().unwrap().to_owned()
    }

    pub(crate) fn args(&self) -> [String; 6] {
        ["load", "--json", "--mode", "append", "--connections=2", &self.path()].map(str::to_owned)
    }

    pub(crate) fn counts(&self) -> [i64; 3] {
        let rejected = self.records / 4;
        [self.records - rejected, self.records - rejected, rejected]
    }
}

pub(crate) fn start(database: &TestDatabase, args: &[String], point: &str) -> Child {
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let mut command = database.stevedore(&args);
    command.env("STEVEDORE_FAILPOINT", point);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub(crate) fn run(database: &TestDatabase, args: &[String]) -> Output {
    start(database, args, "").wait_with_output().unwrap()
}

pub(crate) fn wait_for(load: &mut Child, point: &str) {
    let mut lines = BufReader::new(load.stderr.as_mut().unwrap()).lines();
    let reached = lines.any(|line| line.unwrap() == format!("failpoint: {point}"));
    assert!(reached, "the load never reached {point}");
}

#[tokio::test]
async fn a_load_in_parts_that_is_killed_anywhere_is_whole_after_the_next_run() {
    let large = Large::new();
    for (point, committed) in [
        ("plan_recorded", 0),
        ("planned", 0),
        ("children_copied", 0),
        ("rejects_copied", 0),
        ("root_copied", 0),
        ("part_recorded", 0),
        ("part_committed", 1),
        ("recorded", 4),
        ("committed", 4),
    ] {
        let database = TestDatabase::with_old_tables().await;
        let mut load = start(&database, &large.args(), point);
        wait_for(&mut load, point);
        load.kill().unwrap();
        load.wait().unwrap();
        let parts =
            "select part, committed_at from stevedore.load_parts where committed_at is not null";
        let before = database.rows(parts).await;
        assert_eq!(before.len(), committed, "{point}");
        let again = run(&database, &large.args());
        assert!(again.status.success(), "{point}: {}", stderr(&again));
        let is_complete = point == "committed";
        let state = if is_complete { "already_loaded" } else { "loaded" };
        assert_eq!(json_lines(&again)[0]["state"], state, "{point}");
        assert_eq!(json_lines(&again)[0]["records"], large.records, "{point}");
        assert_eq!(database.counts().await, large.counts(), "{point}");
        let after = database.rows(parts).await;
        assert!(before.iter().all(|part| after.contains(part)), "{point}: a part was loaded again");
        let numbers = "select count(distinct record_no), max(record_no) from user_status_error_rec";
        let expected = json!({"count": large.records / 4, "max": large.records - 3});
        assert_eq!(database.rows(numbers).await, [expected], "{point}");
    }
}

#[tokio::test]
async fn of_two_processes_each_loads_parts_and_the_one_goes_on_with_what_the_other_leaves() {
    let (large, database) = (Large::new(), TestDatabase::with_old_tables().await);
    let one = ["--connections=1".to_owned()];
    let on_one: Vec<_> =
        large.args().into_iter().filter(|arg| arg != "--connections=2").chain(one).collect();
    let mut first = start(&database, &large.args(), "part_recorded");
    wait_for(&mut first, "part_recorded");
    // It holds one or two of the parts, and the second process waits for these when it has the others.
    let second = start(&database, &on_one, "");
    let watcher = database.connect().await;
    let waits = "select from pg_locks l join pg_stat_activity a using (pid) \
        where not granted and a.datname = current_database()";
    while watcher.query(waits, &[]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_ne!(database.count("stevedore.load_parts where committed_at is not null").await, 0);
    first.kill().unwrap();
    first.wait().unwrap();
    let second = second.wait_with_output().unwrap();
    assert_eq!(json_lines(&second)[0]["state"], "loaded", "{}", stderr(&second));
    assert_eq!(database.counts().await, large.counts());
    assert_eq!(database.count("stevedore.loads").await, 1);
}

/// A database in which the parts of connections that are called `first` are not recorded while the lock
/// 42 is held.
async fn with_slow_first() -> TestDatabase {
    let database = TestDatabase::with_old_tables().await;
    let slow = "create table takers (taker text);
        create function take() returns trigger language plpgsql as $$ begin
            if current_setting('application_name') = 'first' then
                perform pg_advisory_xact_lock_shared(42);
            end if;
            insert into takers values (current_setting('application_name'));
            return new;
        end $$;
        create trigger take before update on stevedore.load_parts for each row execute function take()";
    database.migrated().await.batch_execute(slow).await.unwrap();
    database
}

fn serve(database: &TestDatabase, name: &str, large: &Large) -> Serve {
    let database = TestDatabase { url: format!("{}&application_name={name}", database.url) };
    Serve::start(&database, &["--connections=2", "--concurrency=1"], large.folder.path())
}

async fn shared_by_workers(first_is_killed: bool) {
    let (large, database) = (Large::new(), with_slow_first().await);
    let holder = database.connect().await;
    holder.batch_execute("select pg_advisory_lock(42)").await.unwrap();
    let mut first = serve(&database, "first", &large);
    let request = json!({"bucket": "bucket", "key": "large.ndjson", "mode": "append"});
    let job = first.post_json("/v1/jobs", &request).await.json();
    let events = first.events(job["job_id"].as_str().unwrap(), None).await;
    let mut events = std::pin::pin!(events);
    while events.next().await.unwrap().event != "progress" {}
    // It has two of the four parts; the others are left to whoever helps.
    let second = serve(&database, "second", &large);
    while database.count("takers").await < 2 {
        tokio::task::yield_now().await;
    }
    let loading = second.get("/v1/loads?state=loading").await.json();
    assert_eq!(loading["loads"][0]["parts"], 4, "{loading}");
    let rejects = second.get("/v1/rejects").await.json();
    assert_eq!(rejects["rejects"], json!([]), "their numbers are not final");
    if first_is_killed {
        first.kill();
    }
    holder.batch_execute("select pg_advisory_unlock(42)").await.unwrap();
    let done = second.ended(&job).await;
    assert_eq!((&done["state"], &done["records"]), (&json!("succeeded"), &json!(large.records)));
    assert_eq!(done["attempts"], if first_is_killed { 2 } else { 1 });
    assert_eq!(database.counts().await, large.counts());
    let by = |taker: &str| format!("takers where taker = '{taker}'");
    let taken = [database.count(&by("first")).await, database.count(&by("second")).await];
    assert_eq!(taken, if first_is_killed { [0, 4] } else { [2, 2] });
    let rejects = second.get("/v1/rejects").await.json();
    assert_eq!(rejects["rejects"][9]["record_no"], large.records - 3);
    let loaded = second.get("/v1/loads?state=loaded").await.json();
    assert_eq!(loaded["loads"][0]["parts_committed"], 4, "{loaded}");
}

#[tokio::test]
async fn workers_share_the_parts_of_a_job() {
    shared_by_workers(false).await;
}

#[tokio::test]
async fn a_job_in_parts_whose_worker_dies_goes_on_elsewhere_with_what_is_missing() {
    shared_by_workers(true).await;
}

#[tokio::test]
async fn it_is_said_where_connections_are_of_no_use() {
    let sample = crate::support::sample("user_status_sample.ndjson");
    let (appended, merged) = (TestDatabase::with_old_tables().await, TestDatabase::empty().await);
    let (small, ordered) = ("it is small", "merging needs its records in their order");
    for (database, mode, why) in [
        (&appended, "append", small),
        (&merged, "merge", ordered),
        (&appended, "auto", small),
        (&merged, "auto", ordered),
    ] {
        let load = ["load", "--reload", "--mode", mode, "--connections", "2", &sample];
        let load = database.stevedore(&load).output().unwrap();
        assert!(load.status.success(), "{}", stderr(&load));
        let note = format!("user_status_sample.ndjson was loaded on one connection: {why}");
        assert!(stderr(&load).contains(&note), "{}", stderr(&load));
    }
}

#[tokio::test]
async fn it_is_said_when_a_load_was_not_one_transaction_and_nobody_asked_for_that() {
    let database = TestDatabase::with_old_tables().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.ndjson");
    let blank = " ".repeat((1 << 20) - 1) + "\n";
    std::fs::write(&path, blank.repeat(128) + &record("u", 1, "s")).unwrap();
    let is_said = |connections: &[&str]| {
        let args = [&["load", "--reload", path.to_str().unwrap()], connections];
        let load = database.stevedore(&args.concat()).output().unwrap();
        assert!(load.status.success(), "{}", stderr(&load));
        stderr(&load).contains("was loaded in parts on 2 connections, each part in a transaction")
    };
    let has_two = std::thread::available_parallelism().unwrap().get() > 1;
    assert_eq!(is_said(&[]), has_two);
    assert!(!is_said(&["--connections", "1"]));
    assert!(!is_said(&["--connections", "2"]));
    assert_eq!(database.counts().await, [3, 3, 0]);
}
