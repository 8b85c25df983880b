//! The lines of an object that begin within some of its bytes, so that many can read it at once.
//!
//! Every line belongs to the part in which its first byte stands. A part that begins midway passes
//! over the end of the line before, and goes on behind its own end until its last line ends. Where
//! parts follow each other without a gap, so do their texts.

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::batch::{BOM, Batches, CutOptions, LOOK_BYTES};
use super::compression::Compression;
use super::format::{self, Format};
use crate::error::Error;
use crate::store::{Arrival, Object, ObjectReader, Reading, read_beginning};

/// A part's lines, for a thread that may block.
#[derive(Debug)]
pub(crate) struct PartReader {
    reader: ObjectReader,
    /// Where in the object the reader stands.
    at: u64,
    part: Range<u64>,
    /// Where the part's last line ends, once that is known.
    text_end: Option<u64>,
    bytes_read: Arc<AtomicU64>,
}

impl PartReader {
    /// Begins to read; the bytes of lines that were handed on so far are counted in `bytes_read`. Also what
    /// tells when all has been read that the part has, but for the end of a last line that is long.
    ///
    /// Must be called within a tokio runtime.
    pub(crate) fn open(
        object: &Object,
        part: Range<u64>,
        bytes_read: Arc<AtomicU64>,
    ) -> (Self, Arrival) {
        // Whether a line begins with the part, the byte before it tells.
        let at = part.start.saturating_sub(1);
        let (reader, arrival) = ObjectReader::open_within(object, at..part.end);
        (Self { reader, at, part, text_end: None, bytes_read }, arrival)
    }

    /// As [`ObjectReader::reading`].
    pub(crate) fn reading(&self) -> Reading {
        self.reader.reading()
    }

    /// The part's records in batches, as those of its object's lines.
    pub(crate) fn batches(mut self, cut: CutOptions) -> io::Result<Batches<Self>> {
        if self.part.start > 0 {
            self.pass_to_first_line()?;
        }
        let at = self.at;
        let cut = CutOptions { format: Some(Format::Ndjson), ..cut };
        Ok(Batches::beginning_at(self, at, cut))
    }

    /// Passes over the end of the line that begins before the part.
    fn pass_to_first_line(&mut self) -> io::Result<()> {
        loop {
            let chunk = self.reader.fill_buf()?;
            // Behind the part's last byte but one a line feed ends no line before one of the part.
            let left = (self.part.end - 1 - self.at).min(chunk.len() as u64) as usize;
            let found = memchr::memchr(b'\n', &chunk[..left]);
            let passed = found.map_or(left, |found| found + 1);
            self.reader.consume(passed);
            self.at += passed as u64;
            if left == 0 {
                self.text_end = Some(self.at);
            }
            if left == 0 || found.is_some() {
                return Ok(());
            }
        }
    }
}

impl BufRead for PartReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.text_end == Some(self.at) {
            return Ok(&[]);
        }
        let chunk = self.reader.fill_buf()?;
        let last = usize::try_from((self.part.end - 1).saturating_sub(self.at));
        let last = last.unwrap_or(usize::MAX).min(chunk.len());
        let Some(found) = memchr::memchr(b'\n', &chunk[last..]) else {
            return Ok(chunk);
        };
        let length = last + found + 1;
        self.text_end = Some(self.at + length as u64);
        Ok(&chunk[..length])
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount as u64;
        self.bytes_read.fetch_add(amount as u64, Ordering::Relaxed);
        self.reader.consume(amount);
    }
}

impl Read for PartReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// Why an object cannot be read in parts, as people call it, if it cannot: only the lines of a text
/// can be told from anywhere in it.
pub(crate) async fn sequential_reason(
    object: &Object,
    cut: &CutOptions,
) -> Result<Option<String>, Error> {
    if !cut.records.is_document() {
        return Ok(Some(format!("its records are within documents ({})", cut.records)));
    }
    let beginning = read_beginning(object, LOOK_BYTES as u64).await?;
    let compression = Compression::of(&beginning);
    if compression != Compression::Plain {
        return Ok(Some(format!("it is compressed ({compression})")));
    }
    let text = beginning.strip_prefix(BOM).unwrap_or(&beginning);
    let format = match cut.format {
        Some(format) => format,
        None => format::detect_format(text)
            .map_err(|found| Error::NotText { object: object.url(), found: found.to_string() })?,
    };
    Ok((format != Format::Ndjson).then(|| format!("its records are no lines ({format})")))
}
