//! What many loads have done together.

use std::fmt;
use std::time::Instant;

use pipeline::error::Result;
use pipeline::load::{State, Summary};

/// How many objects ended how, and what was in them.
pub(super) struct Totals {
    began: Instant,
    loaded: u64,
    already_loaded: u64,
    checked: u64,
    pub(super) failed: u64,
    /// Of the objects that were loaded or checked now.
    records: u64,
    rejected: u64,
}

impl Totals {
    pub(super) fn begin() -> Self {
        Self {
            began: Instant::now(),
            loaded: 0,
            already_loaded: 0,
            checked: 0,
            failed: 0,
            records: 0,
            rejected: 0,
        }
    }

    pub(super) fn add(&mut self, done: &Result<Summary>) {
        let ended = match done.as_ref().map(|summary| summary.state) {
            Ok(State::Loaded) => &mut self.loaded,
            Ok(State::DryRun) => &mut self.checked,
            Ok(State::AlreadyLoaded) => &mut self.already_loaded,
            Ok(State::Failed) | Err(_) => &mut self.failed,
        };
        *ended += 1;
        if let Ok(Summary { state: State::Loaded | State::DryRun, records, rejected, .. }) = done {
            self.records += records;
            self.rejected += rejected;
        }
    }

    /// Whether the tables have the rows of an object.
    pub(super) const fn are_written(&self) -> bool {
        self.loaded + self.already_loaded > 0
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objects = [
            (self.loaded, "loaded"),
            (self.checked, "checked"),
            (self.already_loaded, "loaded already"),
            (self.failed, "failed"),
        ];
        let objects = objects.iter().filter(|(count, _)| *count > 0);
        let objects = objects.map(|(count, ended)| format!("{count} {ended}")).collect::<Vec<_>>();
        let seconds = self.began.elapsed().as_secs_f64();
        let Self { records, rejected, .. } = self;
        write!(
            f,
            "objects: {}; {records} records, {rejected} of them rejected, in {seconds:.2} s",
            objects.join(", ")
        )
    }
}
