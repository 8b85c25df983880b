//! Leaves the children of records that did not change out of what is sent.
//!
//! Where children are replaced, those of a record whose hash stands in its row already will be left alone.
//! So the root rows of each batch are staged first. The database is asked which of them stand there, and
//! the rows of their children are only counted.
//!
//! Nothing is locked: another load may change such a record before ours is merged. Then its children would
//! be missing. The merge sees that, and the load is begun again with all children.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use tokio_postgres::Transaction;

use super::Mode;
use super::children::{OUTCOMES, UNCHANGED, UPDATED};
use super::staging::STAGING;
use super::target::Targets;
use crate::error::{Error, Result};
use crate::feed::{Children, Decoded, Ident, Source};

/// How many rows of each child table were left out of each record.
pub(super) const LEFT_OUT: &str = "stevedore_left_out";
/// Records that are asked about at least, before it may turn out that it is not worth it.
const LEAST_ASKED: u64 = 10_000;
/// One of so many records must be unchanged for it to be worth it.
const WORTH_ONE_OF: u64 = 8;

/// Which records of a load were asked about, and how many of them are unchanged.
#[derive(Debug)]
pub(super) struct Asked {
    /// Where the last root row that was asked about is staged.
    at: String,
    records: u64,
    unchanged: u64,
}

impl Default for Asked {
    fn default() -> Self {
        Self { at: "(0,0)".to_owned(), records: 0, unchanged: 0 }
    }
}

impl Asked {
    /// Whether to go on asking: not if few of the records are there unchanged.
    pub(super) const fn is_worth_it(&self) -> bool {
        self.records < LEAST_ASKED || self.unchanged >= self.records / WORTH_ONE_OF
    }
}

impl Targets {
    /// These, with the children of unchanged records sent too.
    pub(crate) fn with_all_children(mut self) -> Self {
        self.sends_all_children = true;
        self
    }

    /// Whether children may be left out of what is sent.
    pub(super) fn may_leave_out(&self) -> bool {
        self.mode == Mode::Merge
            && self.feed.children == Children::Replace
            && self.feed.decodes(Decoded::ContentHash)
            && !self.is_bundled
            && !self.sends_all_children
    }

    /// Whether there are rows that records could be unchanged to.
    pub(super) async fn has_rows(&self, transaction: &Transaction<'_>) -> Result<bool> {
        let sql = format!("select exists (select from {})", self.tables[0].name);
        let row = transaction.query_one(&sql, &[]).await.map_err(failed)?;
        Ok(row.get(0))
    }

    /// Asks about the root rows that were staged since the last time: the numbers of the records that are
    /// there unchanged, in order.
    pub(super) async fn unchanged(
        &self,
        transaction: &Transaction<'_>,
        asked: &mut Asked,
    ) -> Result<Vec<i64>> {
        let row = transaction.query_one(&self.unchanged_sql(&asked.at), &[]).await;
        let row = row.map_err(failed)?;
        let unchanged = row.get::<_, Option<Vec<i64>>>(2).unwrap_or_default();
        asked.records += u64::try_from(row.get::<_, i64>(0)).unwrap_or_default();
        asked.unchanged += unchanged.len() as u64;
        asked.at = row.get::<_, Option<String>>(1).unwrap_or_else(|| asked.at.clone());
        Ok(unchanged)
    }

    /// A subquery for each row instead of a join: it takes the index of the key, however large the table
    /// is and whatever is known of the rows that are staged.
    fn unchanged_sql(&self, at: &str) -> String {
        let record_no = Ident::ours(Decoded::RecordNo.column());
        let hash = self.feed.plan.root().filled_with(Source::Decoded(Decoded::ContentHash));
        let hash = hash.map_or_else(|| "null".to_owned(), |column| column.name.to_string());
        let is_it = self.feed.key.iter().map(|name| format!("target.{name} = staged.{name}"));
        format!(
            "select count(*), max(staged.ctid)::text, \
             array_agg(staged.{record_no} order by staged.{record_no}) filter (where \
             (select target.{hash} from {table} as target where {is_it}) = staged.{hash}) \
             from {STAGING} as staged where staged.ctid > '{at}'::tid",
            table = self.tables[0].name,
            is_it = is_it.collect::<Vec<_>>().join(" and "),
        )
    }

    /// Notes how many rows of a child table were left out of each record; how many the database has noted.
    pub(super) async fn note_left_out(
        &self,
        transaction: &Transaction<'_>,
        table: usize,
        left_out: &[(i64, i64)],
    ) -> Result<u64> {
        let sql = format!(
            "with noted as (insert into {LEFT_OUT} (child, record_no, rows) \
             select $1, record_no, rows from unnest($2::bigint[], $3::bigint[]) as of_record (record_no, rows) \
             returning rows) select coalesce(sum(rows), 0)::bigint from noted"
        );
        let (records, rows): (Vec<_>, Vec<_>) = left_out.iter().copied().unzip();
        let noted = transaction.query_one(&sql, &[&(table as i32), &records, &rows]).await;
        Ok(u64::try_from(noted.map_err(failed)?.get::<_, i64>(0)).unwrap_or_default())
    }

    /// The rows of each child table that were left out and are there unchanged: the others are of records that
    /// are superseded. None if a record was written whose children were left out, since another load changed
    /// it meanwhile.
    pub(super) async fn left_out_unchanged(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Option<BTreeMap<usize, u64>>, tokio_postgres::Error> {
        let mut unchanged = BTreeMap::new();
        if !self.may_leave_out() {
            return Ok(Some(unchanged));
        }
        // All are counted, since the server would look for the first that exists row by row.
        let sql = format!(
            "select child, count(*) filter (where outcome <= {UPDATED}), \
             coalesce(sum(rows) filter (where outcome = {UNCHANGED}), 0)::bigint \
             from {LEFT_OUT} join {OUTCOMES} using (record_no) group by child"
        );
        for row in transaction.query(&sql, &[]).await? {
            if row.get::<_, i64>(1) > 0 {
                return Ok(None);
            }
            let count = |at| u64::try_from(row.get::<_, i64>(at)).unwrap_or_default();
            unchanged.insert(usize::try_from(row.get::<_, i32>(0)).unwrap_or_default(), count(2));
        }
        Ok(Some(unchanged))
    }
}

fn failed(source: tokio_postgres::Error) -> Error {
    Error::Database { doing: "ask which records are there unchanged".to_owned(), source }
}

/// Encoded rows without those of some records, whose numbers are in order; how many rows of each of them
/// went is added to `left_out`. The number of its record is the last value of a row.
pub(super) fn without(rows: &Bytes, records: &[i64], left_out: &mut Vec<(i64, i64)>) -> Bytes {
    let mut kept = BytesMut::new();
    let (mut at, mut last) = (0, None);
    while let Some((row, record)) = row_at(rows, at) {
        at = row.end;
        let is_left_out = match last {
            Some((known, is_left_out)) if known == record => is_left_out,
            _ => records.binary_search(&record).is_ok(),
        };
        last = Some((record, is_left_out));
        match left_out.last_mut() {
            _ if !is_left_out => kept.extend_from_slice(&rows[row]),
            Some((known, count)) if *known == record => *count += 1,
            _ => left_out.push((record, 1)),
        }
    }
    kept.extend_from_slice(&rows[at..]);
    kept.freeze()
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
        let mut left_out = vec![(2, 1)];
        let kept = without(&all.concat().into(), &[2, 4, 5], &mut left_out);
        assert_eq!(kept, [row("a", 1), row("e", 3)].concat());
        assert_eq!(left_out, [(2, 3), (5, 1)]);
        let all = Bytes::from(all.concat());
        assert_eq!(without(&all, &[], &mut left_out), all);
    }

    #[test]
    fn what_is_no_row_is_kept() {
        let mut torn = row("a", 1);
        torn.truncate(5);
        let text = Bytes::from([row("a", 1), torn.clone()].concat());
        assert_eq!(without(&text, &[1], &mut Vec::new()), torn);
    }

    #[test]
    fn where_few_records_are_unchanged_nobody_asks_on() {
        let asked = |records, unchanged| Asked { records, unchanged, ..Asked::default() };
        assert!(asked(9_999, 0).is_worth_it() && asked(80_000, 10_000).is_worth_it());
        assert!(!asked(80_000, 9_999).is_worth_it());
    }
}
