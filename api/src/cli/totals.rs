//! What many loads have done together.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use pipeline::error::{Error, Result};
use pipeline::feed::Feed;
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
    /// An object failed as all others of its feed would.
    is_stopped: bool,
    /// Objects that will have ended when all of the feed have.
    ended_with_feed: usize,
    /// Of the objects that were loaded or checked now.
    records: u64,
    rejected: u64,
    /// What was done to the tables of each feed, in the order in which these come first.
    pub(crate) written: Vec<(Arc<Feed>, Written)>,
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
            ended_with_feed: 0,
            records: 0,
            rejected: 0,
            written: Vec::new(),
            unknown_fields: BTreeMap::new(),
        }
    }

    /// So many objects of one feed follow.
    pub(crate) const fn begin_feed(&mut self, objects: usize) {
        self.ended_with_feed = self.ended() + objects;
        self.is_stopped = false;
    }

    /// Counts what became of an object; `feed` is none if it is unclear which it goes through.
    pub(crate) fn add(&mut self, feed: Option<&Arc<Feed>>, done: &Result<Summary>) {
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
            self.rejected += summary.rejected;
            if let Some(feed) = feed {
                self.written_of(feed).add(summary);
            }
            add_counts(&mut self.unknown_fields, &summary.unknown_fields);
        }
    }

    fn written_of(&mut self, feed: &Arc<Feed>) -> &mut Written {
        let known = self.written.iter().position(|(other, _)| other.name == feed.name);
        let at = known.unwrap_or_else(|| {
            self.written.push((Arc::clone(feed), Written::default()));
            self.written.len() - 1
        });
        &mut self.written[at].1
    }

    const fn ended(&self) -> usize {
        self.loaded + self.already_loaded + self.checked + self.failed
    }

    /// Whether what went wrong with an object would go wrong with all others of its feed too.
    pub(crate) const fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Objects that were not tried.
    const fn untried(&self) -> usize {
        self.objects - self.ended()
    }

    /// The same of the objects of the feed that was begun last.
    pub(crate) const fn untried_of_feed(&self) -> usize {
        self.ended_with_feed - self.ended()
    }

    /// Whether the tables have the rows of an object.
    pub(crate) const fn are_written(&self) -> bool {
        self.loaded + self.already_loaded > 0
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
        let Self { records, rejected, .. } = self;
        write!(
            f,
            "objects: {}; {records} records, {rejected} of them rejected, in {seconds:.2} s",
            objects.join(", ")
        )
    }
}
