//! A progress bar on a terminal, and nothing elsewhere.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
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

/// Counts rows on a terminal, until it is dropped.
pub(super) struct RowCount(ProgressBar);

impl RowCount {
    pub(super) fn begin() -> Self {
        // It draws nothing where there is no terminal.
        let bar = ProgressBar::new_spinner();
        match ProgressStyle::with_template("{human_pos} rows, {per_sec}, {elapsed}") {
            Ok(style) => Self(bar.with_style(style)),
            Err(_) => Self(ProgressBar::hidden()),
        }
    }

    pub(super) fn add(&self, rows: u64) {
        self.0.inc(rows);
    }
}

impl Drop for RowCount {
    fn drop(&mut self) {
        self.0.finish_and_clear();
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
