//! The values of fields that somebody else decides on, and the records that are rejected for them.

use std::collections::HashSet;

use polars::prelude::{
    DataFrame, DataType, Expr, IdxCa, IntoColumn, IntoLazy, NULL, PolarsResult, StringChunked, col,
    lit,
};

use super::child::{exploded, first_list};
use super::rule::place;
use crate::decode::shortened;
use crate::feed::{Decoded, Feed, Kind, Reason, Type};

/// The columns of a [`Values`]: the number of the record in its frame, the place of the value in it, and
/// the value.
const ROW: &str = "$row";
const PLACE: &str = "$place";
const VALUE: &str = "$value";

/// The values that records have in a field, as PostgreSQL writes them.
pub(crate) struct Values {
    values: DataFrame,
    /// The column of the records that has the field in it.
    column: String,
}

impl Values {
    /// The values of a field of the rows of a table.
    pub(crate) fn of(
        records: &DataFrame,
        feed: &Feed,
        table: usize,
        field: usize,
    ) -> PolarsResult<Self> {
        let field = &feed.fields_of(table)[field];
        let column = first_list(feed, table).unwrap_or(&field.column).to_owned();
        let rows =
            records.clone().lazy().with_row_index(ROW, None).select([col(ROW), col(&column)]);
        let (rows, place) = match table {
            0 => (rows, lit(field.pointer())),
            _ => (
                exploded(rows, feed, table, &[ROW.to_owned()]),
                place(feed, table) + lit(field.pointer()),
            ),
        };
        let value = match &field.kind {
            Kind::Value(data_type, _) => written(col(&field.column), data_type),
            Kind::List(_) => lit(NULL).cast(DataType::String),
        };
        let values = rows
            .select([col(ROW), place.alias(PLACE), value.alias(VALUE)])
            .without_optimizations()
            .collect()?;
        Ok(Self { values, column })
    }

    /// Each of them once.
    pub(crate) fn distinct(&self) -> PolarsResult<Vec<Option<String>>> {
        let values: HashSet<_> = self.values.column(VALUE)?.str()?.iter().collect();
        Ok(values.into_iter().map(|value| value.map(ToOwned::to_owned)).collect())
    }

    /// Rejects the records that have one of these values. What was expected is said of the first one. As of
    /// any value that cannot be taken, the column of the field is null then.
    pub(crate) fn reject(
        &self,
        records: DataFrame,
        refused: &HashSet<Option<String>>,
        expected: &str,
    ) -> PolarsResult<DataFrame> {
        let mut details = vec![None; records.height()];
        let rows = self.values.column(ROW)?.idx()?;
        let places = self.values.column(PLACE)?.str()?;
        let values = self.values.column(VALUE)?.str()?;
        let reasons = records.column(Decoded::Reason.column())?.str()?;
        for ((row, place), value) in rows.iter().zip(places.iter()).zip(values.iter()) {
            let (Some(row), true) = (row, refused.contains(&value.map(ToOwned::to_owned))) else {
                continue;
            };
            let (row, place) = (row as usize, place.unwrap_or_default());
            if details[row].is_none() && gives_way(reasons.get(row), value) {
                let found = value.map_or("null".into(), shortened);
                details[row] = Some(format!("{place}: expected {expected}, found {found}"));
            }
        }
        rejected(records, details, &self.column)
    }
}

/// The text of a value, as PostgreSQL reads it.
fn written(value: Expr, data_type: &Type) -> Expr {
    match data_type {
        Type::Bytea => lit("\\x") + value,
        Type::Timestamptz => value.cast(DataType::String) + lit("Z"),
        _ => value.cast(DataType::String),
    }
}

/// Whether a record that is rejected for this reason, if it is, is rather rejected for the value: nulls, empty
/// texts and unknown keys come after bad values.
fn gives_way(reason: Option<&str>, value: Option<&str>) -> bool {
    let later = [Reason::NullField, Reason::EmptyText, Reason::UnknownField];
    reason.is_none_or(|reason| value.is_some() && later.iter().any(|it| it.as_str() == reason))
}

/// The records, of which those with a detail are rejected for a value in a column. That is null then: it is
/// taken anew, since a list that is masked would keep its entries.
fn rejected(
    mut records: DataFrame,
    details: Vec<Option<String>>,
    column: &str,
) -> PolarsResult<DataFrame> {
    let kept = details.iter().zip(0..).map(|(detail, row)| detail.is_none().then_some(row));
    let kept: IdxCa = kept.collect();
    let taken = records.column(column)?.take(&kept)?;
    let known = records.column(Decoded::Reason.column())?.str()?.clone();
    let reasons = details.iter().zip(known.iter()).map(|(detail, known)| match detail {
        Some(_) => Some(Reason::OutOfRange.as_str()),
        None => known,
    });
    let reasons: StringChunked = reasons.collect();
    let known = records.column(Decoded::Detail.column())?.str()?.clone();
    let details = details.iter().zip(known.iter());
    let details: StringChunked =
        details.map(|(detail, known)| detail.as_deref().or(known)).collect();
    for (name, texts) in [(Decoded::Reason, reasons), (Decoded::Detail, details)] {
        records.with_column(texts.with_name(name.column().into()).into_column())?;
    }
    records.with_column(taken)?;
    Ok(records)
}
