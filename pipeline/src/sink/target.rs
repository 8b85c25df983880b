//! Holds a feed against its target tables as they are in the database.

use tokio_postgres::{GenericClient, Row};

use super::Mode;
use crate::decode::{BYTE_LENGTH, BYTE_OFFSET, DETAIL, Limit, Limits, RAW, REASON, RECORD_NO};
use crate::error::{Error, Result};
use crate::feed::{Feed, Field, Kind};
use crate::frame::INGESTED_AT;

/// How a value goes over the wire: the binary form of its target column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Text,
    Int2,
    Int4,
    Int8,
    Boolean,
    Timestamp,
}

/// A column that COPY writes.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) wire: Wire,
    limit: Limit,
}

impl Column {
    /// A column of ours, which holds whatever a frame holds.
    pub(super) const fn unlimited(name: &'static str, wire: Wire) -> Self {
        Self { name, wire, limit: Limit::None }
    }
}

/// The columns of a table that COPY writes, in the order of its rows.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: Vec<Column>,
}

/// The tables of a feed, fit for a load.
#[derive(Debug, Clone)]
pub struct Targets {
    pub(super) feed: &'static Feed,
    pub(super) mode: Mode,
    pub(super) status: Table,
    pub(super) log: Table,
    pub(super) rejected: Table,
    /// Whether all tables and columns are there.
    is_complete: bool,
}

/// A table as the database describes it.
struct Found {
    name: &'static str,
    /// As `pg_class.relkind` has it.
    kind: String,
    columns: Vec<FoundColumn>,
    unique_keys: Vec<UniqueKey>,
}

struct UniqueKey {
    columns: Vec<String>,
    /// Whether `on conflict` can name it.
    is_arbiter: bool,
}

struct FoundColumn {
    name: String,
    kind: String,
    modifier: i32,
    not_null: bool,
    has_default: bool,
    generated: bool,
    index_columns: Option<i32>,
}

/// A column that the feed writes.
#[derive(Clone, Copy)]
struct Wanted {
    name: &'static str,
    values: Values,
    /// Whether a row may have no value for it.
    nullable: bool,
}

/// What kind of values go into a column.
#[derive(Clone, Copy)]
enum Values {
    Text,
    Integer,
    Boolean,
    Timestamp,
}

impl Wanted {
    const fn always(name: &'static str, values: Values) -> Self {
        Self { name, values, nullable: false }
    }

    const fn of(field: &Field) -> Self {
        let values = match field.kind {
            Kind::Integer => Values::Integer,
            Kind::Boolean => Values::Boolean,
            Kind::Text | Kind::List(_) => Values::Text,
        };
        Self { name: field.column, values, nullable: !field.required }
    }
}

impl Values {
    const fn type_name(self) -> &'static str {
        match self {
            Self::Text => "varchar",
            Self::Integer => "bigint",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
        }
    }

    const fn widest(self) -> Wire {
        match self {
            Self::Text => Wire::Text,
            Self::Integer => Wire::Int8,
            Self::Boolean => Wire::Boolean,
            Self::Timestamp => Wire::Timestamp,
        }
    }

    fn wire(self, type_name: &str) -> Option<Wire> {
        match (self, type_name) {
            (Self::Text, "varchar" | "text") => Some(Wire::Text),
            (Self::Integer, "int2") => Some(Wire::Int2),
            (Self::Integer, "int4") => Some(Wire::Int4),
            (Self::Integer, "int8") => Some(Wire::Int8),
            (Self::Boolean, "bool") => Some(Wire::Boolean),
            (Self::Timestamp, "timestamp" | "timestamptz") => Some(Wire::Timestamp),
            _ => None,
        }
    }
}

/// The columns of the error table in the order of the frame.
const REJECTED: [Wanted; 11] = [
    Wanted::always("error_rec", Values::Text),
    Wanted::always(REASON, Values::Text),
    Wanted::always(DETAIL, Values::Text),
    Wanted::always(RAW, Values::Text),
    Wanted::always("object", Values::Text),
    Wanted::always("object_version", Values::Text),
    Wanted::always(RECORD_NO, Values::Integer),
    Wanted::always(BYTE_OFFSET, Values::Integer),
    Wanted::always(BYTE_LENGTH, Values::Integer),
    Wanted::always("load_id", Values::Integer),
    Wanted::always(INGESTED_AT, Values::Timestamp),
];

/// Bytes that an entry of a B-tree index holds for sure: a third of a page, less what comes with it.
const INDEX_BYTES: usize = 2600;

/// Creates the tables of a feed that are missing, and adds the columns that an older table of
/// rejected records lacks.
///
/// # Errors
/// [`Error::Database`] when the role may not.
pub async fn create_tables(client: &impl GenericClient, feed: &Feed) -> Result<()> {
    client.batch_execute(feed.tables_sql).await.map_err(|source| Error::Database {
        doing: format!("create the tables of the feed {}", feed.name),
        source,
    })
}

impl Targets {
    /// Looks at the tables and creates what is missing of them.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn find_or_create(
        client: &impl GenericClient,
        feed: &'static Feed,
        mode: Mode,
    ) -> Result<Self> {
        let found = Self::find(client, feed, mode).await?;
        if found.is_complete {
            return Ok(found);
        }
        create_tables(client, feed).await?;
        let found = Self::find(client, feed, mode).await?;
        if found.is_complete {
            return Ok(found);
        }
        Err(Error::Target {
            table: feed.status_table.to_owned(),
            problem: "the search path leads to no schema that has it".to_owned(),
            remedy: "alter role … set search_path = the schema that is to have the tables"
                .to_owned(),
        })
    }

    /// Looks at the tables; what is missing is taken to be as a fresh database would have it.
    ///
    /// # Errors
    /// [`Error::Target`] when a table does not fit the feed or the mode, with the command that
    /// helps; [`Error::Database`] when the database cannot be asked.
    pub async fn find(
        client: &impl GenericClient,
        feed: &'static Feed,
        mode: Mode,
    ) -> Result<Self> {
        check_encoding(client, feed).await?;
        let mut targets = Self::fresh(feed, mode);
        let status = Found::find(client, feed.status_table).await?;
        let log = Found::find(client, feed.log_table).await?;
        let rejected = Found::find(client, feed.rejected_table).await?;
        if status.is_missing() {
            check_fresh(feed, mode)?;
        } else {
            let wanted = status_columns(feed);
            status.check_kind(mode == Mode::Merge)?;
            match mode {
                Mode::Merge => status.check_merge_key(feed, &wanted)?,
                Mode::Append => status.check_no_key(&wanted, ", or load with --mode merge")?,
            }
            targets.status = status.bind(&wanted)?;
        }
        if !log.is_missing() {
            let wanted = log_columns(feed);
            log.check_kind(false)?;
            log.check_no_key(&wanted, "")?;
            targets.log = log.bind(&wanted)?;
        }
        // Of an older table the columns that are there are looked at; the others will be added.
        let (there, lacking): (Vec<_>, Vec<_>) =
            REJECTED.into_iter().partition(|wanted| rejected.column(wanted.name).is_some());
        if !rejected.is_missing() {
            rejected.check_kind(false)?;
            rejected.check_no_key(&REJECTED, "")?;
            check_holds_all(&rejected.bind(&there)?)?;
        }
        if lacking.is_empty() {
            targets.rejected = rejected.bind(&REJECTED)?;
            targets.is_complete = !status.is_missing() && !log.is_missing();
        }
        Ok(targets)
    }

    /// The tables that a fresh database gets.
    #[must_use]
    pub fn fresh(feed: &'static Feed, mode: Mode) -> Self {
        Self {
            feed,
            mode,
            status: Table::fresh_with_key(feed, mode),
            log: Table::fresh(feed.log_table, &log_columns(feed)),
            rejected: Table::fresh(feed.rejected_table, &REJECTED),
            is_complete: false,
        }
    }

    /// What the columns can hold.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let (list, entry) = self.feed.list();
        let of_field = |field: &Field| match field.column {
            column if column == list.column => Limit::None,
            // The key goes into both tables.
            column if column == self.feed.key => {
                self.status.limit(column).narrower(self.log.limit(column))
            }
            column => self.status.limit(column),
        };
        Limits {
            record: self.feed.fields.iter().map(of_field).collect(),
            entry: entry.iter().map(|field| self.log.limit(field.column)).collect(),
        }
    }
}

fn status_columns(feed: &Feed) -> Vec<Wanted> {
    fields(feed.scalars())
}

fn log_columns(feed: &Feed) -> Vec<Wanted> {
    let (_, entry) = feed.list();
    let key = feed.scalars().filter(|field| field.column == feed.key);
    fields(key.chain(entry))
}

/// The columns of fields, then the instant of the load.
fn fields<'f>(fields: impl Iterator<Item = &'f Field>) -> Vec<Wanted> {
    fields.map(Wanted::of).chain([Wanted::always(INGESTED_AT, Values::Timestamp)]).collect()
}

/// A fresh status table has a key, which append cannot work with.
///
/// # Errors
/// [`Error::Target`] in mode append.
pub(crate) fn check_fresh(feed: &Feed, mode: Mode) -> Result<()> {
    let (table, key) = (feed.status_table, feed.key);
    match mode {
        Mode::Merge => Ok(()),
        Mode::Append => Err(Error::Target {
            table: table.to_owned(),
            problem: format!(
                "every record is to be a row, and a fresh table has a unique key on {key}"
            ),
            remedy: format!("create {table} without a key beforehand, or load with --mode merge"),
        }),
    }
}

/// The columns of the error table that texts of any length go into.
const LONG: [&str; 3] = ["error_rec", DETAIL, RAW];

/// A rejected record has nowhere else to go, so no column of the error table may be narrow.
fn check_holds_all(rejected: &Table) -> Result<()> {
    let table = rejected.name;
    let unfit = |problem, remedy| Err(Error::Target { table: table.to_owned(), problem, remedy });
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

impl Table {
    fn fresh(name: &'static str, wanted: &[Wanted]) -> Self {
        let columns =
            wanted.iter().map(|wanted| Column::unlimited(wanted.name, wanted.values.widest()));
        Self { name, columns: columns.collect() }
    }

    /// The status table, whose key is indexed when it is merged into.
    fn fresh_with_key(feed: &Feed, mode: Mode) -> Self {
        let mut table = Self::fresh(feed.status_table, &status_columns(feed));
        let key = table.columns.iter_mut().find(|column| column.name == feed.key);
        if let Some(key) = key.filter(|_| mode == Mode::Merge) {
            key.limit = Limit::Text { characters: usize::MAX, bytes: INDEX_BYTES };
        }
        table
    }

    fn limit(&self, column: &str) -> Limit {
        let found = self.columns.iter().find(|found| found.name == column);
        found.map_or(Limit::None, |found| found.limit)
    }
}

async fn check_encoding(client: &impl GenericClient, feed: &Feed) -> Result<()> {
    let row = client.query_one("select current_setting('server_encoding')", &[]).await;
    let encoding: String = row.map_err(asked(feed.status_table))?.get(0);
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(Error::Target {
        table: feed.status_table.to_owned(),
        problem: format!("its database has the encoding {encoding}, which cannot hold every text"),
        remedy: "create database … encoding 'UTF8' template template0".to_owned(),
    })
}

fn asked(table: &str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    let doing = format!("look at the table {table}");
    |source| Error::Database { doing, source }
}

impl Found {
    async fn find(client: &impl GenericClient, name: &'static str) -> Result<Self> {
        let columns = include_str!("../../../sql/queries/target_columns.sql");
        let unique_keys = include_str!("../../../sql/queries/unique_keys.sql");
        let columns = client.query(columns, &[&name]).await.map_err(asked(name))?;
        let unique_keys = client.query(unique_keys, &[&name]).await.map_err(asked(name))?;
        Ok(Self {
            name,
            kind: columns.first().map(|row| row.get("table_kind")).unwrap_or_default(),
            columns: columns.iter().map(FoundColumn::from).collect(),
            unique_keys: unique_keys.iter().map(UniqueKey::from).collect(),
        })
    }

    fn is_missing(&self) -> bool {
        self.columns.is_empty()
    }

    fn column(&self, name: &str) -> Option<&FoundColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    fn unfit(&self, problem: String, remedy: String) -> Error {
        Error::Target { table: self.name.to_owned(), problem, remedy }
    }

    /// COPY needs a table; telling inserted rows from updated ones needs one without partitions.
    fn check_kind(&self, merges: bool) -> Result<()> {
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

    /// Merge needs a unique key, and no other one that two records could both match.
    fn check_merge_key(&self, feed: &Feed, wanted: &[Wanted]) -> Result<()> {
        let (table, key) = (self.name, feed.key);
        if !self.unique_keys.iter().any(|unique| unique.is_arbiter && unique.columns == [key]) {
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
    fn check_no_key(&self, wanted: &[Wanted], otherwise: &str) -> Result<()> {
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
    fn written_keys(&self, wanted: &[Wanted]) -> impl Iterator<Item = &Vec<String>> {
        let is_written = |name: &String| wanted.iter().any(|wanted| wanted.name == name);
        let columns = self.unique_keys.iter().map(|unique| &unique.columns);
        columns.filter(move |columns| columns.iter().all(is_written))
    }

    /// The columns to write; fails when one of them is missing, cannot take its values, or when
    /// another one insists on a value.
    fn bind(&self, wanted: &[Wanted]) -> Result<Table> {
        let is_wanted =
            |column: &FoundColumn| wanted.iter().any(|wanted| wanted.name == column.name);
        if let Some(other) =
            self.columns.iter().find(|column| column.insists() && !is_wanted(column))
        {
            return Err(self.must_not_be_null(&other.name));
        }
        let columns =
            wanted.iter().map(|wanted| self.bind_column(*wanted)).collect::<Result<_>>()?;
        Ok(Table { name: self.name, columns })
    }

    fn bind_column(&self, Wanted { name, values, nullable }: Wanted) -> Result<Column> {
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

    fn must_not_be_null(&self, column: &str) -> Error {
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
