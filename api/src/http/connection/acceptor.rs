//! How many connections there are.

use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Connection, Stall};
use crate::metrics;

/// Connections over the limit that are told so at the same time; further ones are closed at once.
const MOST_REFUSED: usize = 16;
/// How long a client over the limit has to read that.
const FAREWELL: Duration = Duration::from_secs(1);

const TOO_MANY: &str = r#"{"type":"urn:stevedore:problem:too_many_connections","title":"Service Unavailable","status":503,"code":"too_many_connections","detail":"the server has as many connections as it may have: close those that are idle, or ask again","retryable":true}"#;

/// Lets so many connections in, without waiting until there is more to send (Nagle): an event of a stream
/// would wait for 40 ms.
#[derive(Debug, Clone)]
pub(in crate::http) struct Acceptor {
    free: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    write_timeout: Duration,
    /// Whether clients speak TLS, in which nothing can be said before the handshake.
    is_tls: bool,
}

impl Acceptor {
    pub(in crate::http) fn new(most: usize, write_timeout: Duration, is_tls: bool) -> Self {
        let free = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self { free, refusals: Arc::new(Semaphore::new(MOST_REFUSED)), write_timeout, is_tls }
    }

    /// Tells a client that there are too many, if that can be told.
    fn refuse(&self, stream: TcpStream) -> io::Error {
        metrics::connection_refused();
        if !self.is_tls
            && let Ok(refusal) = Arc::clone(&self.refusals).try_acquire_owned()
        {
            tokio::spawn(async move {
                timeout(FAREWELL, tell_too_many(stream)).await.ok();
                drop(refusal);
            });
        }
        io::Error::other("there are too many connections")
    }
}

impl<S> Accept<TcpStream, S> for Acceptor {
    type Stream = Connection;
    type Service = S;
    type Future = Ready<io::Result<(Connection, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        ready(match Arc::clone(&self.free).try_acquire_owned() {
            Ok(place) => stream.set_nodelay(true).map(|()| {
                let stall = Stall { timeout: self.write_timeout, until: None, written: 0 };
                metrics::connections(1.0);
                (Connection { stream, stall, _place: place }, service)
            }),
            Err(_) => Err(self.refuse(stream)),
        })
    }
}

async fn tell_too_many(mut stream: TcpStream) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         retry-after: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{TOO_MANY}",
        TOO_MANY.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // A socket that is closed with unread bytes takes what was sent back.
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}
