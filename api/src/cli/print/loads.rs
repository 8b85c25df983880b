//! What is printed of loads and of the rows in their tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Cell, Table};
use pipeline::feed::Feed;
use pipeline::load::{State, Summary, Warning};
use pipeline::side_by_side::cell;
use pipeline::verify::{Count, Verified};

use super::Printer;
use super::table::{framed, right};

impl Printer {
    /// A load as a table with a line for each target table.
    pub(crate) fn summary(&self, summary: &Summary, feed: &Feed) {
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
        let load = summary.load_id.map(|id| format!(" (load {id})")).unwrap_or_default();
        let mut text = format!("{headline}{load}\n{}\n", tables(summary, feed));
        if !summary.unknown_fields.is_empty() {
            writeln!(text, "warning: unknown fields: {}", counted(&summary.unknown_fields)).ok();
        }
        for Warning { field, detail, .. } in &summary.warnings {
            let warning = format!("warning: {field}: {detail}");
            let is_first = self.warned.borrow_mut().insert(warning.clone());
            if is_first && !summary.unknown_fields.contains_key(field) {
                writeln!(text, "{warning}").ok();
            }
        }
        if summary.records == 0 {
            self.note("note: the object holds no records");
        }
        self.data(&text);
    }

    /// What the tables and objects have of each load.
    pub(crate) fn verified(&self, loads: &[Verified]) {
        let header =
            ["load", "object", "records", "loaded", "status rows", "log rows", "rejected", ""];
        let mut shown = framed(header);
        for load in loads {
            shown.add_row([
                load.load_id.to_string(),
                cell(&load.object),
                verified(&load.records),
                verified(&load.loaded),
                verified(&load.status_rows),
                verified(&load.log_rows),
                verified(&load.rejected),
                if load.agrees() { "agrees" } else { "differs" }.to_owned(),
            ]);
        }
        self.data(&format!("{shown}\n"));
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

/// A line for each table: its rows, and what is to be said of them.
fn tables(summary: &Summary, feed: &Feed) -> Table {
    let merged = summary.merged.map(|merged| {
        let (inserted, updated) = (merged.inserted, merged.updated);
        format!("{inserted} inserted, {updated} updated, {} superseded", merged.superseded)
    });
    let reasons = counted(&summary.rejected_by_reason);
    let mut table = framed(["table", "records or rows", ""].map(Cell::new));
    for (name, rows, remark) in [
        (feed.status_table, summary.loaded, merged.unwrap_or_default()),
        (feed.log_table, summary.log_rows, String::new()),
        (feed.rejected_table, summary.rejected, reasons),
    ] {
        table.add_row([Cell::new(name), right(rows), Cell::new(remark)]);
    }
    table
}

fn counted(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by(|(_, one), (_, other)| other.cmp(one));
    counts
        .iter()
        .map(|(name, count)| format!("{} {count}", cell(name)))
        .collect::<Vec<_>>()
        .join(", ")
}
