//! The tables of a feed as they are: found fit for a load, or refused with a remedy.

use futures::future::{try_join, try_join3};
use tokio_postgres::{GenericClient, Transaction};

use super::found::{Found, Questions, asked, check_holds_all};
use super::table::{REJECTED, Table, log_columns, status_columns};
use super::{Mode, RequestedMode};
use crate::decode::{Limit, Limits};
use crate::error::{Error, Result};
use crate::feed::{Feed, Field};

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
    /// Whether the rows of a load are those of many objects.
    pub(super) is_bundled: bool,
}

/// Creates the tables of a feed that are missing, and adds the columns that an older table of
/// rejected records lacks. A new status table has a unique key only if rows are to be merged.
///
/// # Errors
/// [`Error::Database`] when the role may not.
pub async fn create_tables(
    client: &impl GenericClient,
    feed: &'static Feed,
    mode: RequestedMode,
) -> Result<()> {
    // Adding columns that are there waits all the same for whoever writes to the table.
    if Targets::find(client, feed, mode).await.is_ok_and(|found| found.is_complete) {
        return Ok(());
    }
    let primary_key = match mode.on_new_table() {
        Mode::Merge => {
            format!(",\n    constraint {}_pkey primary key ({})", feed.status_table, feed.key)
        }
        Mode::Append => String::new(),
    };
    let sql = feed.tables_sql.replace("{primary_key}", &primary_key);
    client.batch_execute(&sql).await.map_err(|source| Error::Database {
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
        mode: RequestedMode,
    ) -> Result<Self> {
        let found = Self::find(client, feed, mode).await?;
        if found.is_complete {
            return Ok(found);
        }
        create_tables(client, feed, mode).await?;
        let found = Self::find(client, feed, mode).await?;
        if found.is_complete {
            return Ok(found);
        }
        Err(Error::Target {
            table: feed.status_table.to_owned(),
            problem: "the search path leads to no schema that has it".to_owned(),
            differences: String::new(),
            remedy: "alter role … set search_path = the schema that is to have the tables"
                .to_owned(),
        })
    }

    /// Looks at the tables, and chooses the mode where that is left to them. What is missing is taken
    /// to be as a fresh database would have it.
    ///
    /// # Errors
    /// [`Error::Target`] when a table does not fit the feed or the mode, with the command that
    /// helps; [`Error::Database`] when the database cannot be asked.
    pub async fn find(
        client: &impl GenericClient,
        feed: &'static Feed,
        mode: RequestedMode,
    ) -> Result<Self> {
        // Questions that do not wait for each other's answers cost little more than one.
        let (questions, ()) =
            try_join(Questions::prepare(client, feed), check_encoding(client, feed)).await?;
        let find = |name| Found::find(client, &questions, name);
        let (status, log, rejected) =
            try_join3(find(feed.status_table), find(feed.log_table), find(feed.rejected_table))
                .await?;
        let mode = match mode {
            RequestedMode::Fixed(mode) => mode,
            RequestedMode::Auto if status.is_missing() => mode.on_new_table(),
            RequestedMode::Auto if status.has_merge_key(feed) => Mode::Merge,
            RequestedMode::Auto => Mode::Append,
        };
        let mut targets = Self::fresh(feed, mode);
        if !status.is_missing() {
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
            is_bundled: false,
        }
    }

    /// The mode in which the tables are written.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The same for the rows of many objects, whose frames say which each is of.
    pub(crate) fn bundled(self) -> Self {
        Self { is_bundled: true, ..self }
    }

    /// Numbers the rejected records of a load in parts as those of its object, which a part cannot
    /// know: to the number within their part are added the records before it. `starts` is where the
    /// text of each part begins, in order.
    ///
    /// # Errors
    /// [`Error::Database`] when the role may not.
    pub(crate) async fn number_rejected(
        &self,
        transaction: &Transaction<'_>,
        load_id: i64,
        starts: &[i64],
        records_before: &[i64],
    ) -> Result<()> {
        let sql = include_str!("../../../sql/queries/number_rejected.sql")
            .replace("{rejected}", self.rejected.name);
        let numbered = transaction.execute(&sql, &[&load_id, &starts, &records_before]).await;
        numbered.map(drop).map_err(|source| Error::Database {
            doing: "number the rejected records of the load".to_owned(),
            source,
        })
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

async fn check_encoding(client: &impl GenericClient, feed: &Feed) -> Result<()> {
    let row = client.query_one("select current_setting('server_encoding')", &[]).await;
    let encoding: String = row.map_err(asked(feed.status_table))?.get(0);
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(Error::Target {
        table: feed.status_table.to_owned(),
        problem: format!("its database has the encoding {encoding}, which cannot hold every text"),
        differences: String::new(),
        remedy: "create database … encoding 'UTF8' template template0".to_owned(),
    })
}
