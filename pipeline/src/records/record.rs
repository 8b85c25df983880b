//! A record as it was cut: where it stands, and what is wrong with it if that shows already.

use crate::feed::Reason;

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Where it begins in the object's text, after decompression.
    pub byte_offset: u64,
    /// How long it is there.
    pub byte_length: u64,
    /// Why the text cannot be read as one record, where cutting told already.
    pub fault: Option<CutFault>,
}

/// What was found wrong with a record when it was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutFault {
    /// The reason of the rejection.
    pub reason: Reason,
    /// What was found.
    pub detail: &'static str,
}

/// The fault of a record that is longer than a record may be.
pub(super) const TOO_LARGE: CutFault =
    CutFault { reason: Reason::TooLarge, detail: "longer than max_record_bytes" };
