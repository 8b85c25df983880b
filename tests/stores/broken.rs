//! Stores that break off, slow down, or change an object meanwhile.

use super::*;

/// Records of somewhat more than two ranges.
fn long_text() -> String {
    let lines = (0..30_000).map(|user| record(&format!("user-{user}"), 1, "ACTIVE") + "\n");
    lines.collect()
}

#[tokio::test]
async fn a_body_that_breaks_off_is_continued_where_it_broke() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    let text = long_text();
    server.put("users.json", &text);
    let proxy = Proxy::start(&server.endpoint, |method, before| match (method, before) {
        ("GET", 0) => Fate::Cut(1_000_000),
        _ => Fate::Forward,
    });
    let url = "s3://bucket/users.json";
    let output = load(&database, &s3::environment(&proxy.endpoint), &["--no-preflight", url]);
    assert_eq!(loaded(&output), loaded_once(url));
    assert_eq!(json_lines(&output)[0]["loaded"], 30_000);
    let asked = proxy.asked("GET");
    assert_eq!(asked[0].range.as_deref(), Some("bytes=0-1048575"));
    assert_eq!(asked[1].range.as_deref(), Some("bytes=1000000-1048575"));
    assert_eq!(asked.iter().map(|asked| asked.body_bytes).sum::<usize>(), text.len());
}

#[tokio::test]
async fn a_store_that_asks_to_slow_down_is_asked_again() {
    let (server, database) = (S3Server::start(), TestDatabase::empty().await);
    server.put("users.json", record("a", 1, "s"));
    let proxy = Proxy::start(&server.endpoint, |_, before| match before {
        0..3 => Fate::SlowDown,
        _ => Fate::Forward,
    });
    let url = "s3://bucket/users.json";
    let output = load(&database, &s3::environment(&proxy.endpoint), &["--no-preflight", url]);
    assert_eq!(loaded(&output), loaded_once(url));
    assert_eq!(proxy.asked("GET").len(), 4);
}

/// Loads an object that `overwrite` overwrites after the first answer, of whose body so much comes.
async fn overwritten(endpoint: &str, bytes: usize, overwrite: impl Fn() + Send + Sync + 'static) {
    let database = TestDatabase::empty().await;
    let proxy = Proxy::start(endpoint, move |method, before| {
        if (method, before) == ("GET", 1) {
            overwrite();
        }
        if (method, before) == ("GET", 0) { Fate::Cut(bytes) } else { Fate::Forward }
    });
    let environment = s3::environment(&proxy.endpoint);
    let said =
        failure(&load(&database, &environment, &["--no-preflight", "s3://bucket/users.json"]));
    assert!(said.contains("s3://bucket/users.json changed while it was read"), "{said}");
    assert_eq!(database.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn an_object_that_is_overwritten_meanwhile_is_not_loaded() {
    const WHOLE: usize = usize::MAX;
    // This store does not know if-match, so that only what it answers tells; with another length
    // it does not have the range that is asked for.
    for other in [long_text().replace("ACTIVE", "LOCKED"), "[]".to_owned()] {
        for bytes in [WHOLE, 1_000_000] {
            let server = S3Server::start();
            server.put("users.json", long_text());
            let (file, other) = (server.file("users.json"), other.clone());
            let overwrite = move || std::fs::write(&file, &other).unwrap();
            overwritten(&server.endpoint, bytes, overwrite).await;
        }
    }
    for bytes in [WHOLE, 1_000_000] {
        let Some(moto) = Moto::start() else { return };
        moto.put("bucket/users.json", &long_text());
        let endpoint = moto.endpoint.clone();
        let overwrite = move || moto::put(&endpoint, "bucket/users.json", "[]");
        overwritten(&moto.endpoint, bytes, overwrite).await;
    }
}

#[tokio::test]
async fn a_version_of_a_bucket_that_keeps_versions_is_read_whatever_comes_after() {
    let Some(moto) = Moto::start() else { return };
    let database = TestDatabase::empty().await;
    moto.keep_versions();
    moto.put("bucket/in/users.json", &long_text());
    let endpoint = moto.endpoint.clone();
    let proxy = Proxy::start(&moto.endpoint, move |method, before| {
        if (method, before) == ("GET", 1) {
            moto::put(&endpoint, "bucket/in/users.json", "[]");
        }
        Fate::Forward
    });
    let url = "s3://bucket/in/users.json";
    let output = load(&database, &s3::environment(&proxy.endpoint), &[url]);
    assert_eq!(loaded(&output), loaded_once(url));
    assert_eq!(json_lines(&output)[0]["loaded"], 30_000);
    // Found by its folder, with a slash or without, the new version has the same name as by its key.
    let environment = s3::environment(&moto.endpoint);
    let version = async |location| {
        let found = find(location, &environment).await.unwrap().objects.remove(0);
        found.begin().await.unwrap().version()
    };
    let new = version(url).await;
    assert_eq!(
        [version("s3://bucket/in").await, version("s3://bucket/in/").await],
        [new.clone(), new.clone()]
    );
    let noted = database.rows("select version from stevedore.loads").await.remove(0);
    assert_ne!(noted["version"], new.as_str());
    assert!(!noted["version"].as_str().unwrap().contains('"'), "an e-tag: {noted}");
}
