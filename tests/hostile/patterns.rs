//! Patterns beyond the limits are refused wherever one is accepted, and again before they are used.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::serve::answer;
use crate::support::{Serve, TestDatabase, repository, stderr};

/// A pattern with so many levels of braces.
fn nested(levels: usize) -> String {
    format!("{}a{}", "{".repeat(levels), "}".repeat(levels))
}

/// Patterns that were seen to end a process, or to make it panic.
pub(super) fn hostile() -> [String; 4] {
    let alternatives = format!("{}x{}", "{a,".repeat(240), "}".repeat(240));
    [nested(7_200), nested(7_111), alternatives, format!("{{{}}}", vec!["a"; 500].join(","))]
}

fn objects(include: &[&str], exclude: &[&str]) -> Value {
    json!({ "kind": "objects", "bucket": "bucket", "include": include, "exclude": exclude })
}

fn tables(include: &[&str], exclude: &[&str]) -> Value {
    json!({ "kind": "postgres", "include": include, "exclude": exclude })
}

#[tokio::test]
async fn the_api_refuses_patterns_beyond_the_limits_and_stays_alive() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let plan = json!({ "name": "mine", "target": objects(&[], &[]) });
    assert_eq!(serve.post_json("/v1/crawlers", &plan).await.status, 201);
    for pattern in &hostile() {
        let job = json!({ "bucket": "bucket", "glob": pattern });
        let refused = serve.post_json("/v1/jobs", &job).await;
        assert_eq!(refused.outcome(), (422, "invalid_body".to_owned()));
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("at most"), "{detail}");
        assert!(detail.len() < 300, "{detail}");
        for target in [
            objects(&[pattern], &[]),
            objects(&[], &[pattern]),
            tables(&[pattern], &[]),
            tables(&[], &[pattern]),
        ] {
            let new = json!({ "name": "other", "target": target });
            let refused = serve.post_json("/v1/crawlers", &new).await;
            assert_eq!(refused.outcome(), (400, "invalid_crawler".to_owned()));
            let plan = json!({ "target": target });
            let put = serve.request(Method::PUT, "/v1/crawlers/mine").json(&plan);
            assert_eq!(answer(put).await.outcome(), (400, "invalid_crawler".to_owned()));
        }
        assert_eq!(serve.get("/readyz").await.status, 200);
    }
    let many = vec!["a"; 1000];
    let new = json!({ "name": "other", "target": objects(&many, &[]) });
    let refused = serve.post_json("/v1/crawlers", &new).await;
    assert_eq!(refused.outcome(), (400, "invalid_crawler".to_owned()));
    let paths = vec!["$.a"; 1000];
    let target = json!({ "kind": "objects", "bucket": "bucket", "paths": paths });
    let refused = serve.post_json("/v1/crawlers", &json!({ "name": "o", "target": target })).await;
    assert_eq!(refused.outcome(), (400, "invalid_crawler".to_owned()));
    let log = serve.lines();
    assert!(log.iter().all(|line| line.len() < 1000), "{log:?}");
}

#[tokio::test]
async fn a_worker_refuses_what_a_row_holds_and_goes_on() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let job = json!({ "bucket": "bucket", "glob": "user_status_merge_?.ndjson" });
    let hostile_job = serve.post_json("/v1/jobs", &job).await.json();
    let good_job = serve.post_json("/v1/jobs", &job).await.json();
    for (name, target) in [("o", objects(&[], &[])), ("t", tables(&[], &[]))] {
        let new = json!({ "name": name, "target": target });
        assert_eq!(serve.post_json("/v1/crawlers", &new).await.status, 201);
    }
    // As rows may be that were written before there were limits.
    let connection = database.connect().await;
    let pattern = nested(7_111);
    let sql = "update stevedore.jobs set glob = $1 where job_id = $2::text::uuid";
    let id = hostile_job["job_id"].as_str().unwrap();
    assert_eq!(connection.execute(sql, &[&pattern, &id]).await.unwrap(), 1);
    let sql = "update stevedore.crawlers \
        set target = jsonb_set(target, '{include}', jsonb_build_array($1::text))";
    assert_eq!(connection.execute(sql, &[&pattern]).await.unwrap(), 2);
    for name in ["o", "t"] {
        assert_eq!(serve.post(&format!("/v1/crawlers/{name}/runs")).await.status, 202);
    }
    drop(serve);
    let serve = Serve::start(&database, &[], &repository("data"));
    let ended = serve.ended(&hostile_job).await;
    assert_eq!(
        (&ended["state"], &ended["error"]["code"]),
        (&json!("failed"), &json!("pattern_invalid")),
        "{ended}"
    );
    assert_eq!(serve.ended(&good_job).await["state"], "succeeded");
    for name in ["o", "t"] {
        let crawler = serve.crawled(name).await;
        let code = &crawler["last_run"]["error"]["code"];
        assert_eq!(code, "pattern_invalid", "{crawler}");
    }
    assert_eq!(serve.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn the_command_line_refuses_patterns_beyond_the_limits() {
    let database = TestDatabase::empty().await;
    let bucket = repository("data").display().to_string();
    for pattern in &hostile() {
        for args in [
            &["load", pattern][..],
            &["load", &format!("{bucket}/{pattern}")],
            &["crawl", "objects", &bucket, "--include", pattern],
            &["crawl", "objects", &bucket, "--exclude", pattern],
            &["crawl", "postgres", "--include", pattern],
            &["crawl", "postgres", "--exclude", pattern],
        ] {
            let output = database.stevedore(args).output().unwrap();
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains("cannot be used: it has"), "{said}");
        }
    }
}
