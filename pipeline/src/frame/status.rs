//! Frame 3: one row for each valid record, without its list.

use polars::prelude::{LazyFrame, by_name};

use super::Stamps;
use crate::decode::{BYTE_LENGTH, BYTE_OFFSET, DETAIL, RAW, REASON};
use crate::feed::Feed;

/// Drops the list from valid rows and adds `ingested_at`. `record_no` stays: merge needs it to
/// tell the later of two records.
pub fn status(valid: LazyFrame, feed: &Feed, stamps: &(impl Stamps + ?Sized)) -> LazyFrame {
    let (list, _) = feed.list();
    let dropped = [list.column, BYTE_OFFSET, BYTE_LENGTH, REASON, DETAIL, RAW];
    valid.drop(by_name(dropped, true, false)).with_columns([stamps.ingested_at()])
}
