//! Asks the database which values the columns of domains take.

use polars::prelude::{DataFrame, PolarsError};
use tokio::runtime::Handle;

use crate::database::{Connection, Database};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::frame::Values;
use crate::sink::{DomainColumn, Targets};

/// The columns of domains with checks, and where to ask about their values.
#[derive(Debug, Clone)]
pub(crate) struct Domains {
    columns: Vec<DomainColumn>,
    database: Database,
    runtime: Handle,
}

/// A [`Domains`] with the connection on which it asks, once it has asked: that of a load is busy with its COPY.
pub(crate) struct DomainChecks {
    domains: Option<Domains>,
    connection: Option<Connection>,
}

impl Domains {
    /// Those of the tables, if there are any.
    pub(crate) fn of(targets: &Targets, database: &Database) -> Option<Self> {
        let columns = targets.domain_columns();
        let runtime = Handle::try_current().ok()?;
        (!columns.is_empty()).then(|| Self { columns, database: database.clone(), runtime })
    }
}

impl DomainChecks {
    pub(crate) const fn new(domains: Option<Domains>) -> Self {
        Self { domains, connection: None }
    }

    /// Rejects the records with a value that its domain does not take. Waits for the database.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub(crate) fn check(&mut self, mut records: DataFrame, feed: &Feed) -> Result<DataFrame> {
        let Some(domains) = &self.domains else {
            return Ok(records);
        };
        for column in &domains.columns {
            let values = Values::of(&records, feed, column.table, column.field).map_err(failed)?;
            let distinct = values.distinct().map_err(failed)?;
            let refused = domains.runtime.block_on(async {
                let connection = match self.connection.take() {
                    Some(connection) => connection,
                    None => domains.database.connect().await?,
                };
                column.domain.refused(&**self.connection.insert(connection), distinct).await
            })?;
            if !refused.is_empty() {
                let rejected = values.reject(records, &refused, &column.domain.expected());
                records = rejected.map_err(failed)?;
            }
        }
        Ok(records)
    }
}

const fn failed(source: PolarsError) -> Error {
    Error::Frame { doing: "look at the values of domains", source }
}
