//! The crawler of Postgres: the tables of a database, as tables of the catalog.

use std::iter::once;
use std::time::Instant;

use polars::prelude::{AnyValue, DataFrame, PolarsResult};
use serde::Serialize;

use super::definition::{Definition, TablesTarget, patterns};
use super::existing::Existing;
use super::group::name::numbered;
use super::store::{Gone, Published, Table, TableKind, Tables};
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::infer::column::Column;
use crate::infer::types::DataType;
use crate::pattern::Patterns;
use crate::query::read;

/// What a crawl of tables has done.
#[derive(Debug, Default, Serialize)]
pub struct TablesReport {
    /// The tables that were found.
    pub tables: Vec<Published>,
    /// Tables of the crawler that were not found any more.
    #[serde(flatten)]
    pub gone_tables: Gone,
    /// How long it took.
    pub seconds: f64,
}

/// Writes the tables of a database into the catalog, which is in the same database, each as
/// `postgres_<database>_<schema>_<table>`, with its location as SQL takes it. No row is read: how many
/// there are and what is in the columns is what the server estimates (`analyze`), and not known before
/// it has.
pub(super) async fn crawl_tables(
    definition: &Definition,
    target: &TablesTarget,
    connection: &mut Connection,
) -> Result<TablesReport> {
    let began = Instant::now();
    let mut report = publish(definition, target, connection).await?;
    report.seconds = began.elapsed().as_secs_f64();
    Ok(report)
}

async fn publish(
    definition: &Definition,
    target: &TablesTarget,
    connection: &mut Connection,
) -> Result<TablesReport> {
    let (include, exclude) = (patterns(&target.include)?, patterns(&target.exclude)?);
    let transaction =
        connection.transaction().await.map_err(failed("begin to write the catalog"))?;
    let sql = include_str!("../../../sql/queries/catalog_relations.sql");
    let relations = read(&transaction, sql, &[&target.schemas]).await?;
    let mut report = TablesReport::default();
    let mut existing = Existing::read(&transaction, definition, None).await?;
    let mut found = Vec::new();
    let relations = tables(&relations)
        .map_err(|source| Error::Frame { doing: "read the columns of tables", source })?;
    for (table, schema, columns) in relations {
        let full = format!("{schema}.{}", table.name);
        let is_among = |set: &Patterns| set.is_match(&table.name) || set.is_match(&full);
        if !include.is_empty() && !is_among(&include) || is_among(&exclude) {
            continue;
        }
        // Names with underscores may come out the same, or be those of another crawler.
        let wanted = format!("postgres_{}_{schema}_{}", table.database, table.name);
        let names = once(wanted.clone()).chain(numbered(wanted));
        let (before, name) = existing.first_of(names, &table.path);
        let table = Table {
            database: definition.database.clone(),
            name,
            crawler: definition.name.clone(),
            columns,
            ..table
        };
        let on_change = definition.policies.on_change;
        let published = Tables::publish(&transaction, table, before.as_ref(), on_change).await?;
        found.push(published.table_id);
        report.tables.push(published);
    }
    let on_delete = definition.policies.on_delete;
    report.gone_tables = Tables::retire(&transaction, &definition.name, &found, on_delete).await?;
    transaction.commit().await.map_err(failed("commit the catalog"))?;
    Ok(report)
}

/// Tables under the names that they have in Postgres, their schemas and columns, in order.
fn tables(relations: &DataFrame) -> PolarsResult<Vec<(Table, String, Vec<Column>)>> {
    let mut tables: Vec<(Table, String, Vec<Column>)> = Vec::new();
    for at in 0..relations.height() {
        let line = Line { relations, at };
        let (schema, name) = (line.text("schema")?, line.text("table")?);
        let column = column(&line)?;
        match tables.last_mut() {
            Some((last, its, columns)) if last.name == name && *its == schema => {
                columns.push(column);
            }
            _ => tables.push((table(&line, name)?, schema, vec![column])),
        }
    }
    Ok(tables)
}

fn table(line: &Line<'_>, name: String) -> PolarsResult<Table> {
    Ok(Table {
        database: line.text("database")?,
        name,
        kind: TableKind::Postgres,
        location: line.text("location")?,
        classification: "postgres".to_owned(),
        format: None,
        compression: None,
        objects: None,
        records: line.number("rows")?.map(|rows| rows as i64),
        bytes: line.number("bytes")?.map(|bytes| bytes as i64),
        sampled: true,
        crawler: String::new(),
        path: "$".to_owned(),
        columns: Vec::new(),
    })
}

fn column(line: &Line<'_>) -> PolarsResult<Column> {
    let rows = line.number("rows")?.unwrap_or_default();
    let share = line.number("null_share")?.unwrap_or_default();
    // Less than none is a share of the rows.
    let distinct = line.number("distinct_values")?;
    let distinct = distinct.map(|count| if count < 0.0 { -count * rows } else { count });
    Ok(Column {
        name: line.text("column")?,
        data_type: data_type(&line.text("data_type")?, line.number("scale")?),
        nullable: line.cell("nullable")? == AnyValue::Boolean(true),
        present: rows as u64,
        nulls: (share * rows).round() as u64,
        distinct: distinct.map(|count| count.round() as u64),
        declared: Some(line.text("declared")?),
        key: Some(line.text("key")?).filter(|key| !key.is_empty()),
        ..Column::default()
    })
}

/// The type of a column by the standard's name of its type; what has none here is `string`.
fn data_type(name: &str, scale: Option<f64>) -> DataType {
    match (name, scale) {
        ("boolean", _) => DataType::Boolean,
        ("smallint" | "integer", _) => DataType::Int,
        ("bigint", _) => DataType::Bigint,
        ("numeric", Some(0.0)) => DataType::Decimal,
        ("real" | "double precision" | "numeric", _) => DataType::Double,
        ("date", _) => DataType::Date,
        ("timestamp without time zone" | "timestamp with time zone", _) => DataType::Timestamp,
        ("json" | "jsonb", _) => DataType::Json,
        _ => DataType::String,
    }
}

/// A row of a frame.
struct Line<'a> {
    relations: &'a DataFrame,
    at: usize,
}

impl<'a> Line<'a> {
    fn cell(&self, column: &str) -> PolarsResult<AnyValue<'a>> {
        self.relations.column(column)?.get(self.at)
    }

    /// A text; null is an empty one.
    fn text(&self, column: &str) -> PolarsResult<String> {
        Ok(self.cell(column)?.get_str().unwrap_or_default().to_owned())
    }

    fn number(&self, column: &str) -> PolarsResult<Option<f64>> {
        Ok(self.cell(column)?.extract())
    }
}

fn failed(doing: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    move |source| Error::Database { doing: doing.to_owned(), source }
}
