//! Encoded rows with and without those of some records.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// Encoded rows without those of some records, whose numbers are in order, and the number of the last record
/// of all; how many rows of each of them went is added to `left_out`. The number of its record is the last
/// value of a row.
pub(in crate::sink) fn without(
    rows: &Bytes,
    records: &[i64],
    left_out: &mut [i64],
) -> (Bytes, Option<i64>) {
    let mut kept = BytesMut::new();
    let (mut at, mut last) = (0, None);
    while let Some((row, record)) = row_at(rows, at) {
        at = row.end;
        let found = match last {
            Some((known, found)) if known == record => found,
            _ => records.binary_search(&record).ok(),
        };
        last = Some((record, found));
        match found {
            Some(found) => left_out[found] += 1,
            None => kept.extend_from_slice(&rows[row]),
        }
    }
    kept.extend_from_slice(&rows[at..]);
    (kept.freeze(), last.map(|(record, _)| record))
}

/// Where the row that begins there ends, and the number of its record; None behind the last one.
/// The format: <https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT>.
fn row_at(rows: &[u8], start: usize) -> Option<(Range<usize>, i64)> {
    let word = |at: usize| rows.get(at..)?.first_chunk().map(|word| i32::from_be_bytes(*word));
    let values = i16::from_be_bytes(*rows.get(start..)?.first_chunk()?);
    let mut at = start + 2;
    let mut record = None;
    for _ in 0..values {
        let length = usize::try_from(word(at)?).unwrap_or_default();
        record = rows.get(at + 4..)?.first_chunk().map(|value| i64::from_be_bytes(*value));
        at += 4 + length;
    }
    Some((start..at, record?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of a text, a null and the number of its record.
    fn row(text: &str, record: i64) -> Vec<u8> {
        let length = (text.len() as u32).to_be_bytes();
        let parts: [&[u8]; 6] = [&[0, 3], &length, text.as_bytes(), &[0xFF; 4], &[0, 0, 0, 8], &[]];
        [parts.concat(), record.to_be_bytes().to_vec()].concat()
    }

    #[test]
    fn the_rows_of_some_records_are_left_out_and_counted() {
        let all = [row("a", 1), row("", 2), row("bcd", 2), row("e", 3), row("f", 5)];
        let mut left_out = [1, 0, 0];
        let (kept, last) = without(&all.concat().into(), &[2, 4, 5], &mut left_out);
        assert_eq!(kept, [row("a", 1), row("e", 3)].concat());
        assert_eq!((left_out, last), ([3, 0, 1], Some(5)));
        let all = Bytes::from(all.concat());
        assert_eq!(without(&all, &[], &mut []), (all.clone(), Some(5)));
    }

    #[test]
    fn what_is_no_row_is_kept() {
        let mut torn = row("a", 1);
        torn.truncate(5);
        let text = Bytes::from([row("a", 1), torn.clone()].concat());
        assert_eq!(without(&text, &[1], &mut [0]), (torn.into(), Some(1)));
    }
}
