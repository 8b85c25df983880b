//! How far readers read ahead, measured.

use super::*;

const RANGE: u64 = 2 << 20;

/// A store, a line and a reader, in seconds and bytes a second.
struct Way {
    latency: f64,
    /// Of one answer.
    rate: f64,
    /// Of all together.
    line: f64,
    /// Seconds of the reader for a range.
    reader: f64,
}

/// As the store of `benches/far.sh`, with a reader that takes 134 MB/s.
const FAR: Way = Way { latency: 0.1, rate: 90e6, line: 1e12, reader: 1.0 / 64.0 };

impl Way {
    fn distance(&self) -> Distance {
        let distance = Distance::default();
        let seconds = |seconds| Duration::from_secs_f64(seconds);
        let rate = self.rate.min(self.line);
        distance.note(seconds(self.latency), 1 << 20, seconds((1 << 20) as f64 / rate));
        distance
    }

    /// Reads so many ranges: how long it takes, and the window in the end.
    fn read(&self, ranges: usize) -> (f64, usize) {
        let mut window = Window::of(&self.distance(), RANGE, 32);
        // When each range was asked for, and when its last byte comes.
        let mut asked = Vec::<(f64, f64)>::new();
        let (mut now, mut line_free) = (0.0_f64, 0.0_f64);
        let (mut came, mut taken) = (0, 0);
        // Until when the reader works, or since when it waits.
        let (mut works_until, mut waits_since, mut waited) = (None, 0.0, 0.0);
        let (mut epoch, mut waited_before, mut came_before) = (0.0, 0.0, 0);
        while taken < ranges || works_until.is_some() {
            while asked.len() < ranges && asked.len() - taken < window.size() {
                let begins = line_free.max(now + self.latency);
                line_free = begins + RANGE as f64 / self.line;
                asked.push((now, line_free.max(begins + RANGE as f64 / self.rate)));
            }
            if works_until.is_none() && came > taken {
                waited += now - waits_since;
                taken += 1;
                works_until = Some(now + self.reader);
            }
            let next = asked.get(came).map(|(_, comes)| comes.max(now));
            match (next, works_until) {
                (Some(comes), until) if until.is_none_or(|until| comes <= until) => {
                    now = comes;
                    let (began, ended) = asked[came];
                    came += 1;
                    if window.came(Duration::from_secs_f64(ended - began)) {
                        window.used(Duration::from_secs_f64(self.reader));
                        window.turn(Epoch {
                            seconds: now - epoch,
                            waited: waited - waited_before,
                            ranges: (came - came_before) as f64,
                        });
                        (epoch, waited_before, came_before) = (now, waited, came);
                    }
                }
                (_, Some(until)) => (now, waits_since, works_until) = (until, until, None),
                (None, None) => break,
                (Some(_), None) => {}
            }
        }
        (now, window.size())
    }
}

#[test]
fn a_reader_of_a_far_store_waits_for_a_few_answers_and_no_more() {
    for latency in [0.001, 0.02, 0.05, 0.1, 0.2] {
        let way = Way { latency, ..FAR };
        let (took, window) = way.read(220);
        let alone = 220.0 * way.reader;
        assert!(took < alone + 3.0 * latency + 0.05, "{latency}: {took} of {alone}, {window}");
        assert!(window <= 20, "{latency}: {window}");
    }
}

#[test]
fn as_much_is_read_ahead_as_a_slow_reader_needs() {
    let way = Way { reader: 0.1, ..FAR };
    let (took, window) = way.read(100);
    assert!(took < 100.0 * way.reader + 0.3, "{took}");
    assert!(window <= 4, "{window}");
}

#[test]
fn a_line_that_is_full_is_not_asked_for_more_and_more() {
    for line in [1e6, 5e6, 20e6] {
        let way = Way { line, ..FAR };
        let (took, window) = way.read(100);
        let alone = 100.0 * RANGE as f64 / line;
        assert!(took < alone * 1.05 + 0.5, "{line}: {took} of {alone}");
        assert!(window <= 8, "{line}: {window}");
    }
}

#[test]
fn the_window_of_files_stays_as_it_is() {
    let mut window = Window::fixed(2);
    for _ in 0..100 {
        if window.came(Duration::from_secs(1)) {
            window.turn(Epoch { seconds: 1.0, waited: 1.0, ranges: 2.0 });
        }
    }
    assert_eq!(window.size(), 2);
}
