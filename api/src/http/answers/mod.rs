//! How much memory answers may take: how many are read from the database at once, and how many bytes
//! wait for clients to read them.
//!
//! A client that does not read its answer keeps it in memory. So a page is at most about
//! [`PAGE_BYTES`] long, and the pages of all clients together are bounded too: a page that finds no room
//! is refused. A page is read whole and its connection to the database is given back before the first
//! byte is sent, so no client can keep a connection.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tracing::Instrument;

use super::problem::Problem;

/// A page ends before the entry that would make it longer, unless it is the first.
pub(super) const PAGE_BYTES: usize = 1 << 20;
/// Answers that are shorter are not counted: all connections together have some megabytes of them.
const UNCOUNTED_BYTES: u64 = 16 << 10;
/// Bytes of pages that wait for clients.
const ROOM_BYTES: usize = 48 << 20;
/// The same for the files of the documentation, which need no key.
const DOCS_ROOM_BYTES: usize = 8 << 20;
/// Pages that are read at the same time, and connections that are left to other requests.
const MOST_READ: usize = 4;
/// How long a request waits until it may be answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// Too many answers are read, or wait to be read by their clients.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too many answers are under way: ask again, and read answers as they come")]
pub(super) struct Busy;

impl From<Busy> for Problem {
    fn from(busy: Busy) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", busy.to_string()).retryable(Some(1))
    }
}

/// Bounds the answers that are in memory.
#[derive(Debug)]
pub(crate) struct Answers {
    reading: Arc<Semaphore>,
    /// A permit for each KiB.
    room: Arc<Semaphore>,
    room_bytes: usize,
    /// How long a request waits until it may be answered.
    patience: Duration,
}

impl Answers {
    /// For pages that are read over so many connections: at most half of these, so that pages never
    /// take the last one from other requests.
    pub(crate) fn new(connections: usize) -> Self {
        Self::with((connections / 2).clamp(1, MOST_READ), ROOM_BYTES)
    }

    /// For the files of the documentation.
    pub(super) fn of_docs() -> Self {
        Self::with(MOST_READ, DOCS_ROOM_BYTES)
    }

    fn with(reading: usize, room_bytes: usize) -> Self {
        let room = Arc::new(Semaphore::new(room_bytes >> 10));
        Self { reading: Arc::new(Semaphore::new(reading)), room, room_bytes, patience: PATIENCE }
    }

    /// Reads a page as soon as another may be read. It is read to its end though the client be gone: the
    /// database would go on all the same, and others would wait for its connection.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        page: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Busy> {
        let reading = timeout(self.patience, Arc::clone(&self.reading).acquire_owned()).await;
        let reading = reading.map_err(|_| Busy)?.map_err(|_| Busy)?;
        let page = async {
            let page = page.await;
            drop(reading);
            page
        };
        match tokio::spawn(page.in_current_span()).await {
            Ok(page) => Ok(page),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => Err(Busy),
            },
        }
    }

    /// Waits until there is room for an answer, which is taken until the last of its bytes is sent.
    pub(super) async fn hold(&self, bytes: &[u8]) -> Result<Bytes, Busy> {
        let kib = bytes.len().min(self.room_bytes).div_ceil(1 << 10) as u32;
        let room = Arc::clone(&self.room).acquire_many_owned(kib);
        let room = timeout(self.patience, room).await.map_err(|_| Busy)?.map_err(|_| Busy)?;
        // What is written piece by piece has twice the memory that it needs.
        Ok(Bytes::from_owner(HeldBytes { bytes: bytes.into(), _room: room }))
    }

    async fn hold_body(&self, response: Response) -> Result<Response, Problem> {
        if response.body().size_hint().exact().is_none_or(|bytes| bytes <= UNCOUNTED_BYTES) {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await;
        let bytes = bytes.map_err(|_| Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR))?;
        Ok(Response::from_parts(parts, Body::from(self.hold(&bytes).await?)))
    }
}

/// Bytes of an answer, and the room that they take. The server drops them when they are sent.
struct HeldBytes {
    bytes: Box<[u8]>,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for HeldBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Runs a request whose answer may be long: a few at a time. Streams bound their pieces themselves.
pub(super) async fn read_bounded(
    State(answers): State<Arc<Answers>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let holding = Arc::clone(&answers);
    answers.read(async move { holding.hold_body(next.run(request).await).await }).await?
}

/// Runs a request whose answer is one thing: as many at a time as there are.
pub(super) async fn bounded(
    State(answers): State<Arc<Answers>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    answers.hold_body(next.run(request).await).await
}

/// The entries of a page, which is bounded in entries and in bytes.
#[derive(Debug)]
pub(super) struct Entries<T> {
    entries: Vec<T>,
    most: usize,
    bytes: usize,
    /// Whether there are more entries than the page has.
    is_more: bool,
}

impl<T: Serialize> Entries<T> {
    pub(super) const fn new(most: usize) -> Self {
        Self { entries: Vec::new(), most, bytes: 0, is_more: false }
    }

    /// Adds an entry, unless the page is full.
    pub(super) fn add(&mut self, entry: T) -> ControlFlow<()> {
        let bytes = json_length(&entry);
        let is_full = self.bytes + bytes > PAGE_BYTES && !self.entries.is_empty();
        if is_full || self.entries.len() == self.most {
            self.is_more = true;
            return ControlFlow::Break(());
        }
        self.bytes += bytes;
        self.entries.push(entry);
        ControlFlow::Continue(())
    }

    /// The entries, and whether there are more.
    pub(super) fn finish(self) -> (Vec<T>, bool) {
        (self.entries, self.is_more)
    }
}

/// How long a value is as JSON.
pub(super) fn json_length(value: &impl Serialize) -> usize {
    struct Counter(usize);
    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value).map_or(usize::MAX, |()| counter.0)
}

#[cfg(test)]
mod tests;
