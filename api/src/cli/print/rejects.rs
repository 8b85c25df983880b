//! What is printed of rejects, and of what was done about them.

use std::fmt::Write as _;

use comfy_table::Cell;
use pipeline::load::State;
use pipeline::replay::{Ignored, Replayed};
use pipeline::side_by_side::cell;
use pipeline::sink::RowCounts;

use super::Printer;
use super::loads::counted;
use super::table::{framed, right};
use crate::wire::Reject;

/// How an instant is written, in UTC.
const INSTANT: &str = "%Y-%m-%d %H:%M:%S";
/// Refused rejects that are printed one by one.
const SHOWN_REFUSED: usize = 10;

impl Printer {
    /// Rejects as a table, a line each.
    pub(crate) fn rejects(&self, rejects: &[Reject]) {
        if rejects.is_empty() {
            return self.note("note: there are no such rejects");
        }
        let mut table = framed(["reject", "state", "feed", "object", "reason", "detail"]);
        for reject in rejects {
            let text = |text: &Option<String>| Cell::new(cell(text.as_deref().unwrap_or("-")));
            table.add_row([
                right(id(reject)),
                Cell::new(reject.state.as_str()),
                text(&reject.feed),
                text(&reject.object),
                text(&reject.reason),
                text(&reject.detail),
            ]);
        }
        self.text(&format!("{table}\n"));
    }

    /// A reject with its text, and what was done about it.
    pub(crate) fn reject(&self, reject: &Reject) {
        let mut text = format!("reject {}: {}\n", id(reject), reject.state.as_str());
        for (name, fact) in facts(reject) {
            // Writing to a String cannot fail.
            writeln!(text, "{:15} {fact}", format!("{name}:")).ok();
        }
        self.text(&text);
    }

    /// What a replay did.
    pub(crate) fn replayed(&self, replayed: &Replayed) {
        let Replayed { feed, records, loaded, rejected, rejected_by_reason, refused, .. } =
            replayed;
        let what = match replayed.state {
            State::DryRun => "checked: nothing was written",
            _ => "replayed",
        };
        let mut text = format!("{} of the feed {feed} {what}\n", counted_rejects(*records));
        let reasons = match rejected_by_reason.is_empty() {
            true => String::new(),
            false => format!(" ({})", counted(rejected_by_reason)),
        };
        writeln!(text, "{loaded} loaded, {rejected} rejected again{reasons}, {refused} refused")
            .ok();
        let is_written = replayed.state == State::Loaded && *records > 0;
        if is_written {
            let mut table =
                framed(["table", "rows", "inserted", "updated", "unchanged", "superseded"]);
            for of_table in &replayed.tables {
                let RowCounts { rows, inserted, updated, unchanged, superseded, .. } =
                    of_table.counts;
                let counts = [rows, inserted, updated, unchanged, superseded].map(right);
                table.add_row([Cell::new(cell(&of_table.table))].into_iter().chain(counts));
            }
            writeln!(text, "{table}").ok();
        }
        for (reason, example) in &replayed.examples {
            writeln!(text, "{reason}, for example {example}").ok();
        }
        for refused in replayed.first_refused.iter().take(SHOWN_REFUSED) {
            let reason = refused.reason.as_str();
            writeln!(text, "refused {} ({reason}): {}", refused.id, refused.detail).ok();
        }
        self.text(&text);
        if *refused > SHOWN_REFUSED as u64 {
            self.note("note: more were refused: --json has the counts by reason");
        }
    }

    /// What was ignored.
    pub(crate) fn ignored(&self, Ignored { feed, ignored }: &Ignored) {
        self.text(&format!("{} of the feed {feed} ignored\n", counted_rejects(*ignored)));
    }
}

fn counted_rejects(count: u64) -> String {
    if count == 1 { "1 reject".to_owned() } else { format!("{count} rejects") }
}

fn id(reject: &Reject) -> String {
    format!("{}:{}", reject.load_id, reject.record_no.unwrap_or_default())
}

/// What is known of a reject, each with its name.
fn facts(reject: &Reject) -> Vec<(&'static str, String)> {
    let place = reject.byte_offset.zip(reject.byte_length);
    let handled = reject.handled_by.as_ref().zip(reject.handled_at);
    let facts = [
        ("feed", reject.feed.clone()),
        ("object", reject.object.clone()),
        ("version", reject.object_version.clone()),
        ("place", place.map(|(offset, length)| format!("byte {offset}, {length} bytes"))),
        ("reason", reject.reason.clone()),
        ("detail", reject.detail.clone()),
        (
            "replay of",
            reject.replay_of.map(|load| format!("{load}:{}", reject.record_no.unwrap_or_default())),
        ),
        ("handled", handled.map(|(by, at)| format!("by {by}, {} UTC", at.format(INSTANT)))),
        ("replayed by", reject.replay_load_id.map(|load| format!("load {load}"))),
        ("note", reject.note.clone()),
        ("edited text", reject.edited_text.clone()),
        ("text", reject.raw.clone()),
    ];
    facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}
