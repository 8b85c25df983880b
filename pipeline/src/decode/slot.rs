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
#[derive(Debug)]
pub(super) enum Slot {
    Missing,
    Null,
    Text(Piece),
    Integer(i64),
    Boolean(bool),
    /// The reader's [`Reader::entries`].
    List,
    Bad(Box<Problem>),
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
pub(super) struct Place {
    pub(super) field: &'static str,
    pub(super) entry: Option<usize>,
    pub(super) entry_field: Option<&'static str>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.field)?;
        self.entry.map_or(Ok(()), |index| write!(f, "/{index}"))?;
        self.entry_field.map_or(Ok(()), |name| write!(f, "/{name}"))
    }
}

/// A slot for a value that cannot be taken.
pub(super) fn bad(reason: Reason, place: Place, expected: &str, found: impl fmt::Display) -> Slot {
    Slot::Bad(Box::new(Problem {
        reason,
        detail: format!("{place}: expected {expected}, found {found}"),
    }))
}
