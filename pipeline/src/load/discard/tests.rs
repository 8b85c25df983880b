//! Which rows a discarded load has written.

use super::*;
use crate::ledger::{Counts, TableCounts};
use crate::sink::RowCounts;

#[test]
fn rows_that_the_load_has_not_written_are_not_removed() {
    let of_table = |table: &str, rows| TableCounts {
        table: table.to_owned(),
        counts: RowCounts::inserted(rows),
    };
    let part = |tables| RecordedPart {
        bytes: 0..9,
        text: Some(0..9),
        counts: Counts { tables, ..Counts::default() },
    };
    let parts = [
        part(vec![of_table("s", 2), of_table("l", 1), of_table("r", 0)]),
        part(vec![of_table("s", 0), of_table("l", 2), of_table("r", 1)]),
    ];
    let removed = |deleted: [u64; 3]| {
        let tables = ["s", "l", "r"].into_iter().zip(deleted);
        let removed = tables.map(|(table, deleted)| Removed { table: table.to_owned(), deleted });
        check(&removed.collect::<Vec<_>>(), &parts)
    };
    assert_eq!(removed([2, 3, 1]), Ok(()));
    assert_eq!(removed([0, 0, 0]), Ok(()));
    assert!(removed([3, 3, 1]).unwrap_err().contains("3 rows of s"));
    assert!(removed([2, 4, 1]).unwrap_err().contains("4 rows of l"));
    assert!(removed([2, 3, 2]).unwrap_err().contains("2 rows of r"));
}
