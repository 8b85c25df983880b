//! What a connection may cost: how many there are, and how long a client may leave an answer unread.

mod acceptor;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready as ready_or_pending};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};

pub(super) use self::acceptor::Acceptor;
use crate::metrics;

/// Bytes that a client must read within the write timeout while an answer waits.
const STEP_BYTES: usize = 64 << 10;

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
