//! Proves that no record of a unit of work is lost, before it is committed.

use crate::error::{Error, Result};
use crate::feed::Plan;
use crate::ledger::{Counts, TableCounts};
use crate::sink::{Merged, MergedTable, RowCounts, Written};
use crate::transform::{TableTally, Tally};

/// The counts of each object of a unit, proven:
///
/// - Every record of the object is loaded or rejected, and every rejected one has a reason.
/// - Every entry of a loaded record's list is a row of its child table.
/// - The database has taken as many rows of each table as all objects together have.
/// - In merge mode, every row that was merged is a record of one of the objects, and the loaded records
///   of each are inserted, updated, unchanged or superseded.
///
/// `merged` has what became of the rows of each table that was merged, by the numbers of the objects.
///
/// # Errors
/// [`Error::CountMismatch`] when two numbers that must be equal are not.
pub(super) fn reconcile_counts(
    names: &[String],
    plan: &Plan,
    tallies: &[Tally],
    copied: &Written,
    merged: &[MergedTable],
) -> Result<Vec<Counts>> {
    let mismatch = |detail| Error::CountMismatch { object: title(names), detail };
    for (at, (table, taken)) in plan.tables.iter().zip(&copied.rows).enumerate() {
        let sent = tallies.iter().map(|tally| tally.tables[at].rows).sum::<u64>();
        let what = || format!("rows of {}, and those the database took", table.name.plain());
        check(what, sent, *taken).map_err(mismatch)?;
    }
    let mut counts = Vec::with_capacity(tallies.len());
    for (name, tally) in names.iter().zip(tallies) {
        counts.push(counts_of(name, plan, tally)?);
    }
    for table in merged {
        add_merged(&mut counts, table).map_err(mismatch)?;
    }
    Ok(counts)
}

/// The counts of an object, as far as they can be proven without the database.
///
/// # Errors
/// As [`reconcile_counts`].
pub(crate) fn counts_of(name: &str, plan: &Plan, tally: &Tally) -> Result<Counts> {
    let mismatch = |detail| Error::CountMismatch { object: name.to_owned(), detail };
    let (records, loaded, rejected) = (tally.records, tally.loaded(), tally.rejected());
    check(|| "records read, and loaded and rejected".to_owned(), records, loaded + rejected)
        .map_err(mismatch)?;
    let with_reason = tally.rejected_by_reason.values().sum();
    check(|| "rejected records, and those with a reason".to_owned(), rejected, with_reason)
        .map_err(mismatch)?;
    for (at, _, table) in plan.children() {
        let TableTally { rows, entries } = tally.tables[at];
        let what = || format!("entries of lists, and rows of {}", table.name.plain());
        check(what, entries, rows).map_err(mismatch)?;
    }
    Ok(Counts {
        records,
        loaded,
        rejected,
        tables: table_counts(plan, tally),
        rejected_by_reason: tally.rejected_by_reason.clone(),
        unknown_fields: tally.unknown_fields.clone(),
    })
}

/// The rows of each table, as they are written when nothing is merged.
fn table_counts(plan: &Plan, tally: &Tally) -> Vec<TableCounts> {
    let tables = plan.tables.iter().zip(&tally.tables);
    let counts = tables.map(|(table, tally)| TableCounts {
        table: table.name.plain(),
        counts: RowCounts::inserted(tally.rows),
    });
    counts.collect()
}

/// Adds what a merge made of the rows of each object in a table.
fn add_merged(counts: &mut [Counts], merged: &MergedTable) -> Result<(), String> {
    let MergedTable { table, objects } = merged;
    // The rows of which the merge says nothing are superseded.
    for Counts { tables, .. } in counts.iter_mut() {
        let of_table = &mut tables[*table].counts;
        *of_table = RowCounts::superseded(of_table.rows);
    }
    for (object_no, Merged { inserted, updated, unchanged, deleted }) in objects {
        let of_object = object_no.and_then(|no| counts.get_mut(no as usize));
        let of_table = of_object.map(|counts| &mut counts.tables[*table].counts);
        let written = inserted + updated + unchanged;
        let superseded = of_table.as_ref().and_then(|counts| counts.rows.checked_sub(written));
        let (Some(of_table), Some(superseded)) = (of_table, superseded) else {
            return Err("a row was merged that is no record's".to_owned());
        };
        (of_table.inserted, of_table.updated) = (*inserted, *updated);
        (of_table.unchanged, of_table.superseded) = (*unchanged, superseded);
        of_table.deleted = *deleted;
    }
    Ok(())
}

/// Adds how many rows of each table were removed for each object.
pub(super) fn add_removed(counts: &mut [Counts], removed: &[Vec<u64>]) {
    for (counts, removed) in counts.iter_mut().zip(removed) {
        for (of_table, removed) in counts.tables.iter_mut().zip(removed) {
            of_table.counts.deleted += removed;
        }
    }
}

/// Fails when two numbers are not equal; `what` says of what they are.
fn check(what: impl FnOnce() -> String, one: u64, other: u64) -> Result<(), String> {
    if one == other { Ok(()) } else { Err(format!("{}, are {one} and {other}", what())) }
}

/// How people call all objects of a unit.
pub(crate) fn title(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [name] => name.clone(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    }
}

#[cfg(test)]
mod tests;
