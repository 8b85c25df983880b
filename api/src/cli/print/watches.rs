//! What is printed of watches.

use chrono::{DateTime, Utc};
use pipeline::side_by_side::cell;

use super::Printer;
use super::table::{framed, right};
use crate::jobs::watches::{Watch, WatchRun};

impl Printer {
    /// Watches as a table, a line each.
    pub(crate) fn watches(&self, watches: &[Watch]) {
        if watches.is_empty() {
            return self.note("note: there are no watches");
        }
        let header = ["watch", "state", "objects", "feed", "lists", "next", "last run"];
        let mut table = framed(header);
        for watch in watches {
            let below = watch.prefix.as_ref().map(|prefix| format!("{prefix}*"));
            let keys = watch.glob.clone().or(below).unwrap_or_default();
            let every = watch.every.as_ref().map(|every| format!("every {every}"));
            table.add_row([
                cell(&watch.name),
                watch.state.as_str().to_owned(),
                cell(&format!("{}/{keys}", watch.bucket)),
                cell(watch.feed.as_deref().unwrap_or("by key")),
                watch.schedule.clone().or(every).unwrap_or_default(),
                time(watch.next_run_at),
                watch.last_run.as_ref().map(outcome).unwrap_or_default(),
            ]);
        }
        self.text(&format!("{table}\n"));
    }

    /// Runs of a watch as a table, a line each.
    pub(crate) fn watch_runs(&self, runs: &[WatchRun]) {
        if runs.is_empty() {
            return self.note("note: there are no runs yet");
        }
        let header =
            ["run", "state", "asked by", "began", "seen", "new", "submitted", "held", "failed"];
        let mut table = framed(header);
        for run in runs {
            table.add_row(vec![
                run.run_id.to_string().into(),
                outcome(run).into(),
                cell(&run.requested_by).into(),
                time(run.started_at).into(),
                right(run.seen),
                right(run.new),
                right(run.submitted),
                right(run.held),
                right(run.failed),
            ]);
        }
        self.text(&format!("{table}\n"));
    }
}

/// What came of a run, in a few words.
fn outcome(run: &WatchRun) -> String {
    match &run.error {
        Some(error) => cell(&format!("failed: {}", error.code)),
        None if run.state == "ended" => "succeeded".to_owned(),
        None => run.state.clone(),
    }
}

fn time(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}
