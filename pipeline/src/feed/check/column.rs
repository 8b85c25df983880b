//! The columns of a table: what each is read from, and how.

use toml::Spanned;

use super::{Check, Scope};
use crate::feed::file::{ColumnFile, TableFile};
use crate::feed::plan::ColumnPlan;
use crate::feed::{
    Encoding, Expression, Field, Ident, Kind, Reading, RowsOf, Source, Storage, Type, Zone,
};
use crate::json::path::{JsonPath, Step};

/// Columns of a table at most.
const MAX_COLUMNS: usize = 1000;

impl Check {
    /// Reads the columns of a table into its scope, in the order in which they are written.
    pub(super) fn columns(&mut self, table: &TableFile, scope: &mut Scope) {
        let is_root = scope.rows == RowsOf::Records;
        if table.columns.is_empty() && is_root && table.rest.is_none() {
            self.wrong(&table.name, "the table has no columns");
        }
        if table.columns.len() > MAX_COLUMNS {
            self.wrong(&table.name, format!("a table has at most {MAX_COLUMNS} columns"));
        }
        let columns = table.columns_in_order();
        for (name, column) in &columns {
            if column.sql.is_none() {
                self.read_column(name, column, scope);
            }
        }
        for (name, column) in &columns {
            if let Some(sql) = &column.sql {
                self.computed_column(name, column, sql, scope);
            }
        }
        let place = |plan: &ColumnPlan| {
            columns.iter().position(|(name, _)| name.get_ref() == plan.name.as_str())
        };
        scope.columns.sort_by_key(place);
    }

    fn read_column(&mut self, name: &Spanned<String>, column: &ColumnFile, scope: &mut Scope) {
        let (ident, data_type) = (self.column_name(name), self.parse::<Type>(&column.type_name));
        let path = match &column.path {
            Some(path) => self.keys(path),
            None => Some(vec![name.get_ref().clone()]),
        };
        let (Some(ident), Some(data_type), Some(path)) = (ident, data_type, path) else {
            return;
        };
        let reading = self.reading(column, &data_type);
        if column.non_empty && !matches!(data_type, Type::Text | Type::Varchar(_)) {
            self.wrong(&column.type_name, "only texts can be `non_empty`");
        }
        let default = column.default.as_ref();
        let default = default.and_then(|value| self.default_value(value, &data_type, reading));
        let at = scope.fields.len();
        scope.columns.push(ColumnPlan {
            name: ident.clone(),
            data_type: data_type.clone(),
            nullable: !column.required,
            source: match scope.rows {
                RowsOf::Records => Source::Record(at),
                _ => Source::Entry(at),
            },
        });
        scope.fields.push(Field {
            path,
            column: ident.as_str().to_owned(),
            kind: Kind::Value(data_type, reading),
            required: column.required,
            non_empty: column.non_empty,
            default,
        });
    }

    /// The keys of a path that leads to one value.
    fn keys(&mut self, text: &Spanned<String>) -> Option<Vec<String>> {
        let path: JsonPath = self.parse(text)?;
        let keys: Option<Vec<_>> = path.steps().iter().map(key).collect();
        if keys.is_none() {
            let message =
                "a column is at one place: `[*]` belongs into the `each` of a table of its own";
            self.wrong(text, message);
        }
        keys
    }

    /// How values are read, where a type leaves a choice.
    fn reading(&mut self, column: &ColumnFile, data_type: &Type) -> Reading {
        let element = data_type.element();
        let is_number = matches!(element, Type::Numeric(_))
            || matches!(element.storage(), Storage::Integer | Storage::Float);
        let mut reading = Reading::default();
        for accepted in &column.accept {
            match (accepted.get_ref().as_str(), is_number) {
                ("string", true) => reading.from_strings = true,
                ("string", false) => {
                    self.wrong(accepted, "only numbers can be accepted in strings")
                }
                _ => self.wrong(accepted, "expected `string`: nothing else can be accepted"),
            }
        }
        if *element == Type::Timestamp {
            reading.zone = Zone::None;
        }
        if let Some(unit) = &column.unit {
            reading.unit = self.parse(unit);
            if element.storage() != Storage::Micros {
                self.wrong(unit, "only timestamps have a `unit`");
            }
        }
        match (&column.assume, element) {
            (None, _) => {}
            (Some(zone), Type::Timestamptz) if zone.get_ref() == "UTC" => {
                reading.zone = Zone::WrittenOrUtc;
            }
            (Some(zone), Type::Timestamptz) => {
                self.wrong(zone, "expected `UTC`: no other time zone can be assumed");
            }
            (Some(zone), _) => self.wrong(zone, "only a timestamptz can `assume` a time zone"),
        }
        match (&column.encoding, element) {
            (Some(encoding), Type::Bytea) => {
                reading.encoding = self.parse(encoding).unwrap_or(Encoding::Hex);
            }
            (Some(encoding), _) => self.wrong(encoding, "only bytea has an `encoding`"),
            (None, Type::Bytea) => {
                let message = "bytea needs `encoding = \"base64\"` or `\"hex\"`";
                self.wrong(&column.type_name, message);
            }
            (None, _) => {}
        }
        reading
    }

    fn computed_column(
        &mut self,
        name: &Spanned<String>,
        column: &ColumnFile,
        sql: &Spanned<String>,
        scope: &mut Scope,
    ) {
        if let Some(path) = &column.path {
            self.wrong(path, "a column has a `path` or is computed by `sql`, not both");
        }
        if column.required || column.non_empty || column.default.is_some() {
            let message = "a computed column has no `required`, `non_empty` or `default`: declare a \
                `[[rule]]`";
            self.wrong(sql, message);
        }
        let (ident, data_type) = (self.column_name(name), self.parse::<Type>(&column.type_name));
        let (Some(name), Some(data_type)) = (ident, data_type) else {
            return;
        };
        if matches!(data_type, Type::Array(_) | Type::Jsonb | Type::Bytea | Type::Uuid) {
            self.wrong(
                &column.type_name,
                format!("a column of type {data_type} cannot be computed"),
            );
            return;
        }
        if let Some((expression, _)) = self.expression(sql, &of_json(&scope.columns)) {
            let source = Source::Computed(self.computed.len());
            self.computed.push(expression);
            scope.columns.push(ColumnPlan { name, data_type, nullable: true, source });
        }
    }

    /// An expression of columns, and the type of its values.
    pub(super) fn expression(
        &mut self,
        sql: &Spanned<String>,
        columns: &[(&str, &Type)],
    ) -> Option<(Expression, polars::prelude::DataType)> {
        let read = Expression::new(sql.get_ref(), columns);
        read.map_err(|problem| self.wrong(sql, problem)).ok()
    }
}

/// The columns of a table that are read from JSON, as expressions name them.
fn of_json(columns: &[ColumnPlan]) -> Vec<(&str, &Type)> {
    let read =
        columns.iter().filter(|it| matches!(it.source, Source::Record(_) | Source::Entry(_)));
    read.map(|column| (column.name.as_str(), &column.data_type)).collect()
}

/// The key of a step, if it is one.
pub(super) fn key(step: &Step) -> Option<String> {
    match step {
        Step::Field(key) => Some(key.clone()),
        Step::Each => None,
    }
}

/// The columns of these names.
pub(super) fn named<'a>(columns: &'a [ColumnPlan], name: &str) -> Option<&'a ColumnPlan> {
    columns.iter().find(|column| column.name.as_str() == name)
}

impl ColumnPlan {
    /// A column of an integer that counts entries.
    pub(super) const fn position(name: Ident) -> Self {
        Self::ours(name, Type::Integer, Source::Position)
    }
}
