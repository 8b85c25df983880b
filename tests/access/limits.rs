//! What is too large, too slow or too frequent.

use super::*;

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
