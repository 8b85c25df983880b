//! Rejects are loaded again, each once, or ignored.

mod by_cli;
mod by_rest;
mod killed;
mod modes;
mod texts;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{TestDatabase, json_lines, stderr};

/// Orders of which the newest version of each stays.
const ORDERS: &str = r#"
name = "orders"
mode = "merge"
key = ["id"]
latest_by = "version"
[metadata]
load_id = "load_id"
object = "object"
[[table]]
name = "orders"
[table.columns]
id = { type = "bigint", required = true }
version = { type = "bigint", required = true }
code = { type = "varchar(3)", required = true }
[[rule]]
name = "version_is_positive"
check = "version > 0"
"#;

/// A database, a folder of objects, and one of feeds.
struct Shop {
    database: TestDatabase,
    folder: TempDir,
}

impl Shop {
    async fn new(feed: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["feeds", "objects"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let shop = Self { database: TestDatabase::empty().await, folder };
        shop.change_feed(feed);
        shop
    }

    fn change_feed(&self, feed: &str) {
        std::fs::write(self.feeds().join("orders.toml"), feed).unwrap();
    }

    fn feeds(&self) -> PathBuf {
        self.folder.path().join("feeds")
    }

    fn objects(&self) -> PathBuf {
        self.folder.path().join("objects")
    }

    fn write(&self, key: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.objects().join(key);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        self.command_at(&self.database, args)
    }

    fn command_at(&self, database: &TestDatabase, args: &[&str]) -> Command {
        let mut command = database.stevedore(args);
        command.arg("--feeds").arg(self.feeds());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        output
    }

    /// Loads an object, and says what the load did.
    fn load(&self, path: &Path) -> Value {
        let args = ["load", "--json", "--no-preflight", "--feed", "orders", path.to_str().unwrap()];
        json_lines(&self.run(&args)).remove(0)
    }

    /// What one `rejects` command prints.
    fn rejects(&self, args: &[&str]) -> Value {
        let args: Vec<_> = ["rejects"].into_iter().chain(args.iter().copied()).collect();
        json_lines(&self.run(&[&args[..], &["--json"]].concat())).remove(0)
    }

    fn replay(&self, args: &[&str]) -> Value {
        self.rejects(&[&["replay"], args].concat())
    }

    /// The state of each reject, by its numbers.
    async fn states(&self) -> Vec<(i64, i64, String)> {
        let listed = json_lines(&self.run(&["rejects", "list", "--json", "--limit", "500"]));
        let state = |reject: &Value| {
            let number = |name: &str| reject[name].as_i64().unwrap();
            (number("load_id"), number("record_no"), reject["state"].as_str().unwrap().to_owned())
        };
        let mut states: Vec<_> = listed.iter().map(state).collect();
        states.sort();
        states
    }

    /// The open rejects that a load has, as `loads show` says.
    fn open(&self, load_id: i64) -> i64 {
        let shown = self.run(&["loads", "show", &load_id.to_string(), "--json"]);
        json_lines(&shown).remove(0)["rejects_open"].as_i64().unwrap()
    }

    /// Compares the tables with the ledger.
    fn verify(&self) {
        self.run(&["verify", "--tables-only"]);
    }

    async fn orders(&self) -> Vec<(i64, i64, String)> {
        let rows = self.database.rows("select id, version, code from orders").await;
        let order = |row: &Value| {
            let code = row["code"].as_str().unwrap().to_owned();
            (row["id"].as_i64().unwrap(), row["version"].as_i64().unwrap(), code)
        };
        let mut orders: Vec<_> = rows.iter().map(order).collect();
        orders.sort();
        orders
    }
}

/// Lets codes be of any length, in the table and in the feed.
async fn widen(shop: &Shop) {
    let file = shop.feeds().join("orders.toml");
    let feed = std::fs::read_to_string(&file).unwrap();
    shop.change_feed(&feed.replace("varchar(3)", "text"));
    let sql = "alter table orders alter code type text";
    shop.database.connect().await.batch_execute(sql).await.unwrap();
}

/// A line of an object.
fn order(id: i64, version: i64, code: &str) -> String {
    format!("{{\"id\":{id},\"version\":{version},\"code\":\"{code}\"}}\n")
}

fn state(load_id: i64, record_no: i64, state: &str) -> (i64, i64, String) {
    (load_id, record_no, state.to_owned())
}
