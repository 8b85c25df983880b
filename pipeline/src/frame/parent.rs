//! One row for each valid record, without its lists: the rows of the root table.

use polars::prelude::LazyFrame;

use super::valid::of_valid;
use super::{Stamps, columns, fields, stamped};
use crate::feed::{Decoded, Feed};

/// Leaves the lists out of the valid records and adds what is stamped. The number of the record stays:
/// a merge needs it to tell the later of two records.
pub fn parent(records: LazyFrame, feed: &Feed, stamps: &(impl Stamps + ?Sized)) -> LazyFrame {
    let table = feed.plan.root();
    let others = [Decoded::RecordNo.column()].into_iter().chain(stamps.needs().iter().copied());
    let kept = columns(fields(table, feed).chain(others));
    of_valid(records, feed, kept, |rows| rows).with_columns(stamped(table, stamps))
}
