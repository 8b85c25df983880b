//! The four frames of ready columns.
//!
//! `cargo bench --bench frames`; throughput in bytes of JSON and in records.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod events;
mod orders;
mod records;
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{batches, measure};

fn frames(criterion: &mut Criterion) {
    // As a load does, which computes its frames on its own thread.
    polars_async::executor::ALLOW_RAYON_THREADS.set(false);
    for subject in [support::user_status(), support::orders(), support::events()] {
        let records = subject.decode(&batches(&subject.text));
        let mut group = criterion.benchmark_group(format!("frames{}", subject.suffix));
        measure(&mut group, subject.text.len(), || {
            records.iter().map(|records| subject.split(records)).collect::<Vec<_>>()
        });
    }
}

criterion_group!(benches, frames);
criterion_main!(benches);
