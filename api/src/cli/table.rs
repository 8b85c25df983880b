//! A table of the database that somebody names.

use pipeline::error::Error;
use tokio_postgres::GenericClient;

/// A table that is there, with names as they are.
pub(super) struct NamedTable {
    pub(super) schema: String,
    pub(super) name: String,
    /// How many rows it has, as the server estimates, if it does.
    pub(super) rows: Option<u64>,
}

/// Why rows of a table cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableError {
    #[error(transparent)]
    Pipeline(#[from] Error),
    #[error("the database has no table {0}: `psql -c '\\d'` shows what it has")]
    NoTable(String),
}

impl NamedTable {
    /// Finds a table or view by its name where the search path looks, by schema and name, or by its
    /// name in the catalog, in this order. Names are taken as they are, without quotes.
    pub(super) async fn find(client: &impl GenericClient, text: &str) -> Result<Self, TableError> {
        let sql = include_str!("../../../sql/queries/named_table.sql");
        let row = client.query_opt(sql, &[&text]).await;
        let failed =
            |source| Error::Database { doing: format!("look for the table {text}"), source };
        let row = row.map_err(failed)?.ok_or_else(|| TableError::NoTable(text.to_owned()))?;
        let rows = row.get::<_, Option<i64>>("rows").and_then(|rows| rows.try_into().ok());
        Ok(Self { schema: row.get("schema"), name: row.get("name"), rows })
    }

    /// The table as SQL takes it.
    pub(super) fn quoted(&self) -> String {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }
}
