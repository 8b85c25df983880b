//! A table as the database describes it, held against what is to be written to it.

use futures::future::try_join;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::domain::Domain;
use super::table::{Column, Table};
use crate::database::Ask;
use crate::error::{Error, Result};
use crate::feed::{
    ColumnPlan, Decoded, Feed, Ident, Limit, Source, Storage, TableName, TablePlan, Type,
};
use crate::side_by_side::side_by_side;

/// A table as the database describes it.
pub(super) struct Found {
    pub(super) name: TableName,
    /// As `pg_class.relkind` has it.
    kind: String,
    columns: Vec<FoundColumn>,
    pub(super) unique_keys: Vec<UniqueKey>,
}

pub(super) struct UniqueKey {
    pub(super) columns: Vec<String>,
    /// Whether `on conflict` can name it.
    pub(super) is_arbiter: bool,
}

pub(super) struct FoundColumn {
    name: String,
    /// The name of its type, or of the type that its domain is of.
    kind: String,
    modifier: i32,
    /// Its type as SQL writes it.
    sql_type: String,
    /// The labels of an enum.
    labels: Vec<String>,
    /// The checks of its domain.
    domain_checks: Vec<String>,
    /// The type that its domain is of, as SQL casts to it.
    base_type: String,
    not_null: bool,
    has_default: bool,
    generated: bool,
    index_columns: Option<i32>,
}

impl Found {
    /// The tables of a feed as the database describes them, in the order of its plan.
    pub(super) async fn find_all(client: &impl Ask, feed: &Feed) -> Result<Vec<Self>> {
        let names: Vec<_> = feed.plan.tables.iter().map(|table| table.name.to_string()).collect();
        let parameters: [&(dyn ToSql + Sync); 1] = [&names];
        let columns = include_str!("../../../sql/queries/target_columns.sql");
        let unique_keys = include_str!("../../../sql/queries/unique_keys.sql");
        let columns = client.ask(columns, &parameters);
        let unique_keys = client.ask(unique_keys, &parameters);
        let failed = asked(&feed.plan.root().name);
        let (columns, unique_keys) = try_join(columns, unique_keys).await.map_err(failed)?;
        let found = feed.plan.tables.iter().enumerate().map(|(at, plan)| {
            let is_of = |row: &&Row| row.get::<_, i64>("number") == at as i64 + 1;
            let columns: Vec<_> = columns.iter().filter(is_of).collect();
            Self {
                name: plan.name.clone(),
                kind: columns.first().map(|row| row.get("table_kind")).unwrap_or_default(),
                columns: columns.into_iter().map(FoundColumn::from).collect(),
                unique_keys: unique_keys.iter().filter(is_of).map(UniqueKey::from).collect(),
            }
        });
        Ok(found.collect())
    }

    pub(super) fn is_missing(&self) -> bool {
        self.columns.is_empty()
    }

    pub(super) fn column(&self, name: &Ident) -> Option<&FoundColumn> {
        self.columns.iter().find(|column| column.name == name.as_str())
    }

    pub(super) fn unfit(&self, problem: String, remedy: String) -> Error {
        let differences = String::new();
        Error::Target { table: self.name.to_string(), problem, differences, remedy }
    }

    fn too_narrow(&self, column: &Ident, wide: &str) -> Error {
        let (table, name) = (&self.name, column.as_str());
        self.unfit(
            format!("its column {name} is too narrow to keep every rejected record"),
            format!("alter table {table} alter column {column} type {wide}"),
        )
    }

    /// COPY needs a table, with or without partitions.
    pub(super) fn check_kind(&self) -> Result<()> {
        match self.kind.as_str() {
            "r" | "p" => Ok(()),
            _ => Err(self.unfit(
                "it is no table".to_owned(),
                format!("rename {} and run `stevedore migrate`", self.name),
            )),
        }
    }

    /// The columns to write; fails when one of them is missing, cannot take its values, or when
    /// another one insists on a value.
    pub(super) fn bind(&self, plan: &TablePlan) -> Result<Table> {
        let columns = match self.others_that_insist(plan).next() {
            Some(other) => Err(self.must_not_be_null(&other.name)),
            None => plan.columns.iter().map(|column| self.bind_column(column)).collect(),
        };
        match columns {
            Ok(columns) => {
                Ok(Table { name: self.name.clone(), columns, is_partitioned: self.kind == "p" })
            }
            Err(Error::Target { table, problem, remedy, .. }) => {
                let differences = self.differences(plan);
                Err(Error::Target { table, problem, differences, remedy })
            }
            Err(error) => Err(error),
        }
    }

    /// The columns that are not written and must not be null.
    fn others_that_insist<'a>(
        &'a self,
        plan: &'a TablePlan,
    ) -> impl Iterator<Item = &'a FoundColumn> {
        self.columns.iter().filter(|column| column.insists() && !plan.writes(&column.name))
    }

    /// The columns that are not written, each with its type and, if it must not be null, the error of that.
    pub(super) fn others(&self, plan: &TablePlan) -> Vec<((String, String), Option<Error>)> {
        let others = self.columns.iter().filter(|column| !plan.writes(&column.name));
        let with_error = |column: &FoundColumn| {
            let error = column.insists().then(|| self.must_not_be_null(&column.name));
            ((column.name.clone(), shown(column)), error)
        };
        others.map(with_error).collect()
    }

    /// A column as the table has it.
    pub(super) fn shown(&self, name: &Ident) -> Option<String> {
        self.column(name).map(shown)
    }

    /// The columns that do not fit what is to be written, side by side.
    fn differences(&self, plan: &TablePlan) -> String {
        let differs = plan.columns.iter().filter(|column| self.bind_column(column).is_err());
        let row = |ColumnPlan { name, data_type, nullable, .. }: &ColumnPlan| {
            let written = data_type.to_string() + if *nullable { " or null" } else { "" };
            let there = self.column(name).map_or("-".to_owned(), shown);
            [name.as_str().to_owned(), written, there]
        };
        let others = self.others_that_insist(plan);
        let others = others.map(|other| [other.name.clone(), "-".to_owned(), shown(other)]);
        let rows: Vec<_> = differs.map(row).chain(others).collect();
        side_by_side(["column", "the feed writes", "the table has"], &rows)
    }

    /// The column as it is written; fails if the table lacks it, or it cannot take the values.
    pub(super) fn bind_column(&self, plan: &ColumnPlan) -> Result<Column> {
        let (table, ColumnPlan { name, data_type, nullable, source }) = (&self.name, plan);
        let shown_name = name.as_str();
        let Some(column) = self.column(name) else {
            let remedy = format!("alter table {table} add column {name} {data_type}");
            return Err(self.unfit(format!("it has no column {shown_name}"), remedy));
        };
        if column.generated {
            let remedy = format!("alter table {table} alter column {name} drop expression");
            return Err(self.unfit(format!("its column {shown_name} is generated"), remedy));
        }
        if *nullable && column.not_null {
            return Err(self.must_not_be_null(shown_name));
        }
        if !column.domain_checks.is_empty() && !can_be_asked_about(plan) {
            let problem = format!(
                "its column {shown_name} is of the domain {}, whose check is evaluated only for single values \
                 that records have",
                column.sql_type
            );
            let remedy = format!(
                "alter table {table} alter column {name} type {data_type}, and declare the check as a [[rule]]"
            );
            return Err(self.unfit(problem, remedy));
        }
        let Some(found) = column.holds(data_type, *source) else {
            let kind = &column.sql_type;
            let problem = format!("its column {shown_name} is of type {kind}, not {data_type}");
            let remedy = format!(
                "alter table {table} alter column {name} type {data_type} using {name}::{data_type}"
            );
            return Err(self.unfit(problem, remedy));
        };
        let limit = column.limit(&found);
        if matches!(source, Source::Computed(_)) && limit.is_narrower_than(&data_type.limit()) {
            let kind = &column.sql_type;
            let problem = format!(
                "its column {shown_name} of type {kind} is narrower than the {data_type} that is computed"
            );
            let remedy = format!("declare the column {shown_name} of the feed as {kind}");
            return Err(self.unfit(problem, remedy));
        }
        let label = Some(column.sql_type.clone());
        Ok(Column { name: name.clone(), data_type: found, limit, label, domain: column.domain() })
    }

    fn must_not_be_null(&self, column: &str) -> Error {
        // What PostgreSQL has as a name is one.
        let name = column.parse::<Ident>().map_or(column.to_owned(), |name| name.to_string());
        self.unfit(
            format!("its column {column} must not be null, and the feed may have no value for it"),
            format!("alter table {} alter column {name} drop not null", self.name),
        )
    }
}

impl FoundColumn {
    /// Whether a row without a value for it is refused.
    const fn insists(&self) -> bool {
        self.not_null && !self.has_default && !self.generated
    }

    /// The type of the column as it is written, if it can hold values of this type.
    fn holds(&self, data_type: &Type, source: Source) -> Option<Type> {
        if !self.labels.is_empty() {
            return matches!(data_type, Type::Text | Type::Varchar(_)).then_some(Type::Text);
        }
        let found = data_type.in_column(&self.kind, self.modifier);
        // The instants that we fill in are UTC, whatever the column makes of it.
        let is_ours = matches!(source, Source::Stamp(_));
        let or_instant = || Type::Timestamptz.in_column(&self.kind, self.modifier);
        match (found, data_type) {
            (None, Type::Timestamp) if is_ours => or_instant(),
            (found, _) => found,
        }
    }

    /// Its domain, if that has checks.
    fn domain(&self) -> Option<Domain> {
        let Self { sql_type, base_type, domain_checks, .. } = self;
        (!domain_checks.is_empty()).then(|| Domain {
            name: sql_type.clone(),
            base_type: base_type.clone(),
            checks: domain_checks.clone(),
        })
    }

    /// What a column of this type holds, of which an index may hold less.
    fn limit(&self, data_type: &Type) -> Limit {
        if !self.labels.is_empty() {
            return Limit::OneOf(self.labels.clone().into());
        }
        let indexed = self.index_columns.and_then(|columns| usize::try_from(columns).ok());
        let in_index = indexed.and_then(|columns| data_type.limit_in_index(columns));
        data_type.limit().narrower(in_index.unwrap_or(Limit::None))
    }
}

impl From<&Row> for UniqueKey {
    fn from(row: &Row) -> Self {
        Self { columns: row.get("columns"), is_arbiter: row.get("is_arbiter") }
    }
}

impl From<&Row> for FoundColumn {
    fn from(row: &Row) -> Self {
        Self {
            name: row.get("name"),
            kind: row.get("type"),
            modifier: row.get("modifier"),
            sql_type: row.get("sql_type"),
            labels: row.get("labels"),
            domain_checks: row.get("domain_checks"),
            base_type: row.get("base_type"),
            not_null: row.get("not_null"),
            has_default: row.get("has_default"),
            generated: row.get("generated"),
            index_columns: row.get("index_columns"),
        }
    }
}

/// Whether the database can be asked about the values of a column before they are written.
fn can_be_asked_about(column: &ColumnPlan) -> bool {
    let is_of_record = matches!(column.source, Source::Record(_) | Source::Entry(_));
    is_of_record && column.data_type.storage() != Storage::List
}

/// A column as the table has it.
fn shown(column: &FoundColumn) -> String {
    let kept = if column.not_null { " not null" } else { "" };
    let made = if column.generated { " generated" } else { "" };
    format!("{}{kept}{made}", column.sql_type)
}

/// A rejected record has nowhere else to go, so no column of the rejects table may be narrow.
pub(super) fn check_holds_all(found: &Found, plan: &TablePlan) -> Result<()> {
    let table = &found.name;
    for (Column { name, limit, data_type, .. }, planned) in
        found.bind(plan)?.columns.iter().zip(&plan.columns)
    {
        let column = name.as_str();
        match (limit, data_type.storage()) {
            (Limit::Text { characters, .. }, _) if *characters < usize::MAX => {
                return Err(found.too_narrow(name, "varchar"));
            }
            (Limit::Range(..), Storage::Integer) => return Err(found.too_narrow(name, "bigint")),
            (Limit::Text { .. }, _) if is_long(planned.source) => {
                return Err(found.unfit(
                    format!("its column {column} is indexed, and no index holds every text"),
                    format!("drop the index on {table} ({name})"),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether texts of any length go into a column of the rejects table.
const fn is_long(source: Source) -> bool {
    matches!(source, Source::Concat | Source::Decoded(Decoded::Detail | Decoded::Raw))
}

pub(super) fn asked(table: &TableName) -> impl FnOnce(tokio_postgres::Error) -> Error {
    let doing = format!("look at the table {table}");
    |source| Error::Database { doing, source }
}
