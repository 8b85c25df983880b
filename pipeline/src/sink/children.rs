//! Merges records together with their children, which replace those that are there.
//!
//! What became of each record is kept in a table of its own. Then, for each child table: the children of the
//! records that were written go, and theirs come. Removing them is a statement of its own behind the merge:
//! within one statement it would not see the children that another load has committed while we waited for
//! its rows.

use std::collections::BTreeMap;

use tokio_postgres::{Row, Transaction};

use super::merge::{Merged, MergedTable, merged};
use super::staging::STAGING;
use super::target::Targets;
use crate::decode::OBJECT_NO;
use crate::error::{Error, Result};
use crate::feed::{Decoded, Ident, listed};

/// What became of each record that was not beaten by another of its key.
pub(super) const OUTCOMES: &str = "stevedore_merged";
/// Tells the planner how many they are. It knows nothing of a table that is new, and would expect each
/// record a thousand times.
const ANALYZE: &str = "analyze stevedore_merged (record_no, outcome)";
/// The record was inserted.
const INSERTED: i16 = 0;
/// It was updated.
const UPDATED: i16 = 1;
/// It did not change.
const UNCHANGED: i16 = 2;
/// It is older than what is there.
const OLDER: i16 = 3;
/// It did not change, which was noted before it was staged.
const NOTED: i16 = 4;

impl Targets {
    /// Merges the staged records into the root table, and gives those that are inserted or updated their
    /// children. None if some of these were left out of what was sent.
    pub(super) async fn merge_with_children(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Option<Vec<MergedTable>>> {
        let failed = |source| self.merge_failed(source);
        if self.is_overtaken(transaction).await.map_err(failed)? {
            return Ok(None);
        }
        let Some(mut root) = self.merge_noting_outcomes(transaction).await.map_err(failed)? else {
            return Ok(None);
        };
        let left_out = self.left_out_unchanged(transaction).await.map_err(failed)?;
        let is_all_written = root.iter().all(|(_, of_object)| of_object.unchanged == 0);
        add_unchanged(&mut root, left_out[0]);
        let mut tables = vec![MergedTable { table: 0, objects: root }];
        for (table, _, _) in self.feed.plan.children() {
            let replaced = self.replace_children(transaction, table, is_all_written).await;
            let mut objects = replaced.map_err(|source| Error::Database {
                doing: format!("replace rows of the table {}", self.tables[table].name),
                source,
            })?;
            add_unchanged(&mut objects, left_out[table]);
            tables.push(MergedTable { table, objects });
        }
        Ok(Some(tables))
    }

    /// Merges the staged records, and notes what became of each. None if the table is empty now that records
    /// were found unchanged in.
    async fn merge_noting_outcomes(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Option<Vec<(Option<u32>, Merged)>>, tokio_postgres::Error> {
        let keys = self.tables[0].columns.iter().filter(|it| self.feed.key.contains(&it.name));
        let keys = listed(keys.map(|column| format!("{} {}", column.name, column.staged_type())));
        let create = format!(
            "create temporary table {OUTCOMES} \
             (object_no int, record_no bigint, outcome smallint, {keys}) on commit drop"
        );
        transaction.batch_execute(&create).await?;
        if self.lock_if_empty(transaction).await? {
            if self.has_left_out(transaction).await? {
                return Ok(None);
            }
            transaction.batch_execute(&self.fill_sql()).await?;
        } else {
            self.lock_if_partitioned(transaction).await?;
            transaction.batch_execute(&self.note_sql()).await?;
        }
        let counts = format!(
            "select object_no, count(*) filter (where outcome = {INSERTED}), \
             count(*) filter (where outcome = {UPDATED}), \
             count(*) filter (where outcome = {UNCHANGED}) \
             from {OUTCOMES} group by object_no"
        );
        Ok(Some(transaction.query(&counts, &[]).await?.iter().map(merged).collect()))
    }

    /// The number of the object of a staged row.
    fn object_no_sql(&self) -> String {
        let object_no = Ident::ours(OBJECT_NO);
        if self.is_bundled { format!("staged.{object_no}") } else { "0".to_owned() }
    }

    /// Fills an empty root table, which is locked.
    fn fill_sql(&self) -> String {
        let (table, key) = (&self.tables[0].name, listed(&self.feed.key));
        let names = listed(self.tables[0].names());
        let object_no = self.is_bundled.then(|| Ident::ours(OBJECT_NO));
        let order = listed(self.order(object_no.as_ref()).map(|name| format!("{name} desc")));
        let record_no = Ident::ours(Decoded::RecordNo.column());
        let selected = listed(self.tables[0].names().map(|name| format!("staged.{name}")));
        format!(
            "insert into {OUTCOMES} (object_no, record_no, outcome, {key}) \
             select distinct on ({key}) {object}, {record_no}, {INSERTED}, {key} \
             from {STAGING} as staged order by {key}, {order}; \
             {ANALYZE}; \
             insert into {table} ({names}) select {selected} \
             from {STAGING} as staged join {OUTCOMES} as outcome on {is_of} order by {ordered}",
            object = self.object_no_sql(),
            is_of = self.is_of_sql(),
            ordered = listed(self.feed.key.iter().map(|name| format!("staged.{name}"))),
        )
    }

    /// Merges into a root table that has rows.
    fn note_sql(&self) -> String {
        let object_no = self.is_bundled.then(|| Ident::ours(OBJECT_NO));
        let object = object_no.as_ref().map_or("0".to_owned(), ToString::to_string);
        let record_no = Ident::ours(Decoded::RecordNo.column());
        format!(
            "{with} insert into {OUTCOMES} (object_no, record_no, outcome, {key}) \
             select {object}, {record_no}, case when {was_inserted} then {INSERTED} \
             when is_written then {UPDATED} when staged_at is null then {NOTED} \
             when is_same then {UNCHANGED} else {OLDER} end, {key} \
             from compared full join written using ({key}); {ANALYZE}",
            with = self.compared_and_written_sql(object_no.as_ref(), None),
            was_inserted = self.was_inserted_sql(),
            key = listed(&self.feed.key),
        )
    }

    /// Whether a staged row is of the record of an outcome.
    fn is_of_sql(&self) -> String {
        let record_no = Ident::ours(Decoded::RecordNo.column());
        let is_of = format!("outcome.record_no = staged.{record_no}");
        if self.is_bundled {
            format!("{is_of} and outcome.object_no = {}", self.object_no_sql())
        } else {
            is_of
        }
    }

    /// Removes the children of the records that were written, and adds theirs.
    async fn replace_children(
        &self,
        transaction: &Transaction<'_>,
        table: usize,
        is_all_written: bool,
    ) -> Result<Vec<(Option<u32>, Merged)>, tokio_postgres::Error> {
        let mut objects: BTreeMap<Option<u32>, Merged> = BTreeMap::new();
        for row in self.remove_children(transaction, table).await? {
            let (object_no, deleted) = counted(&row);
            objects.entry(object_no).or_default().deleted = deleted;
        }
        let (name, staging) = (&self.tables[table].name, self.copied_to(table));
        let names = listed(self.tables[table].names());
        let selected = listed(self.tables[table].names().map(|name| format!("staged.{name}")));
        let from =
            format!("from {staging} as staged join {OUTCOMES} as outcome on {}", self.is_of_sql());
        let insert = format!(
            "insert into {name} ({names}) select {selected} {from} where outcome.outcome <= {UPDATED}"
        );
        let inserted = transaction.execute(&insert, &[]).await?;
        if is_all_written && !self.is_bundled {
            objects.entry(Some(0)).or_default().inserted = inserted;
            return Ok(objects.into_iter().collect());
        }
        let count = format!(
            "select outcome.object_no, count(*) filter (where outcome.outcome <= {UPDATED}), 0::bigint, \
             count(*) filter (where outcome.outcome = {UNCHANGED}) {from} group by outcome.object_no"
        );
        let mut counted = 0;
        for row in transaction.query(&count, &[]).await? {
            let (object_no, of_object) = merged(&row);
            counted += of_object.inserted;
            let deleted = objects.entry(object_no).or_default().deleted;
            objects.insert(object_no, Merged { deleted, ..of_object });
        }
        if counted != inserted {
            // Rows of no object: the proof before the commit will find them.
            objects.entry(None).or_default().inserted = inserted.abs_diff(counted);
        }
        Ok(objects.into_iter().collect())
    }

    /// How many children of each object's records were removed.
    async fn remove_children(
        &self,
        transaction: &Transaction<'_>,
        table: usize,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let name = &self.tables[table].name;
        let is_there = format!("select exists (select from {name})");
        if !transaction.query_one(&is_there, &[]).await?.get::<_, bool>(0) {
            return Ok(Vec::new());
        }
        let key = self.feed.key.iter();
        let is_theirs = key.map(|name| format!("child.{name} = outcome.{name}"));
        let sql = format!(
            "with removed as (delete from {name} as child using {OUTCOMES} as outcome \
             where outcome.outcome <= {UPDATED} and {is_theirs} returning outcome.object_no) \
             select object_no, count(*) from removed group by object_no",
            is_theirs = is_theirs.collect::<Vec<_>>().join(" and "),
        );
        transaction.query(&sql, &[]).await
    }
}

/// Adds rows that are there unchanged to those of the first object, the only one of its load.
fn add_unchanged(objects: &mut Vec<(Option<u32>, Merged)>, unchanged: u64) {
    if unchanged == 0 {
        return;
    }
    match objects.iter_mut().find(|(object_no, _)| *object_no == Some(0)) {
        Some((_, of_object)) => of_object.unchanged += unchanged,
        None => objects.push((Some(0), Merged { unchanged, ..Merged::default() })),
    }
}

/// The number of an object, and a count.
fn counted(row: &Row) -> (Option<u32>, u64) {
    let object_no = row.get::<_, Option<i32>>(0).and_then(|no| u32::try_from(no).ok());
    (object_no, u64::try_from(row.get::<_, i64>(1)).unwrap_or_default())
}
