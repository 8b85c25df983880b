//! The four frames of ready columns.
//!
//! `cargo bench --bench frames`; throughput in bytes of JSON and in records.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod records;
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{measure, split};

fn frames(criterion: &mut Criterion) {
    // As a load does, which computes its frames on its own thread.
    polars_async::executor::ALLOW_RAYON_THREADS.set(false);
    let text = support::text();
    let records = support::decode(&support::batches(&text));
    measure(&mut criterion.benchmark_group("frames"), text.len(), || {
        records.iter().map(split).collect::<Vec<_>>()
    });
}

criterion_group!(benches, frames);
criterion_main!(benches);
