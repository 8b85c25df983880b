//! Computed columns, and the records that the rules of a feed reject.

use polars::prelude::{
    Column, DataFrame, DataType, Expr, IdxCa, IntoLazy, LazyFrame, NULL, NamedFrom, PolarsResult,
    Series, coalesce, col, concat_str, lit, when,
};

use super::child::{exploded, first_list};
use super::of_record;
use crate::feed::{Decoded, Feed, Kind, Precision, Reason, Source, TablePlan, Type};

/// The column with the number of a record in its frame.
const ROW: &str = "$row";
/// What is found wrong: the reason, and what is said of it.
const FOUND: [&str; 2] = ["$found_reason", "$found_detail"];
/// Digits of a decimal number at most, as Polars has them.
const MAX_DIGITS: usize = 38;

/// A computed column.
pub(super) struct Computed {
    /// Its value under its name: null where that does not fit its type.
    pub(super) value: Expr,
    /// Whether there is a value that does not fit.
    is_bad: Expr,
    /// What is said of that.
    detail: String,
}

/// Adds the computed columns of the root table to the records, and to those that a rule of any table
/// rejects, or a computed value that does not fit its column, the reason and what was found. A record that
/// is rejected already keeps its reason. Of several the root table comes first, and computed values come
/// before rules.
///
/// # Errors
/// When Polars refuses an expression.
pub fn checked(records: DataFrame, feed: &Feed) -> PolarsResult<DataFrame> {
    if !feed.has_expressions() {
        return Ok(records);
    }
    let values: Vec<_> = computed(feed.plan.root(), feed).map(|it| it.value).collect();
    let rows = records.lazy().with_columns(values).with_columns(found(feed, 0, None));
    let mut records = noted(rows)?;
    for (table, _, plan) in feed.plan.children() {
        let has_rule = feed.rules.iter().any(|rule| rule.table == table);
        if has_rule || computed(plan, feed).next().is_some() {
            for column in found_in_entries(&records, feed, table)? {
                records.with_column(column)?;
            }
            records = noted(records.lazy())?;
        }
    }
    records.drop_many_amortized(&FOUND.map(Into::into).into_iter().collect());
    Ok(records)
}

/// The computed columns of a table.
pub(super) fn computed(plan: &TablePlan, feed: &Feed) -> impl Iterator<Item = Computed> {
    plan.columns.iter().filter_map(|column| {
        let Source::Computed(at) = column.source else {
            return None;
        };
        let expression = &feed.computed[at];
        let value = cast(expression.expr.clone(), &column.data_type);
        let name = column.name.as_str();
        Some(Computed {
            is_bad: expression.expr.clone().is_not_null().and(value.clone().is_null()),
            value: value.alias(name),
            detail: format!("{name}: expected {} as {}", expression.sql, column.data_type),
        })
    })
}

/// A value in the form of a column of this type; null where it does not fit.
fn cast(value: Expr, data_type: &Type) -> Expr {
    let fits = |value: Expr, is_fit: Expr| when(is_fit).then(value).otherwise(lit(NULL));
    match data_type {
        Type::SmallInt => value.cast(DataType::Int16).cast(DataType::Int64),
        Type::Integer => value.cast(DataType::Int32).cast(DataType::Int64),
        Type::Real => value.cast(DataType::Float32).cast(DataType::Float64),
        Type::Numeric(Some(Precision { digits, scale })) => {
            let digits = usize::from(*digits).min(MAX_DIGITS);
            value.cast(DataType::Decimal(digits, usize::from(*scale))).cast(DataType::String)
        }
        Type::Varchar(Some(most)) => {
            let text = value.cast(DataType::String);
            fits(text.clone(), text.str().len_chars().lt_eq(lit(*most)))
        }
        other => value.cast(other.in_frame()),
    }
}

/// What is wrong with a row of a table: the reason and what is said, null where nothing is. `place` is the
/// place of an entry.
fn found(feed: &Feed, table: usize, place: Option<Expr>) -> [Expr; 2] {
    let computed = computed(&feed.plan.tables[table], feed);
    let bad = computed.map(|it| (it.is_bad, Reason::OutOfRange, it.detail));
    let rules = feed.rules.iter().filter(|rule| rule.table == table);
    let broken = rules.map(|rule| {
        let is_false = rule.check.expr.clone().eq(lit(false)).fill_null(lit(false));
        (is_false, Reason::Rule, format!("{}: expected {}", rule.name, rule.check.sql))
    });
    let wrong: Vec<_> = bad.chain(broken).collect();
    let null = || lit(NULL).cast(DataType::String);
    let (mut reason, mut detail) = (null(), null());
    for (is_wrong, word, text) in wrong.into_iter().rev() {
        let text = match &place {
            Some(place) => concat_str([place.clone(), lit(format!(": {text}"))], "", false),
            None => lit(text),
        };
        reason = when(is_wrong.clone()).then(lit(word.as_str())).otherwise(reason);
        detail = when(is_wrong).then(text).otherwise(detail);
    }
    [reason.alias(FOUND[0]), detail.alias(FOUND[1])]
}

/// Gives the records that are not rejected yet what was found.
fn noted(records: LazyFrame) -> PolarsResult<DataFrame> {
    let [reason, detail] = [Decoded::Reason, Decoded::Detail].map(Decoded::column);
    let or_found = |known: &str, found: &str| coalesce(&[col(known), col(found)]).alias(known);
    records
        .with_columns([or_found(reason, FOUND[0]), or_found(detail, FOUND[1])])
        .without_optimizations()
        .collect()
}

/// What is wrong with the first bad entry of each record.
fn found_in_entries(records: &DataFrame, feed: &Feed, table: usize) -> PolarsResult<[Column; 2]> {
    let plan = &feed.plan.tables[table];
    let kept = of_record(plan, feed);
    let mut names: Vec<_> = kept.iter().map(|(name, _)| name.clone()).collect();
    names.push(ROW.to_owned());
    let selected = kept.into_iter().map(|(name, value)| value.alias(name));
    let selected = selected.chain([col(ROW)]).chain(first_list(feed, table).map(col));
    let rows = records.clone().lazy().with_row_index(ROW, None);
    let values: Vec<_> = computed(plan, feed).map(|it| it.value).collect();
    let entries = exploded(rows.select(selected.collect::<Vec<_>>()), feed, table, &names)
        .with_columns(values)
        .with_columns(found(feed, table, Some(place(feed, table))))
        .filter(col(FOUND[0]).is_not_null())
        .select([col(ROW), col(FOUND[0]), col(FOUND[1])])
        .without_optimizations()
        .collect()?;
    let rows: IdxCa = entries.column(ROW)?.idx()?.clone();
    let first_of = |name: &str| -> PolarsResult<Column> {
        let texts = entries.column(name)?.str()?;
        let mut first: Vec<Option<&str>> = vec![None; records.height()];
        for (row, text) in rows.iter().zip(texts.iter()) {
            if let Some(place) = row.and_then(|row| first.get_mut(row as usize)) {
                *place = place.or(text);
            }
        }
        Ok(Series::new(name.into(), first).into())
    };
    Ok([first_of(FOUND[0])?, first_of(FOUND[1])?])
}

/// The JSON pointer of an entry.
pub(super) fn place(feed: &Feed, table: usize) -> Expr {
    let mut parts = Vec::new();
    let mut parent = 0;
    for (at, list) in feed.plan.lists_to(table) {
        let field = &feed.fields_of(parent)[list];
        parts.push(lit(format!("{}/", field.pointer())));
        let Kind::List(list) = &field.kind else { continue };
        parts.push(match &list.position {
            Some(position) => (col(position.as_str()) - lit(1)).cast(DataType::String),
            None => lit("?"),
        });
        parent = at;
    }
    concat_str(parts, "", false)
}
