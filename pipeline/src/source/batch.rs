//! Cuts the text of an object into batches of whole records, in bounded memory.

use std::io::{self, BufRead};

use super::discard::{Discard, KEPT_BYTES};
use super::format::{self, Format};
use super::ndjson::Lines;
use super::sequence::Sequence;
use crate::feed::Reason;

/// Records that a batch holds at most: what a record costs in columns does not shrink with its
/// text, and a megabyte of `{}` is 350,000 of them.
const BATCH_RECORDS: usize = 1 << 14;

/// The byte-order mark of UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// How an object is cut.
#[derive(Debug, Clone)]
pub struct CutOptions {
    /// How the records follow each other; `None` is to be told by looking.
    pub format: Option<Format>,
    /// Bytes of text that a batch aims at.
    pub batch_bytes: usize,
    /// The length over which a record is rejected as `too_large` without being held in memory; at
    /// most 4 GiB.
    pub max_record_bytes: usize,
}

impl Default for CutOptions {
    fn default() -> Self {
        Self { format: None, batch_bytes: 1 << 20, max_record_bytes: 16 << 20 }
    }
}

/// Whole records, cut from an object in one go.
#[derive(Debug, Default)]
pub struct Batch {
    /// The text of the records, with what stands between them.
    pub text: Vec<u8>,
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

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Where it begins in the object's text, after decompression.
    pub byte_offset: u64,
    /// How long it is there.
    pub byte_length: u64,
    /// Why the text cannot be read as one record, where cutting told already.
    pub fault: Option<CutFault>,
}

/// What was found wrong with a record when it was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutFault {
    /// The reason of the rejection.
    pub reason: Reason,
    /// What was found.
    pub detail: &'static str,
}

/// The batches of a text, as an iterator. It ends after the first error.
#[derive(Debug)]
pub struct Batches<R> {
    input: R,
    options: CutOptions,
    cutter: Option<Cutter>,
    buffer: Vec<u8>,
    /// Where the buffer begins in the text.
    offset: u64,
    ended: bool,
    next_record_no: u64,
}

#[derive(Debug)]
enum Cutter {
    Lines(Lines),
    Sequence(Sequence),
}

impl<R: BufRead> Batches<R> {
    /// Cuts what `input` gives.
    pub fn new(input: R, options: CutOptions) -> Self {
        Self {
            input,
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
        })
    }

    fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        let mut want = self.options.batch_bytes.max(1);
        loop {
            self.fill(want)?;
            let mut cutter = match self.cutter.take() {
                Some(cutter) => cutter,
                None => self.choose()?,
            };
            let mut cuts = Cuts::new(self.offset, self.ended, self.options.max_record_bytes);
            let consumed = match &mut cutter {
                Cutter::Lines(lines) => lines.cut(&self.buffer, &mut cuts),
                Cutter::Sequence(sequence) => sequence.cut(&self.buffer, &mut cuts),
            };
            self.cutter = Some(cutter);
            let batch = self.take(consumed, cuts);
            if !batch.records.is_empty() {
                return Ok(Some(batch));
            }
            if self.ended {
                return Ok(None);
            }
            want = want.max(self.buffer.len() * 2);
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
        if self.buffer.starts_with(BOM) {
            self.buffer.drain(..BOM.len());
            self.offset = BOM.len() as u64;
        }
        let format = match self.options.format {
            Some(format) => format,
            None => format::look(&self.buffer).map_err(io::Error::other)?,
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
        text.extend_from_slice(&cuts.kept);
        let mut records = cuts.records;
        for record in &mut records {
            if record.start >= KEPT {
                record.start = record.start - KEPT + consumed;
                record.end = record.end - KEPT + consumed;
            }
        }
        self.offset += consumed as u64;
        let first_record_no = self.next_record_no;
        self.next_record_no += records.len() as u64;
        Batch { text, records, first_record_no }
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

/// Positions from here on are in [`Cuts::kept`] instead of the buffer.
const KEPT: usize = usize::MAX / 2;

/// The records that a cutter finds in a buffer.
#[derive(Debug)]
pub(super) struct Cuts {
    records: Vec<Record>,
    /// The beginnings of records that the buffer does not hold.
    kept: Vec<u8>,
    offset: u64,
    /// Whether the text ends with the buffer.
    pub(super) ended: bool,
    max_record_bytes: usize,
}

impl Cuts {
    fn new(offset: u64, ended: bool, max_record_bytes: usize) -> Self {
        Self { records: Vec::new(), kept: Vec::new(), offset, ended, max_record_bytes }
    }

    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= BATCH_RECORDS
    }

    pub(super) fn is_too_large(&self, length: usize) -> bool {
        length > self.max_record_bytes
    }

    /// A record that stands at `start..end` of the buffer.
    pub(super) fn push(&mut self, start: usize, end: usize) {
        let fault = self.is_too_large(end - start).then_some(TOO_LARGE);
        self.records.push(Record {
            start,
            end: if fault.is_some() { end.min(start + KEPT_BYTES) } else { end },
            byte_offset: self.offset + start as u64,
            byte_length: (end - start) as u64,
            fault,
        });
    }

    /// A record that is wrong by its place, and stands at `start..end` of the buffer.
    pub(super) fn push_fault(&mut self, start: usize, end: usize, fault: CutFault) {
        self.push(start, end);
        if let Some(record) = self.records.last_mut() {
            record.fault = Some(fault);
        }
    }

    /// Begins to pass over a record that begins at `start` of the buffer.
    pub(super) fn discard(
        &self,
        start: usize,
        fault: CutFault,
        until: super::discard::Until,
    ) -> Discard {
        Discard::new(self.offset + start as u64, fault, until)
    }

    /// A record that was passed over.
    pub(super) fn push_discarded(&mut self, discard: Discard) {
        let start = KEPT + self.kept.len();
        self.kept.extend_from_slice(&discard.kept);
        self.records.push(Record {
            start,
            end: KEPT + self.kept.len(),
            byte_offset: discard.byte_offset,
            byte_length: discard.byte_length,
            fault: Some(discard.fault),
        });
    }
}

/// The fault of a record that is longer than a record may be.
pub(super) const TOO_LARGE: CutFault =
    CutFault { reason: Reason::TooLarge, detail: "longer than max_record_bytes" };
