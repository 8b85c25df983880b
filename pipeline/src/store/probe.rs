//! The answer that pinned an object, and the beginning of the object that it brought.

use std::fmt;

use bytes::Bytes;

use super::budget::Hold;

/// The beginning of an object, kept from the answer that pinned it.
pub(super) struct Probe {
    bytes: Bytes,
    /// What it takes of the budget, until it is dropped.
    _hold: Hold,
}

impl Probe {
    pub(super) const fn new(bytes: Bytes, hold: Hold) -> Self {
        Self { bytes, _hold: hold }
    }

    pub(super) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }
}

/// Without the bytes.
impl fmt::Debug for Probe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Probe({} bytes)", self.bytes.len())
    }
}
