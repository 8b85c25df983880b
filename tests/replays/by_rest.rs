//! `/v1/replays`, `/v1/rejects/ignore` and the lists that say what was done.

use serde_json::json;

use super::*;
use crate::support::Serve;

fn serve(shop: &Shop) -> Serve {
    let feeds = shop.feeds();
    Serve::start(&shop.database, &["--feeds", feeds.to_str().unwrap()], &shop.objects())
}

async fn load(serve: &Serve, key: &str) {
    let request = json!({"bucket": "bucket", "key": key, "feed": "orders", "catalog": false});
    let answer = serve.post_json("/v1/jobs", &request).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(serve.ended(&answer.json()).await["state"], "succeeded");
}

/// The job of a request about rejects, when it has come to its end.
async fn done(serve: &Serve, path: &str, request: &Value) -> Value {
    let answer = serve.post_json(path, request).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let job = answer.json();
    let location = format!("/v1/jobs/{}", job["job_id"].as_str().unwrap());
    assert_eq!(answer.header("location"), Some(&*location));
    let ended = serve.ended(&job).await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
    ended
}

#[tokio::test]
async fn rejects_are_replayed_and_ignored_by_jobs() {
    let shop = Shop::new(ORDERS).await;
    let serve = serve(&shop);
    shop.write("a.ndjson", order(1, 1, "long") + &order(2, 0, "NOK") + &order(3, 1, "long"));
    load(&serve, "a.ndjson").await;
    let open = async || serve.get("/v1/loads/1").await.json()["rejects_open"].clone();
    assert_eq!(open().await, 3);

    let edited = json!({"rejects": [{"load_id": 1, "record_no": 1}], "text": order(1, 1, "NOK"), "note": "by hand"});
    let checked = json!({"rejects": edited["rejects"], "text": edited["text"], "dry_run": true});
    let job = done(&serve, "/v1/replays", &checked).await;
    assert_eq!(
        (&job["kind"], &job["loaded"], &job["load_id"]),
        (&"replay".into(), &1.into(), &Value::Null)
    );
    assert_eq!(open().await, 3);
    let job = done(&serve, "/v1/replays", &edited).await;
    assert_eq!(
        (&job["loaded"], &job["load_id"], job.get("bucket")),
        (&1.into(), &2.into(), None),
        "{job}"
    );
    assert_eq!(job["summary"]["tables"][0]["inserted"], 1);

    let job =
        done(&serve, "/v1/rejects/ignore", &json!({"feed": "orders", "reason": "rule"})).await;
    assert_eq!((&job["kind"], &job["summary"]["ignored"]), (&"ignore".into(), &1.into()));
    for (query, numbers) in [
        ("", vec![1, 2, 3]),
        ("?state=open", vec![3]),
        ("?state=replayed&feed=orders", vec![1]),
        ("?state=ignored&rule=version_is_positive", vec![2]),
        ("?rule=another", vec![]),
        ("?feed=user_status", vec![]),
        ("?load_id=1&record_no=3", vec![3]),
    ] {
        let page = serve.get(&format!("/v1/rejects{query}")).await.json();
        let found: Vec<_> = page["rejects"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["record_no"].as_i64().unwrap())
            .collect();
        assert_eq!(found, numbers, "{query}");
    }
    let first = serve.get("/v1/rejects?record_no=1").await.json()["rejects"][0].clone();
    let expected = json!({"state": "replayed", "note": "by hand", "replay_load_id": 2, "handled_by": "anybody"});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&first[name], value, "{name}: {first}");
    }
    assert_eq!(open().await, 1);
    // What fails again is open, and names its origin.
    let job = done(&serve, "/v1/replays", &json!({"load_id": 1})).await;
    assert_eq!((&job["records"], &job["rejected"]), (&1.into(), &1.into()), "{job}");
    let new = serve.get("/v1/rejects?state=open").await.json()["rejects"][0].clone();
    assert_eq!(
        (&new["load_id"], &new["replay_of"], &new["record_no"]),
        (&3.into(), &1.into(), &3.into())
    );
    let page = serve.get("/v1/loads").await.json();
    let opens: Vec<_> =
        page["loads"].as_array().unwrap().iter().map(|it| it["rejects_open"].clone()).collect();
    assert_eq!(opens, [1, 0, 0]);
    shop.verify();
}

#[tokio::test]
async fn a_replay_that_is_asked_for_twice_with_a_key_is_one_job() {
    let shop = Shop::new(ORDERS).await;
    let serve = serve(&shop);
    shop.write("a.ndjson", order(1, 1, "long"));
    load(&serve, "a.ndjson").await;
    let request = json!({"feed": "orders"});
    let ask = async |body: &Value| {
        let request = serve.request(reqwest::Method::POST, "/v1/replays");
        crate::support::serve::answer(request.header("idempotency-key", "k").json(body)).await
    };
    let (first, second) = (ask(&request).await.json(), ask(&request).await.json());
    assert_eq!(first["job_id"], second["job_id"]);
    let other = ask(&json!({"load_id": 1})).await;
    assert_eq!(other.outcome(), (409, "idempotency_key_reused".to_owned()));
    serve.ended(&first).await;
    assert_eq!(shop.database.count("stevedore.loads where replay_of = 1").await, 1);
}

#[tokio::test]
async fn requests_that_mean_no_rejects_are_refused() {
    let shop = Shop::new(ORDERS).await;
    let serve = serve(&shop);
    shop.write("a.ndjson", order(1, 1, "long"));
    load(&serve, "a.ndjson").await;
    let one = json!([{"load_id": 1, "record_no": 1}]);
    for (request, status, code) in [
        (json!({}), 422, "invalid_body"),
        (json!({"rejects": []}), 422, "invalid_body"),
        (json!({"rejects": one, "reason": "rule"}), 422, "invalid_body"),
        (json!({"load_id": 1, "text": "{}"}), 422, "invalid_body"),
        (json!({"rejects": one, "text": "\u{0}"}), 422, "invalid_body"),
        (json!({"reason": "no reason"}), 400, "invalid_parameter"),
        (json!({"feed": "another"}), 400, "feed_not_found"),
        (json!({"reason": "rule"}), 400, "feed_unclear"),
        (json!({"load_id": 9}), 404, "load_not_found"),
    ] {
        let answer = serve.post_json("/v1/replays", &request).await;
        assert_eq!(answer.outcome(), (status, code.to_owned()), "{request}: {answer:?}");
    }
    let answer =
        serve.post_json("/v1/rejects/ignore", &json!({"feed": "orders", "text": ""})).await;
    assert_eq!(answer.outcome(), (422, "invalid_body".to_owned()));
    assert_eq!(shop.open(1), 1);
}

#[tokio::test]
async fn a_job_whose_worker_is_killed_replays_each_reject_once() {
    for point in ["rejects_claimed", "recorded", "committed"] {
        let shop = Shop::new(ORDERS).await;
        let first = serve(&shop);
        shop.write("a.ndjson", order(1, 1, "long") + &order(2, 1, "long"));
        load(&first, "a.ndjson").await;
        drop(first);
        let feeds = shop.feeds();
        let args = ["--feeds", feeds.to_str().unwrap()];
        let mut killed = Serve::start_with(&shop.database, &args, &shop.objects(), |command| {
            command.env("STEVEDORE_FAILPOINT", point)
        });
        let job = killed.post_json("/v1/replays", &json!({"load_id": 1})).await.json();
        killed.wait_for(&format!("failpoint: {point}"));
        killed.kill();
        let second = serve(&shop);
        let ended = second.ended(&job).await;
        assert_eq!(
            (&ended["state"], &ended["attempts"]),
            (&"succeeded".into(), &2.into()),
            "{point}"
        );
        // Also what the attempt did that was killed behind its commit.
        assert_eq!((&ended["records"], &ended["rejected"]), (&2.into(), &2.into()), "{point}");
        let replays = "stevedore.loads where replay_of is not null";
        assert_eq!(shop.database.count(replays).await, 1, "{point}");
        assert_eq!(shop.database.count("stevedore.handled_rejects").await, 2, "{point}");
        shop.verify();
    }
}

#[tokio::test]
async fn a_replay_that_is_cancelled_says_what_really_happened() {
    for point in ["rejects_claimed", "recorded", "committed"] {
        let shop = Shop::new(ORDERS).await;
        shop.load(&shop.write("a.ndjson", order(1, 1, "long")));
        let hold = shop.folder.path().join("hold");
        std::fs::write(&hold, "").unwrap();
        let feeds = shop.feeds();
        let args = ["--feeds", feeds.to_str().unwrap()];
        let serve = Serve::start_with(&shop.database, &args, &shop.objects(), |command| {
            command.env("STEVEDORE_FAILPOINT", point).env("STEVEDORE_FAILPOINT_FILE", &hold)
        });
        let job = serve.post_json("/v1/replays", &json!({"load_id": 1})).await.json();
        serve.wait_for(&format!("failpoint: {point}"));
        let cancel = format!("/v1/jobs/{}/cancel", job["job_id"].as_str().unwrap());
        assert_eq!(serve.post(&cancel).await.status, 202);
        serve.wait_for("is to be cancelled");
        std::fs::remove_file(&hold).unwrap();
        let ended = serve.ended(&job).await;
        let is_done = match ended["state"].as_str().unwrap() {
            "succeeded" => true,
            "cancelled" => false,
            other => panic!("{point}: {other}"),
        };
        match point {
            "rejects_claimed" => assert!(!is_done),
            "committed" => assert!(is_done),
            _ => {}
        }
        let expected = if is_done { "replayed" } else { "open" };
        assert_eq!(shop.states().await[0], state(1, 1, expected), "{point}");
        shop.verify();
    }
}

#[tokio::test]
async fn a_long_text_is_read_from_the_bucket_that_holds_its_object() {
    let shop = Shop::new(ORDERS).await;
    let long = order(1, 1, &"x".repeat(100_000));
    // Loaded by its path, and by a job.
    shop.load(&shop.write("a.ndjson", &long));
    let first = serve(&shop);
    shop.write("b.ndjson", long.replace("\"id\":1", "\"id\":2"));
    load(&first, "b.ndjson").await;
    drop(first);
    widen(&shop).await;
    let serve = serve(&shop);
    let job = done(&serve, "/v1/replays", &json!({"feed": "orders"})).await;
    assert_eq!((&job["loaded"], &job["summary"]["refused"]), (&2.into(), &0.into()), "{job}");
    assert_eq!(shop.database.count("orders where length(code) = 100000").await, 2);
    // Another server does not know where they are.
    shop.load(&shop.write("c.ndjson", order(3, 0, &"x".repeat(100_000))));
    let elsewhere = tempfile::tempdir().unwrap();
    let feeds = shop.feeds();
    let args = ["--feeds", feeds.to_str().unwrap()];
    let other = Serve::start(&shop.database, &args, elsewhere.path());
    drop(serve);
    let job = done(&other, "/v1/replays", &json!({"feed": "orders"})).await;
    assert_eq!(job["summary"]["refused_by_reason"], json!({"version_gone": 1}), "{job}");
}
