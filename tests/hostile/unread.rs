//! Clients that ask for long answers and do not read them, and too many clients: memory stays bounded,
//! and others are served.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Serve, TestDatabase, repository, sample};

/// What the whole process may take, whatever clients do.
pub(super) const MOST_MEMORY_KB: u64 = 300 << 10;
/// Longest time that anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests with long answers.
pub(super) const LONG: [&str; 5] = [
    "GET /v1/rejects?limit=500 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "GET /v1/rejects HTTP/1.1\r\nhost: localhost\r\naccept: application/x-ndjson\r\n\r\n",
    "GET /v1/tables/user_status_log/rows?limit=1000 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "GET /v1/tables/user_status_error_rec/rows?limit=1000 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n",
];

/// A database with so many rejects, of which 500 would be a page of 200 MB, and rows of 8 MB.
pub(super) async fn with_long_rows(rejects: u32) -> TestDatabase {
    let database = TestDatabase::empty().await;
    database.load(&[&sample("user_status_sample.json")]);
    let rows = format!(
        "
        insert into user_status_error_rec (error_rec, reason, detail, raw, object, object_version,
            record_no, byte_offset, byte_length, load_id, ingested_at)
        select repeat('e', 65536), 'malformed', 'not JSON', repeat(chr(1), 65536), 'bucket/key', 'v', n,
            0, 65536, (select max(load_id) from stevedore.loads), now()
        from generate_series(1, {rejects}) n;
        insert into user_status_log (userid, updatedon, status, ingested_at)
        select repeat('u', 8000000), 'now', 'ACTIVE', now() from generate_series(1, 20)"
    );
    database.connect().await.batch_execute(&rows).await.unwrap();
    database
}

/// A client that sends a request and reads nothing, with room for little.
pub(super) async fn unread(address: SocketAddr, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// The most memory that a process has had so far.
pub(super) fn peak_memory_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it is alive");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim_end_matches("kB").trim().parse().unwrap()
}

/// What is counted under a name.
async fn count(serve: &Serve, name: &str) -> f64 {
    let counts = serve.get("/metrics").await.body;
    let count = counts.lines().find_map(|line| line.strip_prefix(name));
    count.unwrap_or_else(|| panic!("{name}: {counts}")).trim().parse().unwrap()
}

const OPEN: &str = "stevedore_http_connections ";
const UNREAD: &str = "stevedore_http_connections_closed_total{why=\"unread\"}";
const REFUSED: &str = "stevedore_http_connections_closed_total{why=\"refused\"}";

/// Asks again and again until something is so.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn two_hundred_clients_that_never_read_are_closed_and_take_no_memory() {
    let database = with_long_rows(500).await;
    let args = ["--no-worker", "--write-timeout-secs", "1"];
    let serve = Serve::start(&database, &args, &repository("data"));
    let address = serve.address().parse().unwrap();
    let clients = (0..200).map(|at| unread(address, LONG[at % LONG.len()]));
    let clients = join_all(clients).await;
    assert_eq!(clients.len(), 200);
    // While they are there, others are served.
    for _ in 0..20 {
        assert_eq!(serve.get("/readyz").await.status, 200);
        let trigger = serve.get("/trigger?bucket=bucket&key=user_status_sample.json").await;
        assert_eq!(trigger.status, 200, "{trigger:?}");
    }
    until("unread answers end", async || count(&serve, UNREAD).await >= 20.0).await;
    // Those that got no answer but a refusal are idle, which ends too.
    until("all of them are closed", async || {
        assert_eq!(serve.get("/readyz").await.status, 200);
        count(&serve, OPEN).await <= 2.0
    })
    .await;
    let peak = peak_memory_kb(serve.id());
    assert!(peak < MOST_MEMORY_KB, "{peak} KB");
    drop(clients);
}

#[tokio::test]
async fn a_client_that_reads_gets_all_rejects_page_by_page_and_as_lines() {
    let database = with_long_rows(20).await;
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let mut numbers = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = serve.get(&format!("/v1/rejects?limit=500&reason=malformed{cursor}")).await;
        assert!(page.body.len() < 3 << 19, "{} bytes", page.body.len());
        let page = page.json();
        let rejects = page["rejects"].as_array().unwrap().iter();
        numbers.extend(rejects.map(|reject| reject["record_no"].as_i64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let lines = serve.request(reqwest::Method::GET, "/v1/rejects?reason=malformed");
    let lines = lines.header("accept", "application/x-ndjson");
    let lines = crate::support::serve::answer(lines).await.body;
    let of_line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["record_no"].as_i64();
    let of_lines: Vec<_> = lines.lines().filter_map(of_line).collect();
    assert!(numbers.len() >= 20, "{} records", numbers.len());
    assert_eq!(numbers, of_lines);
}

#[tokio::test]
async fn long_texts_of_tables_are_cut_and_that_is_said() {
    let database = with_long_rows(20).await;
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let path = "/v1/tables/user_status_log/rows?column=updatedon&equals=now&limit=1000";
    let answer = serve.get(path).await;
    assert!(answer.body.len() < 1 << 21, "{} bytes", answer.body.len());
    let answer = answer.json();
    let rows = answer["rows"].as_array().unwrap();
    assert!(answer["has_more"] == json!(true) && (2..20).contains(&rows.len()), "{}", rows.len());
    assert_eq!(answer["cut"][0], json!({"row": 0, "column": "userid"}));
    assert_eq!(answer["cut"].as_array().unwrap().len(), rows.len());
    assert_eq!(rows[0][0].as_str().unwrap().len(), 65536);
    let short = serve.get("/v1/tables/user_status/rows").await.json();
    assert!(short.get("cut").is_none(), "{short}");
}

#[tokio::test]
async fn a_connection_over_the_limit_is_refused_until_another_is_closed() {
    let database = TestDatabase::empty().await;
    let args = ["--no-worker", "--max-connections", "3", "--request-timeout-secs", "60"];
    let serve = Serve::start(&database, &args, &repository("data"));
    let address: SocketAddr = serve.address().parse().unwrap();
    // Each is known to be accepted by its answer.
    let healthz = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut kept = Vec::new();
    for _ in 0..3 {
        let mut stream = unread(address, healthz).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        kept.push(stream);
    }
    let mut refused = TcpStream::connect(address).await.unwrap();
    let mut answer = String::new();
    refused.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("retry-after: 1"), "{head}");
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&problem["code"], &problem["retryable"]),
        (&json!("too_many_connections"), &json!(true))
    );
    kept.pop();
    until("a place is free", async || serve.get("/healthz").await.status == 200).await;
    assert!(count(&serve, REFUSED).await >= 1.0);
}

#[tokio::test]
async fn idle_connections_and_those_that_send_slowly_are_closed() {
    let database = TestDatabase::empty().await;
    let args = ["--no-worker", "--request-timeout-secs", "1"];
    let serve = Serve::start(&database, &args, &repository("data"));
    let address: SocketAddr = serve.address().parse().unwrap();
    let healthz = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for request in ["", "GET /healthz HTTP/1.1\r\nhost: local", healthz] {
        let mut stream = unread(address, request).await;
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "{request:?} is waited for");
    }
}
