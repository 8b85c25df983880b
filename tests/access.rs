//! Who may do what, how often and how slowly; what is encrypted, and what is never told.

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
        let request = serve.request(method, path).json(&job);
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
async fn each_key_has_a_rate_of_its_own() {
    let [busy, calm] = [key("busy", &["read"]), key("calm", &["read"])];
    let args = ["--no-worker", "--rate-limit", "2", "--key", &busy.1, "--key", &calm.1];
    let (_database, serve) = serve(&args).await;
    let ask = async |key: &str| {
        answer(serve.request(Method::GET, "/v1/jobs").header("x-api-key", key)).await
    };
    let answers = futures::future::join_all((0..20).map(|_| ask(&busy.0))).await;
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(refused.outcome(), (429, "rate_limited".into()));
    assert_eq!(
        (refused.header("retry-after"), &refused.json()["retryable"]),
        (Some("1"), &true.into())
    );
    assert_eq!(ask(&calm.0).await.status, 200);
    assert_eq!(serve.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn without_keys_only_this_machine_is_served() {
    let refused = stevedore(&["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("stevedore key"), "{}", stderr(&refused));
    let setting = key("twice", &["read"]).1;
    let refused = stevedore(&["serve", "--key", &setting, "--key", &setting]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("twice"), "{}", stderr(&refused));
    let (_database, open) = serve(&["--no-worker"]).await;
    open.wait_for("there are no keys, so everybody who can connect may do everything");
    assert_eq!(open.get("/v1/jobs").await.status, 200);
    let (_database, insecure) =
        serve(&["--no-worker", "--listen", "0.0.0.0:0", "--insecure"]).await;
    insecure.wait_for("there are no keys");
    let made = key("k", &["read"]);
    let (_database, guarded) =
        serve(&["--no-worker", "--listen", "0.0.0.0:0", "--key", &made.1]).await;
    assert_eq!(guarded.get("/v1/jobs").await.status, 401);
}

#[tokio::test]
async fn certificates_encrypt() {
    let authority = Authority::new();
    let (certificate, private) = authority.certify("localhost");
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    std::fs::write(&chain, certificate).unwrap();
    std::fs::write(&key, private).unwrap();
    let (chain, key) = (chain.to_str().unwrap(), key.to_str().unwrap());
    let (_database, serve) = serve(&["--no-worker", "--tls-cert", chain, "--tls-key", key]).await;
    assert!(serve.url.starts_with("https://"));
    let root = Certificate::from_pem(&std::fs::read(authority.file()).unwrap()).unwrap();
    let client = Client::builder().tls_certs_only([root]).build().unwrap();
    let url = serve.url.replace("127.0.0.1", "localhost");
    let answer = client.get(format!("{url}/healthz")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let unencrypted = format!("http://{}/healthz", serve.address());
    assert!(client.get(unencrypted).send().await.is_err());
    // Nobody vouches for the certificate here.
    assert!(Client::new().get(format!("{url}/healthz")).send().await.is_err());
}

#[test]
fn half_a_certificate_or_none_that_is_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("settings.toml");
    std::fs::write(&settings, "tls_cert = \"chain.pem\"").unwrap();
    for args in
        [&["serve", "--tls-key", "key.pem"][..], &["serve", "--config", settings.to_str().unwrap()]]
    {
        let refused = stevedore(args).current_dir(folder.path()).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        assert!(stderr(&refused).contains("tls"), "{}", stderr(&refused));
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_let_in_only_if_they_are_named() {
    let preflight = async |serve: &Serve, origin: &str| {
        let request = serve.request(Method::OPTIONS, "/v1/jobs").header("origin", origin);
        answer(request.header("access-control-request-method", "POST")).await
    };
    let simple = async |serve: &Serve, origin: &str| {
        answer(serve.request(Method::GET, "/v1/jobs").header("origin", origin)).await
    };
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    let (_database, closed) = serve(&["--no-worker"]).await;
    let refused = preflight(&closed, "https://a.example").await;
    assert_eq!((refused.outcome(), allowed(&refused)), ((403, "origin_refused".into()), None));
    let answered = simple(&closed, "https://a.example").await;
    assert_eq!((answered.outcome(), allowed(&answered)), ((403, "origin_refused".into()), None));
    assert_eq!(simple(&closed, &closed.url).await.status, 200);
    let args = ["--no-worker", "--cors-origin", "https://a.example,https://b.example"];
    let (_database, some) = serve(&args).await;
    for (origin, is_named) in
        [("https://a.example", true), ("https://b.example", true), ("https://c.example", false)]
    {
        let expected = is_named.then(|| origin.to_owned());
        assert_eq!(allowed(&preflight(&some, origin).await), expected);
        assert_eq!(allowed(&simple(&some, origin).await), expected);
    }
    let (_database, every) = serve(&["--no-worker", "--cors-origin", "*"]).await;
    assert_eq!(allowed(&simple(&every, "https://c.example").await).as_deref(), Some("*"));
}

#[tokio::test]
async fn without_keys_no_name_is_answered_that_only_leads_here() {
    let rebound = async |serve: &Serve, path: &str| {
        let request = serve.request(Method::GET, path).header("host", "evil.example");
        answer(request).await.outcome()
    };
    let (_database, open) = serve(&["--no-worker"]).await;
    for path in ["/v1/jobs", "/trigger", "/openapi.json", "/metrics"] {
        assert_eq!(rebound(&open, path).await, (403, "host_refused".into()), "{path}");
    }
    let cross = open.request(Method::GET, "/trigger?bucket=bucket&key=user_status_sample.json");
    let cross = answer(cross.header("sec-fetch-site", "cross-site")).await;
    assert_eq!(cross.outcome(), (403, "origin_refused".into()));
    assert_eq!(cross.json()["message"], cross.json()["detail"]);
    let (_database, insecure) = serve(&["--no-worker", "--insecure"]).await;
    assert_eq!(rebound(&insecure, "/v1/jobs").await.0, 200);
    let made = key("k", &["read"]);
    let (_database, guarded) = serve(&["--no-worker", "--key", &made.1]).await;
    assert_eq!(rebound(&guarded, "/v1/jobs").await, (401, "key_unknown".into()));
}

/// What a server answers to bytes, until it ends the connection.
fn raw(serve: &Serve, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(serve.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // It may end the connection before it has read all.
    stream.write_all(bytes).ok();
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        let is_open = error.kind() == std::io::ErrorKind::WouldBlock;
        assert!(!is_open, "the connection is still open: {}", String::from_utf8_lossy(bytes));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("closed")
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let (_database, serve) = serve(&["--no-worker", "--max-body-bytes", "1000"]).await;
    let header = format!(
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n",
        "x".repeat(100_000)
    );
    assert_eq!(status(&raw(&serve, header.as_bytes())), "431");
    let many = "x-many: x\r\n".repeat(1000);
    let many = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{many}\r\n");
    assert_eq!(status(&raw(&serve, many.as_bytes())), "431");
    let uri = format!("GET /healthz?{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(100_000));
    assert!(["414", "431"].contains(&status(&raw(&serve, uri.as_bytes()))));
    let long = json!({"bucket": "bucket", "key": "x".repeat(2000)});
    let refused = serve.post_json("/v1/jobs", &long).await;
    assert_eq!(refused.outcome(), (413, "body_too_large".into()));
    let head = "POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    // Before it is sent.
    let announced = format!("{head}connection: close\r\ncontent-length: 100000000\r\n\r\n");
    assert_eq!(status(&raw(&serve, announced.as_bytes())), "413");
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
    let chunked = format!(
        "{head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"
    );
    assert_eq!(status(&raw(&serve, chunked.as_bytes())), "413");
    for nonsense in [
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "GET /\0 HTTP/1.1\r\n\r\n",
    ] {
        assert!(
            ["400", "closed"].contains(&status(&raw(&serve, nonsense.as_bytes()))),
            "{nonsense:?}"
        );
    }
    assert_eq!(serve.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn slow_clients_are_not_waited_for() {
    let (_database, serve) = serve(&["--no-worker", "--request-timeout-secs", "1"]).await;
    let began = Instant::now();
    let head = "POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let slow_body =
        raw(&serve, format!("{head}connection: close\r\ncontent-length: 100\r\n\r\n{{").as_bytes());
    assert_eq!(status(&slow_body), "408", "{slow_body}");
    assert!(slow_body.contains("request_timeout"), "{slow_body}");
    for slow_headers in
        ["", "GET /healthz HTTP/1.1\r\n", "GET /healthz HTTP/1.1\r\nhost: localhost\r\n"]
    {
        assert!(["408", "closed"].contains(&status(&raw(&serve, slow_headers.as_bytes()))));
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
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
