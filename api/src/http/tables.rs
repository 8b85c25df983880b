//! `/v1/tables`: rows of tables, as they are in Postgres.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use pipeline::error::Error;
use pipeline::feed::Feeds;
use pipeline::query::name::check_schema;
use pipeline::query::{FirstRows, Keep, QueryColumn, first_rows, values};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::Transaction;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::answers::Entries;
use super::extract::{Path, Query, check_text};
use super::problem::{Guarded, Missing, Problem, Unavailable, WrongParameter};
use crate::jobs::{StoreError, database_failed};

/// Rows that are shown, unless the request says how many.
const ROWS: u16 = 10;
/// Rows that are shown at most.
const MOST_ROWS: u16 = 1000;
/// Makes the server give up a search that takes so long.
const SEARCH_NO_LONGER: &str = "set local statement_timeout = '10s'";
/// SQLSTATE class of values that are none of their type.
const NO_VALUE: &str = "22";

/// A column of a table.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RowColumn {
    /// Its name
    pub(super) name: String,
    /// Its type, as Postgres calls it
    #[serde(rename = "type")]
    data_type: String,
}

/// Some rows of a table.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TableRows {
    /// Name of the table with its schema, quoted for SQL
    table: String,
    /// Its columns, in their order
    pub(super) columns: Vec<RowColumn>,
    /// The rows. Each has its values in the order of the columns. Booleans and numbers are JSON values;
    /// `numeric`, NaN, infinities and all other types are the text that Postgres writes
    pub(super) rows: Vec<Vec<Value>>,
    /// Whether there are more rows. An answer ends at `limit`, or before the row that would make it longer
    /// than 1 MiB
    has_more: bool,
    /// The texts in `rows` that are cut, since they are too long for an answer
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    cut: Vec<CutText>,
}

/// A text that is cut.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CutText {
    /// The place of its row in `rows`, from 0
    row: usize,
    /// The name of its column
    column: String,
}

/// Which rows to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RowParams {
    /// Only rows with a given value in this column
    column: Option<String>,
    /// The value, as Postgres writes it
    equals: Option<String>,
    /// Most rows
    #[param(minimum = 1, maximum = 1000, default = 10)]
    limit: Option<u16>,
}

/// Read rows of a table
///
/// It reads the tables of the feeds, and tables that `stevedore crawl postgres` put into the catalog, by
/// their names there. Tables in schemas of PostgreSQL and of Stevedore are not shown. Rows have no order.
/// `column` and `equals` choose rows.
#[utoipa::path(
    get,
    path = "/v1/tables/{table}/rows",
    operation_id = "list_table_rows",
    tag = "catalog",
    params(("table" = String, Path, description = "The table's name"), RowParams),
    responses(
        (status = 200, description = "Some of its rows", body = TableRows),
        Guarded,
        WrongParameter,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn rows(
    State(app): State<Arc<App>>,
    Path(table): Path<String>,
    Query(params): Query<RowParams>,
) -> Result<Json<TableRows>, Problem> {
    let limit = limit(params.limit)?;
    let filter = filter(&params)?;
    let mut client = app.store.client().await?;
    // Nothing that is read can write, whatever a view calls.
    let transaction = client.build_transaction().read_only(true).start().await;
    let transaction = transaction.map_err(database_failed("begin to read rows"))?;
    transaction.batch_execute(SEARCH_NO_LONGER).await.map_err(database_failed("read rows"))?;
    let quoted = find(&transaction, &table, &app.feeds).await?;
    let filter = match filter {
        Some((column, value)) => {
            Some((condition(&transaction, &quoted, column).await?, column, value))
        }
        None => None,
    };
    let condition = filter.as_ref().map_or("", |(condition, ..)| condition);
    let sql = format!("select * from {quoted}{condition} limit {}", limit + 1);
    let value = filter.as_ref().map(|(_, _, value)| value);
    let params: Vec<_> = value.iter().map(|value| *value as &(dyn ToSql + Sync)).collect();
    let read = first_rows(&transaction, &sql, &params, Keep::JsonTypes).await;
    let read = read.map_err(|error| match &filter {
        Some((_, column, value)) => of_value(error, column, value),
        None => unread(error),
    })?;
    Ok(Json(answer(quoted, read, limit)))
}

fn limit(wanted: Option<u16>) -> Result<usize, Problem> {
    match wanted.unwrap_or(ROWS) {
        limit @ 1..=MOST_ROWS => Ok(limit.into()),
        _ => {
            let detail = format!("limit is from 1 to {MOST_ROWS}");
            Err(Problem::bad_request("invalid_parameter", detail))
        }
    }
}

/// The column and the value that rows must have in it.
fn filter(params: &RowParams) -> Result<Option<(&str, &str)>, Problem> {
    check_text("column", params.column.as_deref())?;
    check_text("equals", params.equals.as_deref())?;
    match (&params.column, &params.equals) {
        (Some(column), Some(value)) => Ok(Some((column, value))),
        (None, None) => Ok(None),
        _ => {
            let detail =
                "column and equals are required together: equals is the value in the column";
            Err(Problem::bad_request("invalid_parameter", detail))
        }
    }
}

/// The table of a name, as SQL takes it.
async fn find(transaction: &Transaction<'_>, name: &str, feeds: &Feeds) -> Result<String, Problem> {
    let missing = || {
        Problem::not_found(
            "table_not_found",
            format!("there is no table {name} whose rows can be read"),
        )
    };
    if name.contains('\0') {
        return Err(missing());
    }
    let tables = feeds.iter().flat_map(|feed| &feed.plan.tables);
    let tables: Vec<_> = tables.map(|table| table.name.plain()).collect();
    let sql = include_str!("../../../sql/queries/readable_table.sql");
    let row = transaction.query_opt(sql, &[&name, &tables]).await;
    let row = row.map_err(database_failed("look for a table"))?;
    let row = row.ok_or_else(missing)?;
    check_schema(row.get("schema"))?;
    Ok(row.get("quoted"))
}

/// The condition that a column has a value, which stays a parameter: its type makes an index of use.
async fn condition(
    transaction: &Transaction<'_>,
    table: &str,
    column: &str,
) -> Result<String, Problem> {
    let sql = "select format(' where %I = $1::text::%s', attname, format_type(atttypid, null)) \
        from pg_attribute \
        where attrelid = $1::text::regclass and attname = $2::text and attnum > 0 \
        and not attisdropped";
    let row = transaction.query_opt(sql, &[&table, &column]).await;
    let row = row.map_err(database_failed("look for a column"))?;
    let missing = || {
        let detail = format!("the table {table} has no column {column}");
        Problem::bad_request("invalid_parameter", detail)
    };
    Ok(row.ok_or_else(missing)?.get(0))
}

/// The rows of an answer, bounded in number and in bytes.
fn answer(table: String, first: FirstRows, limit: usize) -> TableRows {
    let FirstRows { columns, rows, is_all, cut_after } = first;
    let mut entries = Entries::new(limit);
    for row in rows.iter().flat_map(values) {
        if entries.add(row).is_break() {
            break;
        }
    }
    let (mut rows, is_more) = entries.finish();
    let mut cut = Vec::new();
    for (at, row) in rows.iter_mut().enumerate() {
        for (value, column) in row.iter_mut().zip(&columns) {
            if cut_text(value, cut_after) {
                cut.push(CutText { row: at, column: column.name.clone() });
            }
        }
    }
    let columns = columns.into_iter().map(RowColumn::from).collect();
    TableRows { table, columns, rows, has_more: is_more || !is_all, cut }
}

/// Cuts a text behind so many characters; whether it was longer.
fn cut_text(value: &mut Value, characters: usize) -> bool {
    let Value::String(text) = value else { return false };
    let end = text.char_indices().nth(characters).map(|(end, _)| end);
    if let Some(end) = end {
        text.truncate(end);
    }
    end.is_some()
}

/// The problem of a value that a column cannot have, or cannot be compared with.
fn of_value(error: Error, column: &str, value: &str) -> Problem {
    let code = match &error {
        Error::Database { source, .. } => source.code(),
        _ => None,
    };
    let is_wrong = code.is_some_and(|code| {
        code.code().starts_with(NO_VALUE) || *code == SqlState::UNDEFINED_FUNCTION
    });
    if is_wrong {
        let detail = format!("the column {column} cannot be compared with {value:?}");
        return Problem::bad_request("invalid_parameter", detail);
    }
    unread(error)
}

fn unread(error: Error) -> Problem {
    match error {
        Error::Database { source, .. } => {
            StoreError::Database { doing: "read rows of a table", source }.into()
        }
        error => error.into(),
    }
}

impl From<QueryColumn> for RowColumn {
    fn from(column: QueryColumn) -> Self {
        Self { name: column.name, data_type: column.data_type }
    }
}
