//! `/v1/loads` and `/v1/rejects`: the ledger and the rejected records.

use reqwest::Method;
use serde_json::{Value, json};

use crate::rest::{broken, id, samples};
use crate::support::serve::answer;
use crate::support::{Serve, TestDatabase};

#[tokio::test]
async fn a_load_that_fails_says_why_and_is_in_the_ledger() {
    let (database, folder) = (TestDatabase::empty().await, broken());
    let serve = Serve::start(&database, &[], folder.path());
    let job = serve.load("broken.ndjson.gz").await;
    let failed = serve.ended(&job).await;
    assert_eq!(failed["state"], "failed", "{failed}");
    assert!(failed["first_error"]["code"].is_string(), "{failed}");
    let again = serve.post(&format!("/v1/jobs/{}/retry", id(&job))).await;
    assert_eq!(again.status, 202, "{again:?}");
    let failed = serve.ended(&job).await;
    assert_eq!((&failed["state"], &failed["attempts"]), (&"failed".into(), &2.into()));
    let loads = serve.get("/v1/loads?state=failed").await.json();
    let loads = loads["loads"].as_array().unwrap();
    assert_eq!(loads.len(), 2, "{loads:?}");
    assert_eq!(loads[0]["error_code"], failed["error"]["code"]);
}

#[tokio::test]
async fn the_ledger_is_listed_filtered_and_by_pages() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], &samples());
    assert_eq!(serve.get("/v1/loads").await.json(), json!({"loads": []}));
    assert_eq!(serve.get("/v1/rejects").await.json(), json!({"rejects": []}));
    for key in ["user_status_sample.json", "user_status_merge_1.ndjson", "user_status_dirty.ndjson"]
    {
        let job = serve.load(key).await;
        assert_eq!(serve.ended(&job).await["state"], "succeeded");
    }
    let numbers = async |query: &str| {
        let page = serve.get(&format!("/v1/loads{query}")).await.json();
        let loads = page["loads"].as_array().unwrap();
        loads.iter().map(|load| load["load_id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(numbers("").await, [3, 2, 1]);
    assert_eq!(numbers("?state=failed").await, [0; 0]);
    assert_eq!(numbers("?key=user_status_merge_1.ndjson&bucket=bucket").await, [2]);
    let page = serve.get("/v1/loads?limit=2").await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(numbers(&format!("?limit=2&cursor={cursor}")).await, [1]);
    let whole = serve.get("/v1/loads?limit=3").await.json();
    assert_eq!((whole["loads"].as_array().unwrap().len(), whole.get("next_cursor")), (3, None));
    let load = serve.get("/v1/loads/1").await.json();
    let expected = json!({"load_id": 1, "bucket": "bucket", "key": "user_status_sample.json",
        "state": "loaded", "records": 10, "loaded": 7, "rejected": 3,
        "rejected_by_reason": {"null_field": 2, "empty_text": 1}, "unknown_fields": {"country": 1}});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&load[field], value, "{field} {load}");
    }
    let tables: Vec<_> = load["tables"].as_array().unwrap().iter().collect();
    let log = json!({"table": "user_status_log", "rows": 13, "inserted": 13, "updated": 0,
        "unchanged": 0, "superseded": 0, "deleted": 0});
    assert_eq!((tables.len(), &tables[0]["inserted"], tables[1]), (3, &json!(7), &log));
    let began = load["started_at"].as_str().unwrap();
    assert_eq!(numbers(&format!("?until={began}")).await, [0; 0]);
    assert_eq!(numbers(&format!("?since={began}")).await, [3, 2, 1]);
}

#[tokio::test]
async fn rejected_records_are_json_or_one_a_line() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], &samples());
    let lines = async |query: &str, accept: &str| {
        let request = serve.request(Method::GET, &format!("/v1/rejects{query}"));
        answer(request.header("accept", accept)).await
    };
    let none = lines("", "application/x-ndjson").await;
    assert_eq!((none.header("content-type"), &*none.body), (Some("application/x-ndjson"), ""));
    for key in ["user_status_sample.json", "user_status_dirty.ndjson"] {
        serve.ended(&serve.load(key).await).await;
    }
    let all = serve.get("/v1/rejects").await.json()["rejects"].clone();
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 15);
    assert_eq!((&all[0]["load_id"], &all[14]["load_id"]), (&2.into(), &1.into()));
    let first = &all[12];
    assert_eq!(first["reason"], "null_field");
    assert_eq!(first["object"], "bucket/user_status_sample.json");
    assert!(first["raw"].as_str().unwrap().contains("u-1004"), "{first}");
    let told = lines("", "application/x-ndjson").await;
    assert_eq!(told.header("content-type"), Some("application/x-ndjson"));
    let told: Vec<Value> =
        told.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&told, all);
    for (accept, is_lines) in [
        ("application/x-ndjson;q=0.5, application/json", false),
        ("application/json;q=0.1, application/x-ndjson", true),
        ("application/json", false),
        ("*/*", false),
        ("text/html", false),
    ] {
        let answer = lines("?load_id=1", accept).await;
        let kind = answer.header("content-type").unwrap();
        assert_eq!(kind == "application/x-ndjson", is_lines, "{accept}");
    }
    assert_eq!(lines("?limit=4", "application/x-ndjson").await.body.lines().count(), 4);
    for (query, count) in [
        ("?load_id=1", 3),
        ("?load_id=9", 0),
        ("?reason=malformed", 5),
        ("?object=bucket/user_status_sample.json", 3),
        ("?object=bucket/user_status_sample.json&reason=malformed", 0),
    ] {
        let page = serve.get(&format!("/v1/rejects{query}")).await.json();
        assert_eq!(page["rejects"].as_array().unwrap().len(), count, "{query} {page}");
    }
    let mut paged = Vec::new();
    let mut path = "/v1/rejects?limit=4".to_owned();
    loop {
        let page = serve.get(&path).await.json();
        paged.extend(page["rejects"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/rejects?limit=4&cursor={cursor}");
    }
    assert_eq!(&paged, all);
    // However long what the old job printed is, a page is bounded.
    let long = "update user_status_error_rec set error_rec = repeat('x', 1000000)";
    database.connect().await.batch_execute(long).await.unwrap();
    let cut = serve.get("/v1/rejects?limit=1").await.json();
    assert_eq!(cut["rejects"][0]["concat"].as_str().unwrap().len(), 65536);
}

#[tokio::test]
async fn more_rejected_records_than_are_read_at_once_are_all_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.ndjson"), "{}\n".repeat(250)).unwrap();
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], folder.path());
    serve.ended(&serve.load("bad.ndjson").await).await;
    for (query, count) in [("", 250), ("?limit=100", 100), ("?limit=101", 101)] {
        let request = serve.request(Method::GET, &format!("/v1/rejects{query}"));
        let told = answer(request.header("accept", "application/x-ndjson")).await;
        let numbers: Vec<_> = told
            .body
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["record_no"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
    }
}
