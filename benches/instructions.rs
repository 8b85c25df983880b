//! The stages of a load, once each, for counting their instructions.
//!
//! `benches/instructions.sh` runs it under callgrind, which counts only within `stage_*`.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod records;
mod support;

use std::hint::black_box;

use pipeline::records::Batch;
use pipeline::sink::Encoder;
use polars::prelude::DataFrame;
use support::Frames;

fn main() {
    // As a load does, which computes its frames on its own thread.
    polars_async::executor::ALLOW_RAYON_THREADS.set(false);
    let batches = stage_cut(&support::text());
    let records = stage_decode(&batches);
    let frames = stage_frames(&records);
    black_box(stage_encode(&frames, &support::encoder()));
}

#[inline(never)]
fn stage_cut(text: &[u8]) -> Vec<Batch> {
    support::batches(text)
}

#[inline(never)]
fn stage_decode(batches: &[Batch]) -> Vec<DataFrame> {
    support::decode(batches)
}

#[inline(never)]
fn stage_frames(records: &[DataFrame]) -> Vec<Frames> {
    records.iter().map(support::split).collect()
}

#[inline(never)]
fn stage_encode(frames: &[Frames], encoder: &Encoder) -> usize {
    frames.iter().map(|frames| support::encode(frames, encoder)).sum()
}
