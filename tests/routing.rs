//! A folder of feeds: which feed each object goes through, and what is said where that is unclear.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{TestDatabase, USER_STATUS, json_lines, record, stderr, stdout};

/// The feed that is built in under another name, with other tables, and for other objects.
pub(crate) fn feed_text(name: &str, objects: &str) -> String {
    let text = USER_STATUS.text.replace("user_status", name);
    if objects.is_empty() { text } else { format!("objects = [\"{objects}\"]\n{text}") }
}

/// A working folder with feeds and objects.
pub(crate) struct Folder(pub(crate) TempDir);

impl Folder {
    /// Feeds by their names and objects, in files of their names.
    pub(crate) fn new(feeds: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, objects) in feeds {
            folder.write(&format!("feeds/{name}.toml"), &feed_text(name, objects));
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, file: &str, text: &str) -> PathBuf {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs the binary in the folder.
    fn run(&self, database: &TestDatabase, args: &[&str]) -> Output {
        database.stevedore(args).current_dir(self.path()).output().unwrap()
    }
}

/// Orders and visits, each with their objects, in one folder.
fn two() -> Folder {
    let folder = Folder::new(&[("orders", "orders/*.json"), ("visits", "visits/**")]);
    for (file, user) in [("orders/1.json", "a"), ("visits/2026/1.json", "b"), ("other.json", "c")] {
        folder.write(&format!("data/{file}"), &record(user, 1, "ACTIVE"));
    }
    folder
}

fn feeds_of(loads: &[Value]) -> Vec<&Value> {
    loads.iter().map(|load| &load["feed"]).collect()
}

#[tokio::test]
async fn one_run_over_a_folder_loads_each_object_through_the_feed_that_is_for_it() {
    let (database, folder) = (TestDatabase::empty().await, two());
    let output = folder.run(&database, &["load", "data", "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let loads = json_lines(&output);
    assert_eq!(feeds_of(&loads), ["orders", "user_status", "visits"]);
    for table in ["orders", "user_status", "visits"] {
        assert_eq!(database.count(table).await, 1, "{table}");
    }
    // A feed without loads has no tables yet, and one without a file cannot be verified.
    folder.write("feeds/new.toml", &feed_text("new", "new/*"));
    let verified = folder.run(&database, &["verify"]);
    assert!(verified.status.success(), "{}", stderr(&verified));
    std::fs::rename(folder.path().join("feeds/new.toml"), folder.path().join("feeds/x")).unwrap();
    let without = folder.run(&database, &["verify", "--feeds", "data"]);
    let expected = "note: the loads of the feed visits were not verified";
    assert!(stderr(&without).contains(expected), "{}", stderr(&without));
    let again = stdout(&folder.run(&database, &["load", "data", "--reload"]));
    let (headline, totals) = again.split_once("objects: 3 loaded; 3 records").unwrap();
    assert!(headline.contains("other.json"), "{again}");
    for feed in ["orders", "user_status", "visits"] {
        let table = totals.split_once(&format!("feed {feed}\n")).unwrap().1;
        assert!(table.lines().nth(3).unwrap().contains(&format!(" {feed} ")), "{again}");
    }
}

#[tokio::test]
async fn a_feed_that_is_named_takes_every_object() {
    let (database, folder) = (TestDatabase::empty().await, two());
    let output = folder.run(&database, &["load", "data", "--json", "--feed", "orders"]);
    assert_eq!(feeds_of(&json_lines(&output)), ["orders", "orders", "orders"]);
    // A file need not be in the folder.
    folder.write("new/returns.toml", &feed_text("returns", ""));
    let args = ["load", "data/other.json", "--json", "--feed", "new/returns.toml"];
    assert_eq!(feeds_of(&json_lines(&folder.run(&database, &args))), ["returns"]);
    assert_eq!((database.count("orders").await, database.count("returns").await), (3, 1));
}

#[tokio::test]
async fn an_object_that_no_feed_or_that_two_feeds_are_for_fails_alone_and_names_the_choices() {
    let (database, folder) = (TestDatabase::empty().await, two());
    folder.write("feeds/old.toml", &feed_text("old", "**/1.json"));
    folder.write("feeds/any.toml", &feed_text("any", ""));
    let output = folder.run(&database, &["load", "data", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let loads = json_lines(&output);
    assert!(loads.iter().all(|load| load["state"] == "failed" && load["feed"].is_null()));
    let said = stderr(&output);
    for expected in [
        "orders/1.json is unclear: `objects` of several feeds match it: old, orders",
        "other.json is unclear: `objects` of no feed matches it, and several feeds are without `objects`: \
         any, user_status",
        "hint: name it: --feed NAME",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let output = folder.run(&database, &["load", "data/other.json", "data/orders", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    std::fs::remove_file(folder.path().join("feeds/old.toml")).unwrap();
    let output = folder.run(&database, &["load", "data", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let states: Vec<_> = json_lines(&output).iter().map(|load| load["state"].clone()).collect();
    assert_eq!(states, [json!("failed"), json!("loaded"), json!("loaded")]);
}

#[tokio::test]
async fn a_feed_that_is_unknown_is_wrong_usage() {
    let (database, folder) = (TestDatabase::empty().await, two());
    for (feed, expected) in [
        ("returns", "there is no feed returns: expected one of orders, user_status, visits"),
        ("./returns.toml", "./returns.toml: No such file"),
    ] {
        let output = folder.run(&database, &["load", "data", "--feed", feed]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[tokio::test]
async fn a_folder_of_feeds_is_named_or_that_of_the_working_folder() {
    let (database, folder) = (TestDatabase::empty().await, two());
    let list = |args: &[&str]| stdout(&folder.run(&database, &[&["feed", "list"], args].concat()));
    assert!(list(&[]).contains("│ orders      ┆ orders/*.json "), "{}", list(&[]));
    folder.write("other/mine.toml", &feed_text("mine", ""));
    let shown = list(&["--feeds", "other"]);
    assert!(shown.contains("│ mine ") && !shown.contains("│ orders "), "{shown}");
    let output = folder.run(&database, &["migrate", "--feeds", "other"]);
    assert!(stderr(&output).contains("the tables of mine, user_status"), "{}", stderr(&output));
    let missing = folder.run(&database, &["verify", "--feeds", "missing"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("missing: No such file"), "{}", stderr(&missing));
}

#[tokio::test]
async fn all_files_that_are_wrong_are_shown_before_anything_is_done() {
    let (database, folder) = (TestDatabase::empty().await, two());
    folder.write("feeds/a.toml", "name = \"a\"\nobject = 1\n");
    folder.write("feeds/b.toml", &feed_text("orders", ""));
    let output = folder.run(&database, &["load", "data"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    for expected in ["feeds/a.toml:2:1\n", "feeds/b.toml and feeds/orders.toml"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn feeds_that_a_stranger_could_have_written_are_read_only_if_their_folder_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let (database, folder) = (TestDatabase::empty().await, two());
    let open = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(folder.path().join("feeds/visits.toml"), open).unwrap();
    let output = folder.run(&database, &["feed", "list"]);
    assert_eq!(output.status.code(), Some(2));
    let expected = "everybody can write to feeds/visits.toml; remove that right: chmod go-w";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    assert!(folder.run(&database, &["feed", "list", "--feeds", "feeds"]).status.success());
}
