//! Frame 4: one row for each entry of the valid records' lists.

use polars::prelude::{ExplodeOptions, LazyFrame, by_name};

use super::{Stamps, columns};
use crate::feed::Feed;

/// Explodes the list of valid rows and unnests its entries, in order: an empty list gives no row,
/// a null entry a row with nulls.
pub fn status_log(valid: LazyFrame, feed: &Feed, stamps: &(impl Stamps + ?Sized)) -> LazyFrame {
    let (list, _) = feed.list();
    let no_row_for_nothing = ExplodeOptions { empty_as_null: false, keep_nulls: false };
    valid
        .select(columns([feed.key, list.column].into_iter().chain(stamps.needs().iter().copied())))
        .explode(by_name([list.column], true, false), no_row_for_nothing)
        .unnest(by_name([list.column], true, false), None)
        .with_columns([stamps.ingested_at()])
}
