//! What a field of a record holds, and what is said of a value that it cannot hold.

use crate::feed::Reason;
use crate::json::Span;

/// Why a record is rejected, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) reason: Reason,
    pub(super) detail: String,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot {
    Missing,
    Null,
    Text(Piece),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// Its elements, in [`Reader::items`](super::record::Reader::items).
    Items(Run),
    /// Its entries, in [`Reader::entries`](super::record::Reader::entries).
    List(Run),
    /// The place of what is wrong in the reader's list of problems.
    Bad(usize),
}

/// Some that follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) count: u32,
}

/// A text: a part of the record, or of what the reader has unescaped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    // A record may hold millions of them, and is shorter than 4 GiB.
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) unescaped: bool,
}

/// An entry of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Where its slots begin.
    pub(super) base: u32,
    /// Whether it is not null.
    pub(super) is_there: bool,
}

impl Run {
    pub(super) const fn new(first: usize, end: usize) -> Self {
        Self { first: first as u32, count: (end - first) as u32 }
    }

    /// These of a list.
    pub(super) fn of<T>(self, all: &[T]) -> &[T] {
        let first = self.first as usize;
        all.get(first..first + self.count as usize).unwrap_or_default()
    }
}

impl Piece {
    pub(super) const fn new(span: Span, unescaped: bool) -> Self {
        Self { start: span.start as u32, end: span.end as u32, unescaped }
    }

    pub(super) const fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}
