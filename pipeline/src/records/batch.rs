//! Cuts the text of an object into batches of whole records, in bounded memory.

use std::io::{self, BufRead};

use bytes::Bytes;

use super::cuts::Cuts;
use super::documents::Documents;
use super::format::{self, Format};
use super::ndjson::Lines;
use super::record::Record;
use super::sequence::Sequence;
use super::text_limits::TextLimits;
use crate::json::records_path::RecordsPath;

/// Bytes of text by which its format is told.
pub(super) const LOOK_BYTES: usize = 1 << 20;

/// Bytes of text that the first batch aims at; each aims at twice as many as the one before it, up to
/// what is asked for, so that whoever takes the batches does not wait long for the first.
const FIRST_BATCH_BYTES: usize = 256 << 10;

/// The byte-order mark of UTF-8.
pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// How an object is cut.
#[derive(Debug, Clone)]
pub struct CutOptions {
    /// How the records follow each other; `None` is to be told by looking.
    pub format: Option<Format>,
    /// Where the records are in a document.
    pub records: RecordsPath,
    /// Bytes of text that a batch aims at.
    pub batch_bytes: usize,
    /// The length over which a record is rejected as `too_large` without being held in memory; at
    /// most 1 GiB.
    pub max_record_bytes: usize,
    /// How much text a compressed object may become, for those who decompress it.
    pub text_limits: TextLimits,
}

impl Default for CutOptions {
    fn default() -> Self {
        Self {
            format: None,
            records: RecordsPath::default(),
            batch_bytes: 4 << 20,
            max_record_bytes: 16 << 20,
            text_limits: TextLimits::default(),
        }
    }
}

/// Whole records, cut from an object in one go.
#[derive(Debug, Default)]
pub struct Batch {
    /// The text of the records, with what stands between them.
    pub text: Bytes,
    /// The records, in the order of the object.
    pub records: Vec<Record>,
    /// The number of the first record in its object; the first of all is 1.
    pub first_record_no: u64,
}

impl Batch {
    /// The text of one of the batch's records as it stood in the object, without white space
    /// around it; only the beginning of it when the record was too large to be held.
    #[must_use]
    pub fn text_of(&self, record: &Record) -> &[u8] {
        self.text.get(record.start..record.end).unwrap_or_default()
    }
}

/// The batches of a text, as an iterator. It ends after the first error.
#[derive(Debug)]
pub struct Batches<R> {
    input: R,
    options: CutOptions,
    cutter: Option<Cutter>,
    buffer: Vec<u8>,
    /// Bytes of text that the next batch aims at.
    aim: usize,
    /// Where the buffer begins in the text.
    offset: u64,
    ended: bool,
    next_record_no: u64,
}

#[derive(Debug)]
enum Cutter {
    Lines(Lines),
    Sequence(Sequence),
    Documents(Box<Documents>),
}

impl<R: BufRead> Batches<R> {
    /// Cuts what `input` gives.
    pub fn new(input: R, options: CutOptions) -> Self {
        Self {
            input,
            aim: options.batch_bytes.min(FIRST_BATCH_BYTES),
            options,
            cutter: None,
            buffer: Vec::new(),
            offset: 0,
            ended: false,
            next_record_no: 1,
        }
    }

    /// How the records follow each other; `None` before the first batch.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        self.cutter.as_ref().map(|cutter| match cutter {
            Cutter::Lines(_) => Format::Ndjson,
            Cutter::Sequence(sequence) => sequence.format(),
            Cutter::Documents(documents) => documents.format(),
        })
    }

    /// The same where `input` begins at a line of the text, so many bytes behind its beginning.
    pub(super) fn beginning_at(input: R, offset: u64, options: CutOptions) -> Self {
        Self { offset, ..Self::new(input, options) }
    }

    /// Where in the text the next batch begins.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        let look = if self.options.format.is_some() { BOM.len() } else { LOOK_BYTES };
        let mut aim = self.aim;
        self.aim = self.options.batch_bytes.min(2 * aim);
        loop {
            self.fill(aim.max(if self.cutter.is_none() { look } else { 1 }))?;
            let mut cutter = match self.cutter.take() {
                Some(cutter) => cutter,
                None => self.choose()?,
            };
            let text = &self.buffer[..self.buffer.len().min(aim)];
            let ended = self.ended && text.len() == self.buffer.len();
            let mut cuts = Cuts::new(self.offset, ended, self.options.max_record_bytes);
            let consumed = match &mut cutter {
                Cutter::Lines(lines) => lines.cut(text, &mut cuts),
                Cutter::Sequence(sequence) => sequence.cut(text, &mut cuts),
                Cutter::Documents(documents) => documents.cut(text, &mut cuts),
            };
            self.cutter = Some(cutter);
            let batch = self.take(consumed, cuts);
            if !batch.records.is_empty() {
                return Ok(Some(batch));
            }
            if ended {
                return self.end();
            }
            aim = aim.max(self.buffer.len() * 2);
        }
    }

    /// Fails if the object has documents, and none of them has records.
    fn end(&mut self) -> io::Result<Option<Batch>> {
        match &mut self.cutter {
            Some(Cutter::Documents(documents)) => match documents.no_records() {
                Some(no_records) => Err(io::Error::other(no_records)),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// Reads until the buffer holds `want` bytes or the text ends.
    fn fill(&mut self, want: usize) -> io::Result<()> {
        self.buffer.reserve_exact(want.saturating_sub(self.buffer.len()));
        while !self.ended && self.buffer.len() < want {
            let chunk = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            let taken = chunk.len().min(want - self.buffer.len());
            self.buffer.extend_from_slice(&chunk[..taken]);
            self.input.consume(taken);
            self.ended = taken == 0;
        }
        Ok(())
    }

    /// The cutter for the format that was asked for, or that the first bytes tell.
    fn choose(&mut self) -> io::Result<Cutter> {
        if self.offset == 0 && self.buffer.starts_with(BOM) {
            self.buffer.drain(..BOM.len());
            self.offset = BOM.len() as u64;
        }
        let CutOptions { format, records, .. } = &self.options;
        if !records.is_document() {
            let layout = format::detect_layout(&self.buffer, *format, self.ended);
            let layout = layout.map_err(io::Error::other)?;
            return Ok(Cutter::Documents(Box::new(Documents::new(records, layout))));
        }
        let format = match format {
            Some(format) => *format,
            None => format::detect_format(&self.buffer).map_err(io::Error::other)?,
        };
        Ok(match format {
            Format::Ndjson => Cutter::Lines(Lines::default()),
            Format::Array => Cutter::Sequence(Sequence::array()),
            Format::Concatenated => Cutter::Sequence(Sequence::concatenated()),
        })
    }

    /// Makes a batch of the first `consumed` bytes of the buffer and of what was kept of records
    /// that were too long for it.
    fn take(&mut self, consumed: usize, cuts: Cuts) -> Batch {
        let rest = self.buffer[consumed..].to_vec();
        let mut text = std::mem::replace(&mut self.buffer, rest);
        text.truncate(consumed);
        let records = cuts.finish(&mut text);
        self.offset += consumed as u64;
        let first_record_no = self.next_record_no;
        self.next_record_no += records.len() as u64;
        Batch { text: text.into(), records, first_record_no }
    }
}

impl<R: BufRead> Iterator for Batches<R> {
    type Item = io::Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.next_batch().transpose();
        if matches!(batch, Some(Err(_))) {
            (self.ended, self.buffer) = (true, Vec::new());
        }
        batch
    }
}
