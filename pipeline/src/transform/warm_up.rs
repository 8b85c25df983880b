//! What Polars sets up the first time it is used.

use std::sync::{Arc, Once};

use polars_async::executor::ALLOW_RAYON_THREADS;

use super::Frames;
use crate::decode::{Decoder, Limits};
use crate::feed::{Feed, Field, Kind};
use crate::frame::Stamp;
use crate::records::{Batches, CutOptions};

/// Takes two records through the frames, once: what Polars sets up the first time it is used takes some
/// milliseconds, which a process can spend while it connects.
pub fn warm_up(feed: &Arc<Feed>) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        ALLOW_RAYON_THREADS.set(false);
        let text = format!("{}\n{}\n", example(&feed.fields, "a"), example(&feed.fields, ""));
        for batch in Batches::new(text.as_bytes(), CutOptions::default()).flatten() {
            let records = Decoder::new(feed, &Limits::of_fresh_tables(feed)).decode(&batch);
            let split = |records| Frames::split(&records, feed, &Stamp::default());
            if let Err(error) = records.and_then(split) {
                tracing::debug!(%error, "the frames could not be warmed up");
            }
        }
    });
}

/// A record without nulls: where a column holds nothing else, Polars makes 8 MiB of zeros that it keeps.
fn example(fields: &[Field], text: &str) -> String {
    let members = fields.iter().map(|field| {
        let value = match &field.kind {
            Kind::Value(data_type) => data_type.example(text),
            Kind::List(fields) => format!("[{}]", example(fields, text)),
        };
        format!("\"{}\":{value}", field.key)
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use polars::prelude::DataFrame;

    use super::*;
    use crate::feed::tests::visits;

    fn heights(frames: &Frames) -> Vec<usize> {
        frames.tables.iter().map(DataFrame::height).collect()
    }

    #[test]
    fn the_examples_have_no_nulls_and_one_is_valid() {
        let feed = visits();
        let text = ["a", ""].map(|text| example(&feed.fields, text)).join("\n");
        let batch = Batches::new(text.as_bytes(), CutOptions::default()).next().unwrap().unwrap();
        let mut decoder = Decoder::new(&feed, &Limits::of_fresh_tables(&feed));
        let records = decoder.decode(&batch).unwrap();
        for field in &feed.fields {
            assert_eq!(records.column(&field.column).unwrap().null_count(), 0, "{}", field.key);
        }
        let frames = Frames::split(&records, &feed, &Stamp::default()).unwrap();
        assert_eq!(heights(&frames), [1, 1, 1, 1]);
    }
}
