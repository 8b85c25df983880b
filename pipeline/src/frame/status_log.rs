//! Frame 4: one row for each entry of the valid records' lists.

use polars::prelude::{ExplodeOptions, LazyFrame, by_name};

use super::valid::of_valid;
use super::{Stamps, columns};
use crate::feed::Feed;

/// Explodes the lists of the valid records and unnests their entries, in order: an empty list gives no
/// row, a null entry a row with nulls.
pub fn status_log(records: LazyFrame, feed: &Feed, stamps: &(impl Stamps + ?Sized)) -> LazyFrame {
    let (list, _) = feed.list();
    let no_row_for_nothing = ExplodeOptions { empty_as_null: false, keep_nulls: false };
    let kept = [feed.key, list.column].into_iter().chain(stamps.needs().iter().copied());
    let entries = |rows: LazyFrame| {
        rows.explode(by_name([list.column], true, false), no_row_for_nothing)
            .unnest(by_name([list.column], true, false), None)
    };
    of_valid(records, feed, columns(kept), entries).with_columns([stamps.ingested_at()])
}
