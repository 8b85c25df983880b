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
mod tests {
    use super::*;

    const KB: u64 = 1 << 10;

    fn all(mut ranges: Ranges) -> Vec<Range<u64>> {
        let mut all = Vec::new();
        while let Some(range) = ranges.peek() {
            all.push(range);
            ranges.advance();
        }
        all
    }

    #[test]
    fn a_whole_object_is_read_in_ranges_of_which_the_last_may_be_somewhat_longer() {
        let ranges = |size| all(Ranges::of(0..size, size, 512 * KB));
        assert_eq!(ranges(0), []);
        assert_eq!(ranges(100), std::slice::from_ref(&(0..100)));
        assert_eq!(ranges(1100 * KB), [0..512 * KB, 512 * KB..1024 * KB, 1024 * KB..1100 * KB]);
        assert_eq!(ranges(1030 * KB), [0..512 * KB, 512 * KB..1030 * KB]);
    }

    #[test]
    fn behind_a_part_comes_the_rest_of_a_line_and_then_more_and_more() {
        let size = 4096 * KB;
        let ranges = all(Ranges::of(1000 * KB..1500 * KB, size, 512 * KB));
        let expected = [
            1000 * KB..1564 * KB,
            1564 * KB..1628 * KB,
            1628 * KB..1756 * KB,
            1756 * KB..2012 * KB,
        ];
        assert_eq!(ranges[..4], expected);
        assert_eq!(ranges.last().map(|range| range.end), Some(size));
    }

    #[test]
    fn what_is_there_already_is_left_out() {
        let mut ranges = Ranges::of(0..100, 100, 10);
        ranges.skip_to(95);
        assert_eq!(ranges.peek(), Some(95..100));
        ranges.skip_to(200);
        assert!(ranges.is_done() && ranges.peek().is_none());
    }
}
