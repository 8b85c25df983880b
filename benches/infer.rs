//! Reading batches into a shape.
//!
//! `cargo bench --bench infer`; throughput in bytes of JSON and in records.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod events;
mod orders;
mod records;
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use pipeline::infer::inference::Inference;
use pipeline::infer::shape::Shape;
use pipeline::json::path::JsonPath;
use pipeline::records::Batch;
use support::measure;

fn infer(criterion: &mut Criterion) {
    let text = support::user_status().text;
    let batches = support::batches(&text);
    measure(&mut criterion.benchmark_group("infer"), text.len(), || read(&batches));
    measure(&mut criterion.benchmark_group("cut and infer"), text.len(), || {
        read(&support::batches(&text))
    });
}

fn read(batches: &[Batch]) -> Shape {
    let mut inference = Inference::new(&JsonPath::default());
    let mut shape = Shape::default();
    batches.iter().for_each(|batch| inference.read_batch(batch, &mut shape));
    shape
}

criterion_group!(benches, infer);
criterion_main!(benches);
