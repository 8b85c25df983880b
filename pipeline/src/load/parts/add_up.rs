//! Adds up the parts of a load, and proves that they are all of its object.

use std::ops::Range;

use crate::ledger::{Counts, RecordedPart};

/// The counts of a load, proven: its parts are all committed and are the whole object of so many
/// bytes, text to text, without a gap. Else what is wrong with them.
pub(super) fn add_up(size: u64, parts: &[RecordedPart]) -> Result<Counts, String> {
    let (mut bytes, mut text) = (0, 0);
    let mut sum = Counts::default();
    for part in parts {
        let start = part.bytes.start;
        let of_part = part.text.as_ref();
        let of_part =
            of_part.ok_or_else(|| format!("the part at byte {start} is not committed"))?;
        follows(bytes, &part.bytes)?;
        // A part in which no line begins has no text.
        if !of_part.is_empty() {
            follows(text, of_part)?;
            text = of_part.end;
        }
        bytes = part.bytes.end;
        sum.add(&part.counts);
    }
    if [bytes, text] != [size; 2] {
        return Err(format!("it has {size} bytes, and its parts {bytes} with {text} of text"));
    }
    if sum.records != sum.loaded + sum.rejected {
        return Err("records read, and loaded and rejected, differ".to_owned());
    }
    Ok(sum)
}

fn follows(end: u64, range: &Range<u64>) -> Result<(), String> {
    if range.start == end {
        return Ok(());
    }
    Err(format!("what ends at byte {end} is followed by what begins at byte {}", range.start))
}

/// Where the text of each part begins, and how many records stand before it.
pub(super) fn records_before(parts: &[RecordedPart]) -> (Vec<i64>, Vec<i64>) {
    let with_text = parts.iter().filter_map(|part| {
        let text = part.text.as_ref().filter(|text| !text.is_empty())?;
        Some((text.start as i64, part.counts.records as i64))
    });
    let numbered = with_text.scan(0, |records, (start, of_part)| {
        let before = *records;
        *records += of_part;
        Some((start, before))
    });
    numbered.unzip()
}

#[cfg(test)]
mod tests {
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
}
