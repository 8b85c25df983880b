//! Computed columns, and the records that the rules of a feed reject.

use polars::prelude::{
    Column, DataFrame, DataType, Expr, IdxCa, IntoLazy, LazyFrame, NULL, NamedFrom, PolarsResult,
    Series, coalesce, col, concat_str, lit, when,
};

use super::child::{exploded, first_list};
use super::of_record;
use crate::feed::{
    ColumnPlan, Decoded, Expression, Feed, Kind, Precision, Reason, Source, TablePlan, Type,
};

/// The column with the number of a record in its frame.
const ROW: &str = "$row";
/// What is found wrong: the reason, and what is said of it.
const FOUND: [&str; 2] = ["$found_reason", "$found_detail"];
/// What the columns begin with that say what is wrong with a row.
const WRONG: &str = "$wrong_";
/// What the names of computed columns begin with before their values have the form of the column.
const FREE: &str = "$free_";
/// Digits of a decimal number at most, as Polars has them.
const MAX_DIGITS: usize = 38;

/// A computed column.
pub(super) struct Computed<'a> {
    column: &'a ColumnPlan,
    expression: &'a Expression,
}

impl Computed<'_> {
    /// Its value under its name: null where that does not fit its type.
    pub(super) fn value(&self) -> Expr {
        cast(self.expression.expr.clone(), &self.column.data_type).alias(self.column.name.as_str())
    }

    /// The name of its value in the form that the expression gives it.
    fn free(&self) -> String {
        format!("{FREE}{}", self.column.name.as_str())
    }

    /// Its value under its name, and where that does not fit, from its free value.
    fn of_free(&self) -> Expr {
        cast(col(self.free()), &self.column.data_type).alias(self.column.name.as_str())
    }

    /// Whether there is a value that does not fit, and what is said of that.
    fn wrong(&self) -> Wrong {
        let Self { column, expression } = self;
        let is_lost = col(column.name.as_str()).is_null();
        let detail = format!(
            "{}: expected {} as {}",
            column.name.as_str(),
            expression.sql,
            column.data_type
        );
        Wrong {
            is_wrong: col(self.free()).is_not_null().and(is_lost),
            reason: Reason::OutOfRange,
            detail,
        }
    }
}

/// What can be wrong with a row.
struct Wrong {
    /// Whether it is, never null.
    is_wrong: Expr,
    reason: Reason,
    detail: String,
}

/// Adds the computed columns of the root table to the records, and to those that a rule of any table
/// rejects, or a computed value that does not fit its column, the reason and what was found. A record that
/// is rejected already keeps its reason. Of several the root table comes first, and computed values come
/// before rules.
///
/// With most batches nothing is wrong, so that is looked at before any text is made.
///
/// # Errors
/// When Polars refuses an expression.
pub fn checked(records: DataFrame, feed: &Feed) -> PolarsResult<DataFrame> {
    if !feed.has_expressions() {
        return Ok(records);
    }
    let mut records = looked_at(records.lazy(), feed, 0)?;
    if is_any_wrong(&records)? {
        records = noted(records.lazy().with_columns(found(feed, 0, None)))?;
    }
    for (table, _, plan) in feed.plan.children() {
        let has_rule = feed.rules.iter().any(|rule| rule.table == table);
        if (has_rule || computed(plan, feed).next().is_some())
            && let Some(columns) = found_in_entries(&records, feed, table)?
        {
            for column in columns {
                records.with_column(column)?;
            }
            records = noted(records.lazy())?;
        }
    }
    let is_ours =
        |name: &&str| FOUND.contains(name) || name.starts_with(WRONG) || name.starts_with(FREE);
    let names = records.get_column_names().into_iter().map(|name| name.as_str());
    let names = names.filter(|name| !is_ours(name));
    records.select(names.collect::<Vec<_>>())
}

/// The computed columns of a table.
pub(super) fn computed<'a>(
    plan: &'a TablePlan,
    feed: &'a Feed,
) -> impl Iterator<Item = Computed<'a>> {
    plan.columns.iter().filter_map(|column| match column.source {
        Source::Computed(at) => Some(Computed { column, expression: &feed.computed[at] }),
        _ => None,
    })
}

/// What can be wrong with the rows of a table: first what is said.
fn wrongs(feed: &Feed, table: usize) -> impl Iterator<Item = Wrong> {
    let bad = computed(&feed.plan.tables[table], feed).map(|it| it.wrong());
    let rules = feed.rules.iter().filter(move |rule| rule.table == table);
    let broken = rules.map(|rule| Wrong {
        is_wrong: rule.check.expr.clone().eq(lit(false)).fill_null(lit(false)),
        reason: Reason::Rule,
        detail: format!("{}: expected {}", rule.name, rule.check.sql),
    });
    bad.chain(broken)
}

/// Adds the computed columns of a table to its rows, and whether each of what can be wrong is.
fn looked_at(rows: LazyFrame, feed: &Feed, table: usize) -> PolarsResult<DataFrame> {
    let of_table: Vec<_> = computed(&feed.plan.tables[table], feed).collect();
    let free = of_table.iter().map(|it| it.expression.expr.clone().alias(it.free()));
    let values = of_table.iter().map(Computed::of_free);
    let flags = wrongs(feed, table).enumerate();
    let flags = flags.map(|(at, it)| it.is_wrong.alias(format!("{WRONG}{at}")));
    rows.with_columns(free.collect::<Vec<_>>())
        .with_columns(values.collect::<Vec<_>>())
        .with_columns(flags.collect::<Vec<_>>())
        .without_optimizations()
        .collect()
}

/// Whether something is wrong with any of the rows that were looked at.
fn is_any_wrong(rows: &DataFrame) -> PolarsResult<bool> {
    for column in rows.columns().iter().filter(|column| column.name().starts_with(WRONG)) {
        if column.bool()?.any() {
            return Ok(true);
        }
    }
    Ok(false)
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

/// What is wrong with a row that was looked at: the reason and what is said, null where nothing is. `place`
/// is the place of an entry.
fn found(feed: &Feed, table: usize, place: Option<Expr>) -> [Expr; 2] {
    let wrongs: Vec<_> = wrongs(feed, table).collect();
    let null = || lit(NULL).cast(DataType::String);
    let (mut reason, mut detail) = (null(), null());
    for (at, wrong) in wrongs.into_iter().enumerate().rev() {
        let is_wrong = col(format!("{WRONG}{at}"));
        let text = match &place {
            Some(place) => {
                concat_str([place.clone(), lit(format!(": {}", wrong.detail))], "", false)
            }
            None => lit(wrong.detail),
        };
        reason = when(is_wrong.clone()).then(lit(wrong.reason.as_str())).otherwise(reason);
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

/// What is wrong with the first bad entry of each record; None where nothing is.
fn found_in_entries(
    records: &DataFrame,
    feed: &Feed,
    table: usize,
) -> PolarsResult<Option<[Column; 2]>> {
    let kept = needed_of_record(feed, table);
    let mut names: Vec<_> = kept.iter().map(|(name, _)| name.clone()).collect();
    names.push(ROW.to_owned());
    let selected = kept.into_iter().map(|(name, value)| value.alias(name));
    let selected = selected.chain([col(ROW)]).chain(first_list(feed, table).map(col));
    let rows = records.clone().lazy().with_row_index(ROW, None);
    let entries = exploded(rows.select(selected.collect::<Vec<_>>()), feed, table, &names);
    let entries = looked_at(entries, feed, table)?;
    if !is_any_wrong(&entries)? {
        return Ok(None);
    }
    let entries = entries
        .lazy()
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
    Ok(Some([first_of(FOUND[0])?, first_of(FOUND[1])?]))
}

/// The columns that the rows of a child table have of their record, if its expressions read them.
fn needed_of_record(feed: &Feed, table: usize) -> Vec<(String, Expr)> {
    let plan = &feed.plan.tables[table];
    let rules = feed.rules.iter().filter(|rule| rule.table == table).map(|rule| &rule.check);
    let expressions: Vec<_> = computed(plan, feed).map(|it| it.expression).chain(rules).collect();
    let reads = |name: &str| expressions.iter().any(|expression| expression.reads(name));
    of_record(plan, feed).into_iter().filter(|(name, _)| reads(name)).collect()
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
