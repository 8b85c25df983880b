//! What the benchmarks of the stages share: each stage's work, and how it is measured.

#![allow(dead_code, reason = "each benchmark uses the stages up to its own")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Throughput};
use pipeline::decode::{Decoder, Limits};
use pipeline::feed::{Feed, Feeds};
use pipeline::frame::{self, Stamp};
use pipeline::records::{Batch, Batches, CutOptions};
use pipeline::sink::{Encoder, Mode, Rows, Targets};
use polars::prelude::{DataFrame, IntoLazy};

use crate::events::Events;
use crate::orders::Orders;
use crate::records::Plan;

const RECORDS: u64 = 20_000;

/// A feed, and records of it.
pub(crate) struct Subject {
    /// What stands behind the name of a benchmark.
    pub(crate) suffix: &'static str,
    pub(crate) feed: Arc<Feed>,
    pub(crate) text: Vec<u8>,
}

/// The frames of some records, one for each table.
pub(crate) struct Frames(Vec<DataFrame>);

/// The built-in feed, by which all is measured.
pub(crate) fn user_status() -> Subject {
    let feeds = Feeds::built_in().unwrap();
    let mut text = Vec::new();
    Plan { records: RECORDS, ..Plan::default() }.write(&mut text).unwrap();
    Subject { suffix: "", feed: Arc::clone(feeds.get("user_status").unwrap()), text }
}

/// Three tables, lists within lists, a rule for two of them, and a computed column.
pub(crate) fn orders() -> Subject {
    let file = include_str!("../feeds/examples/orders.toml");
    let mut text = Vec::new();
    Orders { records: RECORDS, changed: 0, seed: 1 }.write(&mut text).unwrap();
    Subject { suffix: "_orders", feed: Feed::read("orders.toml", file).unwrap(), text }
}

/// One table of sixty columns.
pub(crate) fn events() -> Subject {
    let mut text = Vec::new();
    Events { records: RECORDS, seed: 1 }.write(&mut text).unwrap();
    let feed = Feed::read("events.toml", include_str!("events.toml")).unwrap();
    Subject { suffix: "_events", feed, text }
}

pub(crate) fn batches(text: &[u8]) -> Vec<Batch> {
    Batches::new(text, CutOptions::default()).map(Result::unwrap).collect()
}

impl Subject {
    pub(crate) fn decode(&self, batches: &[Batch]) -> Vec<DataFrame> {
        let mut decoder = Decoder::new(&self.feed, &Limits::of_fresh_tables(&self.feed));
        let decode = |batch| frame::checked(decoder.decode(batch).unwrap(), &self.feed).unwrap();
        batches.iter().map(decode).collect()
    }

    pub(crate) fn split(&self, records: &DataFrame) -> Frames {
        let stamp = Stamp {
            ingested_at_micros: 0,
            load_id: 1,
            object: "file:///users.ndjson".to_owned(),
            object_version: "1".to_owned(),
        };
        let tables = 0..self.feed.plan.tables.len();
        let rows =
            tables.map(|table| frame::rows(records.clone().lazy(), &self.feed, table, &stamp));
        Frames(rows.map(|rows| rows.collect().unwrap()).collect())
    }

    pub(crate) fn encoder(&self) -> Encoder {
        Encoder::new(&Targets::fresh(&self.feed, Mode::Append))
    }
}

/// The bytes of the rows, which go as they come: kept, they would be measured by the pages they touch.
pub(crate) fn encode(Frames(tables): &Frames, encoder: &Encoder) -> usize {
    let mut bytes = 0;
    let mut send = |piece| {
        bytes += black_box::<Rows>(piece).bytes.len();
        true
    };
    for (table, frame) in tables.iter().enumerate() {
        encoder.encode(table, frame, &mut send).unwrap();
    }
    bytes
}

/// Measures a stage once by the bytes of JSON behind it and once by the records.
pub(crate) fn measure<T>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    bytes: usize,
    mut stage: impl FnMut() -> T,
) {
    for (unit, throughput) in
        [("bytes", Throughput::Bytes(bytes as u64)), ("records", Throughput::Elements(RECORDS))]
    {
        group.throughput(throughput);
        group.bench_function(unit, |bencher| bencher.iter(|| black_box(stage())));
    }
}
