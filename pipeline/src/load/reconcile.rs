//! Proves that no record of a unit of work is lost, before it is committed.

use crate::error::{Error, Result};
use crate::feed::Plan;
use crate::ledger::{Counts, TableCounts};
use crate::sink::{Merged, RowCounts, Written};
use crate::transform::{TableTally, Tally};

/// The counts of each object of a unit, proven:
///
/// - Every record of the object is loaded or rejected, and every rejected one has a reason.
/// - Every entry of a loaded record's list is a row of its child table.
/// - The database has taken as many rows of each table as all objects together have.
/// - In merge mode, every row that was merged is a record of one of the objects, and the loaded records
///   of each are inserted, updated, unchanged or superseded.
///
/// `merged` has what became of the objects' records in merge mode, by the numbers of the objects.
///
/// # Errors
/// [`Error::CountMismatch`] when two numbers that must be equal are not.
pub(super) fn reconcile_counts(
    names: &[String],
    plan: &Plan,
    tallies: &[Tally],
    copied: &Written,
    merged: Option<&[(Option<u32>, Merged)]>,
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
    if let Some(merged) = merged {
        add_merged(&mut counts, merged).map_err(mismatch)?;
    }
    Ok(counts)
}

/// The counts of an object, as far as they can be proven without the database.
///
/// # Errors
/// As [`reconcile_counts`].
pub(super) fn counts_of(name: &str, plan: &Plan, tally: &Tally) -> Result<Counts> {
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

/// Adds what a merge made of the loaded records of each object.
fn add_merged(counts: &mut [Counts], merged: &[(Option<u32>, Merged)]) -> Result<(), String> {
    // The records of which the merge says nothing are superseded.
    for Counts { loaded, tables, .. } in counts.iter_mut() {
        tables[0].counts = RowCounts::superseded(*loaded);
    }
    for (object_no, Merged { inserted, updated, unchanged }) in merged {
        let of_object = object_no.and_then(|no| counts.get_mut(no as usize));
        let written = inserted + updated + unchanged;
        let superseded = of_object.as_ref().and_then(|counts| counts.loaded.checked_sub(written));
        let (Some(Counts { tables, .. }), Some(superseded)) = (of_object, superseded) else {
            return Err("a row was merged that is no record's".to_owned());
        };
        let of_root = &mut tables[0].counts;
        (of_root.inserted, of_root.updated) = (*inserted, *updated);
        (of_root.unchanged, of_root.superseded) = (*unchanged, superseded);
    }
    Ok(())
}

/// Fails when two numbers are not equal; `what` says of what they are.
fn check(what: impl FnOnce() -> String, one: u64, other: u64) -> Result<(), String> {
    if one == other { Ok(()) } else { Err(format!("{}, are {one} and {other}", what())) }
}

/// How people call all objects of a unit.
pub(super) fn title(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [name] => name.clone(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::tests::visits;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("object-{at}")).collect()
    }

    /// An object of so many records, of which one is rejected, each valid one with two entries in each
    /// of its two lists.
    fn tally(records: u64) -> Tally {
        let child = TableTally { rows: (records - 1) * 2, entries: (records - 1) * 2 };
        let of_rows = |rows| TableTally { rows, entries: 0 };
        Tally {
            records,
            tables: vec![of_rows(records - 1), child, child, of_rows(1)],
            rejected_by_reason: [("malformed".to_owned(), 1)].into(),
            ..Tally::default()
        }
    }

    fn written(tallies: &[Tally]) -> Written {
        let sum = |at: usize| tallies.iter().map(|tally| tally.tables[at].rows).sum();
        Written { rows: (0..4).map(sum).collect() }
    }

    fn reconcile(
        tallies: &[Tally],
        copied: &Written,
        merged: Option<&[(Option<u32>, Merged)]>,
    ) -> Result<Vec<Counts>> {
        reconcile_counts(&names(tallies.len()), &visits().plan, tallies, copied, merged)
    }

    #[test]
    fn what_agrees_is_proven_for_each_object() {
        let tallies = [tally(3), tally(5)];
        let merged = [(Some(1), Merged { inserted: 1, updated: 1, unchanged: 1 })];
        let counts = reconcile(&tallies, &written(&tallies), Some(&merged)).unwrap();
        let of = |counts: &Counts| (counts.records, counts.loaded, counts.tables[0].counts);
        assert_eq!(of(&counts[0]), (3, 2, RowCounts::superseded(2)));
        let of_second =
            RowCounts { inserted: 1, updated: 1, unchanged: 1, ..RowCounts::superseded(1) };
        assert_eq!(of(&counts[1]), (5, 4, RowCounts { rows: 4, ..of_second }));
        let of_child = TableCounts { table: "web.tags".to_owned(), counts: RowCounts::inserted(8) };
        assert_eq!(counts[1].tables[2], of_child);
    }

    #[test]
    fn one_row_too_few_anywhere_is_an_error_that_names_the_object() {
        let tallies = [tally(3), tally(5)];
        let all = written(&tallies);
        for at in 0..all.rows.len() {
            let mut copied = all.clone();
            copied.rows[at] -= 1;
            let error = reconcile(&tallies, &copied, None).unwrap_err();
            assert!(error.to_string().contains("object-0 and 1 more"), "{error}");
        }
        let mut lost = tally(5);
        lost.tables[0].rows -= 1;
        let error = counts_of("object-1", &visits().plan, &lost).unwrap_err().to_string();
        assert!(error.contains("object-1") && error.contains("5 and 4"), "{error}");
        let mut lost = tally(5);
        lost.tables[2].entries += 1;
        let error = counts_of("object-1", &visits().plan, &lost).unwrap_err().to_string();
        assert!(error.contains("rows of web.tags, are 9 and 8"), "{error}");
    }

    #[test]
    fn a_row_that_was_merged_and_is_no_record_of_the_unit_is_an_error() {
        let tallies = [tally(3)];
        for merged in [
            (None, Merged { inserted: 1, ..Merged::default() }),
            (Some(1), Merged { inserted: 1, ..Merged::default() }),
            (Some(0), Merged { inserted: 1, updated: 1, unchanged: 1 }),
        ] {
            let proven = reconcile(&tallies, &written(&tallies), Some(&[merged]));
            assert!(proven.unwrap_err().to_string().contains("no record's"));
        }
    }
}
