//! Cutting a text into batches, and reading batches into columns.
//!
//! `cargo bench --bench decode`; throughput in bytes of JSON and in records.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod records;
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::measure;

fn decode(criterion: &mut Criterion) {
    let text = support::text();
    let batches = support::batches(&text);
    measure(&mut criterion.benchmark_group("cut"), text.len(), || support::batches(&text));
    measure(&mut criterion.benchmark_group("decode"), text.len(), || support::decode(&batches));
}

criterion_group!(benches, decode);
criterion_main!(benches);
