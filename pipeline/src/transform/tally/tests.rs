//! What is counted of a batch.

use super::*;
use crate::decode::{Decoder, Limits};
use crate::feed::tests::visits;
use crate::frame::Stamp;
use crate::records::{Batches, CutOptions};

#[test]
fn a_record_that_decode_would_lose_is_still_counted_as_read() {
    let feed = visits();
    let text = b"{}\n{\n[1]\n".as_slice();
    let batch = Batches::new(text, CutOptions::default()).next().unwrap().unwrap();
    let mut decoder = Decoder::new(&feed, &Limits::of_fresh_tables(&feed));
    let fewer = decoder.decode(&batch).unwrap().head(Some(2));
    let frames = Frames::split(&fewer, &feed, &Stamp::default()).unwrap();
    let mut tally = Tally::of(&feed.plan);
    tally.add(&feed, &batch, &fewer, &frames).unwrap();
    assert_eq!((tally.records, tally.loaded() + tally.rejected()), (3, 2));
}
