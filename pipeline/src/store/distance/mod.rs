//! How far away a store is, and how much has to be read ahead of a reader for that.

mod window;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(super) use self::window::{Epoch, Window};

/// What a store is taken to be like before it has answered: in the same region.
const LATENCY: Duration = Duration::from_millis(20);
/// Bytes a second of one answer, at least. The first answers of a connection come slower than it can.
const LEAST_RATE: f64 = 32.0 * MB;
const MB: f64 = 1_000_000.0;

/// How far away a store is, as its answers tell: what all that read of it know.
#[derive(Debug, Default)]
pub(super) struct Distance {
    /// Microseconds until an answer begins; 0 when none is known.
    latency: AtomicU64,
    /// Bytes a second of the fastest answer.
    rate: AtomicU64,
}

impl Distance {
    /// Notes an answer that began after `latency` and was `bytes` long, which took `rest`.
    pub(super) fn note(&self, latency: Duration, bytes: u64, rest: Duration) {
        let micros = (latency.as_micros() as u64).max(1);
        let known = self.latency.load(Ordering::Relaxed);
        let smoothed = if known == 0 { micros } else { known - known / 4 + micros / 4 };
        self.latency.store(smoothed.max(1), Ordering::Relaxed);
        // What is shorter comes with the head of its answer.
        if bytes >= 256 << 10 {
            let rate = bytes as f64 / rest.as_secs_f64().max(1e-4);
            self.rate.fetch_max(rate as u64, Ordering::Relaxed);
        }
    }

    fn latency(&self) -> Duration {
        match self.latency.load(Ordering::Relaxed) {
            0 => LATENCY,
            micros => Duration::from_micros(micros),
        }
    }

    fn rate(&self) -> f64 {
        (self.rate.load(Ordering::Relaxed) as f64).max(LEAST_RATE)
    }
}

#[cfg(test)]
mod tests;
