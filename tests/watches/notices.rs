//! Notices as the stores send them: recorded bodies, the tokens, the handshakes.

use reqwest::Method;
use serde_json::{Value, json};

use super::{counts, define, loaded, objects, put, run, seldom};
use crate::support::serve::{Answer, answer};
use crate::support::{Serve, TestDatabase, repository};

/// A body as it was recorded, about an object of the bucket `bucket`.
fn recorded(name: &str) -> String {
    std::fs::read_to_string(repository("tests/data/notices").join(name)).unwrap()
}

/// A watch that hears of arrivals only by notices; its URL.
async fn watched(serve: &Serve, more: Value) -> String {
    let mut plan = seldom();
    plan.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let defined = define(serve, "mine", plan).await.json();
    format!("/v1/arrivals/mine?token={}", defined["token"].as_str().unwrap())
}

/// Sends a body as SNS does, with a content type that is not JSON.
async fn tell(serve: &Serve, url: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = serve.request(Method::POST, url).header("content-type", "text/plain");
    answer(request.body(body)).await
}

/// What became of the objects that a notice named: only what is not zero.
fn became(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    let objects = answer.json()["objects"].as_object().unwrap().clone();
    objects.into_iter().filter(|(_, count)| *count != 0).collect()
}

/// The notice of S3 about a key, as it is encoded there.
fn s3(key: &str) -> String {
    recorded("s3.json").replace("in/s3+1.json", key)
}

#[tokio::test]
async fn the_notices_of_every_store_are_understood_and_load_each_object_once() {
    let (database, folder) = (TestDatabase::empty().await, objects(&[]));
    let serve = Serve::start(&database, &[], folder.path());
    let url = watched(&serve, json!({})).await;
    for (number, (file, kind, key)) in [
        ("s3.json", "s3", "in/s3 1.json"),
        ("sns.json", "s3", "in/sns 1.json"),
        ("eventbridge.json", "eventbridge", "in/eventbridge 1.json"),
        ("minio.json", "minio", "in/minio 1.json"),
        ("google.json", "google", "in/google 1.json"),
        ("event_grid.json", "azure", "in/event grid 1.json"),
        ("cloud_event.json", "azure", "in/cloud event 1.json"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = recorded(file);
        let early = tell(&serve, &url, body.clone()).await;
        assert_eq!(became(&early), json!({ "gone": 1 }), "{file}");
        put(folder.path(), key, key);
        let first = tell(&serve, &url, body.clone()).await;
        assert_eq!(
            (&first.json()["kind"], became(&first)),
            (&json!(kind), json!({ "submitted": 1 }))
        );
        let again = tell(&serve, &url, body).await;
        assert_eq!(became(&again), json!({ "known": 1 }), "{file}");
        loaded(&database, number as i64 + 1).await;
    }
    // A listing does not take what notices told.
    assert_eq!(counts(&run(&serve, "mine").await), [7, 0, 0, 0]);
    assert_eq!(database.counts().await[0], 7);
    let metrics = serve.get("/metrics").await.body;
    let expected = "stevedore_notices_total{kind=\"minio\",outcome=\"submitted\"} 1";
    assert!(metrics.contains(expected), "{metrics}");
}

#[tokio::test]
async fn notices_that_are_lost_late_doubled_or_in_the_wrong_order_load_each_version_once() {
    let (database, folder) =
        (TestDatabase::empty().await, objects(&["a.json", "b.json", "c d.json"]));
    let serve = Serve::start(&database, &[], folder.path());
    let url = watched(&serve, json!({})).await;
    // Many in one body, and one of them twice. That of `b.json` is lost.
    let record = |key: &str| serde_json::from_str::<Value>(&s3(key)).unwrap()["Records"][0].clone();
    let body = json!({ "Records": [record("c+d.json"), record("a.json"), record("a.json")] });
    let told = tell(&serve, &url, body.to_string()).await;
    assert_eq!(became(&told), json!({ "submitted": 2, "known": 1 }));
    loaded(&database, 2).await;
    assert_eq!(counts(&run(&serve, "mine").await), [3, 1, 1, 0]);
    loaded(&database, 3).await;
    // Overwritten: the notice of the first version comes behind that of the second.
    put(folder.path(), "a.json", "second");
    assert_eq!(became(&tell(&serve, &url, s3("a.json")).await), json!({ "submitted": 1 }));
    loaded(&database, 4).await;
    for key in ["a.json", "b.json", "c+d.json", "c%20d.json"] {
        assert_eq!(became(&tell(&serve, &url, s3(key)).await), json!({ "known": 1 }), "{key}");
    }
    assert_eq!(counts(&run(&serve, "mine").await), [3, 0, 0, 0]);
    assert_eq!(database.count("stevedore.loads").await, 4);
}

#[tokio::test]
async fn what_a_watch_is_not_over_is_ignored_and_what_still_changes_is_held_back() {
    let (database, folder) = (TestDatabase::empty().await, objects(&["in/a.json", "out/b.json"]));
    let serve = Serve::start(&database, &[], folder.path());
    let url = watched(&serve, json!({ "prefix": "in/", "settle_secs": 3600 })).await;
    for key in ["out/b.json", "in/a.txt", "../etc/passwd", "in//a.json", "in/%00.json", ""] {
        assert_eq!(became(&tell(&serve, &url, s3(key)).await), json!({ "ignored": 1 }), "{key}");
    }
    let elsewhere = s3("in/a.json").replace("\"name\": \"bucket\"", "\"name\": \"other\"");
    assert_eq!(became(&tell(&serve, &url, elsewhere).await), json!({ "ignored": 1 }));
    let removed = s3("in/a.json").replace("ObjectCreated:Put", "ObjectRemoved:Delete");
    assert_eq!(became(&tell(&serve, &url, removed).await), json!({}));
    assert_eq!(became(&tell(&serve, &url, s3("in/a.json")).await), json!({ "held": 1 }));
    let due = "select next_run_at < now() + interval '61 min' from stevedore.watches";
    assert_eq!(database.psql(due)[0][0].as_deref(), Some("t"));
    serve.post("/v1/watches/mine/pause").await;
    assert_eq!(became(&tell(&serve, &url, s3("in/a.json")).await), json!({ "ignored": 1 }));
    assert_eq!(database.count("stevedore.jobs").await, 0);
}

#[tokio::test]
async fn the_handshakes_of_azure_and_the_tests_of_aws_are_answered() {
    let (database, folder) = (TestDatabase::empty().await, objects(&[]));
    let more = ["--no-worker", "--cors-origin", "https://page.example"];
    let serve = Serve::start(&database, &more, folder.path());
    let url = watched(&serve, json!({})).await;
    let validated = tell(&serve, &url, recorded("event_grid_validation.json")).await;
    assert_eq!(validated.json()["validationResponse"], "512d38b6-c7b8-40c8-89fe-f46f9e9622b6");
    let options = |url: String| {
        let request = serve.request(Method::OPTIONS, &url);
        answer(request.header("webhook-request-origin", "eventgrid.azure.net"))
    };
    let allowed = options(url.clone()).await;
    assert_eq!(
        (allowed.status, allowed.header("webhook-allowed-origin")),
        (200, Some("eventgrid.azure.net"))
    );
    assert_eq!(allowed.header("webhook-allowed-rate"), Some("*"));
    assert_eq!(options("/v1/arrivals/mine?token=x".to_owned()).await.status, 401);
    assert_eq!(became(&tell(&serve, &url, recorded("s3_test.json")).await), json!({}));
    // Nobody is called but SNS.
    let confirm = tell(&serve, &url, recorded("sns_confirmation.json")).await;
    let note = confirm.json()["note"].as_str().unwrap().to_owned();
    assert!(note.contains("open its SubscribeURL yourself"), "{note}");
    serve.wait_for("the subscription is not confirmed");
    for unknown in ["", "{}", "[1]", "no json", r#"{"Records":[{"eventSource":"aws:kinesis"}]}"#] {
        let refused = tell(&serve, &url, unknown).await;
        assert_eq!(refused.outcome(), (400, "notice_unknown".to_owned()), "{unknown}");
    }
}

#[tokio::test]
async fn a_notice_needs_the_token_of_its_watch_in_the_url_or_a_header() {
    let (database, folder) = (TestDatabase::empty().await, objects(&["a.json"]));
    let serve = Serve::start(&database, &["--no-worker"], folder.path());
    let url = watched(&serve, json!({})).await;
    let token = url.split_once("token=").unwrap().1.to_owned();
    let bare = "/v1/arrivals/mine";
    let with = |url: &str, header: Option<(&'static str, String)>| {
        let request = serve.request(Method::POST, url).body(s3("a.json"));
        answer(match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        })
    };
    let bearer = |token: &str| Some(("authorization", format!("Bearer {token}")));
    assert_eq!(with(bare, Some(("x-api-key", token.clone()))).await.status, 200);
    assert_eq!(with(bare, bearer(&token)).await.status, 200);
    // Google sends a token of its own.
    assert_eq!(with(&url, bearer("a.b.c")).await.status, 200);
    let refused = with(bare, None).await;
    assert_eq!(refused.outcome(), (401, "token_unknown".to_owned()));
    for (url, header) in [
        ("/v1/arrivals/mine?token=", None),
        ("/v1/arrivals/mine?token=sv_x", bearer(&token)),
        ("/v1/arrivals/other", bearer(&token)),
        ("/v1/arrivals/a%00b", bearer(&token)),
        (bare, bearer("sv_x")),
    ] {
        let other = with(url, header).await;
        // Whether there is such a watch is not told.
        assert_eq!(other.json()["detail"], refused.json()["detail"], "{url}");
        assert_eq!(other.status, 401);
    }
    serve.post("/v1/watches/mine/token").await;
    assert_eq!(with(&url, None).await.status, 401);
    let stored = database.psql("select encode(token_sha256, 'escape') from stevedore.watches");
    assert!(!format!("{stored:?}").contains(&token));
    // A notice of 64 KB is not too long, and a body of 2 MB is.
    let renewed = serve.post("/v1/watches/mine/token").await.json()["token"].clone();
    let url = format!("{bare}?token={}", renewed.as_str().unwrap());
    let long =
        s3("a.json").replace("\"s3\"", &format!("\"pad\": \"{}\", \"s3\"", "x".repeat(64 << 10)));
    assert_eq!(tell(&serve, &url, long).await.status, 200);
    let longer = tell(&serve, &url, " ".repeat(2 << 20)).await;
    assert_eq!(longer.outcome(), (413, "body_too_large".to_owned()));
}
