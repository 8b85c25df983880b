//! Columns of domains with checks. Only the database can evaluate these.

use std::collections::HashSet;

use tokio_postgres::GenericClient;

use crate::error::{Error, Result};

/// A domain with checks.
#[derive(Debug, Clone)]
pub(crate) struct Domain {
    /// Its name, as SQL writes it.
    pub(super) name: String,
    /// The type that it is of, as SQL casts to it.
    pub(super) base_type: String,
    /// Its checks as expressions of `value`, and those of the domains that it is of.
    pub(super) checks: Vec<String>,
}

/// A column of such a domain, by the field that goes into it.
#[derive(Debug, Clone)]
pub(crate) struct DomainColumn {
    /// The table whose rows have the field.
    pub(crate) table: usize,
    /// The index of the field.
    pub(crate) field: usize,
    pub(crate) domain: Domain,
}

impl Domain {
    /// What it takes, in words.
    pub(crate) fn expected(&self) -> String {
        format!("a value of the domain {}: {}", self.name, self.checks.join(" and "))
    }

    /// Those of the values that it does not take.
    ///
    /// # Errors
    /// [`Error::Database`] when a check fails instead of being false, or the database cannot be asked.
    pub(crate) async fn refused(
        &self,
        client: &impl GenericClient,
        mut values: Vec<Option<String>>,
    ) -> Result<HashSet<Option<String>>> {
        let rows = client.query(&self.question(), &[&values]).await;
        let rows = rows.map_err(|source| Error::Database {
            doing: format!("evaluate the checks of the domain {}", self.name),
            source,
        })?;
        // They are counted from 1.
        let at = |row: &tokio_postgres::Row| usize::try_from(row.get::<_, i64>(0) - 1).ok();
        let refused = rows.iter().filter_map(at);
        Ok(refused.filter_map(|at| values.get_mut(at).map(std::mem::take)).collect())
    }

    /// The numbers of the values that a check is false for. Checks call the value `value`, and so does the
    /// question.
    fn question(&self) -> String {
        format!(
            "select number \
             from unnest($1::text[]) with ordinality as given (written, number) \
             cross join lateral (select written::{}) as typed (value) \
             where not ({})",
            self.base_type,
            self.checks
                .iter()
                .map(|check| format!("coalesce({check}, true)"))
                .collect::<Vec<_>>()
                .join(" and ")
        )
    }
}
