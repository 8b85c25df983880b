//! Reads an object in ranges, ahead of its user, each under the version it is pinned to.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes};
use object_store::{GetOptions, GetRange, GetResultPayload};
use tokio::sync::mpsc;

use super::format::NotText;
use super::object::Object;
use crate::error::Error;

/// Bytes of one read. Two of them are in memory at once beside the one in use.
const READ_BYTES: u64 = 2 << 20;
/// The same where only the beginning is wanted, so that less is read ahead in vain.
const BEGINNING_READ_BYTES: u64 = 512 << 10;
/// The same beyond what is wanted for sure: mostly the rest of a line; doubled each time.
const BEYOND_READ_BYTES: u64 = 64 << 10;

/// Longest time to ask, after a failure, whether the object has changed: the load has failed anyway.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// An object's bytes as they are stored, for a thread that may block.
///
/// Errors are an [`Error`] within an [`io::Error`].
#[derive(Debug)]
pub struct ObjectReader {
    chunks: mpsc::Receiver<Result<Bytes, Error>>,
    chunk: Bytes,
    /// Bytes that are still to come.
    missing: u64,
    object: String,
    bytes_read: Arc<AtomicU64>,
}

impl ObjectReader {
    /// Begins to read; what was handed on so far is counted in `bytes_read`.
    ///
    /// Must be called within a tokio runtime.
    pub fn open(object: &Object, bytes_read: Arc<AtomicU64>) -> Self {
        Self::open_with(object, bytes_read, Ranges::of(0..object.size, object, READ_BYTES))
    }

    /// The same from a byte on: up to the end of `wanted` as ever, beyond it with care, since the
    /// reader is dropped soon.
    pub(super) fn open_within(object: &Object, wanted: Range<u64>) -> Self {
        let ranges = Ranges::of(wanted, object, READ_BYTES);
        Self::open_with(object, Arc::default(), ranges)
    }

    /// The same for an object of which only the beginning is wanted; dropping the reader ends the
    /// reading.
    pub(crate) fn open_beginning(object: &Object, bytes_read: Arc<AtomicU64>) -> Self {
        let ranges = Ranges::of(0..object.size, object, BEGINNING_READ_BYTES);
        Self::open_with(object, bytes_read, ranges)
    }

    fn open_with(object: &Object, bytes_read: Arc<AtomicU64>, ranges: Ranges) -> Self {
        let (sender, chunks) = mpsc::channel(1);
        let missing = object.size - ranges.start;
        tokio::spawn(read_ranges(object.clone(), sender, ranges));
        Self { chunks, chunk: Bytes::new(), missing, object: object.url(), bytes_read }
    }
}

/// The ranges in which an object is read, from `start` to its end.
struct Ranges {
    start: u64,
    /// Where what is wanted for sure ends.
    wanted: u64,
    size: u64,
    read_bytes: u64,
    beyond_bytes: u64,
}

impl Ranges {
    const fn of(wanted: Range<u64>, object: &Object, read_bytes: u64) -> Self {
        let (start, wanted, size) = (wanted.start, wanted.end, object.size);
        Self { start, wanted, size, read_bytes, beyond_bytes: BEYOND_READ_BYTES }
    }
}

impl Iterator for Ranges {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        let start = self.start;
        let end = if start < self.wanted {
            self.wanted.min(start + self.read_bytes)
        } else {
            let beyond = self.beyond_bytes;
            self.beyond_bytes = self.read_bytes.min(beyond * 2);
            start + beyond
        };
        self.start = end.min(self.size);
        (start < self.start).then_some(start..self.start)
    }
}

impl BufRead for ObjectReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() {
            match self.chunks.blocking_recv() {
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

/// What went wrong when an object was read, decompressed or looked at.
pub(crate) fn read_error(object: &Object, error: io::Error) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => return error,
        Err(error) => error,
    };
    let object = object.url();
    match error.downcast::<NotText>() {
        Ok(found) => Error::NotText { object, found: found.to_string() },
        Err(source) => Error::Decompress { object, source },
    }
}

/// Reads a small object at once, under the version it is pinned to.
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

/// Sends the object's ranges in order, then makes sure that its version is still there; ends early
/// when nobody listens any more.
async fn read_ranges(object: Object, sender: mpsc::Sender<Result<Bytes, Error>>, ranges: Ranges) {
    for range in ranges {
        let chunk = match read_range(&object, Some(range)).await {
            Err(error) => Err(reason(&object, error).await),
            chunk => chunk,
        };
        let failed = chunk.is_err();
        if sender.send(chunk).await.is_err() || failed {
            return;
        }
    }
    if let Err(error) = read_range(&object, None).await {
        // The receiver may be gone: then nobody asks whether the object has changed.
        sender.send(Err(error)).await.ok();
    }
}

/// Reads the first bytes of an object, at most so many.
pub(super) async fn read_beginning(object: &Object, bytes: u64) -> Result<Bytes, Error> {
    read_range(object, Some(0..object.size.min(bytes))).await
}

/// Makes sure that the version of an object that was read is still there.
pub(crate) async fn look_again(object: &Object) -> Result<(), Error> {
    read_range(object, None).await.map(drop)
}

/// Why a range could not be read. Of an object that changed, a store may say merely that the range
/// is not there, and the client that a body it went on with is another.
async fn reason(object: &Object, error: Error) -> Error {
    if !matches!(error, Error::Read { .. }) {
        return error;
    }
    match tokio::time::timeout(ASK_TIMEOUT, read_range(object, None)).await {
        Ok(Err(changed @ Error::Changed { .. })) => changed,
        _ => error,
    }
}

/// Reads a range, or nothing but the version.
///
/// The store may not know `if-match`, so what it answers is compared too. A body that breaks off is
/// continued by the client where it broke, if the e-tag is still the same.
async fn read_range(object: &Object, range: Option<Range<u64>>) -> Result<Bytes, Error> {
    let options = GetOptions {
        if_match: object.e_tag.clone(),
        version: object.version_id.clone(),
        head: range.is_none(),
        range: range.clone().map(GetRange::Bounded),
        ..GetOptions::default()
    };
    let failed = |source| match source {
        object_store::Error::Precondition { .. } | object_store::Error::NotFound { .. } => {
            Error::Changed { object: object.url() }
        }
        source => Error::Read { object: object.url(), source },
    };
    let result = object.bucket.store().get_opts(&object.path, options).await.map_err(failed)?;
    object.check(&result.meta)?;
    let Some(range) = range else {
        return Ok(Bytes::new());
    };
    let bytes = match result.payload {
        GetResultPayload::File(file, _) => read_file(file, range.clone()).await,
        GetResultPayload::Stream(_) => result.bytes().await,
    };
    let bytes = bytes.map_err(failed)?;
    if bytes.len() as u64 == range.end - range.start {
        Ok(bytes)
    } else {
        Err(Error::Changed { object: object.url() })
    }
}

/// Reads a range of a file as the client would, without clearing the memory first.
async fn read_file(mut file: File, range: Range<u64>) -> object_store::Result<Bytes> {
    let length = range.end - range.start;
    let read = move || {
        let mut bytes = Vec::with_capacity(length as usize);
        file.seek(SeekFrom::Start(range.start))?;
        file.take(length).read_to_end(&mut bytes)?;
        Ok(Bytes::from(bytes))
    };
    let read = tokio::task::spawn_blocking(read).await.map_err(io::Error::other);
    read.flatten().map_err(|error| object_store::Error::Generic {
        store: "LocalFileSystem",
        source: error.into(),
    })
}
