//! The document of the API: it is checked in, whole, and shown without help from elsewhere.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::{Serve, TestDatabase, repository, stderr, stdout};

/// Set to write the document that is checked in anew.
const UPDATE: &str = "UPDATE_OPENAPI";

async fn document() -> Value {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let answer = serve.get("/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    answer.json()
}

#[tokio::test]
async fn the_document_that_is_checked_in_is_the_one_that_is_served() {
    let served = format!("{:#}\n", document().await);
    let file = repository("api/openapi.json");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &served).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        served == checked_in,
        "api/openapi.json is not what /openapi.json serves: look what it changes for clients with \
         {UPDATE}=1 cargo test --test integration openapi && git diff api/openapi.json"
    );
}

#[tokio::test]
async fn everything_in_the_document_is_described() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{id} is the id of two operations");
            assert_described(&format!("{method} {path}"), operation);
            assert!(operation["summary"].is_string(), "{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert_described(&format!("{method} {path} {}", parameter["name"]), parameter);
            }
            for (status, answer) in operation["responses"].as_object().unwrap() {
                assert_described(&format!("{method} {path} {status}"), answer);
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert_described(name, schema);
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            assert_described(&format!("{name}.{field}"), schema);
        }
    }
}

fn assert_described(name: &str, what: &Value) {
    // Of what may be absent, the one alternative that is not null is described.
    let described = std::iter::once(what).chain(what["oneOf"].as_array().into_iter().flatten());
    let mut texts = described.filter_map(|what| what["description"].as_str());
    assert!(texts.any(|text| !text.trim().is_empty()), "{name} is not described: {what}");
}

/// A Chromium, if there is one.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path);
    let found = folders
        .flat_map(|folder| ["chromium", "chromium-browser"].map(|name| folder.join(name)))
        .find(|program| program.is_file());
    let is_needed = std::env::var_os("CI").is_some();
    assert!(found.is_some() || !is_needed, "the checks need chromium");
    found
}

#[tokio::test]
async fn a_browser_shows_the_document_with_what_we_serve_and_nothing_else() {
    let Some(chromium) = chromium() else {
        eprintln!("chromium is not installed: not tested");
        return;
    };
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let profile = tempfile::tempdir().unwrap();
    let shown = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--virtual-time-budget=5000", "--enable-logging=stderr"])
        .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
        .arg("--dump-dom")
        .arg(format!("{}/docs/", serve.url))
        .output()
        .unwrap();
    let page = stdout(&shown);
    let document = serve.get("/openapi.json").await.json();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let block = format!(
                "id=\"operations-{}-{}\"",
                operation["tags"][0].as_str().unwrap(),
                operation["operationId"].as_str().unwrap()
            );
            assert!(
                page.contains(&block),
                "{method} {path} is not shown\n{page}\n{}",
                stderr(&shown)
            );
        }
    }
    // The page may load nothing from elsewhere; had it tried, the browser would say so.
    let page = serve.get("/docs/").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'self';") && !policy.contains("http"), "{policy}");
    assert!(!stderr(&shown).contains("Content Security Policy"), "{}", stderr(&shown));
}
