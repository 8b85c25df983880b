//! The records that go into the tables.

use polars::prelude::{Expr, LazyFrame, by_name, col, lit};

use crate::feed::{Decoded, Feed};

/// The column that says whether a row is of a valid record, until it is filtered by.
const IS_VALID: &str = "$is_valid";

/// Keeps the rows that decode took, whose required fields are not null and whose non-empty fields are
/// not `''`.
pub fn valid(records: LazyFrame, feed: &Feed) -> LazyFrame {
    records.filter(is_valid(feed))
}

/// True for valid rows and false for the others, never null.
pub(super) fn is_valid(feed: &Feed) -> Expr {
    let required = feed.fields.iter().filter(|field| field.required);
    let non_empty = feed.fields.iter().filter(|field| field.non_empty);
    let present = required.map(|field| col(field.column.as_str()).is_not_null());
    let filled = non_empty.map(|field| col(field.column.as_str()).neq_missing(lit("")));
    // A value that cannot be taken is null. Where a null may be valid, only decode can tell.
    let may_be_null = feed.fields.iter().any(|field| !field.required);
    let taken = may_be_null.then(|| col(Decoded::Reason.column()).is_null());
    present.chain(filled).chain(taken).reduce(Expr::and).unwrap_or_else(|| lit(true))
}

/// What `made` makes of some columns of records, for the valid of them. The rows are filtered only
/// then: to filter lists costs more than all else that is done with them.
pub(super) fn of_valid(
    records: LazyFrame,
    feed: &Feed,
    mut columns: Vec<Expr>,
    made: impl FnOnce(LazyFrame) -> LazyFrame,
) -> LazyFrame {
    columns.push(is_valid(feed).alias(IS_VALID));
    made(records.select(columns))
        .filter(col(IS_VALID))
        .drop(by_name([IS_VALID], true, false))
        .without_optimizations()
}
