//! One row for each entry of a list of the valid records: the rows of a child table.

use polars::prelude::{ExplodeOptions, LazyFrame, by_name};

use super::valid::of_valid;
use super::{Stamps, columns, fields, stamped};
use crate::feed::{Feed, TablePlan};

/// Explodes the list of this index among the fields of the valid records and unnests its entries, in
/// order: an empty list gives no row, a null entry a row with nulls. Each row has the key of its record.
pub fn child(
    records: LazyFrame,
    feed: &Feed,
    (table, list): (&TablePlan, usize),
    stamps: &(impl Stamps + ?Sized),
) -> LazyFrame {
    let list = feed.fields[list].column.as_str();
    let no_row_for_nothing = ExplodeOptions { empty_as_null: false, keep_nulls: false };
    let others = [list].into_iter().chain(stamps.needs().iter().copied());
    let kept = columns(fields(table, feed).chain(others));
    let entries = |rows: LazyFrame| {
        rows.explode(by_name([list], true, false), no_row_for_nothing)
            .unnest(by_name([list], true, false), None)
    };
    of_valid(records, feed, kept, entries).with_columns(stamped(table, stamps))
}
