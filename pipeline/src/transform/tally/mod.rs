//! What the records of an object became, counted.

use std::collections::BTreeMap;
use std::ops::Range;

use polars::prelude::{DataFrame, PolarsResult};

use super::{entries::entry_counts, example::Example, frames::Frames};
use crate::error::{Error, Result};
use crate::feed::{Decoded, Feed, Plan, Source};
use crate::records::{Batch, Compression, Format};

/// What the records of an object became.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) records: u64,
    /// One for each table of the feed.
    pub(crate) tables: Vec<TableTally>,
    pub(crate) rejected_by_reason: BTreeMap<String, u64>,
    /// The first rejected record of each reason.
    pub(crate) examples: BTreeMap<String, Example>,
    pub(crate) unknown_fields: BTreeMap<String, u64>,
    pub(crate) format: Option<Format>,
    pub(crate) compression: Compression,
    /// The text that was cut: all of it, or the lines of a part.
    pub(crate) text: Range<u64>,
}

/// What the records of an object became in one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TableTally {
    /// Rows of its frame.
    pub(crate) rows: u64,
    /// Of a child table: the entries of the valid records' lists, before they are exploded.
    pub(crate) entries: u64,
}

impl Tally {
    /// No records of a feed with these tables.
    pub(crate) fn of(plan: &Plan) -> Self {
        Self { tables: vec![TableTally::default(); plan.tables.len()], ..Self::default() }
    }

    /// Records that are valid.
    pub(crate) fn loaded(&self) -> u64 {
        self.tables.first().map_or(0, |table| table.rows)
    }

    /// Records that are rejected.
    pub(crate) fn rejected(&self) -> u64 {
        self.tables.last().map_or(0, |table| table.rows)
    }

    /// Adds the records of a batch as they were cut, not as they were decoded: that none is lost between
    /// is part of what is proven.
    pub(super) fn add(
        &mut self,
        feed: &Feed,
        batch: &Batch,
        records: &DataFrame,
        frames: &Frames,
    ) -> Result<()> {
        let failed = |source| Error::Frame { doing: "count the rows of a batch", source };
        self.records += batch.records.len() as u64;
        for (tally, frame) in self.tables.iter_mut().zip(&frames.tables) {
            tally.rows += frame.height() as u64;
        }
        for (table, _, _) in feed.plan.children() {
            let counts = entry_counts(records, feed, table).map_err(failed)?;
            self.tables[table].entries += counts.sum::<u64>();
        }
        let rejects = &frames.tables[feed.plan.rejects_index()];
        for (row, reason) in reasons(feed, rejects).map_err(failed)?.iter().enumerate() {
            self.add_reason(feed, reason, rejects, row).map_err(failed)?;
        }
        Ok(())
    }

    /// The error of an object of which so many records in a row were rejected.
    pub(crate) fn reject_limit(&self, object: &str, rejects: u64) -> Error {
        let most = self.rejected_by_reason.iter().max_by_key(|(_, count)| **count);
        let reason = most.map_or_else(String::new, |(reason, _)| reason.clone());
        Error::RejectLimit { object: object.to_owned(), rejects, reason }
    }

    /// Counts the reason of a row of rejected records; the first of each reason is an example.
    pub(crate) fn add_reason(
        &mut self,
        feed: &Feed,
        reason: &str,
        rejects: &DataFrame,
        row: usize,
    ) -> PolarsResult<()> {
        match self.rejected_by_reason.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.rejected_by_reason.insert(reason.to_owned(), 1);
                self.examples.insert(reason.to_owned(), Example::of(feed, rejects, row)?);
            }
        }
        Ok(())
    }
}

/// The reason of each row of a frame of rejected records.
pub(crate) fn reasons(feed: &Feed, rejects: &DataFrame) -> PolarsResult<Vec<String>> {
    let column = feed.plan.rejects().filled_with(Source::Decoded(Decoded::Reason));
    let (Some(column), true) = (column, rejects.height() > 0) else {
        return Ok(Vec::new());
    };
    let reasons = rejects.column(column.name.as_str())?.str()?;
    Ok(reasons.iter().map(|reason| reason.unwrap_or_default().to_owned()).collect())
}

#[cfg(test)]
mod tests;
