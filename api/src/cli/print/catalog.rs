//! What is printed of crawls, crawlers and the catalog.

use pipeline::catalog::crawler::CrawlReport;
use pipeline::catalog::postgres::TablesReport;
use pipeline::catalog::store::{Gone, Published, TableVersion};
use pipeline::side_by_side::cell;

use super::Printer;
use super::table::framed;
use crate::jobs::crawlers::Crawler;

impl Printer {
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
        let mut shown = framed(["crawler", "kind", "state", "schedule", "last run", "ended"]);
        for crawler in crawlers {
            let last = crawler.last_run.as_ref();
            let ended = last.and_then(|run| run.finished_at);
            let how = match last {
                Some(run) if run.error.is_some() => "failed",
                Some(run) if run.report.is_some() => "succeeded",
                _ => "",
            };
            shown.add_row([
                cell(&crawler.name),
                crawler.target["kind"].as_str().unwrap_or_default().to_owned(),
                crawler.state.as_str().to_owned(),
                crawler.schedule.clone().unwrap_or_default(),
                how.to_owned(),
                ended.map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default(),
            ]);
        }
        self.text(&format!("{shown}\n"));
    }

    /// A table of the catalog: where its objects are, and its columns.
    pub(crate) fn catalog_table(&self, found: &TableVersion, columns: &str) {
        let TableVersion { table, url, .. } = found;
        let place = cell(url.as_deref().unwrap_or(&table.location));
        let at = match table.path.as_str() {
            "$" => String::new(),
            path => format!(", records at {}", cell(path)),
        };
        let place = match table.objects {
            None => String::new(),
            Some(1) => format!("1 object: {place}{at}\n"),
            Some(objects) => format!("{objects} objects in {place}{at}\n"),
        };
        self.text(&(place + columns));
    }

    /// The tables of the catalog.
    pub(crate) fn tables(&self, tables: &[TableVersion]) {
        let header =
            ["database", "table", "version", "state", "location", "objects", "records", "columns"];
        let mut shown = framed(header);
        for TableVersion { table, version, state, .. } in tables {
            let count = |count: Option<i64>| count.map(|count| count.to_string());
            shown.add_row([
                table.database.clone(),
                table.name.clone(),
                version.to_string(),
                state.clone(),
                cell(&table.location),
                count(table.objects).unwrap_or_default(),
                count(table.records).unwrap_or_default(),
                table.columns.len().to_string(),
            ]);
        }
        self.text(&format!("{shown}\n"));
    }
}

/// A line for each table that a crawl has found.
fn published(tables: &[Published]) -> String {
    let line = |table: &Published| {
        let Published { name, version, changes, held_back, is_new, .. } = table;
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
