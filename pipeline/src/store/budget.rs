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
mod tests {
    use super::*;

    fn budget(bytes: u64) -> &'static Budget {
        Box::leak(Box::new(Budget::new(bytes)))
    }

    #[test]
    fn a_reader_alone_may_hold_all_and_gets_back_what_it_drops() {
        let account = budget(10).account(2);
        let first = account.try_hold(6).unwrap();
        let mut second = account.try_hold(4).unwrap();
        assert!(account.try_hold(1).is_none());
        second.shrink(1);
        let third = account.try_hold(3).unwrap();
        assert!(account.try_hold(1).is_none());
        drop((first, second, third));
        assert!(account.try_hold(10).is_some());
    }

    #[test]
    fn readers_share_and_each_may_always_hold_its_floor() {
        let budget = budget(12);
        let greedy = budget.account(2);
        let all = greedy.try_hold(12).unwrap();
        let late: Vec<_> = (0..3).map(|_| budget.account(2)).collect();
        // The whole is used up: no more than the floor.
        let floors: Vec<_> = late.iter().map(|account| account.try_hold(2).unwrap()).collect();
        assert!(late[0].try_hold(1).is_none() && greedy.try_hold(1).is_none());
        drop(all);
        let share = late[0].try_hold(1).unwrap();
        assert!(late[0].try_hold(1).is_none(), "a quarter of the whole");
        let own = greedy.try_hold(2).unwrap();
        assert!(greedy.try_hold(2).is_none());
        drop((share, floors, late));
        assert!(greedy.try_hold(10).is_some());
        drop(own);
    }

    #[test]
    fn beginnings_hold_no_more_than_half() {
        let budget = budget(8);
        let first = budget.hold_beginning(3).unwrap();
        assert!(budget.hold_beginning(2).is_none());
        assert!(budget.hold_beginning(1).is_some());
        let account = budget.account(1);
        assert!(account.try_hold(5).is_some());
        drop(first);
        assert!(budget.hold_beginning(4).is_some());
    }

    #[test]
    fn one_range_is_granted_even_if_it_is_larger_than_the_whole() {
        let account = budget(1).account(1);
        let range = account.try_hold(5).unwrap();
        assert!(account.try_hold(1).is_none());
        drop(range);
        assert!(account.try_hold(5).is_some());
    }

    #[tokio::test]
    async fn who_waits_for_room_gets_it_when_another_reader_lets_go() {
        let budget = budget(4);
        let (one, other) = (budget.account(1), budget.account(1));
        let held = [one.try_hold(1).unwrap(), one.try_hold(1).unwrap()];
        let own = [other.try_hold(1).unwrap(), other.try_hold(1).unwrap()];
        let waiting = tokio::spawn(async move { other.wait_for_room(1).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop((held, one));
        waiting.await.unwrap();
        drop(own);
    }
}
