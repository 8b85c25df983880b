//! The records that cannot be loaded: the rows of the rejects table.

use polars::prelude::{DataType, Expr, LazyFrame, col, concat_str, element, lit, when};

use super::valid::is_valid;
use super::{Stamps, columns};
use crate::feed::{Feed, Field, Kind, Source, Storage, Type};

/// Keeps the rows that are not valid: why each is rejected, its text, and where it stands, and where the
/// feed wants that its fields in one text.
pub fn rejected(records: LazyFrame, feed: &Feed, stamps: &(impl Stamps + ?Sized)) -> LazyFrame {
    let filled = feed.plan.rejects().columns.iter().map(|column| {
        let value = match column.source {
            Source::Concat => concat(feed),
            Source::Decoded(decoded) => col(decoded.column()),
            Source::Stamp(what) => stamps.value(what),
            // No rejects table has others.
            _ => col(column.name.as_str()),
        };
        value.alias(column.name.as_str())
    });
    let mut selected: Vec<_> = filled.collect();
    selected.extend(columns(stamps.needs().iter().copied()));
    records.filter(is_valid(feed).not()).select(selected).without_optimizations()
}

/// `label:value,label:value`, with `null` for a null.
fn concat(feed: &Feed) -> Expr {
    let parts = feed.concat.iter().enumerate().flat_map(|(at, printed_field)| {
        let comma = if at == 0 { "" } else { "," };
        let field = &feed.fields[printed_field.field];
        let value = match &field.kind {
            Kind::Value(data_type, _) => printed(col(field.column.as_str()), data_type),
            Kind::List(list) => printed_list(col(field.column.as_str()), &list.fields),
        };
        [lit(format!("{comma}{}:", printed_field.label)), or_null(value)]
    });
    concat_str(parts.collect::<Vec<_>>(), "", false)
}

fn printed(value: Expr, data_type: &Type) -> Expr {
    match data_type.storage() {
        Storage::Text => value,
        // `is_null` would make a column of zeros, for which Polars keeps 8 MiB.
        Storage::Boolean => when(value.clone())
            .then(lit("true"))
            .otherwise(when(value.not()).then(lit("false")).otherwise(lit("null"))),
        _ => value.cast(DataType::String),
    }
}

/// `[{a, b}, null]`: every entry printed on its own, then joined. Polars neither casts a list of
/// structs to text nor takes one into `concat_str`.
fn printed_list(list: Expr, fields: &[Field]) -> Expr {
    let mut parts = vec![lit("{")];
    for (at, field) in fields.iter().enumerate() {
        let value = element().struct_().field_by_name(&field.column);
        parts.push(lit(if at == 0 { "" } else { ", " }));
        if let Kind::Value(data_type, _) = &field.kind {
            parts.push(or_null(printed(value, data_type)));
        }
    }
    parts.push(lit("}"));
    let entry =
        when(element().is_not_null()).then(concat_str(parts, "", false)).otherwise(lit("null"));
    let joined = list.list().eval(entry).list().join(lit(", "), false);
    concat_str([lit("["), joined, lit("]")], "", false)
}

fn or_null(text: Expr) -> Expr {
    text.fill_null(lit("null"))
}
