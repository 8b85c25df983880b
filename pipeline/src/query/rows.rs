//! The rows of a frame, for whoever shows them.

use polars::prelude::{AnyValue, Column, DataFrame};
use serde_json::Value;

/// Rows of texts, none where it is null; of a frame that was read with
/// [`Keep::Texts`](super::Keep::Texts).
#[must_use]
pub fn texts(frame: &DataFrame) -> Vec<Vec<Option<String>>> {
    rows(frame, |cell| cell.get_str().map(str::to_owned))
}

/// Rows of JSON values, of a frame that was read with [`Keep::JsonTypes`](super::Keep::JsonTypes). What
/// JSON has no number for is a string, as Postgres writes it.
#[must_use]
pub fn values(frame: &DataFrame) -> Vec<Vec<Value>> {
    rows(frame, value)
}

fn rows<T: Clone>(frame: &DataFrame, cell: impl Fn(&AnyValue<'_>) -> T) -> Vec<Vec<T>> {
    let mut rows = vec![Vec::with_capacity(frame.width()); frame.height()];
    for column in frame.columns().iter().map(Column::as_materialized_series) {
        for (row, value) in rows.iter_mut().zip(column.iter()) {
            row.push(cell(&value));
        }
    }
    rows
}

fn value(cell: &AnyValue<'_>) -> Value {
    match *cell {
        AnyValue::Boolean(is) => is.into(),
        AnyValue::Int32(number) => number.into(),
        AnyValue::Int64(number) => number.into(),
        AnyValue::Float32(number) => float(number.into(), &number.to_string()),
        AnyValue::Float64(number) => float(number, &number.to_string()),
        AnyValue::String(text) => text.into(),
        _ => Value::Null,
    }
}

/// A number by its shortest digits, which are not those of the same number in more bits.
fn float(number: f64, digits: &str) -> Value {
    match number {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        _ if number.is_nan() => "NaN".into(),
        _ => digits.parse().unwrap_or(number).into(),
    }
}
