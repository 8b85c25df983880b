//! Which addresses, names and pages are served.

use super::*;

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
