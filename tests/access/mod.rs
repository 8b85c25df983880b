//! Who may do what, how often and how slowly; what is encrypted, and what is never told.

mod limits;
mod strangers;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};

use crate::support::serve::{Answer, answer};
use crate::support::{Authority, Serve, TestDatabase, repository, stderr, stdout, stevedore};

/// A key with scopes, and its setting for the server.
fn key(name: &str, scopes: &[&str]) -> (String, String) {
    let scopes = scopes.iter().flat_map(|scope| ["--scope", scope]);
    let made = stevedore(&["key", name]).args(scopes).output().unwrap();
    assert!(made.status.success(), "{}", stderr(&made));
    let made = stdout(&made);
    let (key, setting) = made.trim().split_once('\n').unwrap();
    (key.to_owned(), setting.to_owned())
}

#[test]
fn names_of_keys_are_plain() {
    for name in ["", "a b", "a,b"] {
        let refused = stevedore(&["key", name, "--scope", "read"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{name}");
        assert!(stderr(&refused).contains("letters, digits"), "{}", stderr(&refused));
    }
}

async fn serve(args: &[&str]) -> (TestDatabase, Serve) {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, args, &repository("data"));
    (database, serve)
}

#[tokio::test]
async fn keys_may_do_what_their_scopes_say() {
    let keys = [key("t", &["trigger"]), key("r", &["read"]), key("a", &["admin"])];
    let [trigger, read, admin] = keys.each_ref().map(|(key, _)| key.as_str());
    let args: Vec<_> = keys.iter().flat_map(|(_, setting)| ["--key", setting]).collect();
    let (_database, serve) = serve(&[&["--no-worker"], &args[..]].concat()).await;
    let job = json!({"bucket": "bucket", "key": "user_status_sample.json"});
    let send = async |method: Method, path: &str, key: &str| {
        let body = if path == "/v1/jobs" { job.clone() } else { json!({}) };
        let request = serve.request(method, path).json(&body);
        answer(request.header("x-api-key", key)).await
    };
    let created = send(Method::POST, "/v1/jobs", trigger).await;
    assert_eq!((created.status, &created.json()["requested_by"]), (202, &"t".into()));
    let path = format!("/v1/jobs/{}", created.json()["job_id"].as_str().unwrap());
    let (cancel, retry) = (format!("{path}/cancel"), format!("{path}/retry"));
    let trigger_path = "/trigger?bucket=bucket&key=user_status_sample.json";
    for (method, path, may) in [
        (Method::GET, trigger_path, [true, false, true]),
        (Method::POST, trigger_path, [true, false, true]),
        (Method::POST, "/v1/jobs", [true, false, true]),
        (Method::GET, "/v1/jobs", [false, true, true]),
        (Method::GET, &path, [false, true, true]),
        (Method::GET, "/v1/jobs/counts", [false, true, true]),
        (Method::GET, "/v1/workers", [false, true, true]),
        (Method::GET, "/v1/loads", [false, true, true]),
        (Method::GET, "/v1/rejects", [false, true, true]),
        (Method::GET, "/v1/crawlers", [false, true, true]),
        (Method::GET, "/metrics", [false, true, true]),
        (Method::POST, &cancel, [false, false, true]),
        (Method::POST, &retry, [false, false, true]),
    ] {
        for (key, may) in [trigger, read, admin].iter().zip(may) {
            let answer = send(method.clone(), path, key).await;
            match may {
                true => assert!(answer.status < 300, "{method} {path} {answer:?}"),
                false => assert_eq!(answer.outcome(), (403, "scope_missing".into())),
            }
        }
        let unknown = send(method.clone(), path, "sv_unknown").await;
        assert_eq!(unknown.outcome(), (401, "key_unknown".into()), "{path}");
        assert!(unknown.header("www-authenticate").unwrap().starts_with("Bearer"));
        assert_eq!(answer(serve.request(method, path)).await.status, 401, "{path}");
    }
    for path in ["/healthz", "/readyz", "/openapi.json", "/docs/"] {
        assert_eq!(serve.get(path).await.status, 200, "{path}");
    }
    let bearer = async |token: &str| {
        let request = serve.request(Method::GET, "/v1/jobs").header("authorization", token);
        answer(request).await.status
    };
    assert_eq!(bearer(&format!("Bearer {read}")).await, 200);
    assert_eq!(bearer(&format!("bearer {read}")).await, 200);
    assert_eq!(bearer(read).await, 401);
    assert_eq!(bearer(&format!("Basic {read}")).await, 401);
    let log = serve.lines().join("\n");
    for (key, setting) in &keys {
        assert!(!log.contains(key) && !log.contains(setting.rsplit(':').next().unwrap()), "{log}");
    }
    assert!(!log.contains("there are no keys"));
}

#[tokio::test]
async fn crawlers_are_run_with_trigger_and_defined_with_admin() {
    let keys = [key("t", &["trigger"]), key("r", &["read"]), key("a", &["admin"])];
    let args: Vec<_> = keys.iter().flat_map(|(_, setting)| ["--key", setting]).collect();
    let (_database, serve) = serve(&[&["--no-worker"], &args[..]].concat()).await;
    let target = json!({ "kind": "objects", "bucket": "bucket" });
    let new = json!({ "name": "mine", "target": target });
    let path = "/v1/crawlers/mine";
    for (method, path, body, statuses) in [
        (Method::POST, "/v1/crawlers", &new, [403, 403, 201]),
        (Method::PUT, path, &json!({ "target": target }), [403, 403, 200]),
        (Method::GET, path, &json!({}), [403, 200, 200]),
        (Method::POST, "/v1/crawlers/mine/runs", &json!({}), [202, 403, 409]),
        (Method::DELETE, path, &json!({}), [403, 403, 200]),
    ] {
        for ((key, _), status) in keys.iter().zip(statuses) {
            let request = serve.request(method.clone(), path).json(body);
            let answer = answer(request.header("x-api-key", key)).await;
            assert_eq!(answer.status, status, "{method} {path} {answer:?}");
        }
    }
}

#[tokio::test]
async fn idempotency_keys_belong_to_who_sends_them() {
    let [one, other] = [key("one", &["trigger"]), key("other", &["trigger"])];
    let (_database, serve) = serve(&["--no-worker", "--key", &one.1, "--key", &other.1]).await;
    let send = async |key: &str, prefix: &str| {
        let request = serve.request(Method::POST, "/v1/jobs").header("x-api-key", key);
        let body = json!({"bucket": "bucket", "prefix": prefix});
        answer(request.header("idempotency-key", "k").json(&body)).await
    };
    let (first, second) = (send(&one.0, "a").await, send(&other.0, "b").await);
    assert_eq!((first.status, second.status), (202, 202));
    assert_ne!(first.json()["job_id"], second.json()["job_id"]);
}

#[tokio::test]
async fn logs_are_lines_of_json_with_the_id_of_the_request() {
    let args = ["--log-format", "json", "--log", "debug"];
    let (secret, setting) = key("k", &["admin"]);
    let (_database, mut serve) = serve(&[&args[..], &["--key", &setting]].concat()).await;
    let body = json!({"bucket": "bucket", "key": "user_status_sample.json"});
    let request = serve.request(Method::POST, "/v1/jobs").header("x-request-id", "my-request");
    let job = answer(request.header("x-api-key", &secret).json(&body)).await.json();
    let events = format!("/v1/jobs/{}/events", job["job_id"].as_str().unwrap());
    answer(serve.request(Method::GET, &events).bearer_auth(&secret)).await;
    answer(serve.request(Method::GET, "/v1/jobs").header("x-api-key", "sv_wrong")).await;
    assert!(serve.terminate().success());
    let lines = serve.lines();
    let logged: Vec<Value> = lines
        .iter()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let answered = logged
        .iter()
        .find(|line| line["message"] == "answered" && line["span"]["request_id"] == "my-request");
    let answered = answered.unwrap_or_else(|| panic!("{lines:#?}"));
    assert_eq!((&answered["status"], &answered["by"]), (&202.into(), &"k".into()));
    assert!(answered["millis"].is_u64(), "{answered}");
    assert!(logged.iter().any(|line| line["code"] == "key_unknown"), "{lines:#?}");
    let others: Vec<_> = lines.iter().filter(|line| !line.starts_with('{')).collect();
    assert!(others.is_empty(), "{others:?}");
    let text = lines.join("\n");
    for hidden in [&secret[..], setting.rsplit(':').next().unwrap(), "sv_wrong"] {
        assert!(!text.contains(hidden), "{text}");
    }
    // What is in the records stays in the database.
    assert!(!text.contains("u-1004"), "{text}");
}
