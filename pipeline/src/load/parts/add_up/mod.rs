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
mod tests;
