//! What the tests share: a PostgreSQL of their own, a database for each test, and the binary.

mod certificates;
mod postgres;

pub use certificates::Authority;
pub use postgres::TestServer;
pub use serve::Serve;
pub mod canned;
pub mod moto;
pub mod proxy;
pub mod s3;
pub mod serve;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::database::{Connection, Database, Download, Embedded, EmbeddedOptions, migrate};
use pipeline::error::Error;
use pipeline::feed::{Feed, Feeds};
use pipeline::load::{Connections, LoadOptions, MAX_REJECTS_IN_A_ROW, Progress, Summary, load};
use pipeline::records::CutOptions;
use pipeline::sink::RequestedMode;
use pipeline::store::{Bucket, Object};
use serde_json::Value;
use tokio::runtime::Runtime;

/// The server of this test process; it goes when the process does.
static SERVER: LazyLock<(Runtime, Embedded)> =
    // On a thread of its own, since the test that comes first runs within a runtime already.
    LazyLock::new(|| std::thread::spawn(start_server).join().unwrap());

fn start_server() -> (Runtime, Embedded) {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    remove_remains(parent);
    let folder = parent.join(format!("server-{}", std::process::id()));
    let options = EmbeddedOptions {
        system_folder: std::env::temp_dir().join(format!("stevedore-test-{}", std::process::id())),
        folder,
        path: std::env::var_os("PATH"),
        download: Download::default(),
    };
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Embedded::start(&options)).expect("PostgreSQL starts");
    (runtime, server)
}

/// Removes the servers' folders that earlier test processes left.
fn remove_remains(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix("server-").and_then(|id| id.parse::<u32>().ok());
        if process.is_some_and(|id| !Path::new(&format!("/proc/{id}")).exists()) {
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// The feed that is built in.
pub static USER_STATUS: LazyLock<Arc<Feed>> = LazyLock::new(|| {
    let feeds = Feeds::built_in().unwrap();
    Arc::clone(feeds.get("user_status").unwrap())
});

/// An empty database.
pub struct TestDatabase {
    pub url: String,
}

/// The tables as users of the old job have them.
pub const OLD_TABLES: &str = "
    create table user_status (userid varchar, createdat varchar, status varchar, lastvisitedat int,
        isblacklisted boolean, ingested_at timestamp);
    create table user_status_log (userid varchar, updatedon varchar, status varchar, ingested_at timestamp);
    create table user_status_error_rec (error_rec varchar);";

impl TestDatabase {
    pub async fn empty() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let server = SERVER.1.url().to_owned();
        let admin = Database::new(&server).unwrap().connect().await.unwrap();
        admin.batch_execute(&format!("create database {name}")).await.unwrap();
        Self { url: server.replace("/postgres?", &format!("/{name}?")) }
    }

    /// With the tables of the old job, and nothing else.
    pub async fn with_old_tables() -> Self {
        let database = Self::empty().await;
        database.connect().await.batch_execute(OLD_TABLES).await.unwrap();
        database
    }

    pub async fn connect(&self) -> Connection {
        Database::new(&self.url).unwrap().connect().await.unwrap()
    }

    /// A connection to a database whose ledger is there.
    pub async fn migrated(&self) -> Connection {
        let mut connection = self.connect().await;
        migrate(&mut connection).await.unwrap();
        connection
    }

    /// The rows of a query as JSON, in order of their text.
    pub async fn rows(&self, query: &str) -> Vec<Value> {
        let sql = format!("select row_to_json(t)::text from ({query}) t");
        let rows = self.connect().await.query(&sql, &[]).await.unwrap();
        let mut rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        rows.sort();
        rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
    }

    pub async fn count(&self, table: &str) -> i64 {
        let row =
            self.connect().await.query_one(&format!("select count(*) from {table}"), &[]).await;
        row.unwrap().get(0)
    }

    /// How many rows each of the three tables has; all none when there are no tables.
    pub async fn counts(&self) -> [i64; 3] {
        let connection = self.connect().await;
        let mut counts = [0; 3];
        for (count, table) in
            counts.iter_mut().zip(["user_status", "user_status_log", "user_status_error_rec"])
        {
            let there = connection
                .query_one("select to_regclass($1) is not null", &[&table])
                .await
                .unwrap();
            if there.get(0) {
                let row = connection
                    .query_one(&format!("select count(*) from {table}"), &[])
                    .await
                    .unwrap();
                *count = row.get(0);
            }
        }
        counts
    }

    /// The rows of a query as psql prints them, null as none.
    pub fn psql(&self, query: &str) -> Vec<Vec<Option<String>>> {
        let psql = Command::new("psql")
            .args([
                "-X",
                "-A",
                "-t",
                "-F",
                "\u{1f}",
                "-R",
                "\u{1e}",
                "-P",
                "null=\u{1}",
                "-c",
                query,
            ])
            .arg(&self.url)
            .env("PGTZ", "UTC")
            .env("PGCLIENTENCODING", "UTF8")
            .output()
            .unwrap();
        assert!(psql.status.success(), "{}", stderr(&psql));
        let rows = stdout(&psql);
        let rows = rows.strip_suffix('\n').unwrap_or(&rows).split('\u{1e}');
        let cell = |cell: &str| (cell != "\u{1}").then(|| cell.to_owned());
        rows.map(|row| row.split('\u{1f}').map(cell).collect()).collect()
    }

    /// The binary, to be run against this database.
    pub fn stevedore(&self, args: &[&str]) -> Command {
        let mut command = stevedore(args);
        command.env("DATABASE_URL", &self.url);
        command
    }

    /// Loads with `--json` and returns what was printed.
    pub fn load(&self, args: &[&str]) -> Vec<Value> {
        let output = self.stevedore(&["load", "--json"]).args(args).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        json_lines(&output)
    }
}

/// Every type that our tables use and many others: a row of values, one of strange ones, one of nulls.
pub const KINDS: &str = "create type mood as enum ('sad', 'happy');
    create domain short as varchar(3);
    create type pair as (a int, b text);
    create table kinds (yes boolean, small smallint, id int, big bigint, half real,
        share double precision, name text, code varchar(40), fixed char(3), label name, at timestamp,
        at_zone timestamptz, amount numeric, exact numeric(10, 2), day date, hour time, hour_zone timetz,
        took interval, tag \"char\", doc json, docb jsonb, body xml, class regclass, id_of oid, feels mood,
        brief short, two pair, place point, span int4range, key uuid, net inet, bits bit(3),
        bytes bytea, ids int[], names text[], \"Odd \"\" name\" text);
    insert into kinds values
    (true, -1, 2147483647, 9223372036854775807, 0.1, 0.1, 'x', 'y', 'z', 'n',
        '2022-01-02 03:04:05.678901', '2022-01-02 03:04:05+00', 12345678901234567890.0123456789, 1.5,
        '2022-01-02', '03:04:05.000001', '03:04:05+01', '1 day 2 hours', 'c', '{\"a\":  1}',
        '{\"a\": [1, null]}', '<a>b</a>', 'pg_class', 1, 'happy', 'abc', '(1,x)', '(1,2.5)', '[1,5)',
        'c2d29867-3d0b-d497-9191-18a9d8ee7830', '10.0.0.0/8', '101', '\\x00ff', '{1,2}', '{a,NULL}', 'odd'),
    (false, 32767, -2147483648, -9223372036854775808, 'Infinity', 'NaN',
        U&'\\+10FFFD \"quoted\" ''single'' \\\\ back ' || E'\\n\\r\\t', '', '', '', 'infinity',
        '-infinity', 'NaN', -0.01, 'infinity', '24:00', '00:00:00-12', '-1 year', '', 'null', 'null',
        null, null, 0, 'sad', '', '(,)', '(NaN,-0)', 'empty', '00000000-0000-0000-0000-000000000000',
        '::1', '000', '', '{}', '{}', 'NULL'),
    (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
        null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
        null, null, null, null)";

/// A timestamp as psql prints it, in microseconds from 1970.
pub fn micros(text: &str) -> i64 {
    match text {
        "infinity" => i64::MAX,
        "-infinity" => i64::MIN,
        _ => {
            let text = text.strip_suffix("+00").unwrap_or(text);
            let at = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f");
            at.unwrap().and_utc().timestamp_micros()
        }
    }
}

/// The binary with nothing configured.
pub fn stevedore(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stevedore"));
    let is_ours = |name: &String| name.starts_with("STEVEDORE_") || name == "DATABASE_URL";
    let ours = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(is_ours);
    for name in ours {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::null());
    command
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn json_lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A sample of the repository, as an argument.
pub fn sample(name: &str) -> String {
    repository("data").join(name).to_str().unwrap().to_owned()
}

pub fn options(mode: impl Into<RequestedMode>) -> LoadOptions {
    LoadOptions {
        mode: mode.into(),
        cut: CutOptions::default(),
        reload: false,
        job_id: None,
        max_rejects_in_a_row: MAX_REJECTS_IN_A_ROW,
        max_rejected: None,
        connections: Connections::default(),
        progress: Arc::new(Progress::default()),
        hit: |_| {},
    }
}

/// Loads a text from a store in memory, as an object of its own.
pub async fn load_text(
    database: &TestDatabase,
    text: &str,
    mode: impl Into<RequestedMode>,
) -> Result<Summary, Error> {
    load_bytes(database, text.as_bytes(), mode).await
}

/// Loads bytes from a store in memory, as an object of its own.
pub async fn load_bytes(
    database: &TestDatabase,
    bytes: &[u8],
    mode: impl Into<RequestedMode>,
) -> Result<Summary, Error> {
    let object = object_of(bytes).await;
    let mut connection = database.migrated().await;
    load(&object, &USER_STATUS, &mut connection, &options(mode)).await
}

/// Bytes in a store in memory, as an object of its own.
pub async fn object_of(bytes: &[u8]) -> Object {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let key = format!("object-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let store = Arc::new(InMemory::new());
    store.put(&key.as_str().into(), PutPayload::from(bytes.to_vec())).await.unwrap();
    Bucket::new("memory://", store).locate(&key).await.unwrap()
}

/// A valid record.
pub fn record(user: &str, visited: i64, status: &str) -> String {
    format!(
        r#"{{"userId":"{user}","createdAt":"2022-01-01","lastVisitedAt":{visited},"status":"{status}","statusLogs":[{{"updatedOn":"2022-01-01","status":"{status}"}}],"isBlacklisted":false}}"#
    )
}
