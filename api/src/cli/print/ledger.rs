//! What is printed of the loads of the ledger.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Cell, Table};
use pipeline::side_by_side::cell;
use serde_json::Value;

use super::Printer;
use super::loads::counted;
use super::table::{framed, right};
use crate::ledger::LedgerLoad;
use crate::wire::{Load, LoadState, LoadTable};

/// How the time of a load is written, in UTC.
const INSTANT: &str = "%Y-%m-%d %H:%M:%S";

impl Printer {
    /// Loads as a table, a line each.
    pub(crate) fn loads(&self, loads: &[LedgerLoad]) {
        if loads.is_empty() {
            return self.note("note: there are no such loads");
        }
        let header = [
            "load",
            "state",
            "feed",
            "object",
            "records",
            "rejected",
            "open",
            "began (UTC)",
            "seconds",
        ];
        let mut table = framed(header);
        for LedgerLoad { load, .. } in loads {
            table.add_row([
                right(load.load_id),
                Cell::new(load.state.as_str()),
                Cell::new(cell(&load.feed)),
                Cell::new(cell(&object(load))),
                right(number(load.records)),
                right(number(load.rejected)),
                right(number(load.rejects_open)),
                Cell::new(load.started_at.format(INSTANT)),
                right(seconds(load)),
            ]);
        }
        self.text(&format!("{table}\n"));
    }

    /// A load with its counts, or why it has none.
    pub(crate) fn ledger_load(&self, LedgerLoad { load, error }: &LedgerLoad) {
        let (object, state) = (object(load), load.state.as_str());
        let mut text = format!(
            "load {} of {object}: {state} (feed {}, mode {})\n",
            load.load_id, load.feed, load.mode
        );
        for (name, fact) in facts(load) {
            writeln!(text, "{:15} {fact}", format!("{name}:")).ok();
        }
        if !load.tables.is_empty() {
            writeln!(text, "{}", tables(&load.tables)).ok();
        }
        if let Some(error) = error {
            let code = load.error_code.as_deref().unwrap_or("failed");
            writeln!(text, "error ({code}): {error}").ok();
        }
        self.text(&text);
        if load.state == LoadState::Loading {
            self.note(&format!(
                "hint: load the object again to continue; or remove what is there: `stevedore loads discard {}`",
                load.load_id
            ));
        }
    }
}

/// What is known of a load besides its tables, each with its name.
fn facts(load: &Load) -> Vec<(&'static str, String)> {
    let count = |count: Option<i64>| count.map(|count| count.to_string());
    let words = [load.format.as_deref(), load.compression.as_deref()];
    let words = words.into_iter().flatten().map(|word| format!(", {word}")).collect::<String>();
    let took = load.seconds.map(|seconds| format!(", took {seconds:.2} s")).unwrap_or_default();
    let parts = load.parts.map(|parts| {
        format!("{} of {parts} are committed", load.parts_committed.unwrap_or_default())
    });
    let facts = [
        ("version", Some(load.version.clone())),
        ("size", Some(format!("{} bytes{words}", load.bytes))),
        ("began", Some(format!("{} UTC{took}", load.started_at.format(INSTANT)))),
        ("parts", parts),
        ("job", load.job_id.map(|job| job.to_string())),
        ("reload", load.reload.then(|| "yes".to_owned())),
        ("replay of", load.replay_of.map(|load| format!("load {load}"))),
        ("records", count(load.records)),
        ("loaded", count(load.loaded)),
        (
            "rejected",
            count(load.rejected).map(|rejected| with_counts(rejected, &load.rejected_by_reason)),
        ),
        ("open rejects", count(load.rejects_open)),
        ("unknown fields", by_name(&load.unknown_fields)),
    ];
    facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}

fn tables(tables: &[LoadTable]) -> Table {
    let header = ["table", "rows", "inserted", "updated", "unchanged", "superseded", "deleted"];
    let mut shown = framed(header);
    for table in tables {
        let LoadTable { table, rows, inserted, updated, unchanged, superseded, deleted } = table;
        let counts = [rows, inserted, updated, unchanged, superseded, deleted];
        let cells = counts.into_iter().map(right);
        shown.add_row([Cell::new(cell(table))].into_iter().chain(cells));
    }
    shown
}

/// A number with the counts that it is the sum of.
fn with_counts(sum: String, counts: &Option<Value>) -> String {
    match by_name(counts) {
        Some(counts) => format!("{sum} ({counts})"),
        None => sum,
    }
}

/// Counts by name, the largest first; none where nothing was counted.
fn by_name(counts: &Option<Value>) -> Option<String> {
    let counts = serde_json::from_value::<BTreeMap<String, u64>>(counts.clone()?).ok()?;
    (!counts.is_empty()).then(|| counted(&counts))
}

fn object(load: &Load) -> String {
    format!("{}/{}", load.bucket, load.key)
}

fn number(count: Option<i64>) -> String {
    count.map_or_else(|| "-".to_owned(), |count| count.to_string())
}

fn seconds(load: &Load) -> String {
    load.seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.2}"))
}
