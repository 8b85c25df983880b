//! Where in a record the reader is: the entries of lists that it is in.

use std::fmt::{self, Display, Formatter};

use super::expected::Shape;

/// The entries that a value is in, from the outermost: the table of each, and its number in its list.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail {
    pub(super) steps: Vec<(usize, usize)>,
}

/// A JSON pointer (RFC 6901).
pub(super) struct Pointer<'a> {
    trail: &'a Trail,
    shape: &'a Shape,
    last: &'a str,
}

impl Trail {
    /// Goes to the first entry of a list.
    pub(super) fn enter(&mut self, table: usize) {
        self.steps.push((table, 0));
    }

    /// Goes to the next entry of the list.
    pub(super) fn next(&mut self) {
        if let Some((_, number)) = self.steps.last_mut() {
            *number += 1;
        }
    }

    /// Goes out of the list.
    pub(super) fn leave(&mut self) {
        self.steps.pop();
    }

    /// The pointer to what is at `last` within the entry.
    pub(super) const fn to<'a>(&'a self, shape: &'a Shape, last: &'a str) -> Pointer<'a> {
        Pointer { trail: self, shape, last }
    }
}

impl Display for Pointer<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (table, number) in &self.trail.steps {
            write!(f, "{}/{number}", self.shape.scopes[*table].pointer)?;
        }
        f.write_str(self.last)
    }
}
