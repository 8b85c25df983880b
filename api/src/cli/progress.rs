//! The one progress bar: on a terminal, and nothing elsewhere.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pipeline::catalog::progress::CrawlProgress;
use pipeline::error::Result;
use pipeline::load::{Progress, State, Summary};
use pipeline::store::Listed;
use tokio::task::JoinHandle;

use super::print::Printer;

/// How often the bar is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Shows how far something is, until it is dropped.
pub(super) struct Bar {
    drawing: Option<(JoinHandle<()>, ProgressBar)>,
}

impl Bar {
    /// Shows the loads of a command.
    pub(super) fn of_loads(loads: &Arc<LoadsProgress>, printer: &Printer) -> Self {
        let (since, total) = (Instant::now(), loads.bytes);
        let loads = Arc::clone(loads);
        let template = "{msg} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
        Self::begin(Some(total), template, printer, move || (loads.position(), loads.words(since)))
    }

    /// Shows a crawl. How many objects are to come is not known, since they are read as they are
    /// listed.
    pub(super) fn of_crawl(crawl: &Arc<CrawlProgress>, printer: &Printer) -> Self {
        let crawl = Arc::clone(crawl);
        let template = "{spinner} {msg}, {bytes} read, {bytes_per_sec}, {elapsed}";
        Self::begin(None, template, printer, move || {
            let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
            let done = count(&crawl.unchanged) + count(&crawl.read);
            let (objects, records) = (count(&crawl.objects), count(&crawl.records));
            let words = format!("{done} of {objects} objects listed, {records} records");
            (count(&crawl.bytes_read), words)
        })
    }

    /// Shows the rows that were written, out of those that there may be.
    pub(super) fn of_rows(
        estimate: Option<u64>,
        written: &Arc<AtomicU64>,
        printer: &Printer,
    ) -> Self {
        let written = Arc::clone(written);
        let template = match estimate {
            Some(_) => "{wide_bar} {human_pos} of about {human_len} rows, {per_sec}, {eta} left",
            None => "{human_pos} rows, {per_sec}, {elapsed}",
        };
        let look = move || (written.load(Ordering::Relaxed), String::new());
        Self::begin(estimate, template, printer, look)
    }

    /// Shows what `look` finds: how far it is, and words about it. What is printed meanwhile goes above.
    fn begin(
        total: Option<u64>,
        template: &str,
        printer: &Printer,
        look: impl Fn() -> (u64, String) + Send + 'static,
    ) -> Self {
        let (true, Ok(style)) =
            (io::stderr().is_terminal(), ProgressStyle::with_template(template))
        else {
            return Self { drawing: None };
        };
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style);
        printer.print_above(&bar);
        let drawn = bar.clone();
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(DRAW_EVERY);
            loop {
                ticks.tick().await;
                let (position, words) = look();
                drawn.set_message(words);
                drawn.set_position(position);
                drawn.tick();
            }
        });
        Self { drawing: Some((task, bar)) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((task, bar)) = self.drawing.take() {
            task.abort();
            bar.finish_and_clear();
        }
    }
}

/// How far the loads of a command are.
#[derive(Debug, Default)]
pub(super) struct LoadsProgress {
    objects: usize,
    bytes: u64,
    /// What each load adds to.
    pub(super) load: Arc<Progress>,
    ended: AtomicU64,
    failed: AtomicU64,
    /// Bytes of objects that nobody had to read.
    passed_over: AtomicU64,
}

impl LoadsProgress {
    /// Of loads of so many objects with so many bytes in all, none of which has begun.
    pub(super) fn new(objects: usize, bytes: u64) -> Self {
        Self { objects, bytes, ..Self::default() }
    }

    /// Counts an object that has ended.
    pub(super) fn add(&self, object: &Listed, done: &Result<Summary>) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        match done.as_ref().map(|summary| summary.state) {
            Ok(State::AlreadyLoaded) => {
                self.passed_over.fetch_add(object.size(), Ordering::Relaxed);
            }
            Ok(State::Loaded | State::DryRun) => {}
            Ok(State::Failed) | Err(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Bytes that need not be read any more. What is loaded again after it failed is read twice.
    fn position(&self) -> u64 {
        let read = self.load.bytes_read.load(Ordering::Relaxed);
        (read + self.passed_over.load(Ordering::Relaxed)).min(self.bytes)
    }

    /// Of several objects how many are done and failed, of one its records.
    fn words(&self, since: Instant) -> String {
        let (ended, failed) = (&self.ended, &self.failed);
        let (ended, failed) = (ended.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
        if self.objects > 1 {
            return format!("{} of {} objects done, {failed} failed", ended - failed, self.objects);
        }
        let records = self.load.records.load(Ordering::Relaxed);
        let per_second = records as f64 / since.elapsed().as_secs_f64().max(0.001);
        format!("{records} records, {per_second:.0}/s")
    }
}
