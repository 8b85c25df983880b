//! On how many connections an object is loaded, and whether it is loaded in parts at all.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use super::LoadOptions;
use crate::error::Result;
use crate::records;
use crate::sink::{Mode, RequestedMode};
use crate::store::Object;

/// The size from which an object is loaded in parts without being asked to.
const AUTOMATIC_BYTES: u64 = 128 << 20;
/// The most connections that a load uses without being asked to: each further one takes some
/// 35 MB of memory (`benches/README.md`).
const AUTOMATIC_CONNECTIONS: usize = 2;
/// Bytes of a part: what a killed load does again at most, on each connection.
const PART_BYTES: u64 = 32 << 20;

/// On how many connections an object is loaded, and in which parts.
///
/// Only plain NDJSON can be read in parts, and only in mode append do parts that are committed in any
/// order make the same rows: everything else is loaded on one connection.
#[derive(Debug, Clone, Copy)]
pub struct Connections {
    /// How many; None is as many as there are processors, two at most, for objects of 128 MiB or
    /// more, and one for others.
    pub wanted: Option<NonZeroUsize>,
    /// Bytes of a part. Smaller objects are loaded on one connection.
    pub part_bytes: u64,
}

impl Default for Connections {
    fn default() -> Self {
        Self { wanted: None, part_bytes: PART_BYTES }
    }
}

impl Connections {
    /// How many they are for an object that can be read in parts.
    #[must_use]
    pub fn number(self) -> usize {
        let automatic = || {
            let processors = available_parallelism().map_or(1, NonZeroUsize::get);
            processors.min(AUTOMATIC_CONNECTIONS)
        };
        self.wanted.map_or_else(automatic, NonZeroUsize::get)
    }

    /// Bytes of the parts of an object of this size: no more than were asked for, and so that every
    /// connection gets as many.
    pub(super) fn part_bytes_of(self, bytes: u64) -> u64 {
        let parts = bytes.div_ceil(self.part_bytes).max(1);
        bytes.div_ceil(parts.next_multiple_of(self.number() as u64)).max(1)
    }

    /// Why an object of this size is loaded on one connection in this mode, whatever it holds. A mode
    /// that is not chosen yet is no reason.
    pub(super) fn sequential_reason(self, bytes: u64, mode: RequestedMode) -> Option<&'static str> {
        if mode == Mode::Merge.into() {
            Some("merging needs its records in their order")
        } else if mode == Mode::Replace.into() {
            Some("replacing earlier versions is one transaction")
        } else if self.number() == 1 {
            Some("one connection is enough")
        } else if bytes <= self.part_bytes || self.wanted.is_none() && bytes < AUTOMATIC_BYTES {
            Some("it is small")
        } else {
            None
        }
    }
}

impl LoadOptions {
    /// Why an object of this size is loaded on one connection in this mode, whatever it holds.
    pub(super) fn sequential_reason(
        &self,
        bytes: u64,
        mode: RequestedMode,
    ) -> Option<&'static str> {
        // Parts would be committed before all rejected records are counted.
        let limited =
            || self.max_rejected.map(|_| "max_rejected is checked before anything is committed");
        self.connections.sequential_reason(bytes, mode).or_else(limited)
    }
}

/// Why an object is loaded on one connection in this mode, for people; None when it is loaded in parts.
///
/// # Errors
/// When its beginning cannot be read.
pub(super) async fn sequential_reason(
    object: &Object,
    options: &LoadOptions,
    mode: Mode,
) -> Result<Option<String>> {
    match options.sequential_reason(object.size, mode.into()) {
        Some(reason) => Ok(Some(reason.to_owned())),
        None => records::sequential_reason(object, &options.cut).await,
    }
}

#[cfg(test)]
mod tests;
