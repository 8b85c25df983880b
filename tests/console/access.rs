//! Who gets in, and what they may do.

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};

use super::*;
use crate::support::serve::answer;

/// With the fields of a form.
fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
}

#[tokio::test]
async fn operators_sign_in_with_a_key_and_out_again() {
    let Some(browser) = Browser::start(Kind::default()).await else { return };
    let (database, folder) = (TestDatabase::empty().await, bucket());
    let (secret, setting) = key("ops", "admin");
    let serve = Serve::start(&database, &["--key", &setting], folder.path());
    browser.open(&format!("{}/jobs?state=failed", serve.url)).await;
    browser.write("#key", "sv_wrong").await;
    browser.press("Sign in").await;
    browser.wait_for("The key is not known to this server.").await;
    browser.write("#key", &secret).await;
    browser.press("Sign in").await;
    browser.wait_for("No job matches.").await;
    assert_eq!(browser.path().await, "/jobs?state=failed");
    assert_eq!(browser.run("return document.cookie").await, "");
    browser.press("Sign out").await;
    browser.find("#key").await;
    browser.open(&format!("{}/", serve.url)).await;
    browser.find("#key").await;
}

#[tokio::test]
async fn a_key_that_may_only_read_sees_no_buttons_and_can_do_nothing() {
    let Some(browser) = Browser::start(Kind::default()).await else { return };
    let (database, folder) = (TestDatabase::empty().await, bucket());
    let ((reader, read), (admin, write)) = (key("reader", "read"), key("ops", "admin"));
    let keys = format!("{read},{write}");
    let serve = Serve::start(&database, &["--key", &keys], folder.path());
    let wanted = serve.request(Method::POST, "/v1/jobs").header("x-api-key", &admin);
    let wanted = wanted.json(&json!({"bucket": "bucket", "key": "user_status_dirty.ndjson"}));
    let job = answer(wanted).await.json();
    browser.open(&serve.url).await;
    browser.write("#key", &reader).await;
    browser.press("Sign in").await;
    let path = format!("/jobs/{}", job["job_id"].as_str().unwrap());
    for screen in SCREENS.into_iter().chain([path.as_str()]) {
        browser.open(&format!("{}{screen}", serve.url)).await;
        browser.find("main h1").await;
        assert_eq!(browser.count("main form[method=post] button").await, 0, "{screen}");
    }
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let fields = [("key", &*reader), ("to", "/")];
    let signed_in = form(client.post(format!("{}/sign-in", serve.url)), &fields);
    let signed_in = signed_in.send().await.unwrap();
    let cookie = signed_in.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap();
    // A form without the token of the session, and one with a token that was made up.
    for token in ["", "AAAA"] {
        let sent = client.post(format!("{}{path}/cancel", serve.url)).header(COOKIE, cookie);
        let refused = form(sent, &[("form_token", token)]).send().await.unwrap();
        assert_eq!(refused.status(), 403);
    }
    let page = client
        .get(format!("{}/new?bucket=bucket", serve.url))
        .header(COOKIE, cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(page.headers()["cache-control"], "no-store");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    // Nobody without a session.
    let asked = client.get(format!("{}{path}", serve.url)).send().await.unwrap();
    assert!(asked.headers()[LOCATION].to_str().unwrap().starts_with("/sign-in?to=%2Fjobs%2F"));
}
