//! The tables that are in the catalog before a crawl writes: which of them it continues, and which names
//! are free.

use std::collections::HashSet;

use tokio_postgres::GenericClient;

use super::definition::Definition;
use super::group::{Group, name};
use super::store::{TableVersion, Tables};
use crate::error::{Error, Result};

/// The tables of a database of the catalog, as one crawler sees them.
#[derive(Debug, Default)]
pub(super) struct Existing {
    /// The crawler's own tables, and those of the sample that it replaces, that nothing continues yet.
    own: Vec<TableVersion>,
    /// All names in the database.
    names: HashSet<String>,
}

impl Existing {
    /// Reads the tables. Until the transaction ends, no other crawler can write the catalog.
    pub(super) async fn read(
        transaction: &impl GenericClient,
        definition: &Definition,
        sample: Option<&str>,
    ) -> Result<Self> {
        let sql = "select pg_advisory_xact_lock(hashtextextended('stevedore.catalog', 0))";
        let locked = transaction.execute(sql, &[]).await;
        locked.map_err(|source| Error::Database {
            doing: "wait until no other crawler writes the catalog".to_owned(),
            source,
        })?;
        let tables = Tables::list(transaction, Some(&definition.database), None).await?;
        let names = tables.iter().map(|it| it.table.name.clone()).collect();
        let is_own = |it: &TableVersion| {
            it.table.crawler == definition.name || Some(&*it.table.crawler) == sample
        };
        Ok(Self { own: tables.into_iter().filter(is_own).collect(), names })
    }

    /// Takes the first of these tables that holds records from the same path.
    pub(super) fn take(&mut self, table_ids: &[i64], path: &str) -> Option<TableVersion> {
        table_ids.iter().find_map(|id| self.take_if(|it| it.table_id == *id, path))
    }

    fn take_if(
        &mut self,
        is_it: impl Fn(&TableVersion) -> bool,
        path: &str,
    ) -> Option<TableVersion> {
        let at = self.own.iter().position(|it| is_it(it) && it.table.path == path)?;
        Some(self.own.swap_remove(at))
    }

    /// The table that a group continues, and the name that it gets. A table keeps its name, unless it was
    /// called after its only object and now has more.
    pub(super) fn name(
        &mut self,
        bucket: &str,
        group: &Group,
        before: Option<TableVersion>,
    ) -> (Option<TableVersion>, String) {
        let mut candidates = name::candidates(bucket, group);
        let Some(before) = before else {
            return self.first_of(candidates, &group.path);
        };
        let has_grown = before.table.objects == Some(1) && group.keys.len() > 1;
        let name = if has_grown && before.table.name != group.table {
            self.free(&mut candidates)
        } else {
            before.table.name.clone()
        };
        (Some(before), name)
    }

    /// The first of these names that is free or that of an own table, which is continued.
    pub(super) fn first_of(
        &mut self,
        candidates: impl Iterator<Item = String>,
        path: &str,
    ) -> (Option<TableVersion>, String) {
        for name in candidates {
            let own = self.take_if(|it| it.table.name == name, path);
            if own.is_some() || self.names.insert(name.clone()) {
                return (own, name);
            }
        }
        // There are as many candidates as numbers.
        (None, String::new())
    }

    fn free(&mut self, candidates: &mut impl Iterator<Item = String>) -> String {
        candidates.find(|name| self.names.insert(name.clone())).unwrap_or_default()
    }
}
