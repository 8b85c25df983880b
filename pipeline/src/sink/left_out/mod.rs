//! Leaves the children of records that did not change out of what is sent.
//!
//! Where children are replaced, those of a record whose hash stands in its row already will be left alone.
//! So the root rows of each batch are sent first, to a table of their own. The database is asked which of them
//! stand there. These are noted, with how many rows of children they have. Only the others go on to be merged.
//!
//! Nothing is locked: another load may change such a record before ours is merged. Then its children would
//! be missing. The merge sees that, and the load is begun again with all children.

mod rows;

use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use super::Mode;
use super::children::OUTCOMES;
use super::staging::STAGING;
use super::table::Column;
use super::target::Targets;
use crate::error::{Error, Result};
use crate::feed::{Children, Decoded, Ident, Source, listed};

pub(super) use rows::without;

/// Where the root rows are sent that are asked about.
pub(super) const ASKED: &str = "stevedore_asked";
/// The records that are there unchanged, and how many rows of each child table were left out of each.
const LEFT_OUT: &str = "stevedore_left_out";
/// Which transactions had not ended when we began to ask.
const SINCE: &str = "stevedore.asked_since";
/// Records that are asked about at least, before it may turn out that it is not worth it.
const LEAST_ASKED: u64 = 10_000;
/// One of so many records must be unchanged for it to be worth it.
const WORTH_ONE_OF: u64 = 8;

/// Which records of a load were asked about, and how many of them are unchanged.
#[derive(Debug)]
pub(super) struct Asked {
    /// Where the last root row that was asked about is.
    at: String,
    /// The number of its record.
    pub(super) record_no: i64,
    records: u64,
    unchanged: u64,
}

impl Default for Asked {
    fn default() -> Self {
        Self { at: "(0,0)".to_owned(), record_no: 0, records: 0, unchanged: 0 }
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
            && self.feed.plan.children().next().is_some()
            && !self.is_bundled
            && !self.sends_all_children
    }

    /// Whether there are rows that records could be unchanged to. From now on it is known what others change.
    pub(super) async fn has_rows(&self, transaction: &Transaction<'_>) -> Result<bool> {
        let sql = format!(
            "select exists (select from {}), \
             set_config('{SINCE}', pg_snapshot_xmin(pg_current_snapshot())::text, true)",
            self.tables[0].name
        );
        let row = transaction.query_one(&sql, &[]).await.map_err(failed)?;
        Ok(row.get(0))
    }

    /// The statement that creates the tables for it.
    pub(super) fn create_left_out_sql(&self) -> String {
        let noted = self.noted().map(|column| format!("{} {}", column.name, column.staged_type()));
        let numbers = self.rows_names().chain([record_no().to_string()]);
        let numbers = numbers.map(|name| format!("{name} bigint"));
        format!(
            "create temporary table {ASKED} (like {STAGING}) on commit drop; \
             create temporary table {LEFT_OUT} ({}) on commit drop",
            listed(noted.chain(numbers)),
        )
    }

    /// The columns that tell the winner of a key, and whether its row is there unchanged.
    fn noted(&self) -> impl Iterator<Item = &Column> {
        let hash = self.feed.plan.root().filled_with(Source::Decoded(Decoded::ContentHash));
        let others = self.feed.latest_by.iter().chain(hash.map(|column| &column.name));
        let names: Vec<_> = self.feed.key.iter().chain(others).collect();
        self.tables[0].columns.iter().filter(move |column| names.contains(&&column.name))
    }

    /// What is called how many rows of each child table a record has.
    fn rows_names(&self) -> impl Iterator<Item = String> {
        self.feed.plan.children().map(|(table, _, _)| format!("\"$rows_{table}\""))
    }

    /// Whether the rows of two tables have the same key.
    fn has_same_key_sql(&self, one: &str, other: &str) -> String {
        let is_same = self.feed.key.iter().map(|name| format!("{one}.{name} = {other}.{name}"));
        is_same.collect::<Vec<_>>().join(" and ")
    }

    /// The hash of a row of a table.
    fn hash_sql(&self, table: &str) -> String {
        let hash = self.feed.plan.root().filled_with(Source::Decoded(Decoded::ContentHash));
        hash.map_or_else(|| "null".to_owned(), |column| format!("{table}.{}", column.name))
    }

    /// Asks about the root rows behind those that were asked about: the numbers of the records that are there
    /// unchanged, in order.
    ///
    /// A subquery for each row instead of a join: it takes the index of the key, however large the table is and
    /// whatever is known of the rows that are asked about.
    pub(super) async fn unchanged(
        &self,
        transaction: &Transaction<'_>,
        asked: &Asked,
    ) -> Result<Vec<i64>> {
        let sql = format!(
            "select array_agg(asked.{no} order by asked.{no}) from {ASKED} as asked \
             where asked.ctid > '{at}'::tid \
             and (select {there} from {table} as target where {is_it}) = {hash}",
            no = record_no(),
            at = asked.at,
            there = self.hash_sql("target"),
            table = self.tables[0].name,
            is_it = self.has_same_key_sql("target", "asked"),
            hash = self.hash_sql("asked"),
        );
        let row = transaction.query_one(&sql, &[]).await.map_err(failed)?;
        Ok(row.get::<_, Option<_>>(0).unwrap_or_default())
    }

    /// Notes the unchanged records, and how many rows of each child table were left out of each. Stages the
    /// others. How many rows of each child table the database has noted.
    pub(super) async fn note_left_out(
        &self,
        transaction: &Transaction<'_>,
        asked: &mut Asked,
        unchanged: &[i64],
        left_out: &[Vec<i64>],
    ) -> Result<Vec<u64>> {
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&unchanged];
        values.extend(left_out.iter().map(|rows| rows as &(dyn ToSql + Sync)));
        let row = transaction.query_one(&self.note_left_out_sql(&asked.at), &values).await;
        let row = row.map_err(failed)?;
        asked.records += count(&row, 0);
        asked.unchanged += unchanged.len() as u64;
        asked.at = row.get::<_, Option<String>>(1).unwrap_or_else(|| asked.at.clone());
        asked.record_no = row.get::<_, Option<i64>>(2).unwrap_or(asked.record_no);
        Ok((0..left_out.len()).map(|child| count(&row, 3 + child)).collect())
    }

    fn note_left_out_sql(&self, at: &str) -> String {
        let names: Vec<_> = self.rows_names().collect();
        let (no, rows) = (record_no(), listed(&names));
        let noted = listed(self.noted().map(|column| &column.name));
        let selected = listed(self.noted().map(|column| format!("asked.{}", column.name)));
        let arrays = listed((0..=names.len()).map(|value| format!("${}::bigint[]", value + 1)));
        let sums = names
            .iter()
            .map(|rows| format!(", (select coalesce(sum({rows}), 0)::bigint from noted)"));
        format!(
            "with of_record ({no}, {rows}) as materialized (select * from unnest({arrays})), \
             noted as (insert into {LEFT_OUT} ({noted}, {no}, {rows}) \
             select {selected}, asked.{no}, {rows} from {ASKED} as asked join of_record using ({no}) \
             where asked.ctid > '{at}'::tid returning {rows}), \
             staged as (insert into {STAGING} select asked.* from {ASKED} as asked \
             where asked.ctid > '{at}'::tid \
             and not exists (select from of_record where of_record.{no} = asked.{no})) \
             select count(*), max(asked.ctid)::text, max(asked.{no}){sums} \
             from {ASKED} as asked where asked.ctid > '{at}'::tid",
            sums = sums.collect::<String>(),
        )
    }

    /// Whether another load has changed a record that we noted as unchanged.
    pub(super) async fn is_overtaken(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<bool, tokio_postgres::Error> {
        if !self.may_leave_out() {
            return Ok(false);
        }
        // All are counted, since the server would look for the first that exists row by row.
        let sql = format!(
            "select count(*) from {table} as target join {LEFT_OUT} as noted on {is_same} \
             where age(target.xmin) <= age(current_setting('{SINCE}')::xid8::xid) \
             and {there} is distinct from {hash}",
            table = self.tables[0].name,
            is_same = self.has_same_key_sql("target", "noted"),
            there = self.hash_sql("target"),
            hash = self.hash_sql("noted"),
        );
        Ok(count(&transaction.query_one(&sql, &[]).await?, 0) > 0)
    }

    /// Whether any record was noted as unchanged.
    pub(super) async fn has_left_out(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<bool, tokio_postgres::Error> {
        if !self.may_leave_out() {
            return Ok(false);
        }
        let sql = format!("select exists (select from {LEFT_OUT})");
        Ok(transaction.query_one(&sql, &[]).await?.get(0))
    }

    /// What is merged, as a table, and where each row of it is staged. A record that is noted as unchanged is
    /// among it where others of its key are staged, for they compete. It is staged nowhere. How many rows are staged
    /// is told, where that is known: the server would take a few for hundreds, and read the whole target.
    pub(super) fn merged_sql(&self, staged: Option<u64>) -> (String, &'static str) {
        match staged {
            _ if self.may_leave_out() => {}
            None => return (STAGING.to_owned(), "staged.ctid"),
            Some(rows) => {
                let merged =
                    format!("(select *, ctid as \"$staged_at\" from {STAGING} limit {rows})");
                return (merged, "staged.\"$staged_at\"");
            }
        }
        let noted = listed(self.noted().map(|column| &column.name));
        let no = record_no();
        let merged = format!(
            "(select {noted}, {no}, ctid as \"$staged_at\" from {STAGING} \
             union all select {noted}, {no}, null from {LEFT_OUT} as noted \
             where exists (select from {STAGING} as other where {is_same}))",
            is_same = self.has_same_key_sql("other", "noted"),
        );
        (merged, "staged.\"$staged_at\"")
    }

    /// How many rows of each table were left out and are there unchanged: the others are of records that
    /// are superseded.
    pub(super) async fn left_out_unchanged(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Vec<u64>, tokio_postgres::Error> {
        if !self.has_left_out(transaction).await? {
            return Ok(vec![0; self.tables.len()]);
        }
        let row = transaction.query_one(&self.left_out_unchanged_sql(), &[]).await?;
        Ok((0..row.len()).map(|table| count(&row, table)).collect())
    }

    fn left_out_unchanged_sql(&self) -> String {
        let (key, no) = (listed(&self.feed.key), record_no());
        let names: Vec<_> = self.rows_names().collect();
        let sums = names.iter().map(|rows| format!(", coalesce(sum({rows}), 0)::bigint"));
        let order = self.order(None).map(|name| format!("noted.{name} desc"));
        format!(
            "select count(*){sums} from (select distinct on ({key}) {rows} \
             from {LEFT_OUT} as noted left join {OUTCOMES} as outcome using ({key}) \
             where outcome.record_no is null or outcome.record_no = noted.{no} \
             order by {key}, {order}) as winner",
            sums = sums.collect::<String>(),
            rows = listed(&names),
            order = listed(order),
        )
    }
}

/// What is called the number of a record.
fn record_no() -> Ident {
    Ident::ours(Decoded::RecordNo.column())
}

fn count(row: &tokio_postgres::Row, at: usize) -> u64 {
    u64::try_from(row.get::<_, i64>(at)).unwrap_or_default()
}

fn failed(source: tokio_postgres::Error) -> Error {
    Error::Database { doing: "ask which records are there unchanged".to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_few_records_are_unchanged_nobody_asks_on() {
        let asked = |records, unchanged| Asked { records, unchanged, ..Asked::default() };
        assert!(asked(9_999, 0).is_worth_it() && asked(80_000, 10_000).is_worth_it());
        assert!(!asked(80_000, 9_999).is_worth_it());
    }
}
