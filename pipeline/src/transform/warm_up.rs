//! What Polars sets up the first time it is used.

use std::sync::{Arc, Once};

use polars_async::executor::ALLOW_RAYON_THREADS;
use serde_json::{Map, Value};

use super::{DomainChecks, Frames, check};
use crate::decode::{Decoder, Limits};
use crate::feed::{Feed, Field, Kind, Type};
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
            if let Err(error) = records
                .and_then(|records| check(records, feed, &mut DomainChecks::new(None)))
                .and_then(split)
            {
                tracing::debug!(%error, "the frames could not be warmed up");
            }
        }
    });
}

/// A record without nulls: where a column holds nothing else, Polars makes 8 MiB of zeros that it keeps.
fn example(fields: &[Field], text: &str) -> Value {
    let mut record = Value::Object(Map::new());
    for field in fields {
        let value = match &field.kind {
            Kind::Value(Type::Text | Type::Varchar(_), _) => Value::from(text),
            Kind::Value(data_type, _) => {
                serde_json::from_str(data_type.example()).unwrap_or_default()
            }
            Kind::List(list) => Value::from(vec![example(&list.fields, text)]),
        };
        let place = field.path.iter().fold(&mut record, |within, key| &mut within[key.as_str()]);
        *place = value;
    }
    record
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
        let text = ["a", ""].map(|text| example(&feed.fields, text).to_string()).join("\n");
        let batch = Batches::new(text.as_bytes(), CutOptions::default()).next().unwrap().unwrap();
        let mut decoder = Decoder::new(&feed, &Limits::of_fresh_tables(&feed));
        let records = decoder.decode(&batch).unwrap();
        for field in &feed.fields {
            assert_eq!(records.column(&field.column).unwrap().null_count(), 0, "{}", field.name());
        }
        let frames = Frames::split(&records, &feed, &Stamp::default()).unwrap();
        assert_eq!(heights(&frames), [1, 1, 1, 1]);
    }
}
