//! The frames of a load: pure functions from lazy frame to lazy frame.
//!
//! Each takes the frame that [`decode`](crate::decode) gives. [`valid()`] and [`rejected()`] share its
//! rows between them; [`parent()`] and [`child()`] are made of the valid ones. Nothing here reads,
//! writes or looks at the clock: what a row needs beyond its record comes in a [`Stamp`].
//!
//! The plans are written as they are to run, and not optimised: for a batch that takes longer than what
//! it could save.

mod child;
mod domain;
mod entries;
mod parent;
mod rejected;
mod rule;
mod stamp;
mod valid;

use std::sync::Arc;

use polars::prelude::{Expr, IntoLazy, LazyFrame, col};

pub use child::child;
pub(crate) use domain::Values;
pub use parent::parent;
pub use rejected::rejected;
pub use rule::checked;
pub use stamp::{Stamp, Stamps};
pub use valid::valid;

use crate::decode::{Decoder, Limits};
use crate::error::{Error, Result};
use crate::feed::{Feed, RowsOf, Source, TablePlan};
use crate::records::Batch;

/// The rows of the table of this index.
pub fn rows(
    records: LazyFrame,
    feed: &Feed,
    table: usize,
    stamps: &(impl Stamps + ?Sized),
) -> LazyFrame {
    match feed.plan.tables[table].rows {
        RowsOf::Records => parent(records, feed, stamps),
        RowsOf::Entries { .. } => child(records, feed, table, stamps),
        RowsOf::Rejects => rejected(records, feed, stamps),
    }
}

/// The plans of a load as Polars runs them: `valid`, then one for each table, behind its name.
///
/// # Errors
/// [`Error::Frame`] when a plan does not fit the feed, which only a mistake of ours can cause.
pub fn explain(feed: &Arc<Feed>) -> Result<Vec<(String, String)>> {
    let explained = |source| Error::Frame { doing: "explain the plans", source };
    let empty = Decoder::new(feed, &Limits::of_fresh_tables(feed)).decode(&Batch::default())?;
    let empty = checked(empty, feed).map_err(explained)?.lazy();
    let stamp = Stamp::default();
    let tables = feed.plan.tables.iter().enumerate();
    let tables =
        tables.map(|(at, table)| (table.name.plain(), rows(empty.clone(), feed, at, &stamp)));
    [("valid".to_owned(), valid(empty.clone(), feed))]
        .into_iter()
        .chain(tables)
        .map(|(name, plan)| Ok((name, plan.explain(true).map_err(explained)?)))
        .collect()
}

/// The columns of a table that have their value from the record, by their names in the table.
fn of_record(table: &TablePlan, feed: &Feed) -> Vec<(String, Expr)> {
    let columns = table.columns.iter().filter_map(|column| {
        let name = column.name.as_str();
        let value = match column.source {
            Source::Record(field) => col(feed.fields[field].column.as_str()),
            Source::Decoded(decoded) => col(decoded.column()),
            Source::Computed(_) if table.rows == RowsOf::Records => col(name),
            _ => return None,
        };
        Some((name.to_owned(), value))
    });
    columns.collect()
}

/// A column of decode under its own name.
fn named(name: &str) -> (String, Expr) {
    (name.to_owned(), col(name))
}

/// The columns of a table that are stamped.
fn stamped(table: &TablePlan, stamps: &(impl Stamps + ?Sized)) -> Vec<Expr> {
    let stamped = table.columns.iter().filter_map(|column| match column.source {
        Source::Stamp(what) => Some(stamps.value(what).alias(column.name.as_str())),
        _ => None,
    });
    stamped.collect()
}

/// The columns of these names.
fn columns<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Expr> {
    names.into_iter().map(col).collect()
}
