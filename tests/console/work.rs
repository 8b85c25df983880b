//! What operators do.

use super::*;

/// From the bucket's browser by a dry run to rows.
async fn load_an_object(browser: &Browser, serve: &Serve, database: &TestDatabase) {
    browser.open(&format!("{}/new", serve.url)).await;
    browser.click("a[href*='bucket=bucket']").await;
    browser.click("a[href*='user_status_sample.json']").await;
    browser.press("Dry run").await;
    let job = browser.path().await;
    browser.wait_for("Dry run").await;
    let job = json!({"job_id": job.rsplit('/').next().unwrap()});
    assert_eq!(serve.ended(&job).await["state"], "succeeded");
    assert_eq!(database.count("stevedore.loads").await, 0);
    browser.open(&format!("{}/jobs/{}", serve.url, job["job_id"].as_str().unwrap())).await;
    browser.press("Load").await;
    let job = browser.path().await;
    let job = json!({"job_id": job.rsplit('/').next().unwrap()});
    assert_eq!(serve.ended(&job).await["state"], "succeeded");
    assert_eq!(database.count("user_status").await, 7);
    browser.open(&format!("{}/loads/1", serve.url)).await;
    browser.wait_for("Every record is accounted for: 10 read = 7 loaded + 3 rejected.").await;
}

#[tokio::test]
async fn an_object_is_tried_and_loaded() {
    let Some(browser) = Browser::start(Kind::default()).await else { return };
    let (database, folder) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], folder.path());
    load_an_object(&browser, &serve, &database).await;
}

#[tokio::test]
async fn everything_works_without_scripts() {
    let kind = Kind { without_scripts: true, ..Kind::default() };
    let Some(browser) = Browser::start(kind).await else { return };
    let (database, folder) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], folder.path());
    load_an_object(&browser, &serve, &database).await;
    assert_eq!(browser.count(".pause").await, 0);
}

#[tokio::test]
async fn a_page_shows_what_happens_while_it_is_looked_at() {
    let Some(browser) = Browser::start(Kind::default()).await else { return };
    let (database, folder) = (TestDatabase::empty().await, bucket());
    let mut accepts = Serve::start(&database, &["--no-worker"], folder.path());
    let job = accepts.load("user_status_sample.json").await;
    browser.open(&format!("{}/jobs/{}", accepts.url, job["job_id"].as_str().unwrap())).await;
    browser.find(".state.queued").await;
    let works = Serve::start(&database, &[], folder.path());
    browser.find(".state.succeeded").await;
    drop(works);
    accepts.terminate();
}

#[tokio::test]
async fn all_jobs_that_match_are_retried_at_once() {
    let Some(browser) = Browser::start(Kind::default()).await else { return };
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let keys: Vec<_> = (0..1000).map(|at| format!("{at}.ndjson")).collect();
    let serve = Serve::start(&database, &[], folder.path());
    // None of them is there.
    let parent =
        serve.post_json("/v1/jobs", &json!({"bucket": "bucket", "keys": keys})).await.json();
    assert_eq!(serve.ended(&parent).await["jobs"]["failed"], 1000);
    for key in &keys {
        std::fs::copy(sample("user_status_merge_1.ndjson"), folder.path().join(key)).unwrap();
    }
    browser.open(&format!("{}/jobs?state=failed", serve.url)).await;
    browser.press("Retry all").await;
    browser.wait_for("1,000 jobs were changed").await;
    assert_eq!(serve.ended(&parent).await["jobs"]["succeeded"], 1000);
    browser.open(&format!("{}/jobs?state=failed", serve.url)).await;
    browser.wait_for("No job matches.").await;
}

#[tokio::test]
async fn a_reject_is_mended_tried_and_loaded_again() {
    let Some(browser) = Browser::start(Kind::default()).await else { return };
    let (database, folder) = (TestDatabase::empty().await, bucket());
    let serve = Serve::start(&database, &[], folder.path());
    let job = serve.load("user_status_sample.json").await;
    serve.ended(&job).await;
    browser.open(&format!("{}/", serve.url)).await;
    browser.wait_for("neither replayed nor ignored").await;
    browser.click("a[href*='reason=empty_text']").await;
    browser.click("tbody a[href^='/rejects/1/']").await;
    assert_eq!(browser.find("mark").await.text().await.unwrap(), "\"\"");
    let text = browser.find("#text").await.prop("value").await.unwrap().unwrap();
    let mended = text.replace(r#""status":"""#, r#""status":"ACTIVE""#);
    let mended = mended.replace(r#""status": """#, r#""status": "ACTIVE""#);
    browser.write("#text", &mended).await;
    browser.press("Dry run").await;
    let tried = json!({"job_id": browser.path().await.rsplit('/').next().unwrap()});
    assert_eq!(serve.ended(&tried).await["state"], "succeeded");
    assert_eq!(database.count("user_status").await, 7);
    browser.open(&format!("{}/rejects?state=open&reason=empty_text", serve.url)).await;
    browser.click("tbody a[href^='/rejects/1/']").await;
    browser.write("#text", &mended).await;
    browser.press("Replay").await;
    let replayed = json!({"job_id": browser.path().await.rsplit('/').next().unwrap()});
    assert_eq!(serve.ended(&replayed).await["state"], "succeeded");
    assert_eq!(database.count("user_status").await, 8);
    browser.open(&format!("{}/rejects?state=open&reason=empty_text", serve.url)).await;
    browser.wait_for("No reject matches.").await;
    let open =
        "select coalesce(sum(rejects), 0) from stevedore.open_rejects where reason = 'empty_text'";
    assert_eq!(database.psql(open), [[Some("0".to_owned())]]);
}

#[tokio::test]
async fn hostile_rejects_are_shown_as_text_and_do_nothing() {
    let Some(browser) = Browser::start(Kind::default()).await else { return };
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let hostile = [
        r#"{"userId":"<script>document.title = 'owned'</script>","status":null}"#,
        r#"{"userId":"\"><img src=x onerror=\"document.title='owned'\">","status":null}"#,
        "</pre></bdi></textarea><script>document.title = 'owned'</script>",
        "{\"userId\":\"\u{202e}dellac\u{202c} \u{200b}\u{7}\",\"status\":null}",
        "javascript:document.title='owned' {{7*7}} ${7*7} <svg/onload=alert(1)>",
    ];
    let name = "<b>x<!--.ndjson";
    std::fs::write(folder.path().join(name), hostile.join("\n")).unwrap();
    let serve = Serve::start(&database, &[], folder.path());
    let job = serve
        .post_json("/v1/jobs", &json!({"bucket": "bucket", "key": name, "catalog": false}))
        .await
        .json();
    serve.ended(&job).await;
    let screens = (1..=hostile.len()).map(|record| format!("/rejects/1/{record}"));
    let more = [
        "/rejects".to_owned(),
        "/jobs".to_owned(),
        "/loads/1".to_owned(),
        "/new?bucket=bucket".to_owned(),
    ];
    for screen in screens.chain(more) {
        browser.open(&format!("{}{screen}", serve.url)).await;
        let title = browser.run("return document.title").await;
        assert!(title.as_str().unwrap().ends_with("· Stevedore"), "{screen}: {title}");
        assert_eq!(
            browser.count("main script, main img, main b, main [onload], main [onerror]").await,
            0,
            "{screen}"
        );
    }
    browser.open(&format!("{}/rejects/1/1", serve.url)).await;
    assert!(browser.text().await.contains("<script>document.title = 'owned'</script>"));
    browser.open(&format!("{}/rejects/1/4", serve.url)).await;
    let text = browser.find("pre").await.text().await.unwrap();
    assert!(text.contains(r"\u{202e}dellac\u{202c} \u{200b}\u{0007}"), "{text}");
}

#[tokio::test]
async fn a_feed_is_compared_and_records_are_looked_at() {
    let Some(browser) = Browser::start(Kind::default()).await else { return };
    let (database, folder) = (TestDatabase::empty().await, bucket());
    let serve = serve(&database, folder.path()).await;
    browser.open(&format!("{}/feeds/user_status", serve.url)).await;
    browser.wait_for("The last 28 days: 2 loads of").await;
    database
        .connect()
        .await
        .batch_execute("alter table user_status drop column status")
        .await
        .unwrap();
    browser.click("a[href$='/differences']").await;
    browser.wait_for("it is missing, and rows that are there would have no value").await;
    browser.wait_for("alter table user_status add column status").await;
    browser.open(&format!("{}/catalog", serve.url)).await;
    browser.click("tbody a[href^='/catalog/']").await;
    browser.click("a[href$='records=true']").await;
    let record = browser.find("pre").await.text().await.unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert!(record["userId"].is_string());
}

#[tokio::test]
async fn open_rejects_are_grouped_by_reason_and_place() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let log = |entries: &str| {
        format!(
            r#"{{"userId":"u","createdAt":"2022-01-01","lastVisitedAt":1,"status":"A","isBlacklisted":false,"statusLogs":[{entries}]}}"#
        )
    };
    let entry = r#"{"updatedOn":"2022-01-01","status":"A"}"#;
    let lines = [
        log("7"),
        log(&format!("{entry},7")),
        log("7").replace("\"lastVisitedAt\":1", "\"lastVisitedAt\":\"1\""),
    ];
    std::fs::write(folder.path().join("lines.ndjson"), lines.join("\n")).unwrap();
    let serve = serve(&database, folder.path()).await;
    let shown = async || serve.get("/rejects").await.body;
    let page = shown().await;
    let places = "<code>/statusLogs/*</code></bdi> × 2, <bdi><code>/lastVisitedAt</code></bdi> × 1";
    assert!(page.contains(places), "{page}");

    let load = serve.get("/v1/rejects?limit=1").await.json()["rejects"][0]["load_id"].clone();
    let ignored = json!({"rejects": [{"load_id": load, "record_no": 1}], "note": "known"});
    let job = serve.post_json("/v1/rejects/ignore", &ignored).await.json();
    serve.ended(&job).await;
    let page = shown().await;
    assert!(
        page.contains(
            "<code>/lastVisitedAt</code></bdi> × 1, <bdi><code>/statusLogs/*</code></bdi> × 1"
        ),
        "{page}"
    );
    let open = serve.get("/v1/rejects?state=open").await.json();
    let numbers: Vec<_> =
        open["rejects"].as_array().unwrap().iter().map(|it| it["record_no"].clone()).collect();
    assert_eq!(numbers, [json!(2), json!(3)]);
    let ignored = serve.get("/v1/rejects?state=ignored").await.json();
    assert_eq!(ignored["rejects"][0]["record_no"], json!(1));
    assert_eq!(serve.get("/v1/rejects?state=replayed").await.json()["rejects"], json!([]));
}
