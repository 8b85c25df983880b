//! The crawler of Postgres: the tables of a database, as tables of the catalog.

use std::collections::BTreeSet;
use std::time::Instant;

use globset::{Glob, GlobSet, GlobSetBuilder};
use polars::prelude::{AnyValue, DataFrame, PolarsResult};
use serde::Serialize;

use super::column::Column;
use super::crawler::{begin, end};
use super::readback::read;
use super::store::{Published, Table, TableKind, Tables};
use super::types::DataType;
use crate::database::Connection;
use crate::error::{Error, Result};

/// Which tables to crawl.
#[derive(Debug, Clone)]
pub struct TablesCrawler {
    /// The catalog's database for its tables.
    pub database: String,
    /// The schemas that are looked into.
    pub schemas: Vec<String>,
    /// Patterns of names, of which a table must match one: its own, or with its schema before it.
    /// None for all tables.
    pub include: Vec<String>,
}

/// What a crawl of tables has done.
#[derive(Debug, Default, Serialize)]
pub struct TablesReport {
    /// The tables that were found.
    pub tables: Vec<Published>,
    /// Tables of the crawler that were not found any more.
    pub deprecated: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

/// Writes the tables of a database into the catalog, which is in the same database, each as
/// `postgres_<database>_<schema>_<table>`. No row is read: how many there are and what is in the
/// columns is what the server estimates (`analyze`), and not known before it has.
///
/// # Errors
/// [`Error::Busy`] while the same database is crawled, [`Error::Location`] when a pattern is none,
/// and [`Error::Database`].
pub async fn crawl_tables(
    crawler: &TablesCrawler,
    connection: &mut Connection,
) -> Result<TablesReport> {
    let began = Instant::now();
    let include = patterns(&crawler.include)?;
    let database = connection.query_one("select current_database()::text", &[]).await;
    let database = database.map_err(failed("ask for the database's name"))?.get::<_, String>(0);
    let name = format!("postgres/{database}");
    let target = serde_json::json!({
        "database": database, "schemas": crawler.schemas, "include": crawler.include,
    });
    begin((&name, TableKind::Postgres), &crawler.database, target, connection).await?;
    let crawled = async {
        let mut report = publish(crawler, &name, &include, connection).await?;
        report.seconds = began.elapsed().as_secs_f64();
        Ok(report)
    };
    let crawled = crawled.await;
    end(&name, crawled.as_ref(), connection).await?;
    crawled
}

fn patterns(include: &[String]) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    let failed = |location: &str, error: globset::Error| Error::Location {
        location: location.to_owned(),
        reason: error.kind().to_string(),
    };
    for pattern in include {
        set.add(Glob::new(pattern).map_err(|error| failed(pattern, error))?);
    }
    set.build().map_err(|error| failed("the patterns", error))
}

async fn publish(
    crawler: &TablesCrawler,
    name: &str,
    include: &GlobSet,
    connection: &mut Connection,
) -> Result<TablesReport> {
    let transaction =
        connection.transaction().await.map_err(failed("begin to write the catalog"))?;
    let sql = include_str!("../../../sql/queries/catalog_relations.sql");
    let relations = read(&transaction, sql, &[&crawler.schemas]).await?;
    let mut report = TablesReport::default();
    let mut names = BTreeSet::new();
    let found = tables(&relations)
        .map_err(|source| Error::Frame { doing: "read the columns of tables", source })?;
    for (table, schema, columns) in found {
        let full = format!("{schema}.{}", table.name);
        if !include.is_empty() && !include.is_match(&table.name) && !include.is_match(&full) {
            continue;
        }
        // Names with underscores may come out the same.
        let wanted = format!("postgres_{}_{schema}_{}", table.database, table.name);
        let mut unique = wanted.clone();
        let mut again = 1;
        while !names.insert(unique.clone()) {
            again += 1;
            unique = format!("{wanted}_{again}");
        }
        let table = Table {
            location: format!("{}.{full}", table.database),
            database: crawler.database.clone(),
            name: unique,
            crawler: name.to_owned(),
            columns,
            ..table
        };
        report.tables.push(Tables::publish(&transaction, &table).await?);
    }
    let names: Vec<_> = names.into_iter().collect();
    report.deprecated = Tables::deprecate(&transaction, name, &names).await?;
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
        location: String::new(),
        classification: "postgres".to_owned(),
        format: None,
        compression: None,
        objects: None,
        records: line.number("rows")?.map(|rows| rows as i64),
        bytes: line.number("bytes")?.map(|bytes| bytes as i64),
        sampled: true,
        crawler: String::new(),
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
