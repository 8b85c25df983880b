//! Pages of other sites, keys that everybody knows, clients without a key, and what clients may know.

use reqwest::Method;
use serde_json::json;

use crate::support::serve::{Answer, answer};
use crate::support::{Serve, TestDatabase, repository, stderr, stdout, stevedore};

fn key(name: &str, scope: &str) -> (String, String) {
    let made = stevedore(&["key", name, "--scope", scope]).output().unwrap();
    let made = stdout(&made);
    let (key, setting) = made.trim().split_once('\n').unwrap();
    (key.to_owned(), setting.to_owned())
}

async fn serve(args: &[&str]) -> (TestDatabase, Serve) {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, args, &repository("data"));
    (database, serve)
}

#[tokio::test]
async fn without_keys_a_page_of_another_site_loads_nothing() {
    let (database, serve) = serve(&["--no-worker"]).await;
    let trigger = "/trigger?bucket=bucket&key=user_status_sample.json";
    for site in ["cross-site", "same-site"] {
        for method in [Method::GET, Method::POST] {
            let request = serve.request(method, trigger).header("sec-fetch-site", site);
            assert_eq!(
                answer(request).await.outcome(),
                (403, "origin_refused".to_owned()),
                "{site}"
            );
        }
    }
    assert_eq!(database.count("stevedore.jobs").await, 0);
    for site in ["none", "same-origin"] {
        let request = serve.request(Method::GET, trigger).header("sec-fetch-site", site);
        assert_eq!(answer(request).await.status, 200, "{site}");
    }
}

#[test]
fn keys_that_everybody_knows_are_refused_at_the_start() {
    for setting in [
        "ci:read:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "ci:read:5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
    ] {
        let refused = stevedore(&["serve", "--key", setting]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        let hash = setting.rsplit(':').next().unwrap();
        assert!(!stderr(&refused).contains(hash), "{}", stderr(&refused));
    }
}

#[tokio::test]
async fn errors_can_be_read_by_pages_that_are_let_in() {
    let (reader, setting) = key("r", "read");
    let args = ["--no-worker", "--cors-origin", "https://a.example", "--key", &setting];
    let args = [&args[..], &["--rate-limit", "1", "--max-body-bytes", "10"]].concat();
    let (_database, serve) = serve(&args).await;
    let ask = async |method: Method, path: &str, key: &str| {
        let request = serve.request(method, path).header("origin", "https://a.example");
        answer(request.header("x-api-key", key).body("x".repeat(100))).await
    };
    for (method, path, key, status) in [
        (Method::GET, "/v1/jobs", "", 401),
        (Method::POST, "/v1/jobs", reader.as_str(), 403),
        (Method::GET, "/nothing", "", 404),
        (Method::GET, "/v1/jobs?limit=x", &reader, 400),
        (Method::GET, "/v1/jobs", &reader, 429),
    ] {
        let mut refused = ask(method.clone(), path, key).await;
        // Until the key has used its second up.
        while status == 429 && refused.status == 200 {
            refused = ask(method.clone(), path, key).await;
        }
        assert_eq!(refused.status, status, "{path} {refused:?}");
        assert_eq!(refused.header("access-control-allow-origin"), Some("https://a.example"));
        assert!(refused.header("vary").unwrap().contains("origin"), "{refused:?}");
        assert_eq!(refused.header("x-content-type-options"), Some("nosniff"));
    }
    let page = serve.get("/docs/").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    for path in ["/docs/", "/openapi.json", "/healthz", "/nothing"] {
        assert_eq!(
            serve.get(path).await.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_and_one_that_takes_too_long_can_be_read_too() {
    let args = ["--no-worker", "--cors-origin", "https://a.example", "--max-body-bytes", "10"];
    let args = [&args[..], &["--request-timeout-secs", "1"]].concat();
    let (database, serve) = serve(&args).await;
    let origin = |request: reqwest::RequestBuilder| request.header("origin", "https://a.example");
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    let long = serve.request(Method::POST, "/v1/jobs").json(&json!({ "bucket": "bucket" }));
    let long = answer(origin(long)).await;
    assert_eq!((long.status, allowed(&long).as_deref()), (413, Some("https://a.example")));
    // Whoever holds the table makes the request wait.
    let mut client = database.connect().await;
    let transaction = client.transaction().await.unwrap();
    transaction.batch_execute("lock table stevedore.jobs").await.unwrap();
    let late = answer(origin(serve.request(Method::GET, "/v1/jobs"))).await;
    assert_eq!((late.status, allowed(&late).as_deref()), (408, Some("https://a.example")));
}

#[tokio::test]
async fn clients_without_a_key_are_limited_and_thinned_in_the_log() {
    let (reader, setting) = key("r", "read");
    let (_database, serve) = serve(&["--no-worker", "--key", &setting]).await;
    let ask = async |key: &str| {
        answer(serve.request(Method::GET, "/v1/jobs").header("x-api-key", key)).await
    };
    let mut statuses = Vec::new();
    for _ in 0..300 {
        let refused = ask("sv_unknown").await;
        if refused.status == 429 {
            assert_eq!(refused.outcome(), (429, "rate_limited".to_owned()));
            assert!(refused.header("retry-after").is_some(), "{refused:?}");
        }
        statuses.push(refused.status);
    }
    assert_eq!(statuses[0], 401);
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    // Who has a key is let in all the while, from the same address.
    assert_eq!(ask(&reader).await.status, 200);
    assert_eq!(serve.get("/healthz").await.status, 200);
    serve.wait_for("more requests were refused without a valid key");
    let lines = serve.lines();
    let refused =
        lines.iter().filter(|line| line.contains("status=401") || line.contains("status=429"));
    assert!(refused.count() < 10, "{lines:#?}");
}

#[tokio::test]
async fn a_key_that_may_only_trigger_is_not_told_what_a_crawler_does() {
    let (trigger, setting) = key("t", "trigger");
    let (admin, admin_setting) = key("a", "admin");
    let (_database, serve) =
        serve(&["--no-worker", "--key", &setting, "--key", &admin_setting]).await;
    let target = json!({ "kind": "objects", "bucket": "bucket", "include": ["secret/*"] });
    let new = json!({ "name": "mine", "target": target, "database": "hidden" });
    let define = serve.request(Method::POST, "/v1/crawlers").json(&new);
    assert_eq!(answer(define.header("x-api-key", &admin)).await.status, 201);
    let run = serve.request(Method::POST, "/v1/crawlers/mine/runs").header("x-api-key", &trigger);
    let run = answer(run).await;
    assert_eq!((run.status, run.header("location")), (202, Some("/v1/crawlers/mine")));
    let told = run.json();
    let names: Vec<_> = told.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["crawler", "run_id", "state"], "{told}");
    assert_eq!((&told["crawler"], &told["state"]), (&json!("mine"), &json!("queued")));
    let shown = serve.request(Method::GET, "/v1/crawlers/mine").header("x-api-key", &admin);
    assert_eq!(answer(shown).await.json()["last_run"]["run_id"], told["run_id"]);
}
