//! The beginning of an object, kept from the answer that pinned it.

use std::fmt;

use bytes::Bytes;

use super::budget::Hold;

/// The beginning of an object, which came with the answer that pinned it.
pub(super) struct Beginning {
    bytes: Bytes,
    /// What it takes of the budget, until it is dropped.
    _hold: Hold,
}

impl Beginning {
    pub(super) const fn new(bytes: Bytes, hold: Hold) -> Self {
        Self { bytes, _hold: hold }
    }

    pub(super) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }
}

/// Without the bytes.
impl fmt::Debug for Beginning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Beginning({} bytes)", self.bytes.len())
    }
}
