//! A store that redirects is not followed: nobody else is sent the credentials, and the error says where to.

use serde_json::json;

use crate::support::canned::{Canned, answer};
use crate::support::s3::environment;
use crate::support::{Serve, TestDatabase, repository, stderr, stdout};

/// A store that redirects to another one.
fn redirecting(status: &str, more: &str) -> (Canned, Canned) {
    let other = Canned::start(answer("200 OK", "", ""));
    let location = format!("location: http://{}/bucket/users.json\r\n{more}", other.host);
    (Canned::start(answer(status, &location, "")), other)
}

fn variables(store: &Canned) -> Vec<(String, String)> {
    let mut variables = environment(&format!("http://{}", store.host));
    variables.push(("AWS_SESSION_TOKEN".to_owned(), "a-session-token".to_owned()));
    variables
}

#[tokio::test]
async fn no_other_host_is_sent_the_credentials() {
    let database = TestDatabase::empty().await;
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 X"]
    {
        let (store, other) = redirecting(status, "x-amz-bucket-region: eu-west-1\r\n");
        let azure =
            format!("az://bucket/a?account_name=a&account_key=YQ==&endpoint=http://{}", store.host);
        for location in ["s3://bucket/users.json", "s3://bucket/", "s3://bucket/*.json", &azure] {
            let mut load = database.stevedore(&["load", location]);
            let output = load.envs(variables(&store)).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{status} {location}");
            let said = stderr(&output);
            let place =
                format!("redirects to {} (the bucket is in the region eu-west-1)", other.host);
            assert!(said.contains(&place), "{status} {location} {said}");
            assert!(said.contains("hint: if that is the right place, name it"), "{said}");
            assert!(!said.contains("a-session-token"), "{said}");
        }
        assert_eq!(other.received(), [""; 0], "{status}");
    }
}

#[tokio::test]
async fn a_redirect_that_names_no_place_is_an_error_too() {
    let database = TestDatabase::empty().await;
    for (headers, expected) in [
        ("x-amz-bucket-region: eu-west-1\r\n", "(the bucket is in the region eu-west-1)"),
        ("", "the store redirects to a place that it does not name"),
        ("location: /elsewhere\r\n", "the store redirects to a place that it does not name"),
        ("location: http://a%1b%5b2J/\r\n", "the store redirects to a place that it does not name"),
    ] {
        let store = Canned::start(answer("301 Moved Permanently", headers, ""));
        let mut load = database.stevedore(&["load", "s3://bucket/users.json"]);
        let output = load.envs(variables(&store)).output().unwrap();
        assert!(stderr(&output).contains(expected), "{} {}", stderr(&output), stdout(&output));
    }
}

#[tokio::test]
async fn a_job_says_where_the_store_redirects_to_and_is_not_tried_again() {
    let database = TestDatabase::empty().await;
    let (store, other) = redirecting("307 Temporary Redirect", "");
    let args = ["--bucket", "remote=s3://bucket", "--no-preflight"];
    let serve = Serve::start_with(&database, &args, &repository("data"), |command| {
        command.envs(variables(&store))
    });
    let job = json!({ "bucket": "remote", "key": "users.json" });
    let refused = serve.post_json("/v1/jobs", &job).await;
    assert_eq!(refused.outcome(), (502, "store_redirected".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains(&other.host), "{refused:?}");
    let job = json!({ "bucket": "remote", "prefix": "users" });
    let job = serve.post_json("/v1/jobs", &job).await.json();
    let ended = serve.ended(&job).await;
    assert_eq!(
        (&ended["state"], &ended["attempts"], &ended["error"]["code"]),
        (&json!("failed"), &json!(1), &json!("store_redirected")),
        "{ended}"
    );
    assert!(ended["error"]["detail"].as_str().unwrap().contains(&other.host), "{ended}");
    assert_eq!(other.received(), [""; 0]);
}
