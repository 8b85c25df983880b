//! The only file that prints: data on standard output, all else on standard error.
//!
//! What is for people goes through [`escape`], since keys, names and errors come from elsewhere.

use std::cell::{Cell as StdCell, RefCell};
use std::collections::HashSet;
use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use pipeline::catalog::crawler::CrawlReport;
use pipeline::catalog::postgres::TablesReport;
use pipeline::catalog::store::{Gone, Published, TableVersion};
use pipeline::error::{Error, causes};
use pipeline::escape;
use pipeline::feed::Feed;
use pipeline::load::{State, Summary, Warning};
use pipeline::sink::RequestedMode;
use pipeline::verify::{Count, Verified};
use serde::Serialize;

use super::hint::hint;
use super::preview::Preview;
use crate::jobs::crawlers::Crawler;
use crate::jobs::{Job, JobCounts, JobState};

/// Prints what a verb has to say.
#[derive(Debug, Default)]
pub(crate) struct Printer {
    is_cut_off: StdCell<bool>,
    notes_are_logged: StdCell<bool>,
    /// The warnings that were printed: most are about a table, and true of each of its objects.
    warned: RefCell<HashSet<String>>,
}

impl Printer {
    /// A text for people, on standard output.
    pub(crate) fn text(&self, text: &str) {
        self.data(&escape::lines(text));
    }

    /// Data as it is, on standard output. Whoever stops reading has read enough; any other failure to
    /// write is told by [`Self::is_cut_off`].
    pub(crate) fn data(&self, text: &str) {
        let mut out = io::stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
            && error.kind() != io::ErrorKind::BrokenPipe
            && !self.is_cut_off.replace(true)
        {
            self.failed("could not write to standard output", &error);
        }
    }

    /// Whether data could not be written to standard output.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.is_cut_off.get()
    }

    /// Has remarks logged from now on, for whoever reads nothing but the lines of the log.
    pub(crate) fn log_notes(&self) {
        self.notes_are_logged.set(true);
    }

    /// A remark, on standard error.
    pub(crate) fn note(&self, text: &str) {
        if self.notes_are_logged.get() {
            return tracing::info!("{text}");
        }
        writeln!(io::stderr().lock(), "{}", escape::lines(text)).ok();
    }

    /// What could not be done, why, and what to do next.
    pub(crate) fn failed(&self, what: &str, error: &(dyn StdError + 'static)) -> ExitCode {
        let mut text = format!("error: {what}\n");
        for cause in causes(error) {
            // Writing to a String cannot fail.
            writeln!(text, "caused by: {cause}").ok();
        }
        if let Some(hint) = error.downcast_ref::<Error>().map(hint) {
            writeln!(text, "hint: {hint}").ok();
        }
        io::stderr().lock().write_all(escape::lines(&text).as_bytes()).ok();
        ExitCode::FAILURE
    }

    /// What is not done because it was asked for wrongly.
    pub(crate) fn misused(&self, what: &str, error: &(dyn StdError + 'static)) -> ExitCode {
        self.failed(what, error);
        ExitCode::from(2)
    }

    /// One line of JSON.
    pub(crate) fn json(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(json) => self.data(&(escape::json(&json) + "\n")),
            Err(error) => drop(self.failed("could not print JSON", &error)),
        }
    }

    /// JSON that is written already.
    pub(crate) fn json_text(&self, json: &str) {
        self.data(&escape::json(json));
    }

    /// Jobs as a table, a line each.
    pub(crate) fn jobs(&self, jobs: &[Job]) {
        if jobs.is_empty() {
            return self.note("note: there are no such jobs");
        }
        let mut table = Table::new();
        table
            .load_style(UTF8_FULL_CONDENSED)
            .set_header(["job", "state", "objects", "records", "rejected", "accepted"]);
        for job in jobs {
            table.add_row([
                job.job_id.to_string(),
                job.state.as_str().to_owned(),
                shortened(&objects(job)),
                job.records.to_string(),
                job.rejected.to_string(),
                job.created_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            ]);
        }
        self.text(&format!("{table}\n"));
    }

    /// What a crawl has done.
    pub(crate) fn crawl(&self, report: &CrawlReport) {
        let CrawlReport { objects, unchanged, gone, records, malformed, seconds, .. } = report;
        let mut text = format!(
            "crawled {objects} objects in {seconds:.2} s: {unchanged} as they were, {gone} gone, \
             {records} records read, {malformed} malformed\n"
        );
        text.push_str(&published(&report.tables));
        text.push_str(&gone_tables(&report.gone_tables, "its objects are gone"));
        self.text(&text);
        for (key, why) in &report.skipped_because {
            self.note(&format!("skipped {key}: {why}"));
        }
        let unnamed = report.skipped - report.skipped_because.len() as u64;
        if unnamed > 0 {
            self.note(&format!("skipped {unnamed} more"));
        }
    }

    /// What a crawl of Postgres has done.
    pub(crate) fn crawl_of_tables(&self, report: &TablesReport) {
        let TablesReport { tables, gone_tables, seconds } = report;
        let mut text = format!("crawled {} tables in {seconds:.2} s\n", tables.len());
        text.push_str(&published(tables));
        text.push_str(&self::gone_tables(gone_tables, "it is gone or not asked for"));
        self.text(&text);
    }

    /// The crawlers.
    pub(crate) fn crawlers(&self, crawlers: &[Crawler]) {
        let mut shown = Table::new();
        let header = ["crawler", "kind", "state", "schedule", "last run", "ended"];
        shown.load_style(UTF8_FULL_CONDENSED).set_header(header);
        for crawler in crawlers {
            let last = crawler.last_run.as_ref();
            let ended = last.and_then(|run| run.finished_at);
            let how = match last {
                Some(run) if run.error.is_some() => "failed",
                Some(run) if run.report.is_some() => "succeeded",
                _ => "",
            };
            shown.add_row([
                shortened(&crawler.name),
                crawler.target["kind"].as_str().unwrap_or_default().to_owned(),
                crawler.state.as_str().to_owned(),
                crawler.schedule.clone().unwrap_or_default(),
                how.to_owned(),
                ended.map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default(),
            ]);
        }
        self.text(&format!("{shown}\n"));
    }

    /// The tables of the catalog.
    pub(crate) fn tables(&self, tables: &[TableVersion]) {
        let mut shown = Table::new();
        let header =
            ["database", "table", "version", "state", "location", "objects", "records", "columns"];
        shown.load_style(UTF8_FULL_CONDENSED).set_header(header);
        for TableVersion { table, version, state, .. } in tables {
            let count = |count: Option<i64>| count.map(|count| count.to_string());
            shown.add_row([
                table.database.clone(),
                table.name.clone(),
                version.to_string(),
                state.clone(),
                shortened(&table.location),
                count(table.objects).unwrap_or_default(),
                count(table.records).unwrap_or_default(),
                table.columns.len().to_string(),
            ]);
        }
        self.text(&format!("{shown}\n"));
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
        let mut table = Table::new();
        table
            .load_style(UTF8_FULL_CONDENSED)
            .set_header(["records", "loaded", "rejected", "log rows", ""]);
        table.add_row([
            job.records.to_string(),
            job.loaded.to_string(),
            job.rejected.to_string(),
            job.log_rows.to_string(),
            load,
        ]);
        writeln!(text, "{table}").ok();
        self.text(&text);
    }

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
        let mut text = format!("{headline}{}\n{}\n", load_and_mode(summary), tables(summary, feed));
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
        self.text(&text);
    }

    /// The first rows of the tables.
    pub(crate) fn previews(&self, previews: &[Preview]) {
        for preview in previews {
            self.text("\n");
            self.preview(preview);
        }
    }

    /// Rows of a table.
    pub(crate) fn preview(&self, preview: &Preview) {
        let Preview { table, columns, rows } = preview;
        let mut shown = Table::new();
        shown.load_style(UTF8_FULL_CONDENSED);
        let header = columns
            .iter()
            .map(|column| Cell::new(format!("{}\n{}", shortened(&column.name), column.data_type)));
        // Only the cells of numbers: the names above them stay where all names are.
        let aligned = |(at, cell): (usize, &Option<String>)| {
            let cell = Cell::new(cell.as_deref().map_or("null".to_owned(), text_cell));
            let is_number = columns.get(at).is_some_and(|column| column.is_number);
            if is_number { cell.set_alignment(CellAlignment::Right) } else { cell }
        };
        shown.set_header(header);
        for row in rows {
            shown.add_row(row.iter().enumerate().map(aligned));
        }
        let rows = rows.len();
        self.text(&format!(
            "{table}, {}\n{shown}\n",
            if rows == 1 { "1 row".into() } else { format!("{rows} rows") }
        ));
    }

    /// What the tables and objects have of each load.
    pub(crate) fn verified(&self, loads: &[Verified]) {
        let mut shown = Table::new();
        let header =
            ["load", "object", "records", "loaded", "status rows", "log rows", "rejected", ""];
        shown.load_style(UTF8_FULL_CONDENSED).set_header(header);
        for load in loads {
            shown.add_row([
                load.load_id.to_string(),
                shortened(&load.object),
                verified(&load.records),
                verified(&load.loaded),
                verified(&load.status_rows),
                verified(&load.log_rows),
                verified(&load.rejected),
                if load.agrees() { "agrees" } else { "differs" }.to_owned(),
            ]);
        }
        self.text(&format!("{shown}\n"));
    }

    /// The plans of the frames.
    pub(crate) fn plans(&self, plans: &[(&'static str, String)]) {
        for (name, plan) in plans {
            self.text(&format!("{name}\n{}\n\n", plan.trim_end()));
        }
    }
}

/// A line for each table that a crawl has found.
fn published(tables: &[Published]) -> String {
    let line = |table: &Published| {
        let Published { name, version, changes, held_back, is_new } = table;
        let what = match (is_new, changes.len()) {
            (false, _) => "as it was".to_owned(),
            (true, 0) => "new".to_owned(),
            (true, changes) => format!("{changes} changes"),
        };
        let held_back = match held_back.len() {
            0 => String::new(),
            changes => format!(", {changes} changes held back"),
        };
        format!("{name}, version {version}: {what}{held_back}\n")
    };
    tables.iter().map(line).collect()
}

/// A line for each table that a crawl has not found any more.
fn gone_tables(tables: &Gone, why: &str) -> String {
    let Gone { deprecated, deleted, missing } = tables;
    let done = [(deprecated, "deprecated"), (deleted, "deleted"), (missing, "left as it was")];
    let line = |(names, what): (&Vec<String>, &str)| -> String {
        names.iter().map(|name| format!("{name}: {what}, {why}\n")).collect()
    };
    done.map(line).concat()
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

/// The objects that a job is over.
fn objects(job: &Job) -> String {
    let below = || job.prefix.as_ref().map(|prefix| format!("{prefix}*"));
    let objects = job.key.clone().or_else(below).or_else(|| job.glob.clone());
    format!("{}/{}", job.bucket, objects.unwrap_or_default())
}

/// The load's number and the mode in which it was written.
fn load_and_mode(summary: &Summary) -> String {
    let load = summary.load_id.map(|id| format!("load {id}"));
    let mode = summary.mode.map(|mode| format!("mode {mode}"));
    let known: Vec<_> = [load, mode].into_iter().flatten().collect();
    if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) }
}

/// The mode that a job was asked for and, once its tables have chosen, theirs.
fn job_mode(job: &Job) -> String {
    let used = job.summary.as_ref().and_then(|summary| summary["mode"].as_str());
    match used.filter(|_| job.mode == RequestedMode::Auto.as_str()) {
        Some(used) => format!("mode {used}, chosen by auto"),
        None => format!("mode {}", job.mode),
    }
}

/// A line for each table: its rows, and what is to be said of them.
fn tables(summary: &Summary, feed: &Feed) -> Table {
    let merged = summary.merged.map(|merged| {
        let (inserted, updated) = (merged.inserted, merged.updated);
        format!("{inserted} inserted, {updated} updated, {} superseded", merged.superseded)
    });
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["table", "records or rows", ""]);
    table.add_row([feed.status_table, &summary.loaded.to_string(), &merged.unwrap_or_default()]);
    table.add_row([feed.log_table, &summary.log_rows.to_string(), ""]);
    let reasons = counted(&summary.rejected_by_reason);
    table.add_row([feed.rejected_table, &summary.rejected.to_string(), &reasons]);
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn counted(counts: &std::collections::BTreeMap<String, u64>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by(|(_, one), (_, other)| other.cmp(one));
    counts
        .iter()
        .map(|(name, count)| format!("{} {count}", shortened(name)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A cell that is not null: a text that reads like null is in quotes.
fn text_cell(cell: &str) -> String {
    if cell.trim_matches('"') == "null" { format!("\"{cell}\"") } else { shortened(cell) }
}

/// Longest cell that is shown whole.
const CELL_CHARACTERS: usize = 60;

/// A cell on one line of bounded length; what a terminal would obey is shown, not sent to it.
fn shortened(cell: &str) -> String {
    let mut line = String::new();
    for character in cell.chars().take(CELL_CHARACTERS) {
        if escape::is_unsafe(character) {
            line.extend(character.escape_default())
        } else {
            line.push(character)
        }
    }
    if cell.chars().nth(CELL_CHARACTERS).is_some() {
        line.push('…');
    }
    line
}
