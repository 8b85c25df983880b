//! Webhooks: a real receiver is told that jobs have ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::s3::{SERVERS, listen};
use crate::support::{Serve, TestDatabase, sample};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_bmV3IHNlY3JldCBvZiB0aGUgcmVjZWl2ZXIh";

/// What a receiver got.
struct Request {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether one of its signatures was made with a secret.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(
            format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp"))
                .as_bytes(),
        );
        mac.update(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature").split(' ').any(|signed| signed == expected)
    }
}

struct Receiver {
    url: String,
    requests: UnboundedReceiver<Request>,
}

impl Receiver {
    /// Answers with these statuses in turn, then with 204.
    fn start(statuses: &[u16]) -> Self {
        let statuses = Arc::new(Mutex::new(statuses.iter().copied().collect::<VecDeque<_>>()));
        let (got, requests) = unbounded_channel();
        let answer = move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let path = uri.to_string();
            got.send(Request { path, headers, body }).ok();
            let status = statuses.lock().unwrap().pop_front().unwrap_or(204);
            let elsewhere = [("location", "/elsewhere")];
            (StatusCode::from_u16(status).unwrap(), elsewhere)
        };
        let listener = listen();
        let url = format!("http://{}", listener.local_addr().unwrap());
        SERVERS.spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { url, requests }
    }

    async fn next(&mut self) -> Request {
        let next = tokio::time::timeout(std::time::Duration::from_secs(60), self.requests.recv());
        next.await.expect("a message comes").unwrap()
    }
}

fn bucket() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(sample("user_status_sample.json"), folder.path().join("a.json")).unwrap();
    folder
}

/// The webhooks of a job, when what came of the last one is noted.
async fn noted(serve: &Serve, job: &Value) -> Vec<Value> {
    let path = format!("/v1/jobs/{}/webhooks", job["job_id"].as_str().unwrap());
    let ended = async {
        loop {
            let webhooks = serve.get(&path).await.json();
            let all = webhooks["webhooks"].as_array().unwrap();
            if all
                .last()
                .is_some_and(|last| last["status"].is_number() || last["error"].is_string())
            {
                return all.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), ended)
        .await
        .expect("an answer is noted")
}

#[tokio::test]
async fn the_end_of_a_job_is_told_with_a_signature_of_each_secret() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let mut receiver = Receiver::start(&[]);
    let secrets = format!("{OLD},{NEW}");
    let url = format!("{}/loads?token=1", receiver.url);
    let args = ["--webhook-secret", &secrets, "--webhook-url", &url];
    let serve = Serve::start(&database, &args, bucket.path());
    let job = serve.load("a.json").await;
    let told = receiver.next().await;
    assert_eq!(told.path, "/loads?token=1");
    assert!(told.is_signed_with(OLD) && told.is_signed_with(NEW));
    let message = told.json();
    assert_eq!(message["type"], "job.succeeded");
    assert_eq!(message["data"]["job_id"], job["job_id"]);
    assert_eq!(message["data"]["summary"]["rejected"], 3);
    let webhooks = noted(&serve, &job).await;
    assert_eq!((&webhooks[0]["status"], &webhooks[0]["attempts"]), (&json!(204), &json!(1)));
    assert!(
        webhooks[0]["delivered_at"].is_string() && webhooks[0].get("next_attempt_at").is_none()
    );
    // A token in the URL is not shown.
    assert_eq!(webhooks[0]["url"], format!("{}/loads", receiver.url));
    assert_eq!(webhooks[0]["webhook_id"], told.header("webhook-id"));
}

#[tokio::test]
async fn the_old_trigger_tells_too_and_of_many_objects_only_the_parent_does() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let mut receiver = Receiver::start(&[]);
    let args = ["--webhook-secret", OLD, "--webhook-url", &receiver.url];
    let serve = Serve::start(&database, &args, bucket.path());
    let triggered = serve.post("/trigger?bucket=bucket&key=a.json").await.json();
    assert_eq!(receiver.next().await.json()["data"]["job_id"], triggered["job_id"]);
    let many =
        json!({"bucket": "bucket", "prefix": "", "webhook": format!("{}/many", receiver.url)});
    let parent = serve.post_json("/v1/jobs", &many).await.json();
    let told = receiver.next().await;
    assert_eq!((told.path.as_str(), &told.json()["data"]["job_id"]), ("/many", &parent["job_id"]));
    let all = database.count("stevedore.webhooks").await;
    assert_eq!(all, 2);
}

#[tokio::test]
async fn what_is_not_delivered_is_sent_again_and_redirects_are_not_followed() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let mut receiver = Receiver::start(&[500, 302]);
    let args = ["--webhook-secret", OLD, "--webhook-url", &receiver.url];
    let serve = Serve::start(&database, &args, bucket.path());
    std::fs::write(bucket.path().join("broken.json"), b"\x1f\x8b\x08 cut off").unwrap();
    let job = serve.load("broken.json").await;
    let first = receiver.next().await;
    assert_eq!(first.json()["type"], "job.failed");
    let webhooks = noted(&serve, &job).await;
    assert_eq!(webhooks[0]["error"], "the receiver answered 500 Internal Server Error");
    assert!(webhooks[0]["next_attempt_at"].is_string());
    let connection = database.connect().await;
    // Its time comes at once.
    let now = "update stevedore.webhooks set next_attempt_at = now(); notify stevedore_webhooks";
    for status in [302, 204] {
        connection.batch_execute(now).await.unwrap();
        let again = receiver.next().await;
        assert_eq!(again.path, "/");
        assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
        let path = format!("/v1/jobs/{}/webhooks", job["job_id"].as_str().unwrap());
        while serve.get(&path).await.json()["webhooks"][0]["status"] != status {
            tokio::task::yield_now().await;
        }
    }
    assert!(noted(&serve, &job).await[0]["delivered_at"].is_string());
}

#[tokio::test]
async fn a_receiver_that_is_gone_or_cannot_be_reached_holds_up_no_load() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let mut receiver = Receiver::start(&[410]);
    // Nobody answers on it, though it takes connections.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let origins = format!("{silent},{}", receiver.url);
    let args = ["--webhook-secret", OLD, "--webhook-origin", &origins];
    let serve = Serve::start(&database, &args, bucket.path());
    let wanted =
        |url: &str| json!({"bucket": "bucket", "key": "a.json", "reload": true, "webhook": url});
    let unheard = serve.post_json("/v1/jobs", &wanted(&silent)).await.json();
    assert_eq!(serve.ended(&unheard).await["state"], "succeeded");
    let job = serve.post_json("/v1/jobs", &wanted(&receiver.url)).await.json();
    receiver.next().await;
    let webhooks = noted(&serve, &job).await;
    assert_eq!(webhooks[0]["status"], 410);
    assert!(webhooks[0].get("next_attempt_at").is_none(), "it wants no more: {webhooks:?}");
    let unheard = noted(&serve, &unheard).await;
    assert!(
        unheard[0]["error"].is_string() && unheard[0]["next_attempt_at"].is_string(),
        "{unheard:?}"
    );
}

#[tokio::test]
async fn a_worker_beside_the_server_sends_them() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let mut receiver = Receiver::start(&[]);
    let args = ["--no-worker", "--webhook-secret", OLD, "--webhook-url", &receiver.url];
    let serve = Serve::start(&database, &args, bucket.path());
    let job = serve.load("a.json").await;
    let buckets = format!("bucket={}", bucket.path().display());
    let mut worker = database.stevedore(&["worker", "--bucket", &buckets, "--webhook-secret", OLD]);
    worker.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let _worker = tokio::process::Command::from(worker).kill_on_drop(true).spawn().unwrap();
    assert_eq!(receiver.next().await.json()["data"]["job_id"], job["job_id"]);
}

#[tokio::test]
async fn jobs_name_only_webhooks_that_the_operator_allowed() {
    let (database, bucket) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], bucket.path());
    let wanted = |url: &str| json!({"bucket": "bucket", "key": "a.json", "webhook": url});
    let refused =
        serve.post_json("/v1/jobs", &wanted("http://169.254.169.254/latest/meta-data")).await;
    assert_eq!(refused.outcome(), (422, "webhook_not_allowed".to_owned()));
    let refused = serve.post_json("/v1/jobs", &wanted("gopher://hooks.example.com/")).await;
    assert_eq!(refused.outcome(), (422, "invalid_body".to_owned()));
    assert_eq!(database.count("stevedore.jobs").await, 0);
}

#[tokio::test]
async fn webhooks_need_a_secret_which_nothing_prints() {
    let database = TestDatabase::empty().await;
    let refused =
        database.stevedore(&["serve", "--webhook-url", "http://127.0.0.1:1/"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("webhooks are signed: pass --webhook-secret too"), "{said}");
    let args = ["config", "--webhook-secret", OLD, "--webhook-url", "http://127.0.0.1:1/a?token=1"];
    let shown = database.stevedore(&args).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("webhook_secret = [\"***\"]"), "{shown}");
    assert!(shown.contains("webhook_url = \"http://127.0.0.1:1/a\""), "{shown}");
    let wrong =
        database.stevedore(&["worker", "--webhook-secret", "whsec_geheim"]).output().unwrap();
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.status.code() == Some(2) && !said.contains("geheim"), "{said}");
}
