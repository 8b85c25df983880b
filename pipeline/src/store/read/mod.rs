//! Reads objects under the version they are pinned to, as far ahead of their users as the store is away.

mod ahead;
mod begin;
mod fetch;
mod range;
mod ranges;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes};
use tokio::sync::oneshot;

use super::budget::{BUDGET, Budget};
use super::distance::Window;
use super::object::Object;
use crate::error::Error;
pub(crate) use ahead::Reading;
use ahead::{Ahead, Chunks};
pub(super) use begin::{begin, not_there};
pub(crate) use fetch::{Fetched, Fetches, Whole};
pub(crate) use range::verify_version;
use range::{read_range, reason};
use ranges::Ranges;

/// Bytes of one read.
const READ_BYTES: u64 = 2 << 20;
/// The same where only the beginning is wanted, so that less is read ahead in vain.
const BEGINNING_READ_BYTES: u64 = 512 << 10;
/// Ranges that are read ahead of files: one waits while another is read.
const FILE_WINDOW: usize = 2;
/// Ranges that are read ahead of where only the beginning is wanted.
const BEGINNING_WINDOW: usize = 4;
/// Ranges that are read ahead of a reader at most.
const MOST_RANGES: usize = 32;

/// An object's bytes as they are stored, for a thread that may block.
///
/// Errors are an [`Error`] within an [`io::Error`].
#[derive(Debug)]
pub struct ObjectReader {
    chunks: Chunks,
    chunk: Bytes,
    /// Bytes that are still to come.
    missing: u64,
    object: String,
    bytes_read: Arc<AtomicU64>,
}

/// Tells when all that is wanted of an object for sure has been read.
#[derive(Debug)]
pub(crate) struct Arrival {
    told: oneshot::Receiver<()>,
    /// Where that ends.
    pub(crate) end: u64,
}

impl Arrival {
    /// Waits for it, or until nothing is read any more, and makes sure then that the version of the object
    /// is still there.
    pub(crate) async fn verify_version(&mut self, object: &Object) -> Result<(), Error> {
        (&mut self.told).await.ok();
        verify_version(object).await
    }
}

impl ObjectReader {
    /// Begins to read; what was handed on so far is counted in `bytes_read`.
    ///
    /// Must be called within a tokio runtime.
    pub fn open(object: &Object, bytes_read: Arc<AtomicU64>) -> Self {
        let ranges = Ranges::of(0..object.size, object.size, READ_BYTES);
        Self::open_with(object, bytes_read, ranges, MOST_RANGES, None)
    }

    /// The same from a byte on: up to the end of `wanted` as ever, beyond it with care, since the
    /// reader is dropped soon. That the version is still there, the caller makes sure of.
    pub(crate) fn open_within(object: &Object, wanted: Range<u64>) -> (Self, Arrival) {
        let (arrived, told) = oneshot::channel();
        let ranges = Ranges::of(wanted, object.size, READ_BYTES);
        let end = ranges.wanted();
        let reader = Self::open_with(object, Arc::default(), ranges, MOST_RANGES, Some(arrived));
        (reader, Arrival { told, end })
    }

    /// The same for an object of which only the beginning is wanted; dropping the reader ends the
    /// reading.
    pub(crate) fn open_beginning(object: &Object, bytes_read: Arc<AtomicU64>) -> Self {
        // The bytes that came when the object was pinned are mostly enough.
        let ranges = match object.beginning() {
            Some(bytes) => Ranges::behind(bytes.len() as u64, object.size, BEGINNING_READ_BYTES),
            None => Ranges::of(0..object.size, object.size, BEGINNING_READ_BYTES),
        };
        Self::open_with(object, bytes_read, ranges, BEGINNING_WINDOW, None)
    }

    /// What ends the reading when it is dropped. Whoever waits for what another thread makes of the object
    /// keeps it, so that nothing is read any more when nobody waits.
    pub(crate) fn reading(&self) -> Reading {
        self.chunks.reading()
    }

    fn open_with(
        object: &Object,
        bytes_read: Arc<AtomicU64>,
        ranges: Ranges,
        most: usize,
        arrived: Option<oneshot::Sender<()>>,
    ) -> Self {
        let missing = object.size - ranges.start();
        let chunks = ahead(object, ranges, most, arrived, &BUDGET);
        Self { chunks, chunk: Bytes::new(), missing, object: object.url(), bytes_read }
    }
}

/// Begins to read ranges, without those that came when the object was pinned.
fn ahead(
    object: &Object,
    mut ranges: Ranges,
    most: usize,
    arrived: Option<oneshot::Sender<()>>,
    budget: &'static Budget,
) -> Chunks {
    let start = usize::try_from(ranges.start()).unwrap_or(usize::MAX);
    let beginning = object.beginning().filter(|bytes| start < bytes.len());
    let beginning = beginning.map(|bytes| bytes.slice(start..));
    if let Some(beginning) = &beginning {
        ranges.skip_to(ranges.start() + beginning.len() as u64);
    }
    let is_remote = object.bucket.is_remote();
    let read_bytes = ranges.read_bytes();
    // What one answer brings is of one version, of stores whose objects cannot be written to.
    let is_one_answer = is_remote && (ranges.is_done() || beginning.is_none() && ranges.is_last());
    let (window, account) = if is_remote {
        let window = Window::of(object.bucket.distance(), read_bytes, most);
        (window, Some(budget.account(read_bytes)))
    } else {
        (Window::fixed(FILE_WINDOW), None)
    };
    let ahead = Ahead {
        object: object.clone(),
        ranges,
        at_once: if is_remote { most } else { 1 },
        window,
        account,
        verifies_version: arrived.is_none() && !is_one_answer,
        arrived,
    };
    ahead.start(beginning)
}

impl BufRead for ObjectReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() {
            // Before the next one is waited for.
            self.chunk = Bytes::new();
            match self.chunks.blocking_next() {
                Some(chunk) => {
                    self.chunk = chunk.map_err(io::Error::other)?;
                    self.missing -= self.chunk.len() as u64;
                }
                None if self.missing == 0 => break,
                None => {
                    let object = self.object.clone();
                    return Err(io::Error::other(Error::Stopped { object }));
                }
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.bytes_read.fetch_add(amount as u64, Ordering::Relaxed);
        self.chunk.advance(amount);
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// Reads a small file at once, under the version it is pinned to.
///
/// # Errors
/// As [`ObjectReader`].
pub(crate) async fn read_whole(object: &Object) -> Result<Bytes, Error> {
    if object.size == 0 {
        return read_range(object, None).await;
    }
    match read_range(object, Some(0..object.size)).await {
        // The version is to be there still when its last byte is read.
        Ok(bytes) => read_range(object, None).await.map(|_| bytes),
        Err(error) => Err(reason(object, error).await),
    }
}

/// Reads the first bytes of an object, at most so many.
pub(crate) async fn read_beginning(object: &Object, bytes: u64) -> Result<Bytes, Error> {
    let wanted = object.size.min(bytes);
    match object.beginning() {
        Some(beginning) if beginning.len() as u64 >= wanted => {
            Ok(beginning.slice(..wanted as usize))
        }
        _ => read_range(object, Some(0..wanted)).await,
    }
}
