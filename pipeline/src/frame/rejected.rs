//! Frame 2: the records that do not go into the tables, as the error table keeps them.

use polars::prelude::{DataType, Expr, LazyFrame, col, concat_str, element, lit, when};

use super::valid::is_valid;
use super::{Stamps, columns};
use crate::decode::{BYTE_LENGTH, BYTE_OFFSET, DETAIL, RAW, REASON, RECORD_NO};
use crate::feed::{Feed, Field, Kind};

/// Keeps the rows that are not valid: `error_rec` is their fields in one text, then why each is
/// rejected, its text, and where it stands.
pub fn rejected(records: LazyFrame, feed: &Feed, stamps: &(impl Stamps + ?Sized)) -> LazyFrame {
    let mut selected = vec![error_rec(feed).alias("error_rec")];
    selected.extend(columns([REASON, DETAIL, RAW]));
    selected.push(stamps.object());
    selected.push(stamps.object_version());
    selected.extend(columns([RECORD_NO, BYTE_OFFSET, BYTE_LENGTH]));
    selected.push(stamps.load_id());
    selected.push(stamps.ingested_at());
    selected.extend(columns(stamps.needs().iter().copied()));
    records.filter(is_valid(feed).not()).select(selected).without_optimizations()
}

/// `label:value,label:value`, with `null` for a null.
fn error_rec(feed: &Feed) -> Expr {
    let parts = feed.fields.iter().enumerate().flat_map(|(at, field)| {
        let comma = if at == 0 { "" } else { "," };
        [lit(format!("{comma}{}:", field.label)), or_null(printed(col(field.column), field.kind))]
    });
    concat_str(parts.collect::<Vec<_>>(), "", false)
}

fn printed(value: Expr, kind: Kind) -> Expr {
    match kind {
        Kind::Text => value,
        Kind::Integer => value.cast(DataType::String),
        // `is_null` would make a column of zeros, for which Polars keeps 8 MiB.
        Kind::Boolean => when(value.clone())
            .then(lit("true"))
            .otherwise(when(value.not()).then(lit("false")).otherwise(lit("null"))),
        Kind::List(fields) => printed_list(value, fields),
    }
}

/// `[{a, b}, null]`: every entry printed on its own, then joined. Polars neither casts a list of
/// structs to text nor takes one into `concat_str`.
fn printed_list(list: Expr, fields: &[Field]) -> Expr {
    let mut parts = vec![lit("{")];
    for (at, field) in fields.iter().enumerate() {
        let value = element().struct_().field_by_name(field.column);
        parts.push(lit(if at == 0 { "" } else { ", " }));
        parts.push(or_null(printed(value, field.kind)));
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
