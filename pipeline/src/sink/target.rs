//! The tables of a feed as they are: found fit for a load, or refused with a remedy.

use std::sync::Arc;

use futures::future::try_join;
use tokio_postgres::{GenericClient, Transaction};

use super::domain::DomainColumn;
use super::found::{Found, asked, check_holds_all};
use super::table::Table;
use super::{Mode, RequestedMode};
use crate::database::Ask;
use crate::decode::Limits;
use crate::error::{Error, Result};
use crate::feed::{Children, Feed, RowsOf, Source, Stamped, TablePlan, ddl};

/// The tables of a feed, fit for a load.
#[derive(Debug, Clone)]
pub struct Targets {
    pub(super) feed: Arc<Feed>,
    pub(super) mode: Mode,
    /// In the order of the feed's plan.
    pub(super) tables: Vec<Table>,
    /// Whether all tables and columns are there.
    is_complete: bool,
    /// Whether the rows of a load are those of many objects.
    pub(super) is_bundled: bool,
    /// Whether the children of unchanged records are sent too.
    pub(super) sends_all_children: bool,
    /// Whether the rows are those of replays, which replace only rows that are known to be older.
    pub(super) is_replay: bool,
}

/// Creates the tables of a feed that are missing, and adds the columns that an older rejects table lacks.
/// A new root table has a unique key only if rows are to be merged.
///
/// # Errors
/// [`Error::Database`] when the role may not.
pub async fn create_tables(client: &impl Ask, feed: &Arc<Feed>, mode: RequestedMode) -> Result<()> {
    // Adding columns that are there waits all the same for whoever writes to the table.
    if Targets::find(client, feed, mode).await.is_ok_and(|found| found.is_complete) {
        return Ok(());
    }
    let sql = ddl::create_tables(feed, mode.on_new_table(feed));
    client.client().batch_execute(&sql).await.map_err(|source| Error::Database {
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
        client: &impl Ask,
        feed: &Arc<Feed>,
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
            table: feed.plan.root().name.to_string(),
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
    pub async fn find(client: &impl Ask, feed: &Arc<Feed>, mode: RequestedMode) -> Result<Self> {
        // Questions that do not wait for each other's answers cost little more than one.
        let (found, ()) =
            try_join(Found::find_all(client, feed), check_encoding(client, feed)).await?;
        let mode = choose_mode(feed, mode, &found[0]);
        check_replaceable(feed, mode)?;
        let mut targets = Self::fresh(feed, mode);
        targets.is_complete = true;
        for (at, (found, table)) in found.iter().zip(&mut targets.tables).enumerate() {
            match check(feed, at, found, mode)? {
                Some(bound) => *table = bound,
                None => targets.is_complete = false,
            }
        }
        Ok(targets)
    }

    /// The tables that a fresh database gets.
    #[must_use]
    pub fn fresh(feed: &Arc<Feed>, mode: Mode) -> Self {
        let tables = feed.plan.tables.iter().map(|plan| Table::fresh(feed, plan, mode));
        Self {
            feed: Arc::clone(feed),
            mode,
            tables: tables.collect(),
            is_complete: false,
            is_bundled: false,
            sends_all_children: false,
            is_replay: false,
        }
    }

    /// The feed whose tables they are.
    pub(crate) const fn feed(&self) -> &Arc<Feed> {
        &self.feed
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

    /// The same for the rows of replays.
    pub(crate) fn replaying(self) -> Self {
        Self { is_replay: true, ..self }
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
            .replace("{rejects}", &self.feed.plan.rejects().name.to_string());
        let numbered = transaction.execute(&sql, &[&load_id, &starts, &records_before]).await;
        numbered.map(drop).map_err(|source| Error::Database {
            doing: "number the rejected records of the load".to_owned(),
            source,
        })
    }

    /// What the columns can hold.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let limits = Limits::of(&self.feed, |table, column| self.tables[table].limit(&column.name));
        Limits { has_domains: !self.domain_columns().is_empty(), ..limits }
    }

    /// The columns of domains with checks, by the fields that go into them.
    pub(crate) fn domain_columns(&self) -> Vec<DomainColumn> {
        let tables = self.feed.plan.tables.iter().zip(&self.tables).enumerate();
        let columns = tables.flat_map(|(at, (plan, table))| {
            let found = plan.columns.iter().zip(&table.columns);
            found.filter_map(move |(column, found)| {
                let (table, field) = column.source.field(at)?;
                Some(DomainColumn { table, field, domain: found.domain.clone()? })
            })
        });
        columns.collect()
    }
}

/// The mode in which the tables are written, by their root table where that is left to it.
pub(super) fn choose_mode(feed: &Feed, mode: RequestedMode, root: &Found) -> Mode {
    match mode {
        RequestedMode::Fixed(mode) => mode,
        RequestedMode::Auto if root.is_missing() => mode.on_new_table(feed),
        RequestedMode::Auto if root.has_merge_key(feed) => Mode::Merge,
        RequestedMode::Auto => Mode::Append,
    }
}

/// Checks that a table is one, and that its keys allow the rows of the feed.
pub(super) fn check_keys(feed: &Feed, at: usize, found: &Found, mode: Mode) -> Result<()> {
    let plan = &feed.plan.tables[at];
    found.check_kind()?;
    match (plan.rows, mode) {
        (RowsOf::Records, Mode::Merge) => found.check_merge_key(feed, plan),
        (RowsOf::Records, Mode::Append | Mode::Replace) => {
            found.check_no_key(plan, ", or load with --mode merge")
        }
        (RowsOf::Entries { .. }, Mode::Merge) if feed.children == Children::Replace => {
            found.check_child_key(feed, plan, feed.plan.lists_to(at).len())
        }
        (RowsOf::Entries { .. } | RowsOf::Rejects, _) => found.check_no_key(plan, ""),
    }
}

/// The table bound to its plan; none if it, or a column of ours, is missing and will be created.
fn check(feed: &Feed, at: usize, found: &Found, mode: Mode) -> Result<Option<Table>> {
    let plan = &feed.plan.tables[at];
    if found.is_missing() {
        return Ok(None);
    }
    check_keys(feed, at, found, mode)?;
    if plan.rows != RowsOf::Rejects {
        return found.bind(plan).map(Some);
    }
    // Of an older table the columns that are there are looked at; the others will be added.
    let is_there = |name| found.column(name).is_some();
    let columns = plan.columns.iter().filter(|column| is_there(&column.name)).cloned().collect();
    let there = TablePlan { columns, ..plan.clone() };
    check_holds_all(found, &there)?;
    let is_whole = there.columns.len() == plan.columns.len();
    is_whole.then(|| found.bind(plan)).transpose()
}

/// Fails in mode replace when the rows of earlier versions could not be found.
fn check_replaceable(feed: &Feed, mode: Mode) -> Result<()> {
    let load_id = Source::Stamp(Stamped::LoadId);
    if mode != Mode::Replace || feed.plan.root().filled_with(load_id).is_some() {
        return Ok(());
    }
    Err(Error::Target {
        table: feed.plan.root().name.to_string(),
        problem: format!(
            "mode replace finds the rows of earlier versions by the number of their load, which the feed {} \
             does not write",
            feed.name
        ),
        differences: String::new(),
        remedy: "declare `load_id` in the [metadata] of the feed, or load with --mode append"
            .to_owned(),
    })
}

async fn check_encoding(client: &impl Ask, feed: &Feed) -> Result<()> {
    let rows = client.ask("select current_setting('server_encoding')", &[]).await;
    let rows = rows.map_err(asked(&feed.plan.root().name))?;
    let encoding = rows.first().map(|row| row.get(0)).unwrap_or_default();
    let encoding: &str = encoding;
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(Error::Target {
        table: feed.plan.root().name.to_string(),
        problem: format!("its database has the encoding {encoding}, which cannot hold every text"),
        differences: String::new(),
        remedy: "create database … encoding 'UTF8' template template0".to_owned(),
    })
}
