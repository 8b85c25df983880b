//! Loads of which too many records are rejected fail, and write nothing.

use std::num::NonZeroUsize;

use pipeline::error::Error;
use pipeline::load::{Connections, LoadOptions, State};
use pipeline::sink::Mode;
use serde_json::{Value, json};

use crate::parts::{interrupted, lines, load_object, object};
use crate::support::{Serve, TestDatabase, json_lines, options, record, stderr};

/// Five records, two of them rejected.
fn two_of_five() -> String {
    let good = |user: &str| record(user, 1, "s") + "\n";
    let wrong = good("w").replace("\"lastVisitedAt\":1", "\"lastVisitedAt\":\"secret\"");
    [good("a"), wrong, good("b"), "{broken\n".to_owned(), good("c")].concat()
}

/// What the error says of it.
const REASONS: &str = "malformed 1 (for example record 4: ";

#[tokio::test]
async fn a_load_of_which_too_many_records_are_rejected_writes_nothing() {
    for mode in ["append", "merge"] {
        let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
        let path = folder.path().join("a.ndjson");
        std::fs::write(&path, two_of_five()).unwrap();
        let load = |limit: &str, flags: &[&str]| {
            let limit = ["--max-rejected", limit, "--mode", mode, "--no-preflight", "--json"];
            let args = [&["load", path.to_str().unwrap()], &limit[..], flags].concat();
            database.stevedore(&args).output().unwrap()
        };
        for (limit, flags) in [("1", &[][..]), ("0", &[]), ("39.9%", &[]), ("1", &["--dry-run"])] {
            let output = load(limit, flags);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{mode} {limit}: {said}");
            assert_eq!(json_lines(&output)[0]["state"], "failed");
            let counts = format!(
                "2 of the 5 records of file://{} were rejected, and at most {limit} may be",
                path.display()
            );
            assert!(
                said.contains(&counts) && said.contains("hint: look at the examples"),
                "{said}"
            );
            assert!(
                said.contains("wrong_type 1 (for example record 2: /lastVisitedAt: "),
                "{said}"
            );
            assert!(said.contains("malformed 1 (for example record 4: "), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
        assert_eq!(database.counts().await, [0, 0, 0], "{mode}");
        let failed = "select distinct state, error_code from stevedore.loads";
        let expected = json!({"state": "failed", "error_code": "too_many_rejects"});
        assert_eq!(database.rows(failed).await, [expected]);
        let loaded = load("40%", &[]);
        assert_eq!(json_lines(&loaded)[0]["rejected"], 2, "{}", stderr(&loaded));
        let again = load("2", &["--reload"]);
        assert_eq!(json_lines(&again)[0]["state"], "loaded", "{}", stderr(&again));
        let wrong = load("101%", &[]);
        assert_eq!(wrong.status.code(), Some(2));
        assert!(
            stderr(&wrong).contains("a count like 100, or a share like 20%"),
            "{}",
            stderr(&wrong)
        );
    }
}

#[tokio::test]
async fn of_a_bundle_the_object_that_has_too_many_rejects_fails_alone() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    for at in 0..9 {
        let text = if at == 5 { two_of_five() } else { record(&format!("u{at}"), 1, "s") + "\n{" };
        std::fs::write(folder.path().join(format!("{at}.ndjson")), text).unwrap();
    }
    let path = folder.path().to_str().unwrap();
    let load = ["load", "--json", "--no-preflight", "--max-rejected", "1", path];
    let output = database.stevedore(&load).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let states: Vec<_> = json_lines(&output).iter().map(|load| load["state"].clone()).collect();
    let expected = (0..9).map(|at| if at == 5 { "failed" } else { "loaded" });
    assert_eq!(states, expected.map(Value::from).collect::<Vec<_>>());
    assert_eq!(stderr(&output).matches("may be, so nothing was written").count(), 1);
    assert_eq!(database.counts().await, [8, 8, 8]);
    let failed = "select key like '%5.ndjson' as is_it, error_code from stevedore.loads where state = 'failed'";
    let expected = json!({"is_it": true, "error_code": "too_many_rejects"});
    assert_eq!(database.rows(failed).await, [expected]);
}

#[tokio::test]
async fn with_a_limit_no_part_is_committed_before_all_rejects_are_counted() {
    let connections = Connections { wanted: NonZeroUsize::new(3), part_bytes: 500 };
    let limited = |most: &str| LoadOptions {
        connections,
        max_rejected: Some(most.parse().unwrap()),
        ..options(Mode::Append)
    };
    let (database, object) =
        (TestDatabase::with_old_tables().await, object(lines(60).as_bytes()).await);
    let error = load_object(&database, &object, &limited("19")).await.unwrap_err();
    assert!(matches!(error, Error::TooManyRejects { rejected: 20, records: 60, .. }), "{error}");
    assert_eq!(
        (database.counts().await, database.count("stevedore.load_parts").await),
        ([0; 3], 0)
    );
    let summary = load_object(&database, &object, &limited("20")).await.unwrap();
    let reason = summary.sequential_reason.unwrap();
    assert!(reason.contains("max_rejected"), "{reason}");
    // Of one that was begun in parts without a limit, the parts that are committed stay.
    let begun = TestDatabase::with_old_tables().await;
    interrupted(&begun, &object).await;
    let error = load_object(&begun, &object, &limited("19")).await.unwrap_err();
    assert_eq!(error.code(), "too_many_rejects");
    let Error::Incomplete { committed, parts, .. } = error else { panic!("{error}") };
    assert_eq!((committed, begun.counts().await), (parts, [40, 40, 20]));
    let summary = load_object(&begun, &object, &limited("34%")).await.unwrap();
    assert_eq!((summary.state, summary.rejected), (State::Loaded, 20));
}

#[tokio::test]
async fn the_limit_of_a_job_goes_before_that_of_the_server() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("a.ndjson"), two_of_five()).unwrap();
    let serve =
        Serve::start(&database, &["--max-rejected", "30%", "--no-preflight"], folder.path());
    let request = |objects: (&str, &str), limit: Option<&str>| {
        let mut request = json!({"bucket": "bucket", (objects.0): objects.1, "reload": true});
        if let Some(limit) = limit {
            request["max_rejected"] = json!(limit);
        }
        request
    };
    for (objects, limit, state) in [
        (("key", "a.ndjson"), None, "failed"),
        (("key", "a.ndjson"), Some("1"), "failed"),
        (("key", "a.ndjson"), Some("2"), "succeeded"),
        (("prefix", "a"), Some("10%"), "failed"),
        (("prefix", "a"), Some("100%"), "succeeded"),
    ] {
        let answer = serve.post_json("/v1/jobs", &request(objects, limit)).await;
        assert_eq!(answer.status, 202, "{}", answer.json());
        let job = answer.json();
        assert_eq!(job["max_rejected"], json!(limit));
        let ended = serve.ended(&job).await;
        assert_eq!(ended["state"], state, "{ended}");
        if state == "failed" && objects.0 == "key" {
            assert_eq!(ended["error"]["code"], "too_many_rejects", "{ended}");
            let detail = ended["error"]["detail"].as_str().unwrap();
            assert!(detail.contains("2 of the 5 records") && detail.contains(REASONS), "{detail}");
        }
    }
    for wrong in ["x", "101%", ""] {
        let answer = serve.post_json("/v1/jobs", &request(("key", "a.ndjson"), Some(wrong))).await;
        assert_eq!(answer.status, 422, "{}", answer.json());
    }
}

#[tokio::test]
async fn jobs_under_way_for_a_version_with_another_limit_are_not_the_same() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("a.ndjson"), two_of_five()).unwrap();
    let serve = Serve::start(&database, &["--no-worker"], folder.path());
    let request =
        |limit: &str| json!({"bucket": "bucket", "key": "a.ndjson", "max_rejected": limit});
    let first = serve.post_json("/v1/jobs", &request("20%")).await.json();
    let same = serve.post_json("/v1/jobs", &request("20.0%")).await.json();
    assert_eq!(first["job_id"], same["job_id"]);
    assert_eq!(serve.post_json("/v1/jobs", &request("2")).await.status, 409);
}
