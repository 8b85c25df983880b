//! How far away a store is, and how much has to be read ahead of a reader for that.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a store is taken to be like before it has answered: in the same region.
const LATENCY: Duration = Duration::from_millis(20);
/// Bytes a second of one answer, at least. The first answers of a connection come slower than it can.
const LEAST_RATE: f64 = 32.0 * MB;
/// Bytes a second that a load is taken to take before that is known.
const APPETITE: f64 = 128.0 * MB;
const MB: f64 = 1_000_000.0;
/// How much the newest of several measurements counts.
const NEWEST: f64 = 0.25;

/// The share of what growing could bring that it must bring, or the line is full.
const GAIN: f64 = 0.3;
/// Epochs without growing after growing has brought nothing.
const REST: u32 = 8;
/// The share of an epoch that a reader must have waited for the store before more is read ahead.
const WAITED: f64 = 0.02;

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

/// How many ranges are read ahead of a reader: as many as come while one is on its way.
///
/// It begins with as many as keep one fast answer going. From then on it is measured, over as many ranges
/// as there are in the window, how long they take to come and how long the reader takes for each. As long
/// as the reader has to wait, the number doubles up to what that needs. If more at once did not bring more,
/// it goes back: then the line is full, and each range would only take longer.
#[derive(Debug)]
pub(super) struct Window {
    size: usize,
    most: usize,
    /// Seconds that a range takes to come.
    fetch: Option<f64>,
    /// Seconds that the reader takes for a range.
    use_of_one: f64,
    /// What is left of the epoch, in ranges.
    left: usize,
    trial: Option<Trial>,
    /// Epochs in which it does not grow.
    rest: u32,
}

/// What growing is measured by.
#[derive(Debug, Clone, Copy)]
struct Trial {
    size_before: usize,
    /// Ranges that came in a second.
    rate_before: f64,
    /// Whether ranges still come that were asked for before.
    is_fresh: bool,
}

/// What came in an epoch, which is as long as a window of ranges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch {
    pub(super) seconds: f64,
    /// Seconds of these that the reader waited for.
    pub(super) waited: f64,
    /// Ranges that came.
    pub(super) ranges: f64,
}

impl Window {
    /// For ranges of so many bytes, of which at most so many are read ahead.
    pub(super) fn of(distance: &Distance, range_bytes: u64, most: usize) -> Self {
        let range_bytes = range_bytes as f64;
        let rate = distance.rate().min(APPETITE);
        let on_the_way = distance.latency().as_secs_f64() * rate / range_bytes;
        let size = (2 + on_the_way.ceil() as usize).clamp(1, most);
        let use_of_one = range_bytes / APPETITE;
        Self { size, most, fetch: None, use_of_one, left: size, trial: None, rest: 0 }
    }

    /// Always as many.
    pub(super) const fn fixed(size: usize) -> Self {
        Self { size, most: size, fetch: None, use_of_one: 0.0, left: size, trial: None, rest: 0 }
    }

    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// Notes a whole range that took so long to come; true when an epoch ends with it.
    pub(super) fn came(&mut self, took: Duration) -> bool {
        let took = took.as_secs_f64();
        self.fetch = Some(self.fetch.map_or(took, |known| smooth(known, took)));
        self.left = self.left.saturating_sub(1);
        self.left == 0
    }

    /// Notes that the reader took so long for a whole range.
    pub(super) fn used(&mut self, took: Duration) {
        self.use_of_one = smooth(self.use_of_one, took.as_secs_f64());
    }

    /// Ends an epoch.
    pub(super) fn turn(&mut self, epoch: Epoch) {
        self.resize(epoch);
        self.left = self.size;
    }

    fn resize(&mut self, Epoch { seconds, waited, ranges }: Epoch) {
        let rate = ranges / seconds.max(1e-6);
        let waits = waited > seconds * WAITED;
        if let Some(trial) = self.trial.take() {
            if trial.is_fresh {
                self.trial = Some(Trial { is_fresh: false, ..trial });
                return;
            }
            let grown = self.size as f64 / trial.size_before as f64 - 1.0;
            if waits && rate < trial.rate_before * (1.0 + grown * GAIN) {
                (self.size, self.rest) = (trial.size_before, REST);
                return;
            }
        }
        let needed = self.needed();
        if self.rest > 0 {
            self.rest -= 1;
        } else if waits && self.size < needed {
            self.trial = Some(Trial { size_before: self.size, rate_before: rate, is_fresh: true });
            self.size = needed.min(self.size * 2);
        } else if self.size > needed {
            self.size -= 1;
        }
    }

    /// As many as come while one is on its way, and one more.
    fn needed(&self) -> usize {
        let fetch = self.fetch.unwrap_or_default();
        let on_the_way = (fetch / self.use_of_one.max(1e-5)).ceil().min(self.most as f64);
        (1 + on_the_way as usize).clamp(self.most.min(2), self.most)
    }
}

fn smooth(known: f64, newest: f64) -> f64 {
    known + (newest - known) * NEWEST
}

#[cfg(test)]
mod tests;
