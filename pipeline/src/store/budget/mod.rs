//! How much is read ahead, by all that read in this process together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Bytes that are read ahead at most, by all loads of the process together. Beside them each load holds
/// what it decodes. A load that takes 130 MB/s from a store 100 ms away needs half of it.
const READ_AHEAD_BYTES: u64 = 32 << 20;

/// The budget of this process.
pub(super) static BUDGET: Budget = Budget::new(READ_AHEAD_BYTES);

/// Bytes that may be held in memory before they are used.
///
/// Each account may always hold its floor, so that no reader waits for another one. Beyond its floor an
/// account gets at most its equal share, and nothing while the others use up the whole.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: u64,
    state: Mutex<State>,
    /// What is held of the beginnings of objects that nobody reads yet.
    begun: LazyLock<Arc<AtomicU64>>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    used: u64,
    accounts: u64,
}

impl Budget {
    pub(super) const fn new(bytes: u64) -> Self {
        let state = State { used: 0, accounts: 0 };
        Self {
            bytes,
            state: Mutex::new(state),
            begun: LazyLock::new(Arc::default),
            freed: Notify::const_new(),
        }
    }

    /// Opens an account that always gets `floor` bytes.
    pub(super) fn account(&'static self, floor: u64) -> Account {
        self.state().accounts += 1;
        Account { budget: self, held: Arc::default(), floor }
    }

    /// Holds the beginning of an object before somebody reads it; of all objects no more than half of the
    /// whole.
    pub(super) fn hold_beginning(&'static self, bytes: u64) -> Option<Hold> {
        let mut state = self.state();
        if self.begun.load(Ordering::Relaxed) + bytes > self.bytes / 2 {
            return None;
        }
        state.used += bytes;
        self.begun.fetch_add(bytes, Ordering::Relaxed);
        Some(Hold { budget: self, held: Arc::clone(&self.begun), bytes })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one reader holds of a budget.
#[derive(Debug)]
pub(super) struct Account {
    budget: &'static Budget,
    held: Arc<AtomicU64>,
    floor: u64,
}

impl Account {
    /// Holds bytes, if the reader may hold as many. A reader that holds none may hold any number.
    pub(super) fn try_hold(&self, bytes: u64) -> Option<Hold> {
        let mut state = self.budget.state();
        let held = self.held.load(Ordering::Relaxed);
        let is_within_share = held + bytes <= self.budget.bytes / state.accounts.max(1)
            && state.used + bytes <= self.budget.bytes;
        if held > 0 && held + bytes > self.floor && !is_within_share {
            return None;
        }
        state.used += bytes;
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Some(Hold { budget: self.budget, held: Arc::clone(&self.held), bytes })
    }

    /// Holds bytes as soon as the reader may hold as many.
    pub(super) async fn wait_for_room(&self, bytes: u64) -> Hold {
        loop {
            let mut freed = std::pin::pin!(self.budget.freed.notified());
            freed.as_mut().enable();
            if let Some(hold) = self.try_hold(bytes) {
                return hold;
            }
            freed.await;
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.budget.state().accounts -= 1;
        self.budget.freed.notify_waiters();
    }
}

/// Bytes that are held until this is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    budget: &'static Budget,
    held: Arc<AtomicU64>,
    bytes: u64,
}

impl Hold {
    /// Keeps only so many of the bytes.
    pub(super) fn shrink(&mut self, bytes: u64) {
        self.release(self.bytes.saturating_sub(bytes));
    }

    fn release(&mut self, bytes: u64) {
        self.bytes -= bytes;
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        self.budget.state().used -= bytes;
        self.budget.freed.notify_waiters();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.release(self.bytes);
    }
}

#[cfg(test)]
mod tests;
