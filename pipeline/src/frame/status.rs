//! Frame 3: one row for each valid record, without its list.

use polars::prelude::LazyFrame;

use super::valid::of_valid;
use super::{Stamps, columns};
use crate::decode::RECORD_NO;
use crate::feed::Feed;

/// Leaves the list out of the valid records and adds `ingested_at`. `record_no` stays: merge needs it
/// to tell the later of two records.
pub fn status(records: LazyFrame, feed: &Feed, stamps: &(impl Stamps + ?Sized)) -> LazyFrame {
    let fields = feed.scalars().map(|field| field.column);
    let kept = fields.chain([RECORD_NO]).chain(stamps.needs().iter().copied());
    of_valid(records, feed, columns(kept), |rows| rows).with_columns([stamps.ingested_at()])
}
