//! How far a load is, and the gate by which it may be stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bit of the gate that says that the load was asked to end. The others count its commits.
const STOPPED: u64 = 1 << 63;

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
    /// Parts that were missing when the load began, or went on, in parts; 0 of one that did not.
    pub parts: AtomicU64,
    /// [`STOPPED`], and how many commits are under way or were the load's last.
    gate: AtomicU64,
}

impl Progress {
    /// Asks the load to end: no commit begins after this call, whatever it returns.
    ///
    /// Returns true if no commit is under way. Then nothing more is written, and the load may be
    /// dropped, or ends by itself with [`Error::Cancelled`]. Returns false if a commit is under way
    /// or was the last one: then only the end of the load tells what was written.
    ///
    /// The parts of a load in parts that are committed stay, and it ends with
    /// [`Error::Incomplete`]. The bundles that are committed stay too.
    ///
    /// The load ends at its next batch, or else before its commit. Drop a load that waits for the
    /// server, and end what the server does with [`Connection::abort`].
    ///
    /// [`Connection::abort`]: crate::database::Connection::abort
    /// [`Error::Cancelled`]: crate::error::Error::Cancelled
    /// [`Error::Incomplete`]: crate::error::Error::Incomplete
    pub fn stop(&self) -> bool {
        self.gate.fetch_or(STOPPED, Ordering::AcqRel) & !STOPPED == 0
    }

    /// All that is counted: bytes read, records, loaded, rejected.
    #[must_use]
    pub fn counts(&self) -> [u64; 4] {
        let Self { bytes_read, records, loaded, rejected, .. } = self;
        [bytes_read, records, loaded, rejected].map(|count| count.load(Ordering::Relaxed))
    }

    /// Adds what was done before: counts as [`Self::counts`] has them.
    pub(crate) fn add(&self, counts: [u64; 4]) {
        let Self { bytes_read, records, loaded, rejected, .. } = self;
        for (so_far, before) in [bytes_read, records, loaded, rejected].into_iter().zip(counts) {
            so_far.fetch_add(before, Ordering::Relaxed);
        }
    }

    /// Goes back to what was counted before: of a load that is begun again.
    pub(crate) fn go_back(&self, counts: [u64; 4]) {
        let Self { bytes_read, records, loaded, rejected, .. } = self;
        for (so_far, before) in [bytes_read, records, loaded, rejected].into_iter().zip(counts) {
            so_far.store(before, Ordering::Relaxed);
        }
    }

    /// Whether the load was asked to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.gate.load(Ordering::Acquire) & STOPPED != 0
    }

    /// Forgets the commits of an earlier load that reported to the same value.
    pub(crate) fn begin(&self) {
        self.gate.fetch_and(STOPPED, Ordering::AcqRel);
    }

    /// Counts a commit that begins; false if the load was asked to end, and must not commit.
    pub(crate) fn begin_commit(&self) -> bool {
        let count = |gate: u64| (gate & STOPPED == 0).then_some(gate + 1);
        self.gate.fetch_update(Ordering::AcqRel, Ordering::Acquire, count).is_ok()
    }

    /// Ends a commit after which the load goes on.
    pub(crate) fn end_commit(&self) {
        self.gate.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
