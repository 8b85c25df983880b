//! Cutting a text into batches, and reading batches into columns.
//!
//! `cargo bench --bench decode`; throughput in bytes of JSON and in records.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod events;
mod orders;
mod records;
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{batches, measure};

fn decode(criterion: &mut Criterion) {
    for subject in [support::user_status(), support::orders(), support::events()] {
        let (name, text) = (subject.suffix, &subject.text);
        let of_text = batches(text);
        let mut group = criterion.benchmark_group(format!("cut{name}"));
        measure(&mut group, text.len(), || batches(text));
        drop(group);
        let mut group = criterion.benchmark_group(format!("decode{name}"));
        measure(&mut group, text.len(), || subject.decode(&of_text));
    }
}

criterion_group!(benches, decode);
criterion_main!(benches);
