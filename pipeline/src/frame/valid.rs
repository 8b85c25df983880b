//! The records that go into the tables.

use polars::prelude::{Expr, LazyFrame, by_name, col, lit};

use crate::feed::{Decoded, Feed, Field, Kind, Unknown};

/// The column that says whether a row is of a valid record, until it is filtered by.
const IS_VALID: &str = "$is_valid";

/// Keeps the rows that decode took and no rule rejects, whose required fields are not null and whose
/// non-empty fields are not `''`.
pub fn valid(records: LazyFrame, feed: &Feed) -> LazyFrame {
    records.filter(is_valid(feed))
}

/// True for valid rows and false for the others, never null.
pub(super) fn is_valid(feed: &Feed) -> Expr {
    let required = feed.fields.iter().filter(|field| field.required);
    let non_empty = feed.fields.iter().filter(|field| field.non_empty);
    let present = required.map(|field| col(field.column.as_str()).is_not_null());
    let filled = non_empty.map(|field| col(field.column.as_str()).neq_missing(lit("")));
    let taken = needs_reason(feed).then(|| col(Decoded::Reason.column()).is_null());
    present.chain(filled).chain(taken).reduce(Expr::and).unwrap_or_else(|| lit(true))
}

/// Whether only the reason tells that a record is rejected. A value that cannot be taken is null, so where
/// no field may be null, the fields tell.
fn needs_reason(feed: &Feed) -> bool {
    let may_be_null = |field: &Field| !field.required;
    let has_demands = |field: &Field| match &field.kind {
        Kind::List(list) => list.fields.iter().any(demands),
        Kind::Value(..) => false,
    };
    feed.has_expressions()
        || feed.unknown != Unknown::Ignore
        || feed.fields.iter().any(|field| may_be_null(field) || has_demands(field))
}

/// Whether a field of an entry, or one within it, may reject the record by being null or empty.
fn demands(field: &Field) -> bool {
    let within = match &field.kind {
        Kind::List(list) => list.fields.iter().any(demands),
        Kind::Value(..) => false,
    };
    field.required || field.non_empty || within
}

/// What `made` makes of some columns of records, by their names, and of a list, for the valid of them. The rows are filtered
/// only then: to filter lists costs more than all else that is done with them.
pub(super) fn of_valid(
    records: LazyFrame,
    feed: &Feed,
    kept: Vec<(String, Expr)>,
    list: Option<&str>,
    made: impl FnOnce(LazyFrame, &[String]) -> LazyFrame,
) -> LazyFrame {
    let mut names: Vec<_> = kept.iter().map(|(name, _)| name.clone()).collect();
    names.push(IS_VALID.to_owned());
    let kept = kept.into_iter().chain([(IS_VALID.to_owned(), is_valid(feed))]);
    let selected = kept.map(|(name, value)| value.alias(name)).chain(list.map(col));
    made(records.select(selected.collect::<Vec<_>>()), &names)
        .filter(col(IS_VALID))
        .drop(by_name([IS_VALID], true, false))
        .without_optimizations()
}
