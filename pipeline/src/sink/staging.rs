//! The tables that rows wait in until they are merged, visible to their connection alone.

use tokio_postgres::Transaction;

use super::Mode;
use super::table::{Column, Table};
use super::target::Targets;
use crate::decode::OBJECT_NO;
use crate::error::{Error, Result};
use crate::feed::{Children, Decoded, RowsOf, Type, listed};

/// The staging table of the root table.
pub(super) const STAGING: &str = "stevedore_staging";

impl Targets {
    /// Whether the rows of a table are staged before they are merged: those of the root table, and those of
    /// the children that they replace.
    pub(super) fn is_staged(&self, table: usize) -> bool {
        let has_replaced = self.feed.children == Children::Replace;
        self.mode == Mode::Merge
            && match self.feed.plan.tables[table].rows {
                RowsOf::Records => true,
                RowsOf::Entries { .. } => has_replaced,
                RowsOf::Rejects => false,
            }
    }

    /// The table that COPY sends the rows of a table to.
    pub(super) fn copied_to(&self, table: usize) -> String {
        match (self.is_staged(table), table) {
            (true, 0) => STAGING.to_owned(),
            (true, child) => format!("{STAGING}_{child}"),
            (false, _) => self.tables[table].name.to_string(),
        }
    }

    /// The columns of the rows that COPY sends of a table: those of a staging table also tell the later of
    /// two records.
    pub(super) fn sent(&self, table: usize) -> Table {
        let mut sent = self.tables[table].clone();
        if self.is_staged(table) {
            if self.is_bundled {
                sent.columns.push(Column::ours(OBJECT_NO, Type::Integer));
            }
            sent.columns.push(Column::ours(Decoded::RecordNo.column(), Type::BigInt));
        }
        sent
    }

    /// Creates the staging tables of this transaction.
    pub(super) async fn create_staging(&self, transaction: &Transaction<'_>) -> Result<()> {
        let staged = (0..self.tables.len()).filter(|table| self.is_staged(*table));
        let tables = staged.map(|table| {
            let sent = self.sent(table);
            let columns = sent.columns.iter();
            let columns = columns.map(|column| format!("{} {}", column.name, column.staged_type()));
            let (name, columns) = (self.copied_to(table), listed(columns));
            format!("create temporary table {name} ({columns}) on commit drop")
        });
        // How many rows will be staged is a guess. For some guesses the server would compile its plans,
        // which takes longer than to run them. And the few rows of small objects are looked up in the target by its
        // key: by the default costs, which are those of rotating disks, the server would read the whole target.
        let settings = "set local jit = off; set local random_page_cost = 1.1".to_owned();
        let more = self.may_leave_out().then(|| self.create_left_out_sql());
        let more = more.into_iter().chain([settings]);
        let sql = tables.chain(more).collect::<Vec<_>>().join("; ");
        let failed = |source| Error::Database {
            doing: "create the staging tables of a merge".to_owned(),
            source,
        };
        transaction.batch_execute(&sql).await.map_err(failed)
    }
}
