//! Buckets: S3 over its real protocol, with all that goes wrong on the way, and folders that
//! nothing leads out of.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use futures::TryStreamExt;
use pipeline::error::Error;
use pipeline::store::{Bucket, Selection, find};
use serde_json::{Value, json};

use crate::support::moto::{self, Moto};
use crate::support::proxy::{Fate, Proxy};
use crate::support::s3::{self, S3Server};
use crate::support::{TestDatabase, json_lines, record, stderr};

/// `stevedore load` with the variables of a store, and no others of its kind.
fn load(database: &TestDatabase, environment: &[(String, String)], args: &[&str]) -> Output {
    let mut command = database.stevedore(&["load", "--json"]);
    command.args(args);
    run(&mut command, environment)
}

fn run(command: &mut Command, environment: &[(String, String)]) -> Output {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("HOME", "/nonexistent").envs(environment.iter().cloned()).output().unwrap()
}

/// What was loaded from where.
fn loaded(output: &Output) -> Vec<(String, Value)> {
    assert!(output.status.success(), "{}", stderr(output));
    let lines = json_lines(output).into_iter();
    lines.map(|line| (line["object"].as_str().unwrap().to_owned(), line["state"].clone())).collect()
}

fn loaded_once(url: &str) -> Vec<(String, Value)> {
    vec![(url.to_owned(), json!("loaded"))]
}

/// The message of a load that failed without a word too many.
fn failure(output: &Output) -> String {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: could not load ") && said.contains("\nhint: "), "{said}");
    assert!(!said.contains("secret-key"), "{said}");
    said
}

/// Records of somewhat more than two ranges.
fn long_text() -> String {
    let lines = (0..30_000).map(|user| record(&format!("user-{user}"), 1, "ACTIVE") + "\n");
    lines.collect()
}

#[tokio::test]
async fn an_object_of_s3_is_loaded_once() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    server.put("in/users one.json", record("a", 1, "s"));
    let url = "s3://bucket/in/users one.json";
    let environment = server.environment();
    assert_eq!(loaded(&load(&database, &environment, &[url])), loaded_once(url));
    let again = load(&database, &environment, &[url]);
    assert_eq!(loaded(&again), [(url.to_owned(), json!("already_loaded"))]);
    let by_folder = load(&database, &environment, &["s3://bucket/in/"]);
    assert_eq!(loaded(&by_folder), [(url.to_owned(), json!("already_loaded"))]);
    let noted = database.rows("select bucket, key from stevedore.loads").await;
    assert_eq!(noted, [json!({"bucket": "s3://bucket", "key": "in/users one.json"})]);
    server.put("in/users one.json", record("b", 1, "s"));
    assert_eq!(loaded(&load(&database, &environment, &[url])), loaded_once(url));
}

#[tokio::test]
async fn folders_and_patterns_of_s3_name_objects() {
    let server = S3Server::start();
    for key in ["logs/a.json", "logs/b/c.ndjson.gz", "logs/b/d.json", "logs/note.txt", "logs2.json"]
    {
        server.put(key, "[]");
    }
    let environment = server.environment();
    let keys = async |location: &str| {
        let found = find(location, &environment).await.unwrap();
        assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
        found.objects.iter().map(|object| object.key().to_owned()).collect::<Vec<_>>()
    };
    let all = ["logs/a.json", "logs/b/c.ndjson.gz", "logs/b/d.json"];
    assert_eq!(keys("s3://bucket/logs/").await, all);
    assert_eq!(keys("s3://bucket").await, [&all[..], &["logs2.json"]].concat());
    assert_eq!(keys("s3://bucket/logs/**/*.json").await, ["logs/a.json", "logs/b/d.json"]);
    assert_eq!(keys("s3://bucket/logs/*.json").await, ["logs/a.json"]);
    assert_eq!(keys("s3://bucket/log?2.json?region=eu-west-1").await, ["logs2.json"]);
    assert_eq!(keys("s3://bucket/logs/note.txt").await, ["logs/note.txt"]);
    let none = find("s3://bucket/logs/*.csv", &environment).await.unwrap_err();
    assert!(matches!(none, Error::NoObjects { .. }), "{none}");
    let none = find("s3://bucket/none/", &environment).await.unwrap_err();
    assert!(matches!(none, Error::NoObjects { .. }), "{none}");
    let wrong = find("s3://bucket/logs/[", &environment).await.unwrap_err();
    assert!(matches!(wrong, Error::Pattern { .. }), "{wrong}");
}

#[tokio::test]
async fn a_bucket_with_a_prefix_selects_below_it() {
    let server = S3Server::start();
    for key in ["in/day-1.json", "in/day-2/x.json", "in/day-2/y.txt", "in/other.json", "day-9.json"]
    {
        server.put(key, "[]");
    }
    let bucket = Bucket::open("inbox", "s3://bucket/in/", &server.environment()).unwrap();
    assert_eq!(bucket.locate("day-1.json").await.unwrap().url(), "inbox/day-1.json");
    let keys = async |selection| {
        let objects = bucket.select(selection).unwrap().try_collect::<Vec<_>>().await.unwrap();
        objects.into_iter().map(|object| object.key).collect::<Vec<_>>()
    };
    let prefix = |text: &str| Selection::Prefix(text.to_owned());
    let glob = |text: &str| Selection::Glob(text.to_owned());
    assert_eq!(keys(prefix("day-")).await, ["day-1.json", "day-2/x.json"]);
    assert_eq!(keys(prefix("day-2/")).await, ["day-2/x.json"]);
    assert_eq!(keys(prefix("")).await, ["day-1.json", "day-2/x.json", "other.json"]);
    assert_eq!(keys(glob("*")).await, ["day-1.json", "other.json"]);
    assert_eq!(keys(glob("day-*/**")).await, ["day-2/x.json", "day-2/y.txt"]);
    for wrong in [glob("{a"), prefix("../"), glob("/etc/*"), prefix("/")] {
        let refused = bucket.select(wrong);
        assert!(matches!(refused, Err(Error::Location { .. } | Error::Pattern { .. })));
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_allowed_is_said() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    server.put("users.json", record("a", 1, "s"));
    let mut environment = server.environment();
    let fails = |environment: &_, url| failure(&load(&database, environment, &[url]));
    let said = fails(&environment, "s3://bucket/missing.json");
    assert!(said.contains("there is no object s3://bucket/missing.json"), "{said}");
    let said = fails(&environment, "s3://missing/users.json");
    assert!(said.contains("s3://missing cannot be read: there is no such bucket"), "{said}");
    let said = fails(&environment, "s3://bucket/users.json?colour=red");
    assert!(said.contains("its store has no setting `colour`"), "{said}");
    let said = fails(&environment, "s3://key:secret-key@bucket/users.json");
    assert!(said.contains("credentials belong into the environment"), "{said}");
    let said = fails(&environment, "s3://bucket/users.json?secret_access_key=other-secret-key");
    assert!(said.contains("could not read s3://bucket/users.json"), "{said}");
    environment[1].1 = "wrong-secret-key".to_owned();
    let said = fails(&environment, "s3://bucket/users.json");
    assert!(said.contains("could not read s3://bucket/users.json"), "{said}");
    assert!(said.contains("403") && said.contains("check the credentials"), "{said}");
    let denied = find("s3://bucket/", &environment).await.unwrap_err();
    assert_eq!((denied.code(), denied.is_transient()), ("store_denied", false), "{denied}");
    assert_eq!(database.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn settings_come_from_the_url_and_from_the_files_of_the_command_line() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    server.put("users.json", record("a", 1, "s"));
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let keys = format!(
        "[other]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        s3::ACCESS_KEY,
        s3::SECRET_KEY
    );
    std::fs::write(home.path().join(".aws/credentials"), keys).unwrap();
    let config =
        format!("[profile other]\nregion = eu-west-1\nendpoint_url = {}\n", server.endpoint);
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let home = variable("HOME", home.path().to_str().unwrap());
    let url = "s3://bucket/users.json";
    let other = [home.clone(), variable("AWS_PROFILE", "other")];
    assert_eq!(loaded(&load(&database, &other, &[url])), loaded_once(url));
    let none = [home, variable("AWS_PROFILE", "none")];
    let said = failure(&load(&database, &none, &[url]));
    assert!(said.contains("the AWS profile none has no aws_access_key_id"), "{said}");
    let elsewhere = s3::environment("http://127.0.0.1:1");
    let by_url = format!("{url}?endpoint={}&region=eu-west-1", server.endpoint);
    let again = load(&database, &elsewhere, &["--reload", &by_url]);
    assert_eq!(loaded(&again), loaded_once(url));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_continued_where_it_broke() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    let text = long_text();
    server.put("users.json", &text);
    let proxy = Proxy::start(&server.endpoint, |method, before| match (method, before) {
        ("GET", 0) => Fate::Cut(1_000_000),
        _ => Fate::Forward,
    });
    let url = "s3://bucket/users.json";
    let output = load(&database, &s3::environment(&proxy.endpoint), &["--no-preflight", url]);
    assert_eq!(loaded(&output), loaded_once(url));
    assert_eq!(json_lines(&output)[0]["loaded"], 30_000);
    let asked = proxy.asked("GET");
    assert_eq!(asked[0].range.as_deref(), Some("bytes=0-1048575"));
    assert_eq!(asked[1].range.as_deref(), Some("bytes=1000000-1048575"));
    assert_eq!(asked.iter().map(|asked| asked.body_bytes).sum::<usize>(), text.len());
}

#[tokio::test]
async fn a_store_that_asks_to_slow_down_is_asked_again() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    server.put("users.json", record("a", 1, "s"));
    let proxy = Proxy::start(&server.endpoint, |_, before| match before {
        0..3 => Fate::SlowDown,
        _ => Fate::Forward,
    });
    let url = "s3://bucket/users.json";
    let output = load(&database, &s3::environment(&proxy.endpoint), &["--no-preflight", url]);
    assert_eq!(loaded(&output), loaded_once(url));
    assert_eq!(proxy.asked("GET").len(), 4);
}

/// Loads an object that `overwrite` overwrites after the first answer, of whose body so much comes.
async fn overwritten(endpoint: &str, bytes: usize, overwrite: impl Fn() + Send + Sync + 'static) {
    let database = TestDatabase::empty().await;
    let proxy = Proxy::start(endpoint, move |method, before| {
        if (method, before) == ("GET", 1) {
            overwrite();
        }
        if (method, before) == ("GET", 0) { Fate::Cut(bytes) } else { Fate::Forward }
    });
    let environment = s3::environment(&proxy.endpoint);
    let said =
        failure(&load(&database, &environment, &["--no-preflight", "s3://bucket/users.json"]));
    assert!(said.contains("s3://bucket/users.json changed while it was read"), "{said}");
    assert_eq!(database.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn an_object_that_is_overwritten_meanwhile_is_not_loaded() {
    const WHOLE: usize = usize::MAX;
    // This store does not know if-match, so that only what it answers tells; with another length
    // it does not have the range that is asked for.
    for other in [long_text().replace("ACTIVE", "LOCKED"), "[]".to_owned()] {
        for bytes in [WHOLE, 1_000_000] {
            let server = S3Server::start();
            server.put("users.json", long_text());
            let (file, other) = (server.file("users.json"), other.clone());
            let overwrite = move || std::fs::write(&file, &other).unwrap();
            overwritten(&server.endpoint, bytes, overwrite).await;
        }
    }
    for bytes in [WHOLE, 1_000_000] {
        let Some(moto) = Moto::start() else { return };
        moto.put("bucket/users.json", &long_text());
        let endpoint = moto.endpoint.clone();
        let overwrite = move || moto::put(&endpoint, "bucket/users.json", "[]");
        overwritten(&moto.endpoint, bytes, overwrite).await;
    }
}

#[tokio::test]
async fn a_version_of_a_bucket_that_keeps_versions_is_read_whatever_comes_after() {
    let Some(moto) = Moto::start() else { return };
    let database = TestDatabase::empty().await;
    moto.keep_versions();
    moto.put("bucket/in/users.json", &long_text());
    let endpoint = moto.endpoint.clone();
    let proxy = Proxy::start(&moto.endpoint, move |method, before| {
        if (method, before) == ("GET", 1) {
            moto::put(&endpoint, "bucket/in/users.json", "[]");
        }
        Fate::Forward
    });
    let url = "s3://bucket/in/users.json";
    let output = load(&database, &s3::environment(&proxy.endpoint), &[url]);
    assert_eq!(loaded(&output), loaded_once(url));
    assert_eq!(json_lines(&output)[0]["loaded"], 30_000);
    // Found by its folder, with a slash or without, the new version has the same name as by its key.
    let environment = s3::environment(&moto.endpoint);
    let version = async |location| {
        let found = find(location, &environment).await.unwrap().objects.remove(0);
        found.begin().await.unwrap().version()
    };
    let new = version(url).await;
    assert_eq!(
        [version("s3://bucket/in").await, version("s3://bucket/in/").await],
        [new.clone(), new.clone()]
    );
    let noted = database.rows("select version from stevedore.loads").await.remove(0);
    assert_ne!(noted["version"], new.as_str());
    assert!(!noted["version"].as_str().unwrap().contains('"'), "an e-tag: {noted}");
}

/// A folder beside a secret one.
fn folders() -> tempfile::TempDir {
    let parent = tempfile::tempdir().unwrap();
    let (root, outside) = (parent.path().join("root"), parent.path().join("outside"));
    for folder in [&root.join("in"), &root.join("%2e%2e"), &outside] {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("users.json"), "[]").unwrap();
    }
    symlink(outside.join("users.json"), root.join("out.json")).unwrap();
    symlink(&outside, root.join("out")).unwrap();
    symlink("in/users.json", root.join("link.json")).unwrap();
    symlink(".", root.join("in/around")).unwrap();
    symlink("nowhere", root.join("broken.json")).unwrap();
    for pipe in ["pipe.json", "in/pipe.json"] {
        assert!(Command::new("mkfifo").arg(root.join(pipe)).status().unwrap().success());
    }
    symlink("pipe.json", root.join("to_pipe.json")).unwrap();
    symlink("/dev/zero", root.join("device.json")).unwrap();
    parent
}

fn open_folder(path: &Path) -> Bucket {
    Bucket::open("inbox", path.to_str().unwrap(), &[]).unwrap()
}

#[tokio::test]
async fn no_key_leads_out_of_a_folder() {
    let parent = folders();
    let bucket = open_folder(&parent.path().join("root"));
    for key in ["in/users.json", "link.json", "%2e%2e/users.json"] {
        assert_eq!(bucket.locate(key).await.unwrap().url(), format!("inbox/{key}"));
    }
    let absolute = parent.path().join("outside/users.json");
    for key in [
        "",
        "/",
        ".",
        "..",
        "../outside/users.json",
        "in/../../outside/users.json",
        "./in/users.json",
        "in//users.json",
        "/in/users.json",
        "in/users.json/",
        "in/./users.json",
        "in/users\0.json",
        absolute.to_str().unwrap(),
    ] {
        let refused = bucket.locate(key).await.unwrap_err();
        let Error::Location { reason, .. } = &refused else { panic!("{key}: {refused}") };
        assert!(reason.starts_with("not a key: "), "{key}: {reason}");
    }
    for key in [
        "out.json",
        "out/users.json",
        "in",
        "out",
        "broken.json",
        "pipe.json",
        "to_pipe.json",
        "device.json",
        "in/users.json/x",
        "%2e%2e/outside/users.json",
        "..%2foutside%2fusers.json",
        "none.json",
        "IN/users.json",
        "in/users.json ",
        "x#1",
    ] {
        let refused = bucket.locate(key).await.unwrap_err();
        assert!(matches!(refused, Error::NotFound { .. }), "{key}: {refused}");
    }
}

#[tokio::test]
async fn a_folder_lists_what_it_would_give() {
    let parent = folders();
    let bucket = open_folder(&parent.path().join("root"));
    let select = async |selection| {
        let objects = bucket.select(selection).unwrap().try_collect::<Vec<_>>().await.unwrap();
        let mut keys: Vec<_> = objects.into_iter().map(|object| object.key).collect();
        keys.sort();
        keys
    };
    let all = ["%2e%2e/users.json", "in/users.json", "link.json"];
    assert_eq!(select(Selection::Prefix(String::new())).await, all);
    assert_eq!(select(Selection::Glob("**".to_owned())).await, all);
    assert_eq!(select(Selection::Prefix("i".to_owned())).await, ["in/users.json"]);
    assert_eq!(select(Selection::Prefix("out/".to_owned())).await, [""; 0]);
    assert_eq!(select(Selection::Prefix("none/".to_owned())).await, [""; 0]);
    assert_eq!(select(Selection::Glob("out/*".to_owned())).await, [""; 0]);
}

#[test]
fn a_bucket_that_cannot_be_is_refused_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let missing = folder.path().join("missing");
    for (url, reason) in [
        (file.to_str().unwrap(), "it is no folder"),
        (missing.to_str().unwrap(), "No such file"),
        ("ftp://host/folder", "are read, not ftp://"),
        ("https://example.com/folder", "are read, not https://"),
        ("s3:///key", "it names no bucket"),
        ("s3://bucket/../other", "not a key"),
        ("s3://bucket//a", "not a key"),
        ("gs://bucket?service_account_key=\"hidden-secret\"", "cannot be read"),
        ("az://container?account_name=a&access_key=hidden-secret!", "cannot be read"),
    ] {
        let refused = Bucket::open("inbox", url, &[]).unwrap_err();
        assert!(matches!(refused, Error::Location { .. }), "{url}: {refused}");
        let said = refused.to_string();
        assert!(said.contains(reason) && !said.contains("hidden-secret"), "{url}: {said}");
    }
    let secret = [("AZURE_STORAGE_ACCOUNT_KEY".to_owned(), "aGlkZGVuLXNlY3JldA==".to_owned())];
    for url in [
        "s3://bucket/prefix?access_key_id=a&secret_access_key=hidden-secret",
        "gs://bucket?bearer_token=hidden-secret",
        "az://container/prefix?account_name=a",
        "abfss://container@account.dfs.core.windows.net/prefix",
        "https://s3.eu-west-1.amazonaws.com/bucket/prefix",
    ] {
        let bucket = Bucket::open("inbox", url, &secret).unwrap();
        let shown = format!("{bucket:?}");
        assert!(!shown.contains("hidden-secret") && !shown.contains("aGlk"), "{shown}");
    }
}
