//! Values between the queue and the database.

use chrono::{DateTime, Utc};
use graphile_worker::{DbCell, DbError, DbParams, DbRow, DbValue};
use pipeline::error::causes;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};

/// What the driver takes.
pub(super) fn boxed(params: &DbParams) -> Vec<Box<dyn ToSql + Sync + Send>> {
    params.values().iter().cloned().map(boxed_value).collect()
}

fn boxed_value(value: DbValue) -> Box<dyn ToSql + Sync + Send> {
    match value {
        DbValue::Bool(value) => Box::new(value),
        DbValue::BoolOpt(value) => Box::new(value),
        DbValue::I16(value) => Box::new(value),
        DbValue::I16Opt(value) => Box::new(value),
        DbValue::I32(value) => Box::new(value),
        DbValue::I32Opt(value) => Box::new(value),
        DbValue::I64(value) => Box::new(value),
        DbValue::I64Opt(value) => Box::new(value),
        DbValue::Json(value) => Box::new(value),
        DbValue::JsonOpt(value) => Box::new(value),
        DbValue::Text(value) => Box::new(value),
        DbValue::TextOpt(value) => Box::new(value),
        DbValue::TextArray(value) => Box::new(value),
        DbValue::TextArrayOpt(value) => Box::new(value),
        DbValue::I32Array(value) => Box::new(value),
        DbValue::I64Array(value) => Box::new(value),
        DbValue::TimestampTz(value) => Box::new(value),
        DbValue::TimestampTzOpt(value) => Box::new(value),
    }
}

/// What the queue takes.
pub(super) fn row(row: &Row) -> Result<DbRow, DbError> {
    let cells = row.columns().iter().enumerate().map(|(at, column)| {
        let cell = match *column.type_() {
            Type::BOOL => cell(row, at, DbCell::Bool),
            Type::INT2 => cell(row, at, DbCell::I16),
            Type::INT4 => cell(row, at, DbCell::I32),
            Type::INT8 => cell(row, at, DbCell::I64),
            Type::JSON | Type::JSONB => cell::<Value>(row, at, DbCell::Json),
            Type::TIMESTAMPTZ => cell::<DateTime<Utc>>(row, at, DbCell::TimestampTz),
            _ => cell::<String>(row, at, DbCell::Text),
        };
        let unread = |error| DbError::new(causes(&error).join(": "));
        Ok((column.name().to_owned(), cell.map_err(unread)?))
    });
    Ok(DbRow::new(cells.collect::<Result<_, DbError>>()?))
}

fn cell<T: for<'a> FromSql<'a>>(
    row: &Row,
    at: usize,
    make: fn(T) -> DbCell,
) -> Result<DbCell, tokio_postgres::Error> {
    Ok(row.try_get::<_, Option<T>>(at)?.map_or(DbCell::Null, make))
}
