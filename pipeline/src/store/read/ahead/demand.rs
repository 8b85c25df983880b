//! What a reader tells those who read ahead of it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// What a reader tells those who read ahead of it.
#[derive(Debug, Default)]
pub(super) struct Demand {
    state: Mutex<DemandState>,
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
pub(super) struct DemandState {
    /// Chunks that the reader has taken.
    pub(super) taken: usize,
    /// Whether it waits for another.
    pub(super) asks: bool,
    /// How long it has waited for them.
    pub(super) waited: Duration,
    /// How long it has worked on them, and their bytes.
    pub(super) worked: Duration,
    pub(super) worked_bytes: usize,
}

impl Demand {
    pub(super) fn state(&self) -> MutexGuard<'_, DemandState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn used(&self, worked: Duration, bytes: usize) {
        let mut state = self.state();
        state.worked += worked;
        state.worked_bytes += bytes;
    }

    pub(super) fn asks(&self) {
        self.state().asks = true;
        self.changed.notify_one();
    }

    pub(super) fn took(&self, waited: Duration) {
        let mut state = self.state();
        state.asks = false;
        state.taken += 1;
        state.waited += waited;
        drop(state);
        self.changed.notify_one();
    }
}
