//! What many loads have done together.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use pipeline::error::{Error, Result};
use pipeline::ledger::TableCounts;
use pipeline::load::{State, Summary};
use pipeline::sink::RowCounts;

/// How many objects ended how, and what was in them.
pub(crate) struct Totals {
    began: Instant,
    objects: usize,
    loaded: usize,
    already_loaded: usize,
    checked: usize,
    failed: usize,
    /// An object failed as all others would.
    is_stopped: bool,
    /// Of the objects that were loaded or checked now.
    records: u64,
    pub(crate) written: Written,
    pub(crate) unknown_fields: BTreeMap<String, u64>,
}

/// What loads have done to the tables of a feed, or would have.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) rejected: u64,
    pub(crate) tables: BTreeMap<String, RowCounts>,
    pub(crate) rejected_by_reason: BTreeMap<String, u64>,
}

impl Written {
    pub(crate) fn add(&mut self, summary: &Summary) {
        self.rejected += summary.rejected;
        add_counts(&mut self.rejected_by_reason, &summary.rejected_by_reason);
        for TableCounts { table, counts } in &summary.tables {
            self.tables.entry(table.clone()).or_default().add(counts);
        }
    }
}

fn add_counts(counts: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (name, count) in more {
        *counts.entry(name.clone()).or_default() += count;
    }
}

impl Totals {
    /// Of so many objects, none of which has ended.
    pub(crate) fn begin(objects: usize) -> Self {
        Self {
            began: Instant::now(),
            objects,
            loaded: 0,
            already_loaded: 0,
            checked: 0,
            failed: 0,
            is_stopped: false,
            records: 0,
            written: Written::default(),
            unknown_fields: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, done: &Result<Summary>) {
        let ended = match done.as_ref().map(|summary| summary.state) {
            Ok(State::Loaded) => &mut self.loaded,
            Ok(State::DryRun) => &mut self.checked,
            Ok(State::AlreadyLoaded) => &mut self.already_loaded,
            Ok(State::Failed) | Err(_) => &mut self.failed,
        };
        *ended += 1;
        self.is_stopped |= done.as_ref().is_err_and(Error::fails_every_load);
        if let Ok(summary) = done
            && matches!(summary.state, State::Loaded | State::DryRun)
        {
            self.records += summary.records;
            self.written.add(summary);
            add_counts(&mut self.unknown_fields, &summary.unknown_fields);
        }
    }

    /// Whether what went wrong with an object would go wrong with all others too.
    pub(crate) const fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Objects that were not tried.
    pub(crate) const fn untried(&self) -> usize {
        self.objects - self.loaded - self.already_loaded - self.checked - self.failed
    }

    /// Whether the tables have the rows of an object.
    pub(crate) const fn are_written(&self) -> bool {
        self.loaded + self.already_loaded > 0
    }

    /// Whether rows were written or checked now.
    pub(crate) const fn are_counted(&self) -> bool {
        self.loaded + self.checked > 0
    }

    /// Whether every object is loaded, or was checked.
    pub(crate) const fn are_done(&self) -> bool {
        self.loaded + self.already_loaded + self.checked == self.objects
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objects = [
            (self.loaded, "loaded"),
            (self.checked, "checked"),
            (self.already_loaded, "loaded already"),
            (self.failed, "failed"),
            (self.untried(), "not tried"),
        ];
        let objects = objects.iter().filter(|(count, _)| *count > 0);
        let objects = objects.map(|(count, ended)| format!("{count} {ended}")).collect::<Vec<_>>();
        let seconds = self.began.elapsed().as_secs_f64();
        let Self { records, written: Written { rejected, .. }, .. } = self;
        write!(
            f,
            "objects: {}; {records} records, {rejected} of them rejected, in {seconds:.2} s",
            objects.join(", ")
        )
    }
}
