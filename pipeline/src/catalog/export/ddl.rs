//! Columns as a table of Postgres.

use crate::catalog::column::Column;
use crate::catalog::types::DataType;

/// Writes the statement that creates a table of these columns. What is nested is `jsonb`; names are
/// quoted, so that they stay as they are. Comments say what each column comes from.
#[must_use]
pub fn ddl(table: &str, columns: &[Column]) -> String {
    let name = quoted(table);
    let column = |column: &Column| {
        let null = if column.nullable { "" } else { " not null" };
        format!("    {} {}{null}", quoted(&column.name), postgres_type(&column.data_type))
    };
    let comment = |column: &Column| {
        let text = column.provenance().replace('\'', "''");
        format!("comment on column {name}.{} is '{text}';\n", quoted(&column.name))
    };
    let comments: String = columns.iter().map(comment).collect();
    let columns: Vec<_> = columns.iter().map(column).collect();
    format!("create table {name} (\n{}\n);\n{comments}", columns.join(",\n"))
}

const fn postgres_type(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "boolean",
        DataType::Int => "integer",
        DataType::Bigint => "bigint",
        DataType::Decimal => "numeric(38, 0)",
        DataType::Double => "double precision",
        DataType::String | DataType::Void => "text",
        DataType::Date => "date",
        DataType::Timestamp => "timestamp",
        DataType::Array(_)
        | DataType::Struct(_)
        | DataType::Map(_)
        | DataType::Json
        | DataType::Choice(_) => "jsonb",
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
