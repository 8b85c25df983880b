//! What a field of a record holds, and what is said of a value that it cannot hold.

use std::fmt;

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
    Boolean(bool),
    /// Its entries are in [`Reader::list`].
    List,
    /// The place of what is wrong in the reader's list of problems.
    Bad(usize),
}

/// A text: a part of the record, or of what the reader has unescaped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    // A record may hold millions of them, and is shorter than 4 GiB.
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) unescaped: bool,
}

impl Piece {
    pub(super) const fn new(span: Span, unescaped: bool) -> Self {
        Self { start: span.start as u32, end: span.end as u32, unescaped }
    }

    pub(super) const fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// Where a value stands in its record, printed as a JSON pointer (RFC 6901).
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The list and the number of the entry that the value stands in.
    pub(super) entry: Option<(&'a str, usize)>,
    /// The field that holds it; none where the value is the entry.
    pub(super) field: Option<&'a str>,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entry.map_or(Ok(()), |(list, index)| write!(f, "/{list}/{index}"))?;
        self.field.map_or(Ok(()), |name| write!(f, "/{name}"))
    }
}
