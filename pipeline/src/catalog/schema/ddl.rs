//! Columns as a table of Postgres.

use std::fmt::Write;

use crate::escape::is_unsafe;
use crate::infer::column::Column;
use crate::infer::types::DataType;

/// Writes the statement that creates a table of these columns. What is nested is `jsonb`; names are
/// quoted, so that they stay as they are; where they hold control characters, as Unicode escapes
/// (`U&"…"`). Comments say what each column comes from.
#[must_use]
pub fn ddl(table: &str, columns: &[Column]) -> String {
    let name = quoted(table);
    let column = |column: &Column| {
        let null = if column.nullable { "" } else { " not null" };
        format!("    {} {}{null}", quoted(&column.name), postgres_type(&column.data_type))
    };
    let comment = |column: &Column| {
        let text = within(&column.provenance(), '\'');
        format!("comment on column {name}.{} is {text};\n", quoted(&column.name))
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
    within(name, '"')
}

/// A text within quotes, as SQL reads it, and without what a terminal would obey.
fn within(text: &str, quote: char) -> String {
    let doubled = text.replace(quote, &format!("{quote}{quote}"));
    if !text.contains(is_unsafe) {
        return format!("{quote}{doubled}{quote}");
    }
    let mut escaped = format!("U&{quote}");
    for character in doubled.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            // Writing to a String cannot fail. None of those is beyond four digits.
            _ if is_unsafe(character) => drop(write!(escaped, "\\{:04X}", u32::from(character))),
            _ => escaped.push(character),
        }
    }
    escaped.push(quote);
    escaped
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn texts_that_a_terminal_would_obey_are_written_as_escapes() {
        assert_eq!(within("a\"b\\", '"'), "\"a\"\"b\\\"");
        assert_eq!(within("it's", '\''), "'it''s'");
        assert_eq!(within("a\u{1b}\"\u{202e}\\", '"'), r#"U&"a\001B""\202E\\""#);
    }
}
