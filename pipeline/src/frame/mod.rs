//! The frames of a load: pure functions from lazy frame to lazy frame.
//!
//! Each takes the frame that [`decode`](crate::decode) gives. [`valid()`] and [`rejected()`] share its
//! rows between them; [`parent()`] and [`child()`] are made of the valid ones. Nothing here reads,
//! writes or looks at the clock: what a row needs beyond its record comes in a [`Stamp`].
//!
//! The plans are written as they are to run, and not optimised: for a batch that takes longer than what
//! it could save.

mod child;
mod parent;
mod rejected;
mod stamp;
mod valid;

use std::sync::Arc;

use polars::prelude::{Expr, IntoLazy, LazyFrame, col};

pub use child::child;
pub use parent::parent;
pub use rejected::rejected;
pub use stamp::{Stamp, Stamps};
pub use valid::valid;

use crate::decode::{Decoder, Limits};
use crate::error::{Error, Result};
use crate::feed::{Feed, RowsOf, Source, TablePlan};
use crate::records::Batch;

/// The rows of a table of the feed.
pub fn rows(
    records: LazyFrame,
    feed: &Feed,
    table: &TablePlan,
    stamps: &(impl Stamps + ?Sized),
) -> LazyFrame {
    match table.rows {
        RowsOf::Records => parent(records, feed, stamps),
        RowsOf::Entries { list, .. } => child(records, feed, (table, list), stamps),
        RowsOf::Rejects => rejected(records, feed, stamps),
    }
}

/// The plans of a load as Polars runs them: `valid`, then one for each table, behind its name.
///
/// # Errors
/// [`Error::Frame`] when a plan does not fit the feed, which only a mistake of ours can cause.
pub fn explain(feed: &Arc<Feed>) -> Result<Vec<(String, String)>> {
    let empty =
        Decoder::new(feed, &Limits::of_fresh_tables(feed)).decode(&Batch::default())?.lazy();
    let stamp = Stamp::default();
    let of_table =
        |table: &TablePlan| (table.name.plain(), rows(empty.clone(), feed, table, &stamp));
    let tables = feed.plan.tables.iter().map(of_table);
    let explained = |source| Error::Frame { doing: "explain the plans", source };
    [("valid".to_owned(), valid(empty.clone(), feed))]
        .into_iter()
        .chain(tables)
        .map(|(name, plan)| Ok((name, plan.explain(true).map_err(explained)?)))
        .collect()
}

/// The columns of a table that are fields of the record.
fn fields<'a>(table: &'a TablePlan, feed: &'a Feed) -> impl Iterator<Item = &'a str> {
    table.columns.iter().filter_map(|column| match column.source {
        Source::Record(field) => Some(feed.fields[field].column.as_str()),
        _ => None,
    })
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
