//! How many entries the lists of records have, before they are exploded.

use polars::prelude::{DataFrame, PolarsResult, polars_err};
use polars_arrow::array::{ListArray, StructArray};

use crate::feed::{Decoded, Feed};

/// The entries of each record in the table of this index, as decode tells them: none of a record that is
/// rejected.
pub(crate) fn entry_counts(
    records: &DataFrame,
    feed: &Feed,
    table: usize,
) -> PolarsResult<impl Iterator<Item = u64> + use<>> {
    let ends = ends(records, feed, table)?;
    let is_rejected = records.column(Decoded::Reason.column())?.is_not_null();
    let counts = (0..records.height()).map(move |row| match is_rejected.get(row) {
        Some(false) => (ends[row + 1] - ends[row]) as u64,
        _ => 0,
    });
    Ok(counts)
}

/// Where the entries of each record begin among all entries, and where the last one's end.
fn ends(records: &DataFrame, feed: &Feed, table: usize) -> PolarsResult<Vec<i64>> {
    let lists = feed.plan.lists_to(table);
    let missing = || polars_err!(ComputeError: "a frame lacks the list of a table");
    let (_, first) = *lists.first().ok_or_else(missing)?;
    let column = records.column(&feed.fields[first].column)?.list()?.rechunk();
    let mut array: &ListArray<i64> = column.downcast_as_array();
    let mut ends: Vec<i64> = array.offsets().iter().copied().collect();
    for (_, list) in &lists[1..] {
        let entries = array.values().as_any().downcast_ref::<StructArray>().ok_or_else(missing)?;
        let inner = entries.values().get(*list).ok_or_else(missing)?;
        array = inner.as_any().downcast_ref::<ListArray<i64>>().ok_or_else(missing)?;
        for end in &mut ends {
            *end = array.offsets().as_slice()[*end as usize];
        }
    }
    Ok(ends)
}
