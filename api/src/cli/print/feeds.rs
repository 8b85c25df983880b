//! What is printed of feeds.

use std::fmt::Write as _;
use std::sync::Arc;

use pipeline::feed::{Feed, Feeds};
use pipeline::side_by_side::{cell, one_line};
use pipeline::sink::{Change, TableDifference};

use super::Printer;
use super::flow::flow;
use super::table::{framed, right};
use crate::cli::feed::{Checked, CheckedObject, FeedDescription};

impl Printer {
    /// The feeds, a line each.
    pub(crate) fn feeds(&self, feeds: &Feeds) {
        let mut shown = framed(["feed", "objects", "mode", "key", "tables"]);
        for feed in feeds.iter() {
            let key: Vec<_> = feed.key.iter().map(|column| column.as_str()).collect();
            let tables: Vec<_> = feed.plan.tables.iter().map(|table| table.name.plain()).collect();
            shown.add_row([
                feed.name.clone(),
                feed.objects.patterns().join(", "),
                feed.mode.to_string(),
                key.join(", "),
                tables.join(", "),
            ]);
        }
        self.text(&format!("{shown}\n"));
    }

    /// What a feed declares, and how records flow through it.
    pub(in crate::cli) fn feed(&self, feed: &FeedDescription) {
        let mut text = format!("feed {}\n", feed.feed);
        for (name, fact) in facts(feed) {
            writeln!(text, "{:15} {fact}", format!("{name}:")).ok();
        }
        write!(text, "\n{}", flow(feed)).ok();
        for table in &feed.tables {
            let mut columns = framed(["column", "type", "from", ""]);
            for column in &table.columns {
                columns.add_row([
                    cell(&column.column),
                    cell(&column.data_type),
                    cell(&column.from),
                    cell(&column.rules.join(", ")),
                ]);
            }
            writeln!(text, "\n{}: {}\n{columns}", table.table, table.rows()).ok();
        }
        if !feed.rules.is_empty() {
            let mut rules = framed(["rule", "table", "check"]);
            for rule in &feed.rules {
                rules.add_row([cell(&rule.rule), cell(&rule.table), cell(&rule.check)]);
            }
            writeln!(text, "\n{rules}").ok();
        }
        self.text(&text);
    }

    /// A feed file that is valid, and what became of the objects that were checked with it.
    pub(in crate::cli) fn checked(&self, checked: &Checked<'_>, feed: &Arc<Feed>) {
        let tables = feed.plan.tables.iter();
        let tables = tables.map(|it| format!("{} ({} columns)", it.name.plain(), it.columns.len()));
        let tables = tables.collect::<Vec<_>>().join(", ");
        self.text(&format!("{} is valid: feed {}, tables {tables}\n", checked.file, feed.name));
        for object in &checked.objects {
            self.summary(&object.summary, Some(feed));
            self.examples(object);
            if let Some(most) = feed.max_rejected.filter(|_| object.has_too_many_rejects) {
                self.note(&format!(
                    "note: a load of {} would fail as too_many_rejects: at most {most} may be rejected",
                    object.summary.object
                ));
            }
        }
    }

    /// The reasons of the rejected records, the most frequent first, with the first record of each.
    fn examples(&self, object: &CheckedObject) {
        let mut reasons: Vec<_> = object.summary.rejected_by_reason.iter().collect();
        if reasons.is_empty() {
            return;
        }
        reasons.sort_by(|(_, one), (_, other)| other.cmp(one));
        let mut shown = framed(["reason", "records", "for example"]);
        for (reason, count) in reasons {
            let example = object.examples.get(reason);
            let example = example.map(|example| one_line(&example.to_string()));
            shown.add_row([reason.into(), right(count), example.unwrap_or_default().into()]);
        }
        self.text(&format!("{shown}\n"));
    }

    /// A feed, what the catalog has seen of its records if it knows some, and the tables of the database; then
    /// what makes these fit.
    pub(in crate::cli) fn feed_differences(
        &self,
        feed: &str,
        tables: &[TableDifference],
        catalog: Option<&str>,
    ) {
        let mut text = catalog.map_or_else(String::new, |table| format!("catalog: {table}\n\n"));
        for table in tables {
            let state = match (table.exists, table.fits(), &table.problem) {
                (false, ..) => "the database does not have it".to_owned(),
                (_, true, _) => "it fits".to_owned(),
                (_, _, Some(problem)) => format!("it does not fit: {problem}"),
                (_, _, None) => "it does not fit".to_owned(),
            };
            let seen = catalog.map(|_| "the catalog has");
            let titles = ["column", "the feed declares"].into_iter().chain(seen);
            let mut columns = framed(titles.chain(["the database has", ""]));
            let or_none = |text: &Option<String>| cell(text.as_deref().unwrap_or("-"));
            for column in &table.columns {
                let mut row = vec![cell(&column.column), or_none(&column.feed)];
                row.extend(catalog.map(|_| or_none(&column.catalog)));
                row.push(or_none(&column.database));
                row.push(one_line(column.problem.as_deref().unwrap_or_default()));
                columns.add_row(row);
            }
            writeln!(text, "{}: {state}\n{columns}\n", table.table).ok();
        }
        let changes: Vec<_> = tables.iter().flat_map(|table| &table.changes).collect();
        let of = |by_migrate: bool| changes.iter().filter(move |it| it.by_migrate == by_migrate);
        for (by_migrate, title) in [
            (true, "-- `stevedore migrate` does this:"),
            (false, "-- This is left to you, since it concerns rows that are there:"),
        ] {
            if of(by_migrate).next().is_some() {
                writeln!(text, "{title}").ok();
            }
            for Change { sql, .. } in of(by_migrate) {
                writeln!(text, "{sql};").ok();
            }
        }
        if changes.is_empty() {
            writeln!(text, "the tables fit the feed {feed}").ok();
        }
        edits(&mut text, tables);
        self.text(&text);
    }
}

/// What makes the feed and the tables take all that the catalog has seen.
fn edits(text: &mut String, tables: &[TableDifference]) {
    let mut edits = tables.iter().flat_map(|table| &table.edits).peekable();
    if edits.peek().is_some() {
        writeln!(text, "\n# To load all that the catalog has seen, edit the feed file:").ok();
    }
    for edit in edits.clone() {
        writeln!(text, "# the table {}\n{}", edit.table, edit.feed).ok();
    }
    let statements: Vec<_> = edits.filter_map(|edit| edit.sql.as_ref()).collect();
    if !statements.is_empty() {
        writeln!(text, "\n-- Then the tables need this. `stevedore migrate` adds the new columns:")
            .ok();
    }
    for sql in statements {
        writeln!(text, "{sql};").ok();
    }
}

/// What a feed says besides its tables, each with its name.
fn facts(feed: &FeedDescription) -> Vec<(&'static str, String)> {
    let objects = match feed.objects.as_slice() {
        [] => "all that no other feed is for".to_owned(),
        patterns => patterns.join(", "),
    };
    let unknown = match feed.unknown {
        "ignore" => "counted by name",
        "reject" => "the record is rejected",
        _ => "kept in the root table",
    };
    let wins = feed.latest_by.as_ref().map(|column| format!("the greatest {column} wins"));
    let key = (!feed.key.is_empty()).then(|| feed.key.join(", "));
    let facts = [
        ("objects", Some(objects)),
        ("records", Some(feed.records.clone())),
        ("mode", Some(feed.mode.clone())),
        ("key", key.clone()),
        ("of a key", key.map(|_| wins.unwrap_or_else(|| "the later record wins".to_owned()))),
        ("child rows", (feed.tables.len() > 2).then(|| feed.children.to_owned())),
        ("unknown keys", Some(unknown.to_owned())),
        ("case of keys", feed.ignore_case.then(|| "ignored".to_owned())),
        ("rejected", feed.max_rejected.as_ref().map(|most| format!("at most {most}"))),
    ];
    facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}
