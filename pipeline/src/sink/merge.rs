//! Merges staged status rows into the status table.
//!
//! Measured with 300,000 rows of random keys on PostgreSQL 15 (milliseconds, medians of three):
//!
//! | | empty target | all changed | a tenth changed | all older |
//! |---|---|---|---|---|
//! | `on conflict`, as staged | 1273 | | | |
//! | `on conflict`, distinct and sorted | 947 | 1945 | 938 | 850 |
//! | the same behind an anti-join of newer rows | | 2333 | 824 | 537 |
//! | `merge` | 604 | 1846 | 870 | |
//! | plain insert, distinct and sorted | 517 | | | |
//!
//! So: a plain insert while a lock keeps the target empty, else `on conflict`. `merge` gains a
//! twentieth, but fails when another load inserts the same key, which would cost every load the
//! lock. The anti-join gains where most of the input is older than what is there, and costs a fifth
//! where it is newer, as it mostly is; which of the two, only the join itself would tell. More
//! `work_mem` or `temp_buffers` (64 MB, a million records) makes no difference. An update that
//! changes nothing but `ingested_at` is made all the same (skipping it would take 861 instead of
//! 1925), because the row of the later load is to win.

use tokio_postgres::{Row, Transaction};

use super::table::{Table, Wire};
use super::target::Targets;
use crate::decode::{OBJECT_NO, RECORD_NO};
use crate::error::{Error, Result};

/// The staging table, visible to its connection alone.
pub(super) const STAGING: &str = "stevedore_staging";

/// What became of the staged rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Merged {
    pub(crate) inserted: u64,
    pub(crate) updated: u64,
}

impl Targets {
    /// Creates the staging table of this transaction.
    pub(super) async fn create_staging(&self, transaction: &Transaction<'_>) -> Result<()> {
        let rows = self.status_rows();
        let columns =
            rows.columns.iter().map(|column| format!("{} {}", column.name, type_of(column.wire)));
        let columns = columns.collect::<Vec<_>>().join(", ");
        let sql = format!("create temporary table {STAGING} ({columns}) on commit drop");
        let failed = |source| Error::Database {
            doing: "create the staging table of a merge".to_owned(),
            source,
        };
        transaction.batch_execute(&sql).await.map_err(failed)
    }

    /// Merges the staged rows: of each key the one with the greatest `latest_by`, of equal ones
    /// the later record of the later object; it replaces the row that is there unless that one is
    /// greater. What became of the rows of each object that has any left, by its number; None is the
    /// number of rows that the database changed beyond recognition.
    pub(crate) async fn merge(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Vec<(Option<u32>, Merged)>> {
        if self.is_bundled {
            return self.merge_bundle(transaction).await;
        }
        Ok(vec![(Some(0), self.merge_object(transaction).await?)])
    }

    async fn merge_object(&self, transaction: &Transaction<'_>) -> Result<Merged> {
        let failed = |source| Error::Database {
            doing: format!("merge into the table {}", self.status.name),
            source,
        };
        let insert = self.insert_sql();
        if self.lock_if_empty(transaction).await.map_err(failed)? {
            let inserted = transaction.execute(&insert, &[]).await.map_err(failed)?;
            return Ok(Merged { inserted, updated: 0 });
        }
        let update = self.update_sql();
        // `xmax` is zero in a row that was inserted, and names our transaction in one that was
        // locked to be updated.
        let sql = format!(
            "with merged as ({insert} {update} returning xmax = 0 as is_new) \
             select count(*) filter (where is_new), count(*) filter (where not is_new) from merged"
        );
        let counts = transaction.query_one(&sql, &[]).await.map_err(failed)?;
        let count = |at| u64::try_from(counts.get::<_, i64>(at)).unwrap_or_default();
        Ok(Merged { inserted: count(0), updated: count(1) })
    }

    async fn merge_bundle(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Vec<(Option<u32>, Merged)>> {
        let failed = |source| Error::Database {
            doing: format!("merge into the table {}", self.status.name),
            source,
        };
        let is_empty = self.lock_if_empty(transaction).await.map_err(failed)?;
        let update = if is_empty { String::new() } else { self.update_sql() };
        let (table, key) = (self.status.name, self.feed.key);
        let (columns, winners) = (names(&self.status), self.winners_sql(&[OBJECT_NO]));
        let sql = format!(
            "with winners as materialized ({winners}), \
             merged as (insert into {table} ({columns}) select {columns} from winners {update} \
             returning {key}, xmax = 0 as is_new) \
             select {OBJECT_NO}, count(*) filter (where is_new), count(*) filter (where not is_new) \
             from merged left join winners using ({key}) group by {OBJECT_NO}"
        );
        let rows = transaction.query(&sql, &[]).await.map_err(failed)?;
        let count = |row: &Row, at| u64::try_from(row.get::<_, i64>(at)).unwrap_or_default();
        let merged = rows.iter().map(|row| {
            let object_no = row.get::<_, Option<i32>>(0).and_then(|no| u32::try_from(no).ok());
            (object_no, Merged { inserted: count(row, 1), updated: count(row, 2) })
        });
        Ok(merged.collect())
    }

    /// Whether the table is empty; if so, nobody else writes to it until we commit.
    async fn lock_if_empty(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<bool, tokio_postgres::Error> {
        let table = self.status.name;
        let is_empty = format!("select not exists (select from {table})");
        if !transaction.query_one(&is_empty, &[]).await?.get::<_, bool>(0) {
            return Ok(false);
        }
        transaction
            .batch_execute(&format!("lock table {table} in share row exclusive mode"))
            .await?;
        Ok(transaction.query_one(&is_empty, &[]).await?.get(0))
    }

    /// Sorted by key: an index is filled fastest in order, and loads that meet at the same keys
    /// lock them in the same order, so that none waits for the other for ever.
    fn insert_sql(&self) -> String {
        let (table, columns) = (self.status.name, names(&self.status));
        format!("insert into {table} ({columns}) {}", self.winners_sql(&[]))
    }

    /// The staged rows that are to be merged; `earlier` columns tell the later of two before the
    /// number of the record does, and are selected too.
    fn winners_sql(&self, earlier: &[&str]) -> String {
        let (key, latest) = (self.feed.key, self.feed.latest_by);
        let columns = self.status.columns.iter().map(|column| column.name);
        let columns = columns.chain(earlier.iter().copied()).collect::<Vec<_>>().join(", ");
        let order = [latest].into_iter().chain(earlier.iter().copied()).chain([RECORD_NO]);
        let order = order.map(|column| format!("{column} desc")).collect::<Vec<_>>().join(", ");
        format!("select distinct on ({key}) {columns} from {STAGING} order by {key}, {order}")
    }

    fn update_sql(&self) -> String {
        let (table, key, latest) = (self.status.name, self.feed.key, self.feed.latest_by);
        let others = self.status.columns.iter().filter(|column| column.name != key);
        let set = others
            .map(|column| format!("{0} = excluded.{0}", column.name))
            .collect::<Vec<_>>()
            .join(", ");
        format!(
            "on conflict ({key}) do update set {set} \
             where ({table}.{latest} > excluded.{latest}) is not true"
        )
    }
}

/// The columns of a table as SQL lists them.
pub(super) fn names(table: &Table) -> String {
    table.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

const fn type_of(wire: Wire) -> &'static str {
    match wire {
        Wire::Text => "text",
        Wire::Int2 => "int2",
        Wire::Int4 => "int4",
        Wire::Int8 => "int8",
        Wire::Boolean => "bool",
        Wire::Timestamp => "timestamp",
    }
}
