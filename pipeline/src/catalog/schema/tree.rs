//! Columns as a tree, as Spark prints it.

use std::fmt::Write;

use crate::infer::column::Column;
use crate::infer::types::DataType;

/// Prints the columns as Spark's `printSchema` does. What is nested may always be null there, since
/// only of columns it is known.
#[must_use]
pub fn tree(columns: &[Column]) -> String {
    let mut out = "root\n".to_owned();
    for column in columns {
        line(&mut out, 0, &column.name, &column.data_type, &nullable(column.nullable));
        below(&mut out, 1, &column.data_type);
    }
    out
}

fn nullable(is: bool) -> String {
    format!(" (nullable = {is})")
}

fn line(out: &mut String, depth: usize, name: &str, data_type: &DataType, suffix: &str) {
    let word = match data_type {
        DataType::Array(_) => "array".to_owned(),
        DataType::Struct(_) => "struct".to_owned(),
        DataType::Map(_) => "map".to_owned(),
        other => other.to_string(),
    };
    let indent = " |   ".repeat(depth);
    // Writing to a string cannot fail.
    writeln!(out, "{indent} |-- {name}: {word}{suffix}").ok();
}

/// The lines of what is within a type.
fn below(out: &mut String, depth: usize, data_type: &DataType) {
    match data_type {
        DataType::Array(element) => {
            line(out, depth, "element", element, " (containsNull = true)");
            below(out, depth + 1, element);
        }
        DataType::Map(value) => {
            line(out, depth, "key", &DataType::String, "");
            line(out, depth, "value", value, " (valueContainsNull = true)");
            below(out, depth + 1, value);
        }
        DataType::Struct(fields) => {
            for (name, data_type) in fields {
                line(out, depth, name, data_type, &nullable(true));
                below(out, depth + 1, data_type);
            }
        }
        _ => {}
    }
}
