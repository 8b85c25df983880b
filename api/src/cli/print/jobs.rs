//! What is printed of jobs.

use std::fmt::Write as _;

use pipeline::side_by_side::cell;
use pipeline::sink::RequestedMode;

use super::Printer;
use super::table::framed;
use crate::wire::{Action, Job, JobAction, JobCount, JobCounts, JobState, JobWorker};

/// Longest error in a list.
const ERROR_CHARACTERS: usize = 80;

impl Printer {
    /// Jobs as a table, a line each.
    pub(crate) fn jobs(&self, jobs: &[Job]) {
        if jobs.is_empty() {
            return self.note("note: there are no such jobs");
        }
        let mut table =
            framed(["job", "state", "objects", "records", "rejected", "accepted", "error"]);
        for job in jobs {
            table.add_row([
                job.job_id.to_string(),
                state(job),
                cell(&objects(job)),
                job.records.to_string(),
                job.rejected.to_string(),
                job.created_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                cell(&error(job)),
            ]);
        }
        self.text(&format!("{table}\n"));
    }

    /// What an action on jobs has done.
    pub(crate) fn action(&self, action: &JobAction) {
        let (verb, none) = match action.action {
            Action::Retry => ("queued again", "none has failed or was cancelled"),
            Action::Cancel => ("cancelled", "none is queued or running"),
        };
        match action.changed {
            0 => self.note(&format!("note: no job was {verb}: of those that match, {none}")),
            1 => self.text(&format!("1 job was {verb}\n")),
            jobs => self.text(&format!("{jobs} jobs were {verb}\n")),
        }
    }

    /// Jobs, counted.
    pub(crate) fn job_counts(&self, counts: &[JobCount]) {
        if counts.is_empty() {
            return self.note("note: there are no jobs");
        }
        let mut table = framed(["state", "feed", "error", "jobs"]);
        for JobCount { state, feed, error_code, jobs } in counts {
            let text = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
            table.add_row([
                state.as_str().to_owned(),
                text(feed),
                text(error_code),
                jobs.to_string(),
            ]);
        }
        self.text(&format!("{table}\n"));
    }

    /// A job, as a load's summary looks; first some of its jobs that failed.
    pub(crate) fn job(&self, job: &Job, failed: &[Job]) {
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
        text += &failures(job, failed);
        if job.already_loaded {
            text += "this version was loaded already: nothing was written\n";
        }
        if let Some(JobWorker { worker_id, last_heartbeat_at, silent: true }) = &job.worker {
            let since = last_heartbeat_at.map(|at| at.format(" since %H:%M:%S").to_string());
            let since = since.unwrap_or_default();
            writeln!(
                text,
                "its worker {worker_id} is silent{since}: another one takes the job over"
            )
            .ok();
        }
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
        if let Some(counts) = &job.jobs {
            let JobCounts { queued, running, succeeded, failed, cancelled, already_loaded } =
                counts;
            let jobs = [
                (queued, "queued"),
                (running, "running"),
                (succeeded, "succeeded"),
                (failed, "failed"),
                (cancelled, "cancelled"),
            ];
            let jobs = jobs.iter().map(|(count, state)| format!("{count} {state}"));
            let already = match already_loaded {
                0 => String::new(),
                already => format!(" ({already} of them loaded already)"),
            };
            let jobs = jobs.collect::<Vec<_>>().join(", ");
            let jobs = jobs.replacen(" succeeded", &format!(" succeeded{already}"), 1);
            writeln!(text, "jobs: {jobs}").ok();
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

/// The state of a job, and whether it loaded anything.
fn state(job: &Job) -> String {
    let already = if job.already_loaded { ", loaded already" } else { "" };
    format!("{}{already}", job.state.as_str())
}

/// Why a job failed or waits, in a few words: the whole is shown with the job.
fn error(job: &Job) -> String {
    let Some(error) = job.error.as_ref().or(job.first_error.as_ref()) else {
        return String::new();
    };
    let text = format!("{}: {}", error.code, error.detail.lines().next().unwrap_or_default());
    match text.char_indices().nth(ERROR_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A line for each failed job, and how many more there are.
fn failures(job: &Job, failed: &[Job]) -> String {
    let mut text = String::new();
    for failed in failed {
        let key = failed.key.as_deref().unwrap_or_default();
        writeln!(text, "failed: {key} (job {}): {}", failed.job_id, error(failed)).ok();
    }
    let all = job.jobs.as_ref().map_or(0, |jobs| jobs.failed);
    let more = all.saturating_sub(failed.len() as u64);
    if more > 0 {
        let list = format!("stevedore jobs list --parent {} --state failed", job.job_id);
        writeln!(text, "{more} more failed: `{list}` lists them").ok();
    }
    text
}

/// The mode that a job was asked for and, once its tables have chosen, theirs.
fn job_mode(job: &Job) -> String {
    let used = job.summary.as_ref().and_then(|summary| summary["strategy"].as_str());
    let asked = job.mode.as_deref();
    match (used.filter(|_| asked == Some(RequestedMode::Auto.as_str())), asked) {
        (Some(used), _) => format!("mode {used}, chosen by auto"),
        (None, Some(asked)) => format!("mode {asked}"),
        (None, None) if job.rejects.is_some() => "the mode of each load".to_owned(),
        (None, None) => "the mode of each feed".to_owned(),
    }
}

/// The objects that a job is over.
fn objects(job: &Job) -> String {
    let below = || job.prefix.as_ref().map(|prefix| format!("{prefix}*"));
    let objects = job.key.clone().or_else(below).or_else(|| job.glob.clone());
    match &job.bucket {
        Some(bucket) => format!("{bucket}/{}", objects.unwrap_or_default()),
        None => format!("rejects of {}", job.feed.as_deref().unwrap_or("a feed")),
    }
}
