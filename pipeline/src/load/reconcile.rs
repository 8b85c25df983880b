//! Proves that no record of a unit of work is lost, before it is committed.

use crate::error::{Error, Result};
use crate::ledger::Counts;
use crate::sink::{MergeCounts, Merged, Written};
use crate::transform::Tally;

/// The counts of each object of a unit, proven:
///
/// - Every record of the object is loaded or rejected, and every rejected one has a reason.
/// - Every entry of a loaded record's list is a row of the log.
/// - The database has taken as many rows of each table as all objects together have.
/// - In merge mode, every row that was merged is a record of one of the objects.
///
/// `merged` has what became of the objects' records in merge mode, by the numbers of the objects.
///
/// # Errors
/// [`Error::CountMismatch`] when two numbers that must be equal are not.
pub(super) fn reconcile_counts(
    names: &[String],
    tallies: &[Tally],
    copied: Written,
    merged: Option<&[(Option<u32>, Merged)]>,
) -> Result<Vec<Counts>> {
    let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
    let mismatch = |detail| Error::CountMismatch { object: title(names), detail };
    check([
        ("valid records, and those the database took", sum(|tally| tally.loaded), copied.status),
        (
            "rejected records, and those the database took",
            sum(|tally| tally.rejected),
            copied.rejected,
        ),
        ("rows of the log, and those the database took", sum(|tally| tally.log_rows), copied.log),
    ])
    .map_err(mismatch)?;
    let mut counts = Vec::with_capacity(tallies.len());
    for (name, tally) in names.iter().zip(tallies) {
        counts.push(counts_of(name, tally)?);
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
pub(super) fn counts_of(name: &str, tally: &Tally) -> Result<Counts> {
    check([
        ("records read, and loaded and rejected", tally.records, tally.loaded + tally.rejected),
        (
            "rejected records, and those with a reason",
            tally.rejected,
            tally.rejected_by_reason.values().sum(),
        ),
        ("entries of lists, and rows of the log", tally.list_entries, tally.log_rows),
    ])
    .map_err(|detail| Error::CountMismatch { object: name.to_owned(), detail })?;
    Ok(Counts {
        records: tally.records,
        loaded: tally.loaded,
        rejected: tally.rejected,
        log_rows: tally.log_rows,
        merged: None,
        rejected_by_reason: tally.rejected_by_reason.clone(),
        unknown_fields: tally.unknown_fields.clone(),
    })
}

/// Adds what a merge made of the loaded records of each object.
fn add_merged(counts: &mut [Counts], merged: &[(Option<u32>, Merged)]) -> Result<(), String> {
    // The records of which the merge says nothing are superseded.
    for counts in counts.iter_mut() {
        let superseded = counts.loaded;
        counts.merged = Some(MergeCounts { superseded, ..MergeCounts::default() });
    }
    for (object_no, Merged { inserted, updated }) in merged {
        let of_object = object_no.and_then(|no| counts.get_mut(no as usize));
        let superseded =
            of_object.as_ref().and_then(|counts| counts.loaded.checked_sub(inserted + updated));
        let (Some(counts), Some(superseded)) = (of_object, superseded) else {
            return Err("a row was merged that is no record's".to_owned());
        };
        counts.merged = Some(MergeCounts { inserted: *inserted, updated: *updated, superseded });
    }
    Ok(())
}

/// Fails with the first two numbers that are not equal.
fn check<const N: usize>(equal: [(&str, u64, u64); N]) -> Result<(), String> {
    match equal.into_iter().find(|(_, one, other)| one != other) {
        Some((what, one, other)) => Err(format!("{what}, are {one} and {other}")),
        None => Ok(()),
    }
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

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("object-{at}")).collect()
    }

    /// An object of so many records, of which one is rejected, each valid one with two entries.
    fn tally(records: u64) -> Tally {
        Tally {
            records,
            loaded: records - 1,
            rejected: 1,
            list_entries: (records - 1) * 2,
            log_rows: (records - 1) * 2,
            rejected_by_reason: [("malformed".to_owned(), 1)].into(),
            ..Tally::default()
        }
    }

    fn written(tallies: &[Tally]) -> Written {
        let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum();
        Written {
            status: sum(|tally| tally.loaded),
            log: sum(|tally| tally.log_rows),
            rejected: sum(|tally| tally.rejected),
        }
    }

    #[test]
    fn what_agrees_is_proven_for_each_object() {
        let tallies = [tally(3), tally(5)];
        let merged = [(Some(1), Merged { inserted: 2, updated: 1 })];
        let counts = reconcile_counts(&names(2), &tallies, written(&tallies), Some(&merged));
        let counts = counts.unwrap();
        let of = |counts: &Counts| (counts.records, counts.loaded, counts.merged.unwrap());
        let superseded = MergeCounts { superseded: 2, ..MergeCounts::default() };
        assert_eq!(of(&counts[0]), (3, 2, superseded));
        assert_eq!(of(&counts[1]), (5, 4, MergeCounts { inserted: 2, updated: 1, superseded: 1 }));
    }

    #[test]
    fn one_row_too_few_anywhere_is_an_error_that_names_the_object() {
        let tallies = [tally(3), tally(5)];
        let all = written(&tallies);
        for copied in [
            Written { status: all.status - 1, ..all },
            Written { log: all.log - 1, ..all },
            Written { rejected: all.rejected + 1, ..all },
        ] {
            let error = reconcile_counts(&names(2), &tallies, copied, None).unwrap_err();
            assert!(error.to_string().contains("object-0 and 1 more"), "{error}");
        }
        let lost = Tally { loaded: 3, ..tally(5) };
        let error = counts_of("object-1", &lost).unwrap_err().to_string();
        assert!(error.contains("object-1") && error.contains("5 and 4"), "{error}");
    }

    #[test]
    fn a_row_that_was_merged_and_is_no_record_of_the_unit_is_an_error() {
        let tallies = [tally(3)];
        for merged in [
            (None, Merged { inserted: 1, updated: 0 }),
            (Some(1), Merged { inserted: 1, updated: 0 }),
            (Some(0), Merged { inserted: 2, updated: 1 }),
        ] {
            let proven = reconcile_counts(&names(1), &tallies, written(&tallies), Some(&[merged]));
            assert!(proven.unwrap_err().to_string().contains("no record's"));
        }
    }
}
