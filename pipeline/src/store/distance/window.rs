//! How many ranges are read ahead of one reader.

use std::time::Duration;

use super::{Distance, MB};

/// Bytes a second that a load is taken to take before that is known.
const APPETITE: f64 = 128.0 * MB;

/// How much the newest of several measurements counts.
const NEWEST: f64 = 0.25;

/// The share of what growing could bring that it must bring, or the line is full.
const GAIN: f64 = 0.3;

/// Epochs without growing after growing has brought nothing.
const REST: u32 = 8;

/// The share of an epoch that a reader must have waited for the store before more is read ahead.
const WAITED: f64 = 0.02;

/// How many ranges are read ahead of a reader: as many as come while one is on its way.
///
/// It begins with as many as keep one fast answer going. From then on it is measured, over as many ranges
/// as there are in the window, how long they take to come and how long the reader takes for each. As long
/// as the reader has to wait, the number doubles up to what that needs. If more at once did not bring more,
/// it goes back: then the line is full, and each range would only take longer.
#[derive(Debug)]
pub(in crate::store) struct Window {
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
pub(in crate::store) struct Epoch {
    pub(in crate::store) seconds: f64,
    /// Seconds of these that the reader waited for.
    pub(in crate::store) waited: f64,
    /// Ranges that came.
    pub(in crate::store) ranges: f64,
}

impl Window {
    /// For ranges of so many bytes, of which at most so many are read ahead.
    pub(in crate::store) fn of(distance: &Distance, range_bytes: u64, most: usize) -> Self {
        let range_bytes = range_bytes as f64;
        let rate = distance.rate().min(APPETITE);
        let on_the_way = distance.latency().as_secs_f64() * rate / range_bytes;
        let size = (2 + on_the_way.ceil() as usize).clamp(1, most);
        let use_of_one = range_bytes / APPETITE;
        Self { size, most, fetch: None, use_of_one, left: size, trial: None, rest: 0 }
    }

    /// Always as many.
    pub(in crate::store) const fn fixed(size: usize) -> Self {
        Self { size, most: size, fetch: None, use_of_one: 0.0, left: size, trial: None, rest: 0 }
    }

    pub(in crate::store) const fn size(&self) -> usize {
        self.size
    }

    /// Notes a whole range that took so long to come; true when an epoch ends with it.
    pub(in crate::store) fn came(&mut self, took: Duration) -> bool {
        let took = took.as_secs_f64();
        self.fetch = Some(self.fetch.map_or(took, |known| smooth(known, took)));
        self.left = self.left.saturating_sub(1);
        self.left == 0
    }

    /// Notes that the reader took so long for a whole range.
    pub(in crate::store) fn used(&mut self, took: Duration) {
        self.use_of_one = smooth(self.use_of_one, took.as_secs_f64());
    }

    /// Ends an epoch.
    pub(in crate::store) fn turn(&mut self, epoch: Epoch) {
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
