//! Encoded rows that wait for a COPY of their table.

use bytes::Bytes;

use super::left_out::without;

/// Rows of a table whose turn will come.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) rows: Vec<Bytes>,
    pub(super) bytes: usize,
    /// How many of the first `rows` are of records that were asked about.
    asked: usize,
}

impl Waiting {
    pub(super) fn push(&mut self, rows: Vec<u8>) {
        self.bytes += rows.len();
        self.rows.push(rows.into());
    }

    /// Leaves the rows of some records out, whose numbers are in order: how many rows of each, and the last
    /// record of each piece that was not asked about.
    pub(super) fn leave_out(&mut self, records: &[i64]) -> (Vec<i64>, Vec<Option<i64>>) {
        let mut left_out = vec![0; records.len()];
        let pieces = self.rows[self.asked..].iter_mut().map(|rows| {
            let (kept, last) = without(rows, records, &mut left_out);
            *rows = kept;
            last
        });
        let last = pieces.collect();
        self.bytes = self.rows.iter().map(Bytes::len).sum();
        (left_out, last)
    }

    /// Notes that the records up to this one were asked about. `last` is as [`Self::leave_out`] gives it.
    pub(super) fn note_asked(&mut self, last: &[Option<i64>], record_no: i64) {
        let is_asked = |last: &&Option<i64>| last.is_none_or(|last| last <= record_no);
        let asked = self.asked + last.iter().take_while(is_asked).count();
        self.asked = self.rows[..asked].iter().filter(|rows| !rows.is_empty()).count();
        self.rows.retain(|rows| !rows.is_empty());
    }

    /// Whether all of them are of records that were asked about.
    pub(super) const fn is_all_asked(&self) -> bool {
        self.asked == self.rows.len()
    }
}
