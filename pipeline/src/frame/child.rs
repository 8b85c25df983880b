//! One row for each entry of a list of the valid records: the rows of a child table.

use polars::prelude::{Expr, LazyFrame, col};

use super::entries::unnested;
use super::valid::of_valid;
use super::{Stamps, named, of_record, stamped};
use crate::feed::{Children, Decoded, Feed, Kind, TablePlan};

/// Explodes the list of a table of the valid records and unnests its entries, in order; a list within
/// another after that. An empty list gives no row, a null entry a row with nulls. Each row has the key of
/// its record, and where the table declares them the numbers of the entries that it is in.
pub fn child(
    records: LazyFrame,
    feed: &Feed,
    table: usize,
    stamps: &(impl Stamps + ?Sized),
) -> LazyFrame {
    let plan = &feed.plan.tables[table];
    let mut kept = of_record(plan, feed);
    kept.extend(stamps.needs().iter().map(|name| named(name)));
    if feed.children == Children::Replace {
        // A merge needs it to tell which record's entries are to stay.
        kept.push(named(Decoded::RecordNo.column()));
    }
    let entries = |rows: LazyFrame, kept: &[String]| exploded(rows, feed, table, kept);
    let computed = computed(plan, feed);
    of_valid(records, feed, kept, first_list(feed, table), entries)
        .with_columns(computed)
        .with_columns(stamped(plan, stamps))
        .without_optimizations()
}

/// The rows of the entries, with the columns that are kept of the records.
pub(super) fn exploded(rows: LazyFrame, feed: &Feed, table: usize, kept: &[String]) -> LazyFrame {
    let mut kept = kept.to_vec();
    let mut parent = 0;
    let mut rows = rows;
    for (at, list) in feed.plan.lists_to(table) {
        let field = &feed.fields_of(parent)[list];
        if parent > 0 {
            let names = kept.iter().chain([&field.column]);
            rows = rows.select(names.map(|name| col(name.as_str())).collect::<Vec<_>>());
        }
        rows = unnested(rows, &field.column);
        if let Kind::List(list) = &field.kind {
            kept.extend(list.position.clone());
        }
        parent = at;
    }
    rows
}

/// The column of the list of the record that a table is of, or that its list is within.
pub(super) fn first_list(feed: &Feed, table: usize) -> Option<&str> {
    let (_, list) = feed.plan.lists_to(table).first().copied()?;
    feed.fields.get(list).map(|field| field.column.as_str())
}

/// The computed columns of a child table.
pub(super) fn computed(plan: &TablePlan, feed: &Feed) -> Vec<Expr> {
    super::rule::computed(plan, feed).map(|computed| computed.value()).collect()
}
