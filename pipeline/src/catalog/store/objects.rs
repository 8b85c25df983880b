//! What is known of each object: its shape, or why it has none.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use futures::future::try_join_all;
use tokio_postgres::{GenericClient, Row, Statement};
use uuid::Uuid;

use super::failed;
use crate::catalog::group::Member;
use crate::database::Connection;
use crate::error::Result;
use crate::infer::objects::ObjectShape;
use crate::infer::shape::Shape;
use crate::records::Format;
use crate::store::Object;

/// What a crawler knows, and the run that adds to it.
#[derive(Debug, Clone)]
pub(in crate::catalog) struct Knowledge<'a> {
    pub(in crate::catalog) crawler: &'a str,
    pub(in crate::catalog) run: Uuid,
    /// How it reads objects.
    pub(in crate::catalog) reading: String,
}

/// What an object holds, or why it is in no table.
pub(in crate::catalog) type Found = Result<ObjectShape, String>;

/// What is known of the objects of a table.
#[derive(Debug, Default)]
pub(in crate::catalog) struct Known {
    pub(in crate::catalog) shape: Option<Shape>,
    pub(in crate::catalog) objects: i64,
    pub(in crate::catalog) records: i64,
    pub(in crate::catalog) bytes: i64,
    pub(in crate::catalog) sampled: bool,
    pub(in crate::catalog) formats: BTreeMap<String, u64>,
    pub(in crate::catalog) compressions: BTreeMap<String, u64>,
}

impl Knowledge<'_> {
    /// The objects among these that are new or changed, or were read otherwise; the others are noted as seen.
    pub(in crate::catalog) async fn unknown(
        &self,
        client: &impl GenericClient,
        objects: Vec<Object>,
    ) -> Result<Vec<Object>> {
        let sql = "update stevedore.catalog_objects o set run = $4 \
            from unnest($2::text[], $3::text[]) as seen (key, version) \
            where o.crawler = $1 and o.key = seen.key and o.version = seen.version \
            and o.reading = $5 returning o.key";
        let keys: Vec<&str> = objects.iter().map(|object| object.key.as_str()).collect();
        let versions: Vec<String> = objects.iter().map(Object::version).collect();
        let rows =
            client.query(sql, &[&self.crawler, &keys, &versions, &self.run, &self.reading]).await;
        let rows = rows.map_err(failed("look up what is known of objects"))?;
        let known: std::collections::HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
        Ok(objects.into_iter().filter(|object| !known.contains(&object.key)).collect())
    }

    /// Keeps what was found in objects, or why nothing was, in one transaction.
    pub(in crate::catalog) async fn keep(
        &self,
        connection: &mut Connection,
        found: &[(Object, Found)],
    ) -> Result<()> {
        let failed = || failed("keep what was found in objects");
        let transaction = connection.transaction().await.map_err(failed())?;
        let sql = include_str!("../../../../sql/queries/catalog_keep.sql");
        let statement = transaction.prepare(sql).await.map_err(failed())?;
        let (within, statement) = (&transaction, &statement);
        let kept = found.iter().map(|(object, found)| async move {
            self.keep_one(within, statement, object, found).await
        });
        try_join_all(kept).await.map_err(failed())?;
        transaction.commit().await.map_err(failed())
    }

    async fn keep_one(
        &self,
        client: &impl GenericClient,
        statement: &Statement,
        object: &Object,
        found: &Found,
    ) -> Result<u64, tokio_postgres::Error> {
        let shape = found.as_ref().ok();
        let count = |count: fn(&ObjectShape) -> u64| shape.map_or(0, |shape| count(shape) as i64);
        let names = shape.map(|found| found.shape.names()).unwrap_or_default();
        // Text does not hold U+0000, which names may.
        let names: Vec<String> =
            names.into_iter().map(|name| name.replace('\0', "\\u0000")).collect();
        let json = shape.and_then(|found| serde_json::to_string(&found.shape).ok());
        client
            .execute(
                statement,
                &[
                    &self.crawler,
                    &object.key,
                    &object.version(),
                    &(object.size as i64),
                    &shape.and_then(|shape| shape.format.map(Format::as_str)),
                    &shape.map(|shape| shape.compression.to_string()),
                    &count(|shape| shape.records),
                    &count(|shape| shape.malformed),
                    &shape.is_some_and(|shape| shape.sampled_whole),
                    &names,
                    &json,
                    &found.as_ref().err(),
                    &self.run,
                    &self.reading,
                    &shape.map(|found| found.path.to_string()),
                ],
            )
            .await
    }

    /// Forgets the objects that the run has not seen; how many there were.
    pub(in crate::catalog) async fn forget_gone(&self, client: &impl GenericClient) -> Result<u64> {
        let sql = "delete from stevedore.catalog_objects where crawler = $1 and run <> $2";
        let gone = client.execute(sql, &[&self.crawler, &self.run]).await;
        gone.map_err(failed("forget objects that are gone"))
    }

    /// The objects with the names of their fields.
    pub(in crate::catalog) async fn members(
        &self,
        client: &impl GenericClient,
    ) -> Result<Vec<Member>> {
        let sql = "select key, names, coalesce(path, '$') from stevedore.catalog_objects \
            where crawler = $1 and cardinality(names) > 0 order by key";
        let rows = client.query(sql, &[&self.crawler]).await;
        let rows = rows.map_err(failed("read what is known of objects"))?;
        let member = |row: &Row| Member { key: row.get(0), names: row.get(1), path: row.get(2) };
        Ok(rows.iter().map(member).collect())
    }

    /// The tables that objects are in by what this crawler or that of the sample knows, those with most of
    /// them first.
    pub(in crate::catalog) async fn tables_of(
        &self,
        client: &impl GenericClient,
        sample: &str,
        keys: &[String],
    ) -> Result<Vec<i64>> {
        let sql = "select table_id from stevedore.catalog_objects \
            where crawler in ($1, $2) and key = any ($3) and table_id is not null \
            group by table_id order by count(*) desc, table_id";
        let rows = client.query(sql, &[&self.crawler, &sample, &keys]).await;
        let rows = rows.map_err(failed("look up which tables objects are in"))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The keys of the objects of a table, and the shape of all of their records, by what the table's own
    /// crawler knows; none if it knows nothing of them.
    pub(in crate::catalog) async fn of_table(
        client: &impl GenericClient,
        table_id: i64,
    ) -> Result<Option<(Vec<String>, Shape)>> {
        let failed = || failed("read what is known of the objects of a table");
        let sql = "select o.key, o.shape from stevedore.catalog_objects o \
            join stevedore.catalog_tables t using (table_id, crawler) \
            where table_id = $1 order by o.key";
        let rows = client.query_raw(sql, [table_id]).await.map_err(failed())?;
        let mut rows = std::pin::pin!(rows);
        let (mut keys, mut merged) = (Vec::new(), None::<Shape>);
        while let Some(row) = rows.try_next().await.map_err(failed())? {
            let shape = serde_json::from_str::<Shape>(row.get("shape")).unwrap_or_default();
            keys.push(row.get("key"));
            match &mut merged {
                Some(merged) => merged.merge(shape),
                none => *none = Some(shape),
            }
        }
        Ok(merged.map(|shape| (keys, shape)))
    }

    /// Notes which table objects are in.
    pub(in crate::catalog) async fn put(
        &self,
        client: &impl GenericClient,
        keys: &[String],
        table_id: i64,
    ) -> Result<()> {
        let sql = "update stevedore.catalog_objects set table_id = $3 \
            where crawler = $1 and key = any ($2) and table_id is distinct from $3";
        let put = client.execute(sql, &[&self.crawler, &keys, &table_id]).await;
        put.map(drop).map_err(failed("note which table objects are in"))
    }

    /// All that is known of the objects of a table, merged without holding all of it.
    pub(in crate::catalog) async fn merged(
        &self,
        client: &impl GenericClient,
        keys: &[String],
    ) -> Result<Known> {
        let failed = || failed("merge what is known of objects");
        let sql = "select shape, records, bytes, whole, format, compression \
            from stevedore.catalog_objects where crawler = $1 and key = any ($2)";
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&self.crawler, &keys];
        let rows = client.query_raw(sql, params).await.map_err(failed())?;
        let mut rows = std::pin::pin!(rows);
        let mut known = Known::default();
        while let Some(row) = rows.try_next().await.map_err(failed())? {
            let shape = serde_json::from_str::<Shape>(row.get("shape")).unwrap_or_default();
            match &mut known.shape {
                Some(merged) => merged.merge(shape),
                none => *none = Some(shape),
            }
            known.objects += 1;
            known.records += row.get::<_, i64>("records");
            known.bytes += row.get::<_, i64>("bytes");
            known.sampled |= !row.get::<_, bool>("whole");
            for (counts, column) in
                [(&mut known.formats, "format"), (&mut known.compressions, "compression")]
            {
                let word = row.get::<_, Option<String>>(column).unwrap_or_default();
                *counts.entry(word).or_default() += 1;
            }
        }
        Ok(known)
    }
}
