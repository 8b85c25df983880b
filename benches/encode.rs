//! Encoding ready frames as rows of COPY.
//!
//! `cargo bench --bench encode`; throughput in bytes of JSON and in records.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod records;
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{measure, split};

fn encode(criterion: &mut Criterion) {
    let text = support::text();
    let records = support::decode(&support::batches(&text));
    let frames: Vec<_> = records.iter().map(split).collect();
    let encoder = support::encoder();
    measure(&mut criterion.benchmark_group("encode"), text.len(), || {
        frames.iter().map(|frames| support::encode(frames, &encoder)).sum::<usize>()
    });
}

criterion_group!(benches, encode);
criterion_main!(benches);
