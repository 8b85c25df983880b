//! Merges staged rows into the root table.
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

use super::target::Targets;
use crate::decode::OBJECT_NO;
use crate::error::{Error, Result};
use crate::feed::{Decoded, Ident, listed};

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
        let rows = self.sent(0);
        let columns = rows.columns.iter();
        let columns = listed(columns.map(|column| format!("{} {}", column.name, column.data_type)));
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
            doing: format!("merge into the table {}", self.tables[0].name),
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
            doing: format!("merge into the table {}", self.tables[0].name),
            source,
        };
        let is_empty = self.lock_if_empty(transaction).await.map_err(failed)?;
        let update = if is_empty { String::new() } else { self.update_sql() };
        let (table, key) = (&self.tables[0].name, listed(&self.feed.key));
        let object_no = Ident::ours(OBJECT_NO);
        let (columns, winners) =
            (listed(self.tables[0].names()), self.winners_sql(Some(&object_no)));
        let sql = format!(
            "with winners as materialized ({winners}), \
             merged as (insert into {table} as target ({columns}) select {columns} from winners \
             {update} returning {key}, xmax = 0 as is_new) \
             select {object_no}, count(*) filter (where is_new), count(*) filter (where not is_new) \
             from merged left join winners using ({key}) group by {object_no}"
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
        let table = &self.tables[0].name;
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
        let (table, columns) = (&self.tables[0].name, listed(self.tables[0].names()));
        format!("insert into {table} as target ({columns}) {}", self.winners_sql(None))
    }

    /// The staged rows that are to be merged; the number of their object, if there is one, tells the
    /// later of two before the number of the record does, and is selected too.
    fn winners_sql(&self, object_no: Option<&Ident>) -> String {
        let key = listed(&self.feed.key);
        let columns = listed(self.tables[0].names().chain(object_no));
        let record_no = Ident::ours(Decoded::RecordNo.column());
        let order = self.feed.latest_by.iter().chain(object_no).chain([&record_no]);
        let order = listed(order.map(|column| format!("{column} desc")));
        format!("select distinct on ({key}) {columns} from {STAGING} order by {key}, {order}")
    }

    fn update_sql(&self) -> String {
        let key = listed(&self.feed.key);
        let others = self.tables[0].names().filter(|name| !self.feed.key.contains(name));
        let set = listed(others.map(|name| format!("{name} = excluded.{name}")));
        if set.is_empty() {
            return format!("on conflict ({key}) do nothing");
        }
        let unless_greater = self
            .feed
            .latest_by
            .as_ref()
            .map(|latest| format!(" where (target.{latest} > excluded.{latest}) is not true"));
        let unless_greater = unless_greater.unwrap_or_default();
        format!("on conflict ({key}) do update set {set}{unless_greater}")
    }
}
