//! What a cutter finds in a buffer.

use super::discard::{Discard, KEPT_BYTES, Until};
use super::record::{CutFault, Record, TOO_LARGE};

/// Records that a batch holds at most: what a record costs in columns does not shrink with its
/// text, and a megabyte of `{}` is 350,000 of them.
const BATCH_RECORDS: usize = 1 << 14;

/// The records that a cutter finds in a buffer.
#[derive(Debug)]
pub(super) struct Cuts {
    records: Vec<Record>,
    /// The beginnings of records that the buffer does not hold.
    kept: Vec<u8>,
    /// Which of the records stand there.
    in_kept: Vec<usize>,
    /// Where the buffer begins in the object's text.
    offset: u64,
    /// Whether the text ends with the buffer.
    pub(super) ended: bool,
    max_record_bytes: usize,
}

impl Cuts {
    pub(super) fn new(offset: u64, ended: bool, max_record_bytes: usize) -> Self {
        let (records, kept, in_kept) = (Vec::new(), Vec::new(), Vec::new());
        Self { records, kept, in_kept, offset, ended, max_record_bytes }
    }

    /// The records, standing in `text`: what was cut of the buffer, to which is added what was kept.
    pub(super) fn finish(mut self, text: &mut Vec<u8>) -> Vec<Record> {
        for at in self.in_kept {
            let record = &mut self.records[at];
            record.start += text.len();
            record.end += text.len();
        }
        text.append(&mut self.kept);
        self.records
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
    pub(super) fn discard(&self, start: usize, fault: CutFault, until: Until) -> Discard {
        Discard::new(self.offset + start as u64, fault, until)
    }

    /// A record that was passed over.
    pub(super) fn push_discarded(&mut self, discard: Discard) {
        let fault = Some(discard.fault);
        self.push_kept(discard, fault);
    }

    /// A line that was passed over. Whether it is too long for a record, its white space apart, does
    /// not depend on where the buffer has ended; it may be blank.
    pub(super) fn push_discarded_line(&mut self, line: Discard) {
        let line = line.trimmed();
        let fits = line.is_whole() && !self.is_too_large(line.kept.len());
        let fault = (!fits).then_some(line.fault);
        if line.byte_length > 0 {
            self.push_kept(line, fault);
        }
    }

    fn push_kept(&mut self, discard: Discard, fault: Option<CutFault>) {
        let start = self.kept.len();
        self.kept.extend_from_slice(&discard.kept);
        self.in_kept.push(self.records.len());
        self.records.push(Record {
            start,
            end: self.kept.len(),
            byte_offset: discard.byte_offset,
            byte_length: discard.byte_length,
            fault,
        });
    }
}
