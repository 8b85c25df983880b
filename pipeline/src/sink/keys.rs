//! The unique keys of a table, held against what a mode writes to it.

use super::found::Found;
use crate::error::Result;
use crate::feed::{ColumnPlan, Feed, Ident, Source, TablePlan, listed};

impl Found {
    /// Whether there is a unique key on the feed's key that rows can be merged by.
    pub(super) fn has_merge_key(&self, feed: &Feed) -> bool {
        let mut key: Vec<_> = feed.key.iter().map(Ident::as_str).collect();
        key.sort_unstable();
        !key.is_empty()
            && self.unique_keys.iter().any(|unique| unique.is_arbiter && unique.columns == key)
    }

    /// Merge needs a unique key, and no other one that two records could both match.
    pub(super) fn check_merge_key(&self, feed: &Feed, plan: &TablePlan) -> Result<()> {
        let (table, key) = (&self.name, listed(&feed.key));
        if feed.key.is_empty() {
            let problem = format!("mode merge needs a key, and the feed {} has none", feed.name);
            return Err(self.unfit(problem, "load with --mode append".to_owned()));
        }
        if !self.has_merge_key(feed) {
            return Err(self.unfit(
                format!("mode merge needs a unique key on {key}"),
                format!("alter table {table} add primary key ({key}), or load with --mode append"),
            ));
        }
        // One that has the key's columns and more forbids nothing that the key allows.
        let is_other = |columns: &&Vec<String>| {
            !feed.key.iter().all(|key| columns.iter().any(|column| column == key.as_str()))
        };
        match self.written_keys(plan).find(is_other) {
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

    /// Where the children of a key are replaced, two of them differ in the numbers of their entries alone.
    /// `lists` is how many lists they are in.
    pub(super) fn check_child_key(
        &self,
        feed: &Feed,
        plan: &TablePlan,
        lists: usize,
    ) -> Result<()> {
        let positions = plan.columns.iter().filter(|it| it.source == Source::Position).count();
        let is_of_row = |column: &&ColumnPlan| {
            column.source == Source::Position || feed.key.contains(&column.name)
        };
        let of_row: Vec<_> = plan.columns.iter().filter(is_of_row).collect();
        let allows_all = |columns: &&Vec<String>| {
            positions == lists
                && of_row.iter().all(|it| columns.iter().any(|column| column == it.name.as_str()))
        };
        match self.written_keys(plan).find(|columns| !allows_all(columns)) {
            None => Ok(()),
            Some(columns) => Err(self.unfit(
                format!(
                    "every entry is to be a row, and there is a unique key on {}",
                    columns.join(", ")
                ),
                format!("drop that key from {}", self.name),
            )),
        }
    }

    /// Where every record is a row, there must be no key that two of them could both match;
    /// `otherwise` is what else helps.
    pub(super) fn check_no_key(&self, plan: &TablePlan, otherwise: &str) -> Result<()> {
        let Some(columns) = self.written_keys(plan).next() else {
            return Ok(());
        };
        let columns = columns.join(", ");
        Err(self.unfit(
            format!("every record is to be a row, and there is a unique key on {columns}"),
            format!("drop that key from {}{otherwise}", self.name),
        ))
    }

    /// The unique keys all of whose columns are written.
    fn written_keys<'a>(&'a self, plan: &'a TablePlan) -> impl Iterator<Item = &'a Vec<String>> {
        let columns = self.unique_keys.iter().map(|unique| &unique.columns);
        columns.filter(move |columns| columns.iter().all(|name| plan.writes(name)))
    }
}
