//! A proxy between a store and its client, at which things go wrong.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::s3::{SERVERS, listen};

/// What becomes of a request.
pub enum Fate {
    Forward,
    /// The connection breaks after so many bytes of the answer's body.
    Cut(usize),
    /// 503, as S3 answers when it is asked too often.
    SlowDown,
}

/// A request as it was made, and what became of it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    pub range: Option<String>,
    pub was_refused: bool,
    /// Bytes of the answer's body that were handed on.
    pub body_bytes: usize,
}

pub struct Proxy {
    /// `http://127.0.0.1:port`
    pub endpoint: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// Decides by the method, the number of such requests before this one, and that of all requests which are
/// being answered.
type Decide = dyn Fn(&str, usize, usize) -> Fate + Send + Sync;

impl Proxy {
    /// Before a store at an endpoint; `decide` is told the method and the number of such requests
    /// before this one.
    pub fn start(
        upstream: &str,
        decide: impl Fn(&str, usize) -> Fate + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(upstream, Arc::new(move |method, before, _| decide(method, before)))
    }

    /// Before a store that refuses requests while it answers as many as `most`.
    pub fn start_busy(upstream: &str, most: usize) -> Self {
        let decide = move |_: &str, _, answered| {
            if answered > most { Fate::SlowDown } else { Fate::Forward }
        };
        Self::start_with(upstream, Arc::new(decide))
    }

    fn start_with(upstream: &str, decide: Arc<Decide>) -> Self {
        let listener = listen();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answered) = (Arc::clone(&asked), Arc::<AtomicUsize>::default());
        SERVERS.spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (upstream, log) = (upstream.clone(), Arc::clone(&log));
                let (decide, answered) = (Arc::clone(&decide), Arc::clone(&answered));
                tokio::spawn(async move {
                    let others = answered.fetch_add(1, Ordering::Relaxed);
                    let decide = |method: &str, before| decide(method, before, others + 1);
                    // A connection that breaks is what this is for.
                    answer(client, &upstream, &log, &decide).await.ok();
                    answered.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self { endpoint, asked }
    }

    /// The requests of a method so far.
    pub fn asked(&self, method: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.method == method).cloned().collect()
    }
}

/// Answers the one request of a connection.
async fn answer(
    mut client: TcpStream,
    upstream: &str,
    log: &Mutex<Vec<Asked>>,
    decide: &(dyn Fn(&str, usize) -> Fate + Send + Sync),
) -> io::Result<()> {
    let (head, _) = read_head(&mut client).await?;
    let mut words = head.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let range = header(&head, "range");
    let (entry, before) = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|asked| asked.method == method).count();
        let asked =
            Asked { method: method.clone(), path, range, was_refused: false, body_bytes: 0 };
        log.push(asked);
        (log.len() - 1, before)
    };
    // On a thread that may block: the test may have something to do first.
    let limit = match tokio::task::block_in_place(|| decide(&method, before)) {
        Fate::Forward => usize::MAX,
        Fate::Cut(bytes) => bytes,
        Fate::SlowDown => {
            log.lock().unwrap()[entry].was_refused = true;
            let body = "<Error><Code>SlowDown</Code></Error>";
            let head = "HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length";
            return client
                .write_all(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes())
                .await;
        }
    };
    let mut store = TcpStream::connect(upstream).await?;
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    store.write_all(head.as_bytes()).await?;
    let (head, body) = read_head(&mut store).await?;
    client.write_all(head.as_bytes()).await?;
    let sent = relay(&mut store, &mut client, body, limit).await;
    log.lock().unwrap()[entry].body_bytes = sent;
    client.shutdown().await
}

/// Hands on at most `limit` bytes; how many they were.
async fn relay(
    store: &mut TcpStream,
    client: &mut TcpStream,
    first: Vec<u8>,
    limit: usize,
) -> usize {
    let mut sent = 0;
    let mut piece = first;
    loop {
        piece.truncate(limit - sent);
        if client.write_all(&piece).await.is_err() {
            return sent;
        }
        sent += piece.len();
        piece.resize(1 << 16, 0);
        let read = store.read(&mut piece).await.unwrap_or(0);
        piece.truncate(read);
        if read == 0 || sent == limit {
            return sent;
        }
    }
}

/// The head of a message, and what was read beyond it.
async fn read_head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let body = read.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&read).into_owned(), body));
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let named = |line: &str| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    };
    head.lines().find_map(named)
}
