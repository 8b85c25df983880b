//! Nothing that a terminal obeys is printed as it is, wherever it comes from; JSON stays the same.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::canned::{Canned, answer};
use crate::support::{Serve, TestDatabase, stderr, stdout, stevedore};

/// Clears the screen in two notations, sets the title, rings, and turns the text around.
const HOSTILE: &str = "x\u{1b}[2Jx\u{9b}2Jx\u{1b}]0;title\u{7}\u{202e}x\u{2066}";

fn assert_harmless(output: &Output) {
    for text in [stdout(output), stderr(output)] {
        let is_obeyed = |c: char| {
            c != '\n' && c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{2066}'
        };
        assert!(!text.contains(is_obeyed), "{text:?}");
    }
}

/// A server that answers every request with the same.
fn server(status: &str, body: &str) -> String {
    let answer = answer(status, "content-type: application/json\r\n", body);
    format!("http://{}", Canned::start(answer).host)
}

/// A job as a hostile server tells it.
fn job() -> Value {
    let error = json!({ "code": HOSTILE, "detail": HOSTILE, "retryable": false });
    json!({
        "job_id": "00000000-0000-7000-8000-000000000000", "state": "failed", "bucket": HOSTILE,
        "key": HOSTILE, "mode": "merge", "dry_run": false, "reload": false, "catalog": true,
        "attempts": 1, "cancel_requested": false, "bytes_read": 0, "records": 0, "loaded": 0,
        "rejected": 0, "requested_by": HOSTILE, "request_id": "r", "feed": "f",
        "created_at": "2026-01-01T00:00:00Z", "error": error, "first_error": error
    })
}

#[test]
fn jobs_of_a_server_are_shown_without_what_a_terminal_obeys() {
    let id = "00000000-0000-7000-8000-000000000000";
    let told = server("200 OK", &job().to_string());
    let events = server("200 OK", &format!("event: done\ndata: {}\n\n", job()));
    let refused = json!({ "detail": HOSTILE, "code": HOSTILE, "request_id": HOSTILE });
    let refused = server("400 Bad Request", &refused.to_string());
    for (server, verb, is_shown) in
        [(&told, "show", true), (&events, "watch", true), (&refused, "show", false)]
    {
        let output = stevedore(&["jobs", verb, "--server", server, id]).output().unwrap();
        assert_harmless(&output);
        let said = if is_shown { stdout(&output) } else { stderr(&output) };
        assert!(said.contains(r"x\u{1b}[2Jx\u{9b}2J"), "{said} {}", stderr(&output));
    }
    let output = stevedore(&["jobs", "show", "--json", "--server", &told, id]).output().unwrap();
    assert_harmless(&output);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["key"], HOSTILE);
}

#[tokio::test]
async fn what_objects_and_databases_hold_is_shown_without_what_a_terminal_obeys() {
    let database = TestDatabase::empty().await;
    let folder = tempfile::tempdir().unwrap();
    // Keys hold no control characters, and file names may hold marks of direction.
    let name = "\u{202e}\u{2066}users.ndjson";
    let record = json!({ HOSTILE: HOSTILE, "a": { HOSTILE: 1 } });
    let records = format!("{record}\n{record}\n").replace("\\u001b", "\\u001B");
    std::fs::write(folder.path().join(name), &records).unwrap();
    std::fs::write(folder.path().join("\u{202e}cut.json.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
    let path = folder.path().to_str().unwrap();
    let loaded = database.stevedore(&["load", "--no-preflight", path]).output().unwrap();
    assert_harmless(&loaded);
    assert!(stderr(&loaded).contains(r"\u{202e}cut.json.gz"), "{}", stderr(&loaded));
    let missing = format!("{path}/{HOSTILE}");
    assert_harmless(&database.stevedore(&["load", &missing]).output().unwrap());
    let crawled = database.stevedore(&["crawl", "objects", path]).output().unwrap();
    assert!(crawled.status.success(), "{}", stderr(&crawled));
    assert_harmless(&crawled);
    for args in [&["catalog", "list"][..], &["crawl", "list"], &["verify"]] {
        assert_harmless(&database.stevedore(args).output().unwrap());
    }
    let tables = database.rows("select name from stevedore.catalog_tables").await;
    let table = tables[0]["name"].as_str().unwrap().to_owned();
    for export in ["tree", "ddl", "json-schema"] {
        let args = ["catalog", "show", &table, "--format", export];
        let output = database.stevedore(&args).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert_harmless(&output);
        match export {
            "json-schema" => {
                let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
                assert!(schema.to_string().contains(&json!(HOSTILE).to_string()), "{schema}");
            }
            "ddl" => {
                // It is the same SQL: the column has the name that the objects have.
                let client = database.connect().await;
                client.batch_execute(&stdout(&output)).await.unwrap();
                let column = "pg_attribute where attname = $1";
                let sql = format!("select count(*) from {column}");
                let found = client.query_one(&sql, &[&HOSTILE]).await.unwrap();
                assert!(found.get::<_, i64>(0) > 0, "{}", stdout(&output));
            }
            _ => {}
        }
    }
    let client = database.connect().await;
    let sql = format!("create table \"{HOSTILE}\" (\"{HOSTILE}\" text)");
    client.batch_execute(&sql).await.unwrap();
    client.execute(&format!("insert into \"{HOSTILE}\" values ($1)"), &[&HOSTILE]).await.unwrap();
    for args in [
        &["show", HOSTILE][..],
        &["show", HOSTILE, "--limit", "1"],
        &["show", "a\u{1b}[2Jb"],
        &["export", HOSTILE, "/nonexistent\u{1b}[2J/x.csv"],
        &["catalog", "show", HOSTILE],
    ] {
        assert_harmless(&database.stevedore(args).output().unwrap());
    }
}

#[tokio::test]
async fn the_log_has_nothing_that_a_terminal_obeys() {
    let database = TestDatabase::empty().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("\u{202e}users.json"), "{").unwrap();
    for format in ["text", "json"] {
        let args = ["--log-format", format, "--log", "trace,hyper=off,tokio_postgres=off"];
        let serve = Serve::start(&database, &args, folder.path());
        for key in ["\u{202e}users.json", "missing\u{202e}.json"] {
            let job = json!({ "bucket": "bucket", "key": key });
            let answer = serve.post_json("/v1/jobs", &job).await;
            if answer.status == 202 {
                serve.ended(&answer.json()).await;
            }
        }
        let log = serve.lines().join("\n");
        assert!(log.contains("users.json"), "{log}");
        if format == "text" {
            let is_obeyed = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
            assert!(!log.contains(is_obeyed), "{log:?}");
        }
    }
}
