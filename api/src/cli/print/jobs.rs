//! What is printed of jobs.

use std::fmt::Write as _;

use pipeline::side_by_side::cell;
use pipeline::sink::RequestedMode;

use super::Printer;
use super::table::framed;
use crate::wire::{Job, JobCounts, JobState};

impl Printer {
    /// Jobs as a table, a line each.
    pub(crate) fn jobs(&self, jobs: &[Job]) {
        if jobs.is_empty() {
            return self.note("note: there are no such jobs");
        }
        let mut table = framed(["job", "state", "objects", "records", "rejected", "accepted"]);
        for job in jobs {
            table.add_row([
                job.job_id.to_string(),
                job.state.as_str().to_owned(),
                cell(&objects(job)),
                job.records.to_string(),
                job.rejected.to_string(),
                job.created_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            ]);
        }
        self.text(&format!("{table}\n"));
    }

    /// A job, as a load's summary looks.
    pub(crate) fn job(&self, job: &Job) {
        let attempts = match job.attempts {
            0 | 1 => String::new(),
            attempts => format!(", attempt {attempts}"),
        };
        let verb = match job.state {
            JobState::Succeeded | JobState::Failed => "has",
            JobState::Queued | JobState::Running | JobState::Cancelled => "is",
        };
        let (objects, state) = (objects(job), job.state.as_str());
        let mut text =
            format!("{objects} {verb} {state}{attempts} (job {}, {})\n", job.job_id, job_mode(job));
        if let Some(error) = &job.first_error {
            // What is side by side stands on lines of its own.
            let (first, rest) = error.detail.split_once('\n').unwrap_or((&error.detail, ""));
            writeln!(text, "first error: {first} ({})", error.code).ok();
            if !rest.is_empty() {
                writeln!(text, "{rest}").ok();
            }
        }
        if let (JobState::Queued, Some(error)) = (job.state, &job.error) {
            writeln!(text, "waits: {} ({})", error.detail, error.code).ok();
        }
        if let Some(JobCounts { queued, running, succeeded, failed, cancelled }) = &job.jobs {
            let jobs = [
                (queued, "queued"),
                (running, "running"),
                (succeeded, "succeeded"),
                (failed, "failed"),
                (cancelled, "cancelled"),
            ];
            let jobs = jobs.iter().map(|(count, state)| format!("{count} {state}"));
            writeln!(text, "jobs: {}", jobs.collect::<Vec<_>>().join(", ")).ok();
        }
        let load = job.load_id.map(|load_id| format!("load {load_id}")).unwrap_or_default();
        let mut table = framed(["records", "loaded", "rejected", ""]);
        table.add_row([
            job.records.to_string(),
            job.loaded.to_string(),
            job.rejected.to_string(),
            load,
        ]);
        writeln!(text, "{table}").ok();
        self.text(&text);
    }
}

/// The mode that a job was asked for and, once its tables have chosen, theirs.
fn job_mode(job: &Job) -> String {
    let used = job.summary.as_ref().and_then(|summary| summary["strategy"].as_str());
    let asked = job.mode.as_deref();
    match (used.filter(|_| asked == Some(RequestedMode::Auto.as_str())), asked) {
        (Some(used), _) => format!("mode {used}, chosen by auto"),
        (None, Some(asked)) => format!("mode {asked}"),
        (None, None) => "the mode of each feed".to_owned(),
    }
}

/// The objects that a job is over.
fn objects(job: &Job) -> String {
    let below = || job.prefix.as_ref().map(|prefix| format!("{prefix}*"));
    let objects = job.key.clone().or_else(below).or_else(|| job.glob.clone());
    format!("{}/{}", job.bucket, objects.unwrap_or_default())
}
