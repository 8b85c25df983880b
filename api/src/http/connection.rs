//! What a connection may cost: how many there are, and how long a client may leave an answer unread.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready as ready_or_pending};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep, timeout};

use crate::metrics;

/// Bytes that a client must read within the write timeout while an answer waits.
const STEP_BYTES: usize = 64 << 10;
/// Connections over the limit that are told so at the same time; further ones are closed at once.
const MOST_REFUSED: usize = 16;
/// How long a client over the limit has to read that.
const FAREWELL: Duration = Duration::from_secs(1);

const TOO_MANY: &str = r#"{"type":"urn:stevedore:problem:too_many_connections","title":"Service Unavailable","status":503,"code":"too_many_connections","detail":"the server has as many connections as it may have: close those that are idle, or ask again","retryable":true}"#;

/// Lets so many connections in, without waiting until there is more to send (Nagle): an event of a stream
/// would wait for 40 ms.
#[derive(Debug, Clone)]
pub(super) struct Acceptor {
    free: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    write_timeout: Duration,
    /// Whether clients speak TLS, in which nothing can be said before the handshake.
    is_tls: bool,
}

impl Acceptor {
    pub(super) fn new(most: usize, write_timeout: Duration, is_tls: bool) -> Self {
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

/// A connection that is closed when its client does not read what is sent.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    stall: Stall,
    _place: OwnedSemaphorePermit,
}

/// How long the client has left an answer unread.
#[derive(Debug)]
struct Stall {
    timeout: Duration,
    /// Set while the client has less than it was sent.
    until: Option<Pin<Box<Sleep>>>,
    /// Bytes that were written since then.
    written: usize,
}

impl Stall {
    /// Notes that so many of the offered bytes were written.
    fn wrote(&mut self, written: usize, offered: usize) {
        self.written += written;
        if written == offered || self.written >= STEP_BYTES {
            (self.until, self.written) = (None, 0);
        }
    }

    /// Ready when nothing could be written for too long.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let begin = || Box::pin(sleep(self.timeout));
        self.until.get_or_insert_with(begin).as_mut().poll(cx)
    }
}

impl Connection {
    fn note(
        &mut self,
        cx: &mut Context<'_>,
        wrote: Poll<io::Result<usize>>,
        offered: usize,
    ) -> Poll<io::Result<usize>> {
        match wrote {
            Poll::Ready(Ok(written)) => self.stall.wrote(written, offered),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                ready_or_pending!(self.stall.poll_over(cx));
                metrics::connection_unread();
                // What is unsent is thrown away, or the system would go on trying.
                self.stream.set_zero_linger().ok();
                let unread = "the client did not read its answer in time";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, unread)));
            }
        }
        wrote
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        metrics::connections(-1.0);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.note(cx, wrote, bytes.len())
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.note(cx, wrote, slices.iter().map(|slice| slice.len()).sum())
    }

    // Without it the server would copy answers into a buffer of its own.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
