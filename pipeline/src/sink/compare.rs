//! A feed and the tables of a database, side by side.

use std::sync::Arc;

use serde::Serialize;
use tokio_postgres::GenericClient;

use super::RequestedMode;
use super::found::{Found, check_holds_all};
use super::target::{check_keys, choose_mode, create_tables};
use crate::database::Ask;
use crate::error::{Error, Result};
use crate::feed::{ColumnPlan, Feed, Mode, RowsOf, TablePlan, ddl};

/// A table of a feed, and what the database has of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableDifference {
    /// Its name.
    pub table: String,
    /// Whether the database has it.
    pub exists: bool,
    /// All columns: first those of the feed, then the others of the database.
    pub columns: Vec<ColumnDifference>,
    /// What is wrong with the table as a whole, such as its keys.
    pub problem: Option<String>,
    /// What makes the table fit, in this order; nothing if it does.
    pub changes: Vec<Change>,
    /// What makes the feed and the table take all that the catalog has seen.
    pub edits: Vec<Edit>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnDifference {
    /// Its name.
    pub column: String,
    /// What the feed declares; none if the feed does not write it.
    pub feed: Option<String>,
    /// What the catalog has seen; none if that is unknown.
    pub catalog: Option<String>,
    /// What the database has; none if it is missing.
    pub database: Option<String>,
    /// Why the feed cannot be loaded into it.
    pub problem: Option<String>,
}

/// Something that makes a table fit the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What to do: SQL, mostly.
    pub sql: String,
    /// Whether `stevedore migrate` does it.
    pub by_migrate: bool,
}

/// Something that makes a feed take what the catalog has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The table of the feed that it is in, or that is new.
    pub table: String,
    /// Lines of the feed file.
    pub feed: String,
    /// What makes the table of the database fit then; none for a new table, which `stevedore migrate` creates.
    pub sql: Option<String>,
}

/// Compares a feed with the tables of a database, in the order of the feed's tables, for loads in a mode.
///
/// # Errors
/// [`Error::Database`] when the database cannot be asked.
pub async fn compare(
    client: &impl Ask,
    feed: &Feed,
    mode: RequestedMode,
) -> Result<Vec<TableDifference>> {
    let found = Found::find_all(client, feed).await?;
    let mode = choose_mode(feed, mode, &found[0]);
    let tables = found.iter().enumerate();
    tables.map(|(at, found)| compare_table(feed, at, found, mode)).collect()
}

/// Creates the tables of a feed that are missing, and adds the columns that existing ones lack, unless the
/// feed requires a value for them: rows that are there have none. Gives the tables that do not fit the feed
/// all the same.
///
/// # Errors
/// [`Error::Database`] when the role may not.
pub async fn migrate_tables(client: &impl Ask, feed: &Arc<Feed>) -> Result<Vec<String>> {
    create_tables(client, feed, feed.mode).await?;
    let mut changes = vec![ddl::LOCK.to_owned()];
    let compared = compare(client, feed, feed.mode).await?;
    let all = compared.iter().flat_map(|table| &table.changes);
    changes.extend(all.filter(|change| change.by_migrate).map(|change| change.sql.clone()));
    if changes.len() > 1 {
        client.client().batch_execute(&changes.join(";\n")).await.map_err(|source| {
            Error::Database {
                doing: format!("add columns to the tables of the feed {}", feed.name),
                source,
            }
        })?;
    }
    let is_left = |table: &&TableDifference| table.changes.iter().any(|change| !change.by_migrate);
    Ok(compared.iter().filter(is_left).map(|table| table.table.clone()).collect())
}

fn compare_table(feed: &Feed, at: usize, found: &Found, mode: Mode) -> Result<TableDifference> {
    let plan = &feed.plan.tables[at];
    let mut table = TableDifference {
        table: plan.name.plain(),
        exists: !found.is_missing(),
        columns: Vec::new(),
        problem: None,
        changes: Vec::new(),
        edits: Vec::new(),
    };
    if found.is_missing() {
        table.columns =
            plan.columns.iter().map(|column| of_feed(plan, column, None, None)).collect();
        let statements = ddl::create_table(feed, at, mode).into_iter();
        table.changes = statements.map(|sql| Change { sql, by_migrate: true }).collect();
        return Ok(table);
    }
    table.add_missing(plan, found);
    for column in &plan.columns {
        table.compare_column(plan, column, found)?;
    }
    for (column, insists) in found.others(plan) {
        let problem = insists.map(|error| table.note(error)).transpose()?;
        let (column, database) = column;
        table.columns.push(ColumnDifference {
            column,
            feed: None,
            catalog: None,
            database: Some(database),
            problem,
        });
    }
    // Keys are of columns: they are looked at when these fit.
    if table.changes.is_empty()
        && let Err(error) = check_whole(feed, at, found, mode)
    {
        table.problem = Some(table.note(error)?);
    }
    Ok(table)
}

impl TableDifference {
    /// Whether the feed can be loaded into it.
    #[must_use]
    pub const fn fits(&self) -> bool {
        self.changes.is_empty()
    }

    /// The statement that adds the columns that may be added.
    fn add_missing(&mut self, plan: &TablePlan, found: &Found) {
        let is_added = |column: &&ColumnPlan| {
            may_be_added(plan, column) && found.column(&column.name).is_none()
        };
        let columns: Vec<_> = plan.columns.iter().filter(is_added).collect();
        if !columns.is_empty() {
            self.changes.push(Change { sql: ddl::add_columns(plan, columns), by_migrate: true });
        }
    }

    fn compare_column(
        &mut self,
        plan: &TablePlan,
        column: &ColumnPlan,
        found: &Found,
    ) -> Result<()> {
        let problem = match (found.column(&column.name), found.bind_column(column)) {
            (None, Err(_)) if may_be_added(plan, column) => Some("it is missing".to_owned()),
            (None, Err(error)) => {
                self.note(error)?;
                Some("it is missing, and rows that are there would have no value".to_owned())
            }
            (_, Err(error)) => Some(self.note(error)?),
            (_, Ok(_)) => None,
        };
        self.columns.push(of_feed(plan, column, found.shown(&column.name), problem));
        Ok(())
    }

    /// Notes what helps against an error of a target, and gives what is wrong.
    fn note(&mut self, error: Error) -> Result<String> {
        match error {
            Error::Target { problem, remedy, .. } => {
                self.changes.push(Change { sql: remedy, by_migrate: false });
                Ok(problem)
            }
            other => Err(other),
        }
    }
}

/// Whether a column may be added to a table that has rows.
fn may_be_added(plan: &TablePlan, column: &ColumnPlan) -> bool {
    column.nullable || plan.rows == RowsOf::Rejects
}

fn of_feed(
    plan: &TablePlan,
    column: &ColumnPlan,
    database: Option<String>,
    problem: Option<String>,
) -> ColumnDifference {
    let required = if may_be_added(plan, column) { "" } else { " required" };
    ColumnDifference {
        column: column.name.as_str().to_owned(),
        feed: Some(format!("{}{required}", column.data_type)),
        catalog: None,
        database,
        problem,
    }
}

/// What is not a matter of one column.
fn check_whole(feed: &Feed, at: usize, found: &Found, mode: Mode) -> Result<()> {
    check_keys(feed, at, found, mode)?;
    let plan = &feed.plan.tables[at];
    if plan.rows == RowsOf::Rejects { check_holds_all(found, plan) } else { Ok(()) }
}
