//! A database of any earlier release comes up to date while loads run, and releases that are too old say so.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pipeline::database::{Connection, migrate};
use serde_json::{Value, json};

use crate::support::{Serve, TestDatabase, json_lines, record, repository, stderr};

const PATIENCE: Duration = Duration::from_secs(60);
/// The migration that moves the rows of child tables out of `loads`.
const LOAD_TABLES: i32 = 12;

/// A file of `sql/migrations`.
struct Migration {
    version: i32,
    sql: String,
}

/// All migrations, in their order.
fn migrations() -> Vec<Migration> {
    let files = std::fs::read_dir(repository("sql/migrations")).unwrap();
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let version = name[1..].split("__").next().unwrap().parse().unwrap();
        Migration { version, sql: std::fs::read_to_string(&path).unwrap() }
    };
    let mut migrations: Vec<_> = files.map(|file| read(file.unwrap().path())).collect();
    migrations.sort_by_key(|migration| migration.version);
    migrations
}

/// What a fresh ledger has of each migration, and of loads of some files.
struct Reference {
    done: Vec<Value>,
    loads: Vec<Value>,
}

impl Reference {
    async fn new(files: &[&str]) -> Self {
        let database = TestDatabase::empty().await;
        database.load(files);
        let done = database.rows("select * from stevedore.migrations").await;
        let loads = database.rows("select * from stevedore.loads").await;
        Self { done, loads }
    }

    /// The load of a file as an older release wrote it.
    fn insert_load(&self, file: &str, version: i32) -> String {
        let is_its = |load: &&Value| load["key"].as_str().unwrap().ends_with(file);
        let load = self.loads.iter().find(is_its).unwrap();
        let text = |column: &str| load[column].as_str().unwrap();
        let (more, rows) = if version < LOAD_TABLES { (", log_rows", ", 1") } else { ("", "") };
        format!(
            "insert into stevedore.loads (feed, bucket, key, version, state, mode, reload, bytes, records, loaded, \
             rejected, rejected_by_reason, unknown_fields, started_at, finished_at, seconds{more}) \
             values ('{}', '{}', '{}', '{}', 'loaded', 'append', false, 1, 1, 1, 0, '{{}}', '{{}}', now(), now(), 0{rows})",
            text("feed"),
            text("bucket"),
            text("key"),
            text("version"),
        )
    }

    /// A database as the release left it whose newest migration was `newest`. It has loaded a file when the ledger
    /// was young.
    async fn database_at(&self, newest: i32, loaded: &str) -> TestDatabase {
        let database = TestDatabase::empty().await;
        let client = database.connect().await;
        let table = "create schema stevedore; create table stevedore.migrations (version int4 primary key, \
                     name varchar(255), applied_on varchar(255), checksum varchar(255))";
        client.batch_execute(table).await.unwrap();
        for migration in migrations().iter().filter(|migration| migration.version <= newest) {
            client.batch_execute(&migration.sql).await.unwrap();
            if migration.version == 1 {
                client.batch_execute(&self.insert_load(loaded, 1)).await.unwrap();
            }
        }
        let done = "insert into stevedore.migrations select m.* \
                    from jsonb_populate_recordset(null::stevedore.migrations, $1) m where version <= $2";
        client.execute(done, &[&json!(self.done), &newest]).await.unwrap();
        database
    }
}

/// Waits until somebody waits for a lock, or nobody does anything any more.
async fn wait_for_a_lock(client: &Connection, mut is_over: impl FnMut() -> bool) {
    let waiting = "select exists (select from pg_locks where not granted and database = \
                   (select oid from pg_database where datname = current_database()))";
    let since = Instant::now();
    while !client.query_one(waiting, &[]).await.unwrap().get::<_, bool>(0) && !is_over() {
        assert!(since.elapsed() < PATIENCE, "nobody waits, and nobody ends");
        tokio::task::yield_now().await;
    }
}

fn write(folder: &Path, name: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, format!("{}\n", record(name, 1, "ACTIVE"))).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Brings a database of an earlier release up to date by two loads and a migration at once, while a load of the
/// earlier release has not committed yet.
async fn upgrade(reference: &Reference, newest: i32, files: &[String; 4]) {
    let [early, pending, first, second] = files;
    let name = |file: &str| Path::new(file).file_name().unwrap().to_str().unwrap().to_owned();
    let database = reference.database_at(newest, &name(early)).await;
    let older = database.connect().await;
    let load = reference.insert_load(&name(pending), newest);
    older.batch_execute(&format!("begin; {load}")).await.unwrap();

    let mut connection = database.connect().await;
    let migration = tokio::spawn(async move { migrate(&mut connection).await });
    let mut loads = [first, second].map(|file| {
        let mut command = database.stevedore(&["load", "--json", file]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    let has_ended = |load: &mut Child| load.try_wait().unwrap().is_some();
    let is_over = || migration.is_finished() && loads.iter_mut().all(has_ended);
    wait_for_a_lock(&database.connect().await, is_over).await;
    older.batch_execute("commit").await.unwrap();

    migration.await.unwrap().unwrap();
    for load in loads {
        let output = load.wait_with_output().unwrap();
        assert!(output.status.success(), "from V{newest}: {}", stderr(&output));
        assert_eq!(json_lines(&output)[0]["state"], "loaded", "from V{newest}");
    }
    let done = database.rows("select max(version) from stevedore.migrations").await;
    assert_eq!(done, [json!({"max": migrations().last().unwrap().version})]);
    assert_eq!(database.counts().await, [2, 2, 0], "from V{newest}");
    let again = database.load(&[early, pending, first, second]);
    let is_loaded = |summary: &&Value| summary["state"] == "already_loaded";
    assert_eq!(again.iter().filter(is_loaded).count(), 4, "from V{newest}: {again:?}");
}

#[tokio::test]
async fn a_database_of_each_earlier_release_comes_up_to_date_while_loads_run() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["early", "pending", "first", "second"];
    let files = files.map(|name| write(folder.path(), &format!("{name}.ndjson")));
    let reference = Reference::new(&files.each_ref().map(String::as_str)).await;
    for migration in migrations() {
        upgrade(&reference, migration.version, &files).await;
    }
}

/// Notes a migration of a release that is not written yet.
async fn newer(database: &TestDatabase, version: i32, name: &str, sql: &str) {
    let done =
        format!("insert into stevedore.migrations (version, name) values ({version}, '{name}')");
    database.connect().await.batch_execute(&format!("begin; {sql}; {done}; commit")).await.unwrap();
}

#[tokio::test]
async fn older_processes_work_beside_newer_ones_unless_a_migration_keeps_them_out() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    for name in ["a.ndjson", "b.ndjson", "c.ndjson"] {
        write(folder.path(), name);
    }
    let running = Serve::start(&database, &[], folder.path());
    newer(&database, 9001, "more", "alter table stevedore.loads add column more text").await;
    let job = running.load("a.ndjson").await;
    assert_eq!(running.ended(&job).await["state"], "succeeded");
    let started = Serve::start(&database, &[], folder.path());
    let job = started.load("b.ndjson").await;
    assert_eq!(started.ended(&job).await["state"], "succeeded");

    newer(&database, 9002, "keep_older_out_of_loads", "drop table stevedore.load_parts").await;
    for serve in [&running, &started] {
        let line = serve.wait_for("too old for its database");
        assert!(line.contains("V9002__keep_older_out_of_loads"), "{line}");
    }
    let bucket = format!("bucket={}", folder.path().display());
    let file = folder.path().join("c.ndjson").display().to_string();
    for args in [
        &["worker", "--bucket", &bucket][..],
        &["serve", "--bucket", &bucket],
        &["load", &file],
        &["migrate"],
    ] {
        let output =
            database.stevedore(args).env("STEVEDORE_LISTEN", "127.0.0.1:0").output().unwrap();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.contains("hint: install the release"), "{args:?}: {text}");
    }
    assert_eq!(database.counts().await, [2, 2, 0]);
}
