//! What the tests share: a PostgreSQL of their own, a database for each test, and the binary.

mod certificates;
mod database;
mod postgres;

pub use certificates::Authority;
pub use database::{OLD_TABLES, TestDatabase};
pub use postgres::TestServer;
pub use serve::Serve;
pub mod azure;
pub mod browser;
pub mod canned;
pub mod google;
pub mod moto;
pub mod pgbouncer;
pub mod proxy;
pub mod python;
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

/// The feed that is built in.
pub static USER_STATUS: LazyLock<Arc<Feed>> = LazyLock::new(|| {
    let feeds = Feeds::built_in().unwrap();
    Arc::clone(feeds.get("user_status").unwrap())
});

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
