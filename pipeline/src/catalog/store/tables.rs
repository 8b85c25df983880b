//! Tables of the catalog and their versions.

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::types::Json;
use tokio_postgres::{GenericClient, Row};

use super::failed;
use crate::catalog::definition::{OnChange, OnDelete};
use crate::catalog::diff::{Change, diff};
use crate::error::Result;
use crate::infer::column::Column;

/// Where a table was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// In objects of a bucket.
    Objects,
    /// In Postgres.
    Postgres,
}

impl TableKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Postgres => "postgres",
        }
    }
}

/// A table as its crawler has found it.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// The catalog's database that it is in.
    pub database: String,
    /// Its name there.
    pub name: String,
    /// Where it was found.
    pub kind: TableKind,
    /// Where it is: a bucket and folder, or a schema and table.
    pub location: String,
    /// What it is made of: `json` or `postgres`.
    pub classification: String,
    /// How records follow each other, if that is the same in all objects.
    pub format: Option<String>,
    /// How objects are compressed, if that is the same in all of them.
    pub compression: Option<String>,
    /// Its objects.
    pub objects: Option<i64>,
    /// Its records or rows that were looked at, or are estimated.
    pub records: Option<i64>,
    /// Its size.
    pub bytes: Option<i64>,
    /// Whether only a part was looked at.
    pub sampled: bool,
    /// Who found it.
    pub crawler: String,
    /// Where its records are in their documents.
    pub path: String,
    /// Its columns.
    pub columns: Vec<Column>,
}

/// A version of a table that is in the catalog.
#[derive(Debug, Clone, Serialize)]
pub struct TableVersion {
    /// The table's number, which stays when its name changes.
    #[serde(skip)]
    pub table_id: i64,
    /// The table.
    #[serde(flatten)]
    pub table: Table,
    /// The URL of its object, or of the folder that its objects are in; none in Postgres, and where the
    /// crawler was removed.
    pub url: Option<String>,
    /// `active`, or `deprecated` when its objects are gone.
    pub state: String,
    /// The version's number, from 1.
    pub version: i32,
    /// When the table was found first.
    pub created_at: DateTime<Utc>,
    /// When the version was found first.
    pub updated_at: DateTime<Utc>,
    /// When the table was looked at last.
    pub crawled_at: DateTime<Utc>,
}

/// A version of a table, without its columns.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its number, from 1.
    pub version: i32,
    /// How many columns it has.
    pub columns: i32,
    /// Who found it.
    pub crawler: String,
    /// When it was found first.
    pub created_at: DateTime<Utc>,
}

/// What became of a table that a crawl has found.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    /// The table's number.
    #[serde(skip)]
    pub table_id: i64,
    /// The table's name.
    pub name: String,
    /// The version in force.
    pub version: i32,
    /// What is different from the version before; nothing in the first one.
    pub changes: Vec<Change>,
    /// What was found different, and is not in the version because of [`OnChange`].
    pub held_back: Vec<Change>,
    /// Whether the version is new.
    pub is_new: bool,
}

/// Tables of a crawler that it did not find any more.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Gone {
    /// Those that are marked from now on.
    pub deprecated: Vec<String>,
    /// Those that were removed from the catalog.
    pub deleted: Vec<String>,
    /// Those that stay as they are.
    pub missing: Vec<String>,
}

/// The tables of the catalog.
#[derive(Debug)]
pub struct Tables;

impl Tables {
    /// The newest versions of all tables, or only of those of a database or a name.
    ///
    /// # Errors
    /// [`Error::Database`](crate::error::Error::Database).
    pub async fn list(
        client: &impl GenericClient,
        database: Option<&str>,
        name: Option<&str>,
    ) -> Result<Vec<TableVersion>> {
        let sql = include_str!("../../../../sql/queries/catalog_table.sql");
        let rows = client.query(sql, &[&database, &name]).await;
        Ok(rows.map_err(failed("read the catalog"))?.iter().map(TableVersion::from).collect())
    }

    /// The newest version of a table, by its name or by `database.table`.
    ///
    /// # Errors
    /// [`Error::Database`](crate::error::Error::Database).
    pub async fn find(client: &impl GenericClient, name: &str) -> Result<Option<TableVersion>> {
        if let Some(found) = Self::list(client, None, Some(name)).await?.pop() {
            return Ok(Some(found));
        }
        for (at, _) in name.match_indices('.') {
            let (database, table) = (&name[..at], &name[at + 1..]);
            if let Some(found) = Self::list(client, Some(database), Some(table)).await?.pop() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The key of one of the objects that a table is made of, by what its own crawler knows.
    ///
    /// # Errors
    /// [`Error::Database`](crate::error::Error::Database).
    pub async fn first_key(client: &impl GenericClient, table_id: i64) -> Result<Option<String>> {
        let sql = "select o.key from stevedore.catalog_objects o \
            join stevedore.catalog_tables t using (table_id, crawler) \
            where table_id = $1 order by o.key limit 1";
        let row = client.query_opt(sql, &[&table_id]).await;
        let row = row.map_err(failed("look for an object of a table"))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// The columns of a version of a table.
    ///
    /// # Errors
    /// [`Error::Database`](crate::error::Error::Database).
    pub async fn columns(
        client: &impl GenericClient,
        database: &str,
        name: &str,
        version: i32,
    ) -> Result<Option<Vec<Column>>> {
        let sql = "select v.columns from stevedore.catalog_versions v \
            join stevedore.catalog_tables t using (table_id) \
            where t.database = $1 and t.name = $2 and v.version = $3";
        let row = client.query_opt(sql, &[&database, &name, &version]).await;
        let row = row.map_err(failed("read a version of the catalog"))?;
        Ok(row.map(|row| row.get::<_, Json<Vec<Column>>>(0).0))
    }

    /// The databases of the catalog, each with how many tables it has.
    ///
    /// # Errors
    /// [`Error::Database`](crate::error::Error::Database).
    pub async fn databases(client: &impl GenericClient) -> Result<Vec<(String, i64)>> {
        let sql = "select database, count(*) from stevedore.catalog_tables \
            group by database order by database";
        let rows = client.query(sql, &[]).await;
        let rows = rows.map_err(failed("read the databases of the catalog"))?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// The versions of a table: number, how many columns, who found it, and when; newest first.
    ///
    /// # Errors
    /// [`Error::Database`](crate::error::Error::Database).
    pub async fn versions(
        client: &impl GenericClient,
        database: &str,
        name: &str,
    ) -> Result<Vec<Version>> {
        let sql = "select v.version, jsonb_array_length(v.columns) as columns, v.crawler, v.created_at \
            from stevedore.catalog_versions v join stevedore.catalog_tables t using (table_id) \
            where t.database = $1 and t.name = $2 order by v.version desc";
        let rows = client.query(sql, &[&database, &name]).await;
        let version = |row: &Row| Version {
            version: row.get("version"),
            columns: row.get("columns"),
            crawler: row.get("crawler"),
            created_at: row.get("created_at"),
        };
        let rows = rows.map_err(failed("read the versions of a table"))?;
        Ok(rows.iter().map(version).collect())
    }

    /// Writes a table that was found: as a new version of the table that it was before, if its columns
    /// changed and the policy lets them, else as the one in force, with what is known of it now.
    ///
    /// # Errors
    /// [`Error::Database`](crate::error::Error::Database).
    pub async fn publish(
        client: &impl GenericClient,
        table: Table,
        before: Option<&TableVersion>,
        on_change: OnChange,
    ) -> Result<Published> {
        let found = table.columns;
        let (columns, changes, held_back) = match before {
            None => (found, Vec::new(), Vec::new()),
            Some(before) => {
                let columns = let_in(&before.table.columns, &found, on_change);
                let changes = diff(&before.table.columns, &columns);
                let held_back = diff(&columns, &found);
                (columns, changes, held_back)
            }
        };
        let table = Table { columns, ..table };
        let is_new = before.is_none() || !changes.is_empty();
        let version = before.map_or(0, |before| before.version) + i32::from(is_new);
        let sql = include_str!("../../../../sql/queries/catalog_publish.sql");
        let row = client
            .query_one(
                sql,
                &[
                    &table.database,
                    &table.name,
                    &table.kind.as_str(),
                    &version,
                    &table.location,
                    &table.classification,
                    &table.format,
                    &table.compression,
                    &table.objects,
                    &table.records,
                    &table.bytes,
                    &table.sampled,
                    &table.crawler,
                    &table.path,
                    &before.map(|before| before.table_id),
                ],
            )
            .await;
        let table_id: i64 = row.map_err(failed("write a table of the catalog"))?.get(0);
        // The statistics of a version that is in force are those of the last crawl.
        let sql = "insert into stevedore.catalog_versions (table_id, version, columns, crawler) \
            values ($1, $2, $3, $4) on conflict (table_id, version) do update set columns = excluded.columns";
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&table_id, &version, &Json(&table.columns), &table.crawler];
        let written = client.execute(sql, &params).await;
        written.map_err(failed("write a version of the catalog"))?;
        Ok(Published { table_id, name: table.name, version, changes, held_back, is_new })
    }

    /// Does with the tables of a crawler that it did not find any more what the policy says.
    ///
    /// # Errors
    /// [`Error::Database`](crate::error::Error::Database).
    pub async fn retire(
        client: &impl GenericClient,
        crawler: &str,
        found: &[i64],
        on_delete: OnDelete,
    ) -> Result<Gone> {
        let sql = match on_delete {
            OnDelete::Deprecate => {
                "update stevedore.catalog_tables set state = 'deprecated' \
                where crawler = $1 and state = 'active' and table_id <> all ($2) returning name"
            }
            OnDelete::Delete => {
                "delete from stevedore.catalog_tables \
                where crawler = $1 and table_id <> all ($2) returning name"
            }
            OnDelete::Log => {
                "select name from stevedore.catalog_tables \
                where crawler = $1 and state = 'active' and table_id <> all ($2) order by name"
            }
        };
        let rows = client.query(sql, &[&crawler, &found]).await;
        let rows = rows.map_err(failed("retire tables of the catalog"))?;
        let names = rows.iter().map(|row| row.get(0)).collect();
        Ok(match on_delete {
            OnDelete::Deprecate => Gone { deprecated: names, ..Gone::default() },
            OnDelete::Delete => Gone { deleted: names, ..Gone::default() },
            OnDelete::Log => Gone { missing: names, ..Gone::default() },
        })
    }
}

/// The columns of a table that has some, when others are found. What is known of a column that stays
/// is always what was found last.
fn let_in(before: &[Column], found: &[Column], on_change: OnChange) -> Vec<Column> {
    let find = |columns: &[Column], name: &str| {
        columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)).cloned()
    };
    let keep = |old: &Column| match find(found, &old.name) {
        Some(new) => Column {
            name: old.name.clone(),
            data_type: old.data_type.clone(),
            nullable: old.nullable,
            declared: old.declared.clone(),
            key: old.key.clone(),
            ..new
        },
        None => old.clone(),
    };
    let kept = before.iter().map(keep);
    match on_change {
        OnChange::Update => found.to_vec(),
        OnChange::Log => kept.collect(),
        OnChange::AddColumns => {
            let is_new = |column: &&Column| find(before, &column.name).is_none();
            kept.chain(found.iter().filter(is_new).cloned()).collect()
        }
    }
}

impl From<&Row> for TableVersion {
    fn from(row: &Row) -> Self {
        let is_postgres = row.get::<_, &str>("kind") == TableKind::Postgres.as_str();
        let table = Table {
            database: row.get("database"),
            name: row.get("name"),
            kind: if is_postgres { TableKind::Postgres } else { TableKind::Objects },
            location: row.get("location"),
            classification: row.get("classification"),
            format: row.get("format"),
            compression: row.get("compression"),
            objects: row.get("objects"),
            records: row.get("records"),
            bytes: row.get("bytes"),
            sampled: row.get("sampled"),
            crawler: row.get("crawler"),
            path: row.get("path"),
            columns: row.get::<_, Json<Vec<Column>>>("columns").0,
        };
        Self {
            table_id: row.get("table_id"),
            table,
            url: row.get("url"),
            state: row.get("state"),
            version: row.get("version"),
            created_at: row.get("created_at"),
            updated_at: row.get("updated_at"),
            crawled_at: row.get("crawled_at"),
        }
    }
}
