//! The stages of a load, once each, for counting their instructions.
//!
//! `benches/instructions.sh` runs it under callgrind, which counts only within `stage_*`.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod events;
mod orders;
mod records;
mod support;

use std::hint::black_box;

use pipeline::records::Batch;
use pipeline::sink::Encoder;
use polars::prelude::DataFrame;
use support::{Frames, Subject};

fn main() {
    // As a load does, which computes its frames on its own thread.
    polars_async::executor::ALLOW_RAYON_THREADS.set(false);
    let subject = support::user_status();
    let batches = stage_cut(&subject.text);
    let records = stage_decode(&subject, &batches);
    let frames = stage_frames(&subject, &records);
    black_box(stage_encode(&frames, &subject.encoder()));
    let orders = support::orders();
    let records = stage_orders_decode(&orders, &support::batches(&orders.text));
    let frames = stage_orders_frames(&orders, &records);
    black_box(stage_orders_encode(&frames, &orders.encoder()));
    let events = support::events();
    let records = stage_events_decode(&events, &support::batches(&events.text));
    let frames = stage_events_frames(&events, &records);
    black_box(stage_events_encode(&frames, &events.encoder()));
}

#[inline(never)]
fn stage_cut(text: &[u8]) -> Vec<Batch> {
    support::batches(text)
}

#[inline(never)]
fn stage_decode(subject: &Subject, batches: &[Batch]) -> Vec<DataFrame> {
    subject.decode(batches)
}

#[inline(never)]
fn stage_frames(subject: &Subject, records: &[DataFrame]) -> Vec<Frames> {
    records.iter().map(|records| subject.split(records)).collect()
}

#[inline(never)]
fn stage_encode(frames: &[Frames], encoder: &Encoder) -> usize {
    frames.iter().map(|frames| support::encode(frames, encoder)).sum()
}

#[inline(never)]
fn stage_orders_decode(subject: &Subject, batches: &[Batch]) -> Vec<DataFrame> {
    subject.decode(black_box(batches))
}

#[inline(never)]
fn stage_orders_frames(subject: &Subject, records: &[DataFrame]) -> Vec<Frames> {
    black_box(records).iter().map(|records| subject.split(records)).collect()
}

#[inline(never)]
fn stage_orders_encode(frames: &[Frames], encoder: &Encoder) -> usize {
    black_box(frames).iter().map(|frames| support::encode(frames, encoder)).sum()
}

/// Keeps the linker from taking the stages of two feeds for the same function.
const EVENTS: &str = "events";

#[inline(never)]
fn stage_events_decode(subject: &Subject, batches: &[Batch]) -> Vec<DataFrame> {
    black_box(EVENTS);
    subject.decode(batches)
}

#[inline(never)]
fn stage_events_frames(subject: &Subject, records: &[DataFrame]) -> Vec<Frames> {
    black_box(EVENTS);
    records.iter().map(|records| subject.split(records)).collect()
}

#[inline(never)]
fn stage_events_encode(frames: &[Frames], encoder: &Encoder) -> usize {
    black_box(EVENTS);
    frames.iter().map(|frames| support::encode(frames, encoder)).sum()
}
