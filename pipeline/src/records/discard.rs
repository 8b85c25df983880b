//! Passes over the text of a record that is too long to be held, keeping its beginning.

use super::record::CutFault;
use crate::json::is_space;

/// Bytes of a record's text that are kept: the 64 KiB that the error table shows, and a character
/// more, so that none looks damaged because it is cut.
pub(super) const KEPT_BYTES: usize = (64 << 10) + 4;

/// A record being passed over.
#[derive(Debug)]
pub(super) struct Discard {
    pub(super) kept: Vec<u8>,
    pub(super) byte_offset: u64,
    pub(super) byte_length: u64,
    pub(super) fault: CutFault,
    /// White space at the end of what was passed over so far.
    blanks: u64,
    until: Until,
}

/// Where a record that is passed over ends.
#[derive(Debug)]
pub(super) enum Until {
    /// At the end of its line.
    LineEnd,
    /// Where its brackets are closed.
    Closed(Closing),
    /// Before a line that begins like this (a line feed, white space, `{`).
    LineLike(Vec<u8>),
    /// At the end of the text.
    TextEnd,
}

impl Discard {
    pub(super) fn new(byte_offset: u64, fault: CutFault, until: Until) -> Self {
        Self { kept: Vec::new(), byte_offset, byte_length: 0, fault, blanks: 0, until }
    }

    /// The same record with another fault.
    pub(super) fn with(self, fault: CutFault) -> Self {
        Self { fault, ..self }
    }

    /// Passes over `text`, the next of the record: how much of it was taken, and whether the
    /// record ends there.
    pub(super) fn feed(&mut self, text: &[u8], ended: bool) -> (usize, bool) {
        let end = match &mut self.until {
            Until::LineEnd => memchr::memchr(b'\n', text),
            Until::Closed(closing) => closing.feed(text),
            Until::LineLike(line) => memchr::memmem::find(text, line),
            Until::TextEnd => None,
        };
        let taken = match (&self.until, end) {
            (_, Some(end)) => end,
            // The line's beginning may be cut in two here.
            (Until::LineLike(line), None) if !ended => text.len().saturating_sub(line.len() - 1),
            _ => text.len(),
        };
        let room = KEPT_BYTES - self.kept.len();
        self.kept.extend_from_slice(&text[..taken.min(room)]);
        self.byte_length += taken as u64;
        let blanks = text[..taken].iter().rev().take_while(|byte| is_space(**byte)).count();
        self.blanks = if blanks == taken { self.blanks + taken as u64 } else { blanks as u64 };
        (taken, end.is_some() || (ended && taken == text.len()))
    }

    /// The record without the white space at its end, as one that is held is cut.
    pub(super) fn trimmed(mut self) -> Self {
        self.byte_length -= self.blanks;
        self.kept.truncate(usize::try_from(self.byte_length).unwrap_or(usize::MAX));
        self
    }

    /// Whether all of the record is kept.
    pub(super) fn is_whole(&self) -> bool {
        self.byte_length == self.kept.len() as u64
    }
}

/// Finds the end of a value by its brackets alone, whatever else is wrong with it.
///
/// A line feed ends a string, since JSON has none within strings: so a missing quote does not
/// swallow what follows its line.
#[derive(Debug, Clone)]
pub(super) struct Closing {
    in_array: bool,
    depth: usize,
    pairs: Option<Pairs>,
    in_string: bool,
    escaped: bool,
}

impl Closing {
    /// For an element of an array: it ends before the comma or bracket behind it.
    pub(super) fn of_element() -> Self {
        Self { in_array: true, depth: 0, pairs: None, in_string: false, escaped: false }
    }

    /// For an element of an array that is within an object: it never ends if its brackets do not pair,
    /// since one of them may be that of the array or of the object.
    pub(super) fn of_inner_element() -> Self {
        Self { pairs: Some(Pairs::default()), ..Self::of_element() }
    }

    /// For one of several values in a row: it ends with its last bracket, or with its line when
    /// it has none.
    pub(super) fn of_value() -> Self {
        Self { in_array: false, ..Self::of_element() }
    }

    /// The position in `text` where the value ends, if it does.
    pub(super) fn feed(&mut self, text: &[u8]) -> Option<usize> {
        text.iter().enumerate().find_map(|(at, &byte)| self.ends(at, byte))
    }

    fn ends(&mut self, at: usize, byte: u8) -> Option<usize> {
        if self.in_string {
            let closed = byte == b'\n' || (byte == b'"' && !self.escaped);
            self.escaped = byte == b'\\' && !self.escaped;
            self.in_string = !closed;
            return None;
        }
        let is_behind = self.in_array && self.depth == 0 && matches!(byte, b',' | b']');
        if let Some(pairs) = &mut self.pairs
            && (pairs.is_lost || !is_behind && !pairs.add(byte))
        {
            return None;
        }
        match byte {
            _ if is_behind => return Some(at),
            b'"' => (self.in_string, self.escaped) = (true, false),
            b'{' | b'[' => self.depth += 1,
            b'\n' if !self.in_array && self.depth == 0 => return Some(at),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return (!self.in_array && self.depth == 0).then_some(at + 1);
            }
            _ => {}
        }
        None
    }
}

/// The brackets that are open, by which those that do not pair are found.
#[derive(Debug, Clone, Default)]
struct Pairs {
    /// Whether each is a brace.
    open: Vec<bool>,
    is_lost: bool,
}

/// Open brackets that are held at most.
const MAX_OPEN: usize = 1 << 20;

impl Pairs {
    /// Adds a byte: false once a bracket has closed one of another kind, or none.
    fn add(&mut self, byte: u8) -> bool {
        self.is_lost |= match byte {
            b'{' | b'[' if self.open.len() < MAX_OPEN => {
                self.open.push(byte == b'{');
                false
            }
            b'{' | b'[' => true,
            b'}' | b']' => self.open.pop() != Some(byte == b'}'),
            _ => false,
        };
        !self.is_lost
    }
}
