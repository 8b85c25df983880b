//! Frame 1: the records that go into the tables.

use polars::prelude::{Expr, LazyFrame, col, lit};

use crate::feed::Feed;

/// Keeps the rows whose required fields are not null and whose non-empty fields are not `''`.
pub fn valid(records: LazyFrame, feed: &Feed) -> LazyFrame {
    records.filter(is_valid(feed))
}

/// True for valid rows and false for the others, never null.
pub(super) fn is_valid(feed: &Feed) -> Expr {
    let required = feed.fields.iter().filter(|field| field.required);
    let non_empty = feed.fields.iter().filter(|field| field.non_empty);
    let present = required.map(|field| col(field.column).is_not_null());
    let filled = non_empty.map(|field| col(field.column).neq_missing(lit("")));
    present.chain(filled).reduce(Expr::and).unwrap_or_else(|| lit(true))
}
