//! The ranges in which an object is read.

use std::ops::Range;

/// Bytes of one read beyond what is wanted for sure: mostly the rest of a line; doubled each time.
const BEYOND_READ_BYTES: u64 = 64 << 10;

/// The ranges in which an object is read, from a byte to its end.
#[derive(Debug)]
pub(super) struct Ranges {
    start: u64,
    /// Where what is wanted for sure ends.
    wanted: u64,
    size: u64,
    read_bytes: u64,
    beyond_bytes: u64,
}

impl Ranges {
    /// The ranges of an object of `size` bytes of which those up to the end of `wanted` are wanted for
    /// sure; the rest of a line behind it is read with the last of these.
    pub(super) fn of(wanted: Range<u64>, size: u64, read_bytes: u64) -> Self {
        let end = size.min(wanted.end.saturating_add(BEYOND_READ_BYTES));
        Self { start: wanted.start, wanted: end, size, read_bytes, beyond_bytes: BEYOND_READ_BYTES }
    }

    /// The ranges of an object whose first bytes are there already. The rest may never be wanted.
    pub(super) const fn behind(there: u64, size: u64, read_bytes: u64) -> Self {
        Self { start: 0, wanted: there, size, read_bytes, beyond_bytes: BEYOND_READ_BYTES }
    }

    /// Where the next range begins.
    pub(super) const fn start(&self) -> u64 {
        self.start
    }

    /// Where what is wanted for sure ends.
    pub(super) const fn wanted(&self) -> u64 {
        self.wanted
    }

    /// Bytes of a whole range.
    pub(super) const fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// Whether the next range is beyond what is wanted for sure.
    pub(super) const fn is_beyond(&self) -> bool {
        self.start >= self.wanted
    }

    pub(super) const fn is_done(&self) -> bool {
        self.start >= self.size
    }

    /// Whether the object ends with the next range.
    pub(super) fn is_last(&self) -> bool {
        self.peek().is_some_and(|range| range.end == self.size)
    }

    /// Leaves out what is there already.
    pub(super) fn skip_to(&mut self, at: u64) {
        self.start = self.start.max(at.min(self.size));
    }

    /// The next range.
    pub(super) fn peek(&self) -> Option<Range<u64>> {
        let end = if self.is_beyond() {
            self.start + self.beyond_bytes
        } else {
            let whole = self.start + self.read_bytes;
            // A short end does not get an answer of its own.
            if self.wanted <= whole + BEYOND_READ_BYTES { self.wanted } else { whole }
        };
        (!self.is_done()).then_some(self.start..end.min(self.size))
    }

    /// Goes on behind the next range.
    pub(super) fn advance(&mut self) {
        let Some(range) = self.peek() else { return };
        if self.is_beyond() {
            self.beyond_bytes = self.read_bytes.min(self.beyond_bytes * 2);
        }
        self.start = range.end;
    }
}

#[cfg(test)]
mod tests;
