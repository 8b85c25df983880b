//! How far a load is, and the gate by which it may be stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// The load may be stopped.
const OPEN: u8 = 0;
/// It was asked to end.
const STOPPED: u8 = 1;
/// It commits, or has.
const COMMITTING: u8 = 2;

/// How far a load is, for whoever watches, and a way to stop it. Of a load in parts that goes on, what
/// is committed already counts too.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of the object that were read, as they are stored.
    pub bytes_read: Arc<AtomicU64>,
    /// Records that went through the frames.
    pub records: AtomicU64,
    /// Those of them that are valid.
    pub loaded: AtomicU64,
    /// Those of them that are rejected.
    pub rejected: AtomicU64,
    /// Rows of the log.
    pub log_rows: AtomicU64,
    /// Parts that were missing when the load began, or went on, in parts; 0 of one that did not.
    pub parts: AtomicU64,
    gate: AtomicU8,
}

impl Progress {
    /// Asks the load to end before it commits; false when it commits already, or has. After true
    /// nothing will be written, and the load ends with [`Error::Cancelled`]; of a load in parts, what
    /// is committed stays, the parts that are just being committed are too, and it ends with
    /// [`Error::Incomplete`].
    ///
    /// The load ends at its next batch, or else before its commit: one that waits for the server
    /// is ended by dropping it and [`Connection::abort`].
    ///
    /// [`Connection::abort`]: crate::database::Connection::abort
    /// [`Error::Cancelled`]: crate::error::Error::Cancelled
    /// [`Error::Incomplete`]: crate::error::Error::Incomplete
    pub fn stop(&self) -> bool {
        self.pass(STOPPED)
    }

    /// All that is counted: bytes read, records, loaded, rejected, rows of the log.
    #[must_use]
    pub fn counts(&self) -> [u64; 5] {
        let Self { bytes_read, records, loaded, rejected, log_rows, .. } = self;
        [bytes_read, records, loaded, rejected, log_rows].map(|count| count.load(Ordering::Relaxed))
    }

    /// Adds what was done before: counts as [`Self::counts`] has them.
    pub(crate) fn add(&self, counts: [u64; 5]) {
        let Self { bytes_read, records, loaded, rejected, log_rows, .. } = self;
        for (so_far, before) in
            [bytes_read, records, loaded, rejected, log_rows].into_iter().zip(counts)
        {
            so_far.fetch_add(before, Ordering::Relaxed);
        }
    }

    /// Whether the load was asked to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.gate.load(Ordering::Acquire) == STOPPED
    }

    /// Opens the gate for another load that is watched by the same value, unless it was stopped.
    pub(crate) fn begin(&self) {
        // Fails when it is open, or is to stay shut.
        self.gate.compare_exchange(COMMITTING, OPEN, Ordering::AcqRel, Ordering::Acquire).ok();
    }

    /// Shuts the gate before a commit; false when the load is to end instead.
    pub(crate) fn begin_commit(&self) -> bool {
        self.pass(COMMITTING)
    }

    /// Whoever comes first decides.
    fn pass(&self, to: u8) -> bool {
        match self.gate.compare_exchange(OPEN, to, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(found) => found == to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_first_decides() {
        let stopped = Progress::default();
        assert!(stopped.stop() && stopped.stop() && !stopped.begin_commit());
        stopped.begin();
        assert!(stopped.is_stopped());
        let committing = Progress::default();
        assert!(committing.begin_commit() && !committing.stop() && !committing.is_stopped());
        committing.begin();
        assert!(committing.stop());
    }
}
