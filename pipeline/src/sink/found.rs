//! A table as the database describes it, held against what is to be written to it.

use futures::future::try_join;
use tokio_postgres::types::ToSql;
use tokio_postgres::{GenericClient, Row, Statement};

use super::table::{Column, INDEX_BYTES, Table, Wanted, Wire};
use crate::decode::{DETAIL, Limit, RAW};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::side_by_side::side_by_side;

/// A table as the database describes it.
pub(super) struct Found {
    name: &'static str,
    /// As `pg_class.relkind` has it.
    kind: String,
    columns: Vec<FoundColumn>,
    unique_keys: Vec<UniqueKey>,
}

pub(super) struct UniqueKey {
    columns: Vec<String>,
    /// Whether `on conflict` can name it.
    is_arbiter: bool,
}

pub(super) struct FoundColumn {
    name: String,
    kind: String,
    modifier: i32,
    not_null: bool,
    has_default: bool,
    generated: bool,
    index_columns: Option<i32>,
}

/// What the database is asked about each table, read once by it.
pub(super) struct Questions {
    columns: Statement,
    unique_keys: Statement,
}

impl Questions {
    pub(super) async fn prepare(client: &impl GenericClient, feed: &Feed) -> Result<Self> {
        let columns = client.prepare(include_str!("../../../sql/queries/target_columns.sql"));
        let unique_keys = client.prepare(include_str!("../../../sql/queries/unique_keys.sql"));
        let prepared = try_join(columns, unique_keys).await;
        let (columns, unique_keys) = prepared.map_err(asked(feed.status_table))?;
        Ok(Self { columns, unique_keys })
    }
}

impl Found {
    pub(super) async fn find(
        client: &impl GenericClient,
        questions: &Questions,
        name: &'static str,
    ) -> Result<Self> {
        let parameters: [&(dyn ToSql + Sync); 1] = [&name];
        let columns = client.query(&questions.columns, &parameters);
        let unique_keys = client.query(&questions.unique_keys, &parameters);
        let (columns, unique_keys) = try_join(columns, unique_keys).await.map_err(asked(name))?;
        Ok(Self {
            name,
            kind: columns.first().map(|row| row.get("table_kind")).unwrap_or_default(),
            columns: columns.iter().map(FoundColumn::from).collect(),
            unique_keys: unique_keys.iter().map(UniqueKey::from).collect(),
        })
    }

    pub(super) fn is_missing(&self) -> bool {
        self.columns.is_empty()
    }

    pub(super) fn column(&self, name: &str) -> Option<&FoundColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(super) fn unfit(&self, problem: String, remedy: String) -> Error {
        let differences = String::new();
        Error::Target { table: self.name.to_owned(), problem, differences, remedy }
    }

    /// COPY needs a table; telling inserted rows from updated ones needs one without partitions.
    pub(super) fn check_kind(&self, merges: bool) -> Result<()> {
        match self.kind.as_str() {
            "r" => Ok(()),
            "p" if !merges => Ok(()),
            "p" => Err(self.unfit(
                "mode merge needs a table without partitions".to_owned(),
                "load with --mode append".to_owned(),
            )),
            _ => Err(self.unfit(
                "it is no table".to_owned(),
                format!("rename {} and run `stevedore migrate`", self.name),
            )),
        }
    }

    /// Whether there is a unique key on the feed's key that rows can be merged by.
    pub(super) fn has_merge_key(&self, feed: &Feed) -> bool {
        self.unique_keys.iter().any(|unique| unique.is_arbiter && unique.columns == [feed.key])
    }

    /// Merge needs a unique key, and no other one that two records could both match.
    pub(super) fn check_merge_key(&self, feed: &Feed, wanted: &[Wanted]) -> Result<()> {
        let (table, key) = (self.name, feed.key);
        if !self.has_merge_key(feed) {
            return Err(self.unfit(
                format!("mode merge needs a unique key on {key}"),
                format!("alter table {table} add primary key ({key}), or load with --mode append"),
            ));
        }
        let is_other = |columns: &&Vec<String>| !columns.iter().any(|column| column == key);
        match self.written_keys(wanted).find(is_other) {
            Some(columns) => Err(self.unfit(
                format!(
                    "mode merge takes no unique key but {key}, and there is one on {}",
                    columns.join(", ")
                ),
                format!("drop that key from {table}"),
            )),
            None => Ok(()),
        }
    }

    /// Where every record is a row, there must be no key that two of them could both match;
    /// `otherwise` is what else helps.
    pub(super) fn check_no_key(&self, wanted: &[Wanted], otherwise: &str) -> Result<()> {
        let Some(columns) = self.written_keys(wanted).next() else {
            return Ok(());
        };
        let columns = columns.join(", ");
        Err(self.unfit(
            format!("every record is to be a row, and there is a unique key on {columns}"),
            format!("drop that key from {}{otherwise}", self.name),
        ))
    }

    /// The unique keys all of whose columns are written.
    pub(super) fn written_keys(&self, wanted: &[Wanted]) -> impl Iterator<Item = &Vec<String>> {
        let is_written = |name: &String| wanted.iter().any(|wanted| wanted.name == name);
        let columns = self.unique_keys.iter().map(|unique| &unique.columns);
        columns.filter(move |columns| columns.iter().all(is_written))
    }

    /// The columns to write; fails when one of them is missing, cannot take its values, or when
    /// another one insists on a value.
    pub(super) fn bind(&self, wanted: &[Wanted]) -> Result<Table> {
        let columns = match self.others_that_insist(wanted).next() {
            Some(other) => Err(self.must_not_be_null(&other.name)),
            None => wanted.iter().map(|wanted| self.bind_column(*wanted)).collect(),
        };
        match columns {
            Ok(columns) => Ok(Table { name: self.name, columns }),
            Err(Error::Target { table, problem, remedy, .. }) => {
                let differences = self.differences(wanted);
                Err(Error::Target { table, problem, differences, remedy })
            }
            Err(error) => Err(error),
        }
    }

    /// The columns that are not written and must not be null.
    fn others_that_insist<'a>(
        &'a self,
        wanted: &'a [Wanted],
    ) -> impl Iterator<Item = &'a FoundColumn> {
        let is_wanted = |name: &str| wanted.iter().any(|wanted| wanted.name == name);
        self.columns.iter().filter(move |column| column.insists() && !is_wanted(&column.name))
    }

    /// The columns that do not fit what is to be written, side by side.
    fn differences(&self, wanted: &[Wanted]) -> String {
        let differs = wanted.iter().filter(|wanted| self.bind_column(**wanted).is_err());
        let row = |Wanted { name, values, nullable }: &Wanted| {
            let written = values.type_name().to_owned() + if *nullable { " or null" } else { "" };
            [(*name).to_owned(), written, self.column(name).map_or("-".to_owned(), shown)]
        };
        let others = self.others_that_insist(wanted);
        let others = others.map(|other| [other.name.clone(), "-".to_owned(), shown(other)]);
        let rows: Vec<_> = differs.map(row).chain(others).collect();
        side_by_side(["column", "the feed writes", "the table has"], &rows)
    }

    pub(super) fn bind_column(&self, Wanted { name, values, nullable }: Wanted) -> Result<Column> {
        let (table, type_name) = (self.name, values.type_name());
        let Some(column) = self.column(name) else {
            let remedy = format!("alter table {table} add column {name} {type_name}");
            return Err(self.unfit(format!("it has no column {name}"), remedy));
        };
        if column.generated {
            let remedy = format!("alter table {table} alter column {name} drop expression");
            return Err(self.unfit(format!("its column {name} is generated"), remedy));
        }
        if nullable && column.not_null {
            return Err(self.must_not_be_null(name));
        }
        let Some(wire) = values.wire(&column.kind) else {
            let problem = format!("its column {name} is of type {}, not {type_name}", column.kind);
            let remedy = format!(
                "alter table {table} alter column {name} type {type_name} using {name}::{type_name}"
            );
            return Err(self.unfit(problem, remedy));
        };
        Ok(Column { name, wire, limit: column.limit(wire) })
    }

    pub(super) fn must_not_be_null(&self, column: &str) -> Error {
        self.unfit(
            format!("its column {column} must not be null, and the feed may have no value for it"),
            format!("alter table {} alter column {column} drop not null", self.name),
        )
    }
}

impl FoundColumn {
    /// Whether a row without a value for it is refused.
    const fn insists(&self) -> bool {
        self.not_null && !self.has_default && !self.generated
    }

    fn limit(&self, wire: Wire) -> Limit {
        match wire {
            Wire::Text if self.modifier >= 4 || self.index_columns.is_some() => Limit::Text {
                // The modifier of varchar(n) is n and the four bytes of a length.
                characters: usize::try_from(self.modifier - 4).unwrap_or(usize::MAX),
                bytes: self
                    .index_columns
                    .map_or(usize::MAX, |columns| INDEX_BYTES / columns as usize),
            },
            Wire::Int2 => Limit::Range(i16::MIN.into(), i16::MAX.into()),
            Wire::Int4 => Limit::Range(i32::MIN.into(), i32::MAX.into()),
            _ => Limit::None,
        }
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
            not_null: row.get("not_null"),
            has_default: row.get("has_default"),
            generated: row.get("generated"),
            index_columns: row.get("index_columns"),
        }
    }
}

/// A column as the table has it.
fn shown(column: &FoundColumn) -> String {
    let kept = if column.not_null { " not null" } else { "" };
    let made = if column.generated { " generated" } else { "" };
    format!("{}{kept}{made}", column.kind)
}

/// The columns of the error table that texts of any length go into.
pub(super) const LONG: [&str; 3] = ["error_rec", DETAIL, RAW];

/// A rejected record has nowhere else to go, so no column of the error table may be narrow.
pub(super) fn check_holds_all(rejected: &Table) -> Result<()> {
    let table = rejected.name;
    let unfit = |problem, remedy| {
        let differences = String::new();
        Err(Error::Target { table: table.to_owned(), problem, differences, remedy })
    };
    for Column { name, wire, limit } in &rejected.columns {
        match limit {
            Limit::Text { characters, .. } if *characters < usize::MAX => {
                let problem =
                    format!("its column {name} is too narrow to keep every rejected record");
                return unfit(
                    problem,
                    format!("alter table {table} alter column {name} type varchar"),
                );
            }
            Limit::Range(..) if *wire != Wire::Int8 => {
                let problem =
                    format!("its column {name} is too narrow to keep every rejected record");
                return unfit(
                    problem,
                    format!("alter table {table} alter column {name} type bigint"),
                );
            }
            Limit::Text { .. } if LONG.contains(name) => {
                let problem =
                    format!("its column {name} is indexed, and no index holds every text");
                return unfit(problem, format!("drop the index on {table} ({name})"));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn asked(table: &str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    let doing = format!("look at the table {table}");
    |source| Error::Database { doing, source }
}
