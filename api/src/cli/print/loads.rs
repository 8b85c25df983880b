//! What is printed of loads and of the rows in their tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use comfy_table::{Cell, Table};
use pipeline::feed::{Feed, RowsOf, TablePlan};
use pipeline::load::{Discarded, State, Summary, Warning};
use pipeline::side_by_side::{cell, one_line};
use pipeline::sink::RowCounts;
use pipeline::store::Listed;
use pipeline::verify::{Count, TableCount, Verified};

use super::Printer;
use super::table::{framed, right};
use crate::cli::totals::{Totals, Written};

impl Printer {
    /// A load as a table with a line for each target table.
    pub(crate) fn summary(&self, summary: &Summary, feed: Option<&Arc<Feed>>) {
        let seconds = summary.seconds;
        let headline = match summary.state {
            State::Loaded => format!("loaded {} in {seconds:.2} s", summary.object),
            State::DryRun => {
                format!("checked {} in {seconds:.2} s: nothing was written", summary.object)
            }
            State::AlreadyLoaded => {
                format!(
                    "{} is loaded already: nothing was written (--reload loads it again)",
                    summary.object
                )
            }
            State::Failed => return,
        };
        let mut written = Written::default();
        written.add(summary);
        let of_load = load_and_mode(summary);
        let mut text = format!("{headline}{of_load}\n");
        if let Some(feed) = feed {
            writeln!(text, "{}", tables(&written, feed)).ok();
        }
        if !summary.unknown_fields.is_empty() {
            writeln!(text, "warning: unknown fields: {}", counted(&summary.unknown_fields)).ok();
        }
        for warning in self.new_warnings(summary) {
            writeln!(text, "{warning}").ok();
        }
        if summary.records == 0 {
            self.note("note: the object holds no records");
        }
        self.text(&text);
    }

    /// One of several loads, as a line under those before it; a header before the first.
    pub(crate) fn load_line(&self, lines: &mut LoadLines, summary: &Summary) {
        self.text(&lines.line(summary));
        for warning in self.new_warnings(summary) {
            self.note(&warning);
        }
    }

    /// What several loads have done together; beside JSON it is no result.
    pub(crate) fn totals(&self, totals: &Totals, json: bool) {
        if json {
            return self.note(&totals.to_string());
        }
        self.text(&format!("\n{totals}\n"));
        for (feed, written) in &totals.written {
            if totals.written.len() > 1 {
                self.text(&format!("feed {}\n", feed.name));
            }
            self.text(&format!("{}\n", tables(written, feed)));
        }
        if !totals.unknown_fields.is_empty() {
            self.note(&format!("warning: unknown fields: {}", counted(&totals.unknown_fields)));
        }
    }

    /// The warnings of a load that no load before it had, without those that its unknown fields say.
    fn new_warnings(&self, summary: &Summary) -> Vec<String> {
        let text = |Warning { field, detail, .. }: &Warning| {
            let about = field.as_ref().unwrap_or(&summary.object);
            let text = format!("warning: {about}: {detail}");
            let is_new = self.warned.borrow_mut().insert(text.clone());
            let is_said = field.as_ref().is_some_and(|it| summary.unknown_fields.contains_key(it));
            (is_new && !is_said).then_some(text)
        };
        summary.warnings.iter().filter_map(text).collect()
    }

    /// What was removed of a load.
    pub(crate) fn discarded(&self, discarded: &Discarded) {
        let Discarded { load_id, object, version: _, committed, parts, tables } = discarded;
        let mut removed = framed(["table", "rows removed"].map(Cell::new));
        for table in tables {
            removed.add_row([Cell::new(&table.table), right(table.deleted)]);
        }
        self.text(&format!(
            "discarded the load {load_id} of {object}: {committed} of its {parts} parts were committed\n\
             {removed}\n"
        ));
    }

    /// What the tables and objects have of each load.
    pub(crate) fn verified(&self, loads: &[Verified]) {
        let header = ["load", "object", "records", "loaded", "rejected", "rows of tables", ""];
        let mut shown = framed(header);
        for load in loads {
            shown.add_row([
                load.load_id.to_string(),
                with_replay(load),
                verified(&load.records),
                verified(&load.loaded),
                verified(&load.rejected),
                rows_of_tables(&load.tables),
                if load.agrees() { "agrees" } else { "differs" }.to_owned(),
            ]);
        }
        self.text(&format!("{shown}\n"));
    }
}

/// How the lines of several loads stand under each other.
#[derive(Debug)]
pub(crate) struct LoadLines {
    object_width: usize,
    has_header: bool,
}

impl LoadLines {
    pub(crate) fn new(objects: &[Listed]) -> Self {
        let widths = objects.iter().map(|object| one_line(&object.url()).chars().count());
        Self { object_width: widths.max().unwrap_or_default(), has_header: false }
    }

    fn line(&mut self, summary: &Summary) -> String {
        let Summary { state, records, loaded, rejected, seconds, .. } = summary;
        let counts = [records, loaded, rejected].map(u64::to_string);
        let no = || "-".to_owned();
        let none = || [no(), no(), no()];
        let seconds = format!("{seconds:.2}");
        let (state, counts, seconds) = match state {
            State::Loaded => ("loaded", counts, seconds),
            State::DryRun => ("checked", counts, seconds),
            // How long it took is of another day.
            State::AlreadyLoaded => ("loaded already", counts, no()),
            State::Failed => ("failed", none(), no()),
        };
        let mut text = String::new();
        if !std::mem::replace(&mut self.has_header, true) {
            let counts = ["records", "loaded", "rejected"].map(str::to_owned);
            text = self.columns("state", "object", &counts, "seconds");
        }
        text + &self.columns(state, &one_line(&summary.object), &counts, &seconds)
    }

    fn columns(&self, state: &str, object: &str, counts: &[String; 3], seconds: &str) -> String {
        let width = self.object_width;
        let [records, loaded, rejected] = counts;
        format!(
            "{state:14}  {object:width$}  {records:>9}  {loaded:>9}  {rejected:>9}  {seconds:>8}\n"
        )
    }
}

/// The object of a load, and which load it replays.
fn with_replay(load: &Verified) -> String {
    match &load.replay {
        Some(replay) => format!("{} (replay of {})", cell(&load.object), replay.replay_of),
        None => cell(&load.object),
    }
}

/// A count of the ledger, and those of others that are not the same.
fn verified(count: &Count) -> String {
    let mut text = count.ledger.to_string();
    for (place, other) in [("table", count.table), ("object", count.object)] {
        if let Some(other) = other.filter(|other| *other != count.ledger) {
            // Writing to a string cannot fail.
            write!(text, ", {place} {other}").ok();
        }
    }
    text
}

/// A line for each table: the rows that a load has there.
fn rows_of_tables(tables: &[TableCount]) -> String {
    let line = |table: &TableCount| format!("{} {}", cell(&table.table), verified(&table.rows));
    tables.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The load's number and the mode in which it was written.
fn load_and_mode(summary: &Summary) -> String {
    let load = summary.load_id.map(|id| format!("load {id}"));
    let mode = summary.mode.map(|mode| format!("mode {mode}"));
    let known: Vec<_> = [load, mode].into_iter().flatten().collect();
    if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) }
}

/// A line for each table: its rows, and what is to be said of them.
fn tables(written: &Written, feed: &Feed) -> Table {
    let mut table = framed(["table", "records or rows", ""].map(Cell::new));
    for TablePlan { name, rows, .. } in &feed.plan.tables {
        let name = name.plain();
        let counts = written.tables.get(&name).copied().unwrap_or_default();
        let remark = match rows {
            RowsOf::Rejects => counted(&written.rejected_by_reason),
            RowsOf::Records | RowsOf::Entries { .. } => became(&counts),
        };
        table.add_row([Cell::new(name), right(counts.rows), Cell::new(remark)]);
    }
    table
}

/// What became of rows that are not all new.
fn became(counts: &RowCounts) -> String {
    let RowCounts { rows, inserted, updated, unchanged, superseded, .. } = *counts;
    if inserted == rows {
        return String::new();
    }
    format!(
        "{inserted} inserted, {updated} updated, {unchanged} unchanged, {superseded} superseded"
    )
}

pub(super) fn counted(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by(|(_, one), (_, other)| other.cmp(one));
    counts
        .iter()
        .map(|(name, count)| format!("{} {count}", cell(name)))
        .collect::<Vec<_>>()
        .join(", ")
}
