//! What the benchmarks of the stages share: each stage's work, and how it is measured.

#![allow(dead_code, reason = "each benchmark uses the stages up to its own")]

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Throughput};
use pipeline::decode::{Decoder, Limits};
use pipeline::feed::USER_STATUS as FEED;
use pipeline::frame::{self, Stamp};
use pipeline::sink::{Encoder, Mode, Rows, Targets};
use pipeline::source::{Batch, Batches, CutOptions};
use polars::prelude::{DataFrame, IntoLazy};

use crate::records::Plan;

const RECORDS: u64 = 20_000;

pub(crate) struct Frames {
    pub(crate) status: DataFrame,
    pub(crate) log: DataFrame,
    pub(crate) rejected: DataFrame,
}

pub(crate) fn text() -> Vec<u8> {
    let mut text = Vec::new();
    Plan { records: RECORDS, ..Plan::default() }.write(&mut text).unwrap();
    text
}

pub(crate) fn batches(text: &[u8]) -> Vec<Batch> {
    Batches::new(text, CutOptions::default()).map(Result::unwrap).collect()
}

pub(crate) fn decode(batches: &[Batch]) -> Vec<DataFrame> {
    let mut decoder = Decoder::new(&FEED, &Limits::of_fresh_tables(&FEED));
    batches.iter().map(|batch| decoder.decode(batch).unwrap()).collect()
}

pub(crate) fn split(records: &DataFrame) -> Frames {
    let stamp = Stamp {
        ingested_at_micros: 0,
        load_id: 1,
        object: "file:///users.ndjson".to_owned(),
        object_version: "1".to_owned(),
    };
    let records = records.clone().lazy();
    Frames {
        status: frame::status(records.clone(), &FEED, &stamp).collect().unwrap(),
        log: frame::status_log(records.clone(), &FEED, &stamp).collect().unwrap(),
        rejected: frame::rejected(records, &FEED, &stamp).collect().unwrap(),
    }
}

pub(crate) fn encoder() -> Encoder {
    Encoder::new(&Targets::fresh(&FEED, Mode::Append))
}

/// The bytes of the rows, which go as they come: kept, they would be measured by the pages they touch.
pub(crate) fn encode(Frames { status, log, rejected }: &Frames, encoder: &Encoder) -> usize {
    let mut bytes = 0;
    let mut send = |piece| {
        let (Rows::Status(rows) | Rows::Log(rows) | Rows::Rejected(rows)) = black_box(piece);
        bytes += rows.len();
        true
    };
    encoder.log(log, &mut send).unwrap();
    encoder.rejected(rejected, &mut send).unwrap();
    encoder.status(status, &mut send).unwrap();
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
