//! Parts, however the object is divided: their records are those of one pass over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::*;
use crate::store::Bucket;

/// A record as it was cut: its text, its place, and whether cutting found a fault.
type Cut = (Vec<u8>, u64, u64, bool);

fn object(runtime: &Runtime, text: &[u8]) -> Object {
    let store = Arc::new(InMemory::new());
    runtime.block_on(async {
        store.put(&"lines".into(), PutPayload::from(text.to_vec())).await.unwrap();
        Bucket::new("memory://", store).locate("lines").await.unwrap()
    })
}

fn cut(batches: &mut Batches<impl BufRead>) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for batch in batches {
        let batch = batch.unwrap();
        cuts.extend(batch.records.iter().map(|record| {
            let text = batch.text_of(record).to_vec();
            (text, record.byte_offset, record.byte_length, record.fault.is_some())
        }));
    }
    cuts
}

/// The records of all parts, and how many bytes were counted as read.
fn cut_in_parts(
    runtime: &Runtime,
    text: &[u8],
    ends: &[u64],
    options: &CutOptions,
) -> (Vec<Cut>, u64) {
    let _entered = runtime.enter();
    let object = object(runtime, text);
    let bytes_read = Arc::new(AtomicU64::new(0));
    let (mut cuts, mut start, mut text_end) = (Vec::new(), 0, 0);
    for &end in ends {
        let (reader, _) = PartReader::open(&object, start..end, Arc::clone(&bytes_read));
        let mut batches = reader.batches(options.clone()).unwrap();
        let begin = batches.offset();
        cuts.extend(cut(&mut batches));
        if batches.offset() > begin {
            assert_eq!(begin, text_end, "the text of {start}..{end} follows that before");
            text_end = batches.offset();
        }
        start = end;
    }
    assert_eq!(text_end, text.len() as u64);
    (cuts, bytes_read.load(Ordering::Relaxed))
}

fn assert_same(runtime: &Runtime, text: &[u8], ends: &[u64], options: &CutOptions) {
    let whole = cut(&mut Batches::new(text, options.clone()));
    let (parts, bytes_read) = cut_in_parts(runtime, text, ends, options);
    assert_eq!(parts, whole, "{:?} at {ends:?}", String::from_utf8_lossy(text));
    assert_eq!(bytes_read, text.len() as u64);
}

/// The ends of parts of so many bytes.
fn ends(length: usize, part_bytes: usize) -> Vec<u64> {
    let ends = (part_bytes..length).step_by(part_bytes).chain([length]);
    ends.map(|end| end as u64).collect()
}

fn lines() -> CutOptions {
    CutOptions { format: Some(Format::Ndjson), ..CutOptions::default() }
}

#[test]
fn parts_of_any_size_have_the_records_of_one_pass() {
    let runtime = Runtime::new().unwrap();
    for text in [
        "{\"a\":1}\r\n\r\n{\"a\":2}\r\n",
        "\u{feff}{\"a\":1}\n\u{feff}{\"a\":2}\n{\"a\":3}",
        "\n\n  \n{\"a\":1}\n\n\n   {\"a\":2}   \n\n",
        "{\"a\":\"\u{e9}\u{20ac}\u{1f600}\"}\n{broken\n\u{1f600}\n{\"a\":2} {\"a\":3}\n",
        "{\"a\":1}\n{\"a\":\"longer than many parts are, and then some\"}\n{}\n",
        "no line feed at all",
        "\n",
    ] {
        for part_bytes in 1..=text.len() {
            assert_same(&runtime, text.as_bytes(), &ends(text.len(), part_bytes), &lines());
        }
    }
}

#[test]
fn a_line_that_is_longer_than_a_read_belongs_to_the_part_in_which_it_begins() {
    let runtime = Runtime::new().unwrap();
    let text = format!("{{}}\n{}\n{{}}\n", "x".repeat(5 << 20));
    for part_bytes in [1 << 20, 3 << 20] {
        assert_same(&runtime, text.as_bytes(), &ends(text.len(), part_bytes), &lines());
    }
}

proptest! {
    #[test]
    fn parts_that_end_anywhere_have_the_records_of_one_pass(
        text in proptest::collection::vec(
            prop_oneof![
                4 => Just(b"\n".to_vec()),
                1 => Just(b"\r\n".to_vec()),
                1 => Just(b" ".to_vec()),
                1 => Just(BOM.to_vec()),
                1 => Just("\u{1f600}".as_bytes().to_vec()),
                1 => Just(b"\xff\x1f\x8b".to_vec()),
                8 => "[{}a-z\":,]{1,12}".prop_map(String::into_bytes),
            ],
            1..60,
        ),
        mut ends in proptest::collection::vec(1_u64..200, 0..12),
        batch_bytes in 1_usize..40,
        max_record_bytes in 4_usize..40,
    ) {
        let runtime = Runtime::new().unwrap();
        let text = text.concat();
        let length = text.len() as u64;
        ends.retain(|end| *end < length);
        ends.push(length);
        ends.sort_unstable();
        ends.dedup();
        let options = CutOptions { batch_bytes, max_record_bytes, ..lines() };
        assert_same(&runtime, &text, &ends, &options);
    }
}
