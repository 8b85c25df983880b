//! Encoding ready frames as rows of COPY.
//!
//! `cargo bench --bench encode`; throughput in bytes of JSON and in records.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod events;
mod orders;
mod records;
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{batches, measure};

fn encode(criterion: &mut Criterion) {
    for subject in [support::user_status(), support::orders(), support::events()] {
        let records = subject.decode(&batches(&subject.text));
        let frames: Vec<_> = records.iter().map(|records| subject.split(records)).collect();
        let encoder = subject.encoder();
        let mut group = criterion.benchmark_group(format!("encode{}", subject.suffix));
        measure(&mut group, subject.text.len(), || {
            frames.iter().map(|frames| support::encode(frames, &encoder)).sum::<usize>()
        });
    }
}

criterion_group!(benches, encode);
criterion_main!(benches);
