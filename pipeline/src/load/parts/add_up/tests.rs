//! When parts are a whole object.

use super::*;

/// A part of ten bytes whose text stands elsewhere, with two records, one of them rejected.
fn part(number: u64, text: Range<u64>) -> RecordedPart {
    let records = if text.is_empty() { 0 } else { 2 };
    let counts = Counts {
        records,
        loaded: records / 2,
        rejected: records / 2,
        rejected_by_reason: [("malformed".to_owned(), records / 2)].into(),
        ..Counts::default()
    };
    RecordedPart { bytes: number * 10..number * 10 + 10, text: Some(text), counts }
}

#[test]
fn parts_that_are_the_whole_object_add_up() {
    let parts = [part(0, 0..13), part(1, 13..34), part(2, 29..29), part(3, 34..40)];
    let sum = add_up(40, &parts).unwrap();
    assert_eq!((sum.records, sum.loaded, sum.rejected), (6, 3, 3));
    assert_eq!(sum.rejected_by_reason["malformed"], 3);
    assert_eq!(records_before(&parts), (vec![0, 13, 34], vec![0, 2, 4]));
}

#[test]
fn a_part_that_is_missing_or_there_twice_is_noticed() {
    let uncommitted = RecordedPart { text: None, ..part(1, 0..0) };
    for (parts, what) in [
        (vec![part(0, 0..13)], "it has 20 bytes, and its parts 10 with 13 of text"),
        (vec![part(1, 13..20)], "what ends at byte 0 is followed by"),
        (vec![part(0, 0..13), part(1, 14..20)], "what ends at byte 13 is followed by"),
        (vec![part(0, 0..13), part(1, 12..20)], "what ends at byte 13 is followed by"),
        (vec![part(0, 0..13), part(0, 0..13)], "what ends at byte 10 is followed by"),
        (vec![part(0, 0..13), part(1, 13..19)], "20 with 19 of text"),
        (vec![part(0, 0..13), uncommitted], "the part at byte 10 is not committed"),
    ] {
        let found = add_up(20, &parts).unwrap_err();
        assert!(found.contains(what), "{found}");
    }
    let mut odd = part(0, 0..10);
    odd.counts.loaded = 2;
    assert!(add_up(10, &[odd]).unwrap_err().contains("differ"));
}
