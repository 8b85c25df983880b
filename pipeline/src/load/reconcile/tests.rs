//! Which counts agree, and which do not.

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

fn reconcile(tallies: &[Tally], copied: &Written, merged: &[MergedTable]) -> Result<Vec<Counts>> {
    reconcile_counts(&names(tallies.len()), &visits().plan, tallies, copied, merged)
}

fn merged(table: usize, object_no: Option<u32>, merged: Merged) -> MergedTable {
    MergedTable { table, objects: vec![(object_no, merged)] }
}

#[test]
fn what_agrees_is_proven_for_each_object() {
    let tallies = [tally(3), tally(5)];
    let one_each = Merged { inserted: 1, updated: 1, unchanged: 1, deleted: 0 };
    let children = Merged { inserted: 3, unchanged: 2, deleted: 7, ..Merged::default() };
    let merged = [merged(0, Some(1), one_each), merged(1, Some(1), children)];
    let counts = reconcile(&tallies, &written(&tallies), &merged).unwrap();
    let of = |counts: &Counts| (counts.records, counts.loaded, counts.tables[0].counts);
    assert_eq!(of(&counts[0]), (3, 2, RowCounts::superseded(2)));
    let of_second = RowCounts { inserted: 1, updated: 1, unchanged: 1, ..RowCounts::superseded(1) };
    assert_eq!(of(&counts[1]), (5, 4, RowCounts { rows: 4, ..of_second }));
    let of_child = TableCounts { table: "web.tags".to_owned(), counts: RowCounts::inserted(8) };
    assert_eq!(counts[1].tables[2], of_child);
    let of_replaced =
        RowCounts { inserted: 3, unchanged: 2, deleted: 7, ..RowCounts::superseded(3) };
    assert_eq!(counts[1].tables[1].counts, RowCounts { rows: 8, ..of_replaced });
}

#[test]
fn one_row_too_few_anywhere_is_an_error_that_names_the_object() {
    let tallies = [tally(3), tally(5)];
    let all = written(&tallies);
    for at in 0..all.rows.len() {
        let mut copied = all.clone();
        copied.rows[at] -= 1;
        let error = reconcile(&tallies, &copied, &[]).unwrap_err();
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
    let one = Merged { inserted: 1, ..Merged::default() };
    let three = Merged { inserted: 1, updated: 1, unchanged: 1, deleted: 0 };
    for merged in [merged(0, None, one), merged(0, Some(1), one), merged(0, Some(0), three)] {
        let proven = reconcile(&tallies, &written(&tallies), &[merged]);
        assert!(proven.unwrap_err().to_string().contains("no record's"));
    }
}
