//! How many requests may be in flight to a bucket.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Patience;

/// Requests in flight to a bucket at most, also where it never complains.
pub(super) const MOST: usize = 256;

/// How many requests may be in flight.
#[derive(Debug)]
pub(super) struct Throttle {
    pub(super) permits: Arc<Semaphore>,
    pub(super) state: Arc<Mutex<State>>,
}

#[derive(Debug)]
pub(super) struct State {
    /// Requests that may be in flight.
    pub(super) limit: f64,
    /// Permits that are there: those in the semaphore and those of requests in flight.
    pub(super) issued: usize,
    /// When the limit was lowered, and when the store last answered a request.
    lowered: Option<Instant>,
    answered: Option<Instant>,
}

/// The right to have a request in flight.
#[derive(Debug)]
pub(super) struct Permit {
    permit: Option<OwnedSemaphorePermit>,
    pub(super) state: Arc<Mutex<State>>,
}

impl Default for Throttle {
    fn default() -> Self {
        let state = State { limit: MOST as f64, issued: MOST, lowered: None, answered: None };
        Self { permits: Arc::new(Semaphore::new(MOST)), state: Arc::new(Mutex::new(state)) }
    }
}

impl Throttle {
    pub(super) async fn enter(&self) -> Permit {
        // It is never closed.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        Permit { permit, state: Arc::clone(&self.state) }
    }

    /// Notes that a request was answered.
    pub(super) fn answered(&self) {
        let mut state = lock(&self.state);
        state.answered = Some(Instant::now());
        // One more for as many answers as are in flight.
        state.limit = (MOST as f64).min(state.limit + 1.0 / state.limit);
        let more = (state.limit as usize).saturating_sub(state.issued);
        state.issued += more;
        drop(state);
        self.permits.add_permits(more);
    }

    /// Notes that a request that was sent then was refused. What was in flight when the limit was lowered
    /// does not lower it again.
    pub(super) fn refused(&self, sent: Instant) {
        let mut state = lock(&self.state);
        if state.lowered.is_some_and(|lowered| sent <= lowered) {
            return;
        }
        state.lowered = Some(Instant::now());
        let in_flight = state.issued.saturating_sub(self.permits.available_permits());
        state.limit = (state.limit.min(in_flight as f64) / 2.0).floor().max(1.0);
        let surplus = state.issued.saturating_sub(state.limit as usize);
        state.issued -= self.permits.forget_permits(surplus);
        let at_once = state.limit as usize;
        drop(state);
        tracing::info!(
            at_once,
            "a store asks to slow down: fewer requests are in flight from now on"
        );
    }

    /// Whether waiting is in vain for a request that began then.
    pub(super) fn is_vain(&self, began: Instant, patience: Patience) -> bool {
        let answered = lock(&self.state).answered.unwrap_or(began).max(began);
        answered.elapsed() > patience.without_progress || began.elapsed() > patience.one_request
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if state.issued > state.limit as usize
            && let Some(permit) = self.permit.take()
        {
            state.issued -= 1;
            permit.forget();
        }
    }
}

pub(super) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
