//! One row for each valid record, without its lists: the rows of the root table.

use polars::prelude::LazyFrame;

use super::valid::of_valid;
use super::{Stamps, named, of_record, stamped};
use crate::feed::{Decoded, Feed};

/// Leaves the lists out of the valid records and adds what is stamped. The number of the record stays:
/// a merge needs it to tell the later of two records.
pub fn parent(records: LazyFrame, feed: &Feed, stamps: &(impl Stamps + ?Sized)) -> LazyFrame {
    let table = feed.plan.root();
    let mut kept = of_record(table, feed);
    kept.push(named(Decoded::RecordNo.column()));
    kept.extend(stamps.needs().iter().map(|name| named(name)));
    of_valid(records, feed, kept, None, |rows, _| rows)
        .with_columns(stamped(table, stamps))
        .without_optimizations()
}
