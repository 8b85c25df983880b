//! Decode, the rules and the frames under some feed, for any bytes.

use std::sync::{Arc, LazyLock};

use pipeline::decode::{Decoder, Limits};
use pipeline::feed::Feed;
use pipeline::frame::{Stamp, checked, rows};
use pipeline::records::{Batches, CutOptions};
use pipeline::sink::{Encoder, Mode, Targets};
use polars::prelude::IntoLazy;

/// Feeds that have between them all that a feed may have.
static FEEDS: LazyLock<[Arc<Feed>; 4]> = LazyLock::new(|| {
    [
        include_str!("../../feeds/user_status.toml"),
        include_str!("../../feeds/examples/orders.toml"),
        include_str!("../../feeds/examples/github_events.toml"),
        include_str!("types.toml"),
    ]
    .map(|text| Feed::read("feed.toml", text).unwrap())
});

/// The first byte chooses the feed; the rest is the text. Every record that is cut is a row of the root table
/// or of the rejects table, and all rows can be encoded.
pub fn check(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let feed = &FEEDS[usize::from(*choice) % FEEDS.len()];
    let mut decoder =
        Decoder::new(feed, &Limits::of_fresh_tables(feed)).with_object("file:///x", "1");
    let encoder = Encoder::new(&Targets::fresh(feed, Mode::Append));
    for batch in Batches::new(text, CutOptions::default()).flatten() {
        let records = decoder.decode(&batch).unwrap();
        assert_eq!(records.height(), batch.records.len());
        let records = checked(records, feed).unwrap();
        let frames: Vec<_> = (0..feed.plan.tables.len())
            .map(|table| {
                rows(records.clone().lazy(), feed, table, &Stamp::default()).collect().unwrap()
            })
            .collect();
        let rejects = feed.plan.rejects_index();
        assert_eq!(frames[0].height() + frames[rejects].height(), batch.records.len());
        for (table, frame) in frames.iter().enumerate() {
            encoder.encode(table, frame, |_| true).unwrap();
        }
    }
}
