//! Encoding ready frames as rows of COPY.
//!
//! `cargo bench --bench encode`; throughput in bytes of JSON and in records.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod records;
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use pipeline::feed::USER_STATUS as FEED;
use pipeline::sink::{Encoder, Mode, Targets};
use support::{Frames, measure, split};

fn encode(criterion: &mut Criterion) {
    let text = support::text();
    let records = support::decode(&support::batches(&text));
    let frames: Vec<_> = records.iter().map(split).collect();
    let encoder = Encoder::new(&Targets::fresh(&FEED, Mode::Append));
    let encode = |Frames { status, log, rejected }: &Frames| {
        let mut rows = Vec::new();
        let mut keep = |piece| {
            rows.push(piece);
            true
        };
        encoder.log(log, &mut keep).unwrap();
        encoder.rejected(rejected, &mut keep).unwrap();
        encoder.status(status, &mut keep).unwrap();
        rows
    };
    measure(&mut criterion.benchmark_group("encode"), text.len(), || {
        frames.iter().map(encode).collect::<Vec<_>>()
    });
}

criterion_group!(benches, encode);
criterion_main!(benches);
