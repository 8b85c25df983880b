//! A progress bar on a terminal, and nothing elsewhere.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pipeline::catalog::run::CrawlProgress;
use pipeline::load::Progress;
use tokio::task::JoinHandle;

/// How often the bar is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Shows how far a load is, until it is dropped.
pub(super) struct Watch {
    drawing: Option<(JoinHandle<()>, ProgressBar)>,
}

impl Watch {
    /// Begins to show the progress of loading so many bytes.
    pub(super) fn begin(bytes: u64, progress: &Arc<Progress>) -> Self {
        let style =
            ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes}, {eta} left");
        let (true, Ok(style)) = (io::stderr().is_terminal(), style) else {
            return Self { drawing: None };
        };
        let bar = ProgressBar::new(bytes).with_style(style);
        let task = tokio::spawn(draw(bar.clone(), Arc::clone(progress)));
        Self { drawing: Some((task, bar)) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((task, bar)) = self.drawing.take() {
            task.abort();
            bar.finish_and_clear();
        }
    }
}

/// Shows how far a crawl is, until it is dropped.
pub(super) struct CrawlWatch {
    drawing: Option<(JoinHandle<()>, ProgressBar)>,
}

impl CrawlWatch {
    /// Begins to show it. How many objects are to come is not known, since they are read as they are
    /// listed.
    pub(super) fn begin(progress: &Arc<CrawlProgress>) -> Self {
        let template = "{spinner} {msg}, {binary_bytes} read, {binary_bytes_per_sec}, {elapsed}";
        let (true, Ok(style)) =
            (io::stderr().is_terminal(), ProgressStyle::with_template(template))
        else {
            return Self { drawing: None };
        };
        let bar = ProgressBar::new_spinner().with_style(style);
        let task = tokio::spawn(draw_crawl(bar.clone(), Arc::clone(progress)));
        Self { drawing: Some((task, bar)) }
    }
}

impl Drop for CrawlWatch {
    fn drop(&mut self) {
        if let Some((task, bar)) = self.drawing.take() {
            task.abort();
            bar.finish_and_clear();
        }
    }
}

async fn draw_crawl(bar: ProgressBar, progress: Arc<CrawlProgress>) {
    let mut ticks = tokio::time::interval(DRAW_EVERY);
    loop {
        ticks.tick().await;
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let done = count(&progress.unchanged) + count(&progress.read);
        let (objects, records) = (count(&progress.objects), count(&progress.records));
        bar.set_message(format!("{done} of {objects} objects listed, {records} records"));
        bar.set_position(count(&progress.bytes_read));
        bar.tick();
    }
}

/// Shows how many rows were written, until it is dropped.
pub(super) struct RowWatch {
    drawing: Option<(JoinHandle<()>, ProgressBar)>,
}

impl RowWatch {
    /// Begins to show the rows that were written, out of those that there may be.
    pub(super) fn begin(estimate: Option<u64>, written: &Arc<AtomicU64>) -> Self {
        let (bar, template) = match estimate {
            Some(rows) => (
                ProgressBar::new(rows),
                "{wide_bar} {human_pos} of about {human_len} rows, {per_sec}, {eta} left",
            ),
            None => (ProgressBar::new_spinner(), "{human_pos} rows, {per_sec}, {elapsed}"),
        };
        let style = ProgressStyle::with_template(template);
        let (true, Ok(style)) = (io::stderr().is_terminal(), style) else {
            return Self { drawing: None };
        };
        let bar = bar.with_style(style);
        let task = tokio::spawn(draw_rows(bar.clone(), Arc::clone(written)));
        Self { drawing: Some((task, bar)) }
    }
}

impl Drop for RowWatch {
    fn drop(&mut self) {
        if let Some((task, bar)) = self.drawing.take() {
            task.abort();
            bar.finish_and_clear();
        }
    }
}

async fn draw_rows(bar: ProgressBar, written: Arc<AtomicU64>) {
    let mut ticks = tokio::time::interval(DRAW_EVERY);
    loop {
        ticks.tick().await;
        bar.set_position(written.load(Ordering::Relaxed));
    }
}

async fn draw(bar: ProgressBar, progress: Arc<Progress>) {
    let since = Instant::now();
    let mut ticks = tokio::time::interval(DRAW_EVERY);
    loop {
        ticks.tick().await;
        let records = progress.records.load(Ordering::Relaxed);
        let per_second = records as f64 / since.elapsed().as_secs_f64().max(0.001);
        bar.set_message(format!("{records} records, {per_second:.0}/s"));
        bar.set_position(progress.bytes_read.load(Ordering::Relaxed));
    }
}
