//! What is nested a million levels deep is read, rejected or refused, and overflows no stack.

use serde_json::json;

use crate::support::{Serve, TestDatabase, repository, stderr, stdout, stevedore};

const LEVELS: usize = 1_000_000;

/// A value that is nested so deep, and one that is cut off there.
fn deep(opening: &str, closing: &str) -> [String; 2] {
    let cut_off = opening.repeat(LEVELS);
    [format!("{cut_off}1{}", closing.repeat(LEVELS)), cut_off]
}

/// Records that hold such values where the feed looks at them and where it does not.
fn records() -> String {
    // A short one first: it tells how records follow each other.
    let mut records = "{}\n".to_owned();
    for [whole, cut_off] in [deep("[", "]"), deep("{\"a\":", "}")] {
        for value in [&whole, &cut_off] {
            records += &format!("{value}\n");
            records += &format!("{{\"userId\":{value}}}\n");
            records += &format!("{{\"statusLogs\":[{value}]}}\n");
            records += &format!("{{\"unknown\":{value}}}\n");
        }
    }
    records
}

#[tokio::test]
async fn deep_records_are_loaded_checked_and_crawled() {
    let database = TestDatabase::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.ndjson");
    std::fs::write(&path, records()).unwrap();
    let path = path.to_str().unwrap();
    // The same as one array, whose elements are cut in another way.
    let array = folder.path().join("array.json");
    let whole = deep("{\"a\":", "}")[0].clone();
    std::fs::write(&array, format!("[{whole},{{}},{whole}]")).unwrap();
    let array = array.to_str().unwrap();
    for (args, records) in [
        (&["load", "--dry-run", "--no-preflight", path][..], 17),
        (&["load", "--no-preflight", path], 17),
        (&["load", "--no-preflight", array], 3),
    ] {
        let output = database.stevedore(args).arg("--json").output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&summary["records"], &summary["rejected"]), (&json!(records), &json!(records)));
    }
    let bucket = folder.path().to_str().unwrap();
    let nested = format!("${}", ".a".repeat(16));
    for paths in [&[][..], &["--json-path", "$.a.b", "--json-path", &nested]] {
        let args = [&["crawl", "objects", bucket][..], paths].concat();
        let output = database.stevedore(&args).output().unwrap();
        assert!(output.status.success(), "{paths:?} {}", stderr(&output));
        assert!(stdout(&output).contains("crawled 2 objects"), "{}", stdout(&output));
    }
}

#[tokio::test]
async fn deep_bodies_and_settings_are_refused() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(
        &database,
        &["--no-worker", "--max-body-bytes", "20000000"],
        &repository("data"),
    );
    for [whole, cut_off] in [deep("[", "]"), deep("{\"target\":", "}")] {
        for body in [whole, cut_off] {
            for path in ["/v1/jobs", "/v1/crawlers"] {
                let request = serve.request(reqwest::Method::POST, path);
                let request = request.header("content-type", "application/json").body(body.clone());
                let refused = crate::support::serve::answer(request).await;
                assert!((400..500).contains(&refused.status), "{refused:?}");
            }
        }
    }
    assert_eq!(serve.get("/readyz").await.status, 200);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep.toml");
    for text in [format!("bucket = {}", "[".repeat(LEVELS)), "a.".repeat(LEVELS)] {
        std::fs::write(&file, text).unwrap();
        let output = stevedore(&["config", "--config", file.to_str().unwrap()]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    }
}
