//! SQL expressions of columns, which Polars evaluates: rules and computed columns.

use polars::prelude::{
    Column, DataFrame, DataType, Expr, IntoLazy, NamedFrom, PolarsResult, Series, col, polars_err,
};
use polars::sql::sql_expr;

use super::{Precision, Type};

/// Digits of a decimal number at most, as Polars has them.
const MAX_DIGITS: usize = 38;

/// An SQL expression, as it is written and as Polars runs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// As it is written.
    pub sql: String,
    /// Over the columns of a frame.
    pub expr: Expr,
}

impl Expression {
    /// Reads an expression of columns of these names and types, and what its values are.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(sql: &str, columns: &[(&str, &Type)]) -> Result<(Self, DataType), String> {
        let expr = sql_expr(sql).map_err(|error| error.to_string())?;
        if let Some(problem) = (&expr).into_iter().find_map(reads_other_rows) {
            return Err(format!("it must be of one row, and holds {problem}"));
        }
        let find = |name: &str| columns.iter().find(|(known, _)| *known == name);
        let unknown = (&expr).into_iter().find_map(|part| match part {
            Expr::Column(name) if find(name).is_none() => Some(name.clone()),
            _ => None,
        });
        if let Some(unknown) = unknown {
            return Err(format!("the table has no column `{unknown}` that is read from JSON"));
        }
        let typed = |part| match part {
            Expr::Column(name) => match find(&name) {
                Some((_, data_type)) => as_number(col(name), data_type),
                None => Expr::Column(name),
            },
            part => part,
        };
        let expr = expr.map_expr(typed);
        let found = type_of(&expr, columns).map_err(|error| error.to_string())?;
        Ok((Self { sql: sql.to_owned(), expr }, found))
    }

    /// Whether it reads the column of this name.
    #[must_use]
    pub fn reads(&self, name: &str) -> bool {
        (&self.expr).into_iter().any(|part| matches!(part, Expr::Column(read) if read == name))
    }
}

/// Numbers that a frame keeps as texts, to be computed with.
fn as_number(value: Expr, data_type: &Type) -> Expr {
    match data_type {
        Type::Numeric(Some(Precision { scale, digits })) if usize::from(*digits) <= MAX_DIGITS => {
            value.cast(DataType::Decimal(MAX_DIGITS, usize::from(*scale)))
        }
        Type::Numeric(_) => value.cast(DataType::Float64),
        _ => value,
    }
}

/// What in an expression looks at more than one row.
fn reads_other_rows(part: &Expr) -> Option<&'static str> {
    match part {
        Expr::Agg(_) | Expr::Len => Some("an aggregate"),
        Expr::Over { .. } => Some("a window"),
        Expr::Sort { .. } | Expr::SortBy { .. } => Some("an order"),
        Expr::Gather { .. } | Expr::Slice { .. } | Expr::Filter { .. } => Some("a choice of rows"),
        Expr::Explode { .. } | Expr::Selector(_) => Some("other columns than those it names"),
        _ => None,
    }
}

/// The type of an expression's values.
fn type_of(expr: &Expr, columns: &[(&str, &Type)]) -> PolarsResult<DataType> {
    let column = |(name, data_type): &(&str, &Type)| -> Column {
        Series::new_empty((*name).into(), &data_type.in_frame()).into()
    };
    // An expression of no column has the height of its frame.
    let mut all = vec![Column::from(Series::new("$".into(), Vec::<i32>::new()))];
    all.extend(columns.iter().map(column));
    let rows = DataFrame::new(0, all)?.lazy().select([expr.clone().alias("$value")]);
    // Polars does not run on a thread of an async runtime.
    let found = std::thread::scope(|scope| scope.spawn(|| rows.collect()).join());
    let found = found.map_err(|_| polars_err!(ComputeError: "it cannot be evaluated"))??;
    Ok(found.column("$value")?.dtype().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_of_the_columns_of_one_row() {
        let numeric = Type::Numeric(Some(Precision { digits: 12, scale: 2 }));
        let columns = [("total", &numeric), ("name", &Type::Text), ("n", &Type::Integer)];
        let type_of = |sql| Expression::new(sql, &columns).map(|(_, found)| found);
        assert_eq!(type_of("total > 0"), Ok(DataType::Boolean));
        assert_eq!(type_of("n * 2"), Ok(DataType::Int64));
        assert_eq!(type_of("upper(name)"), Ok(DataType::String));
        for (sql, problem) in [
            ("totl > 0", "no column `totl`"),
            ("sum(n) > 0", "an aggregate"),
            ("row_number() over (order by n) > 1", "a window"),
            ("n >", "parse"),
            ("select 1", "expected an expression"),
        ] {
            let found = type_of(sql).unwrap_err();
            assert!(found.contains(problem), "{sql}: {found}");
        }
    }
}
