//! A table of the database that somebody names.

use pipeline::error::Error;
use pipeline::feed::{Ident, NameError, TableName};
use pipeline::query::name::check_schema;
use tokio_postgres::{GenericClient, Row};

/// A table that is there, with names as they are.
pub(super) struct NamedTable {
    schema: Ident,
    table: Ident,
    /// How many rows it has, as the server estimates, if it does.
    pub(super) rows: Option<u64>,
}

/// Why rows of a table cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableError {
    #[error(transparent)]
    Pipeline(#[from] Error),
    #[error("the database has no table {0}: `stevedore psql -c '\\d'` shows what it has")]
    NoTable(String),
    #[error(
        "{text} is not a name of a table: {error}. Write schema.table, and a name with dots or capitals \
         in double quotes"
    )]
    NoName { text: String, error: NameError },
}

impl NamedTable {
    /// Finds a table or view by its name where the search path looks, by schema and name (see
    /// [`TableName`]), or by its name in the catalog, in this order.
    pub(super) async fn find(client: &impl GenericClient, text: &str) -> Result<Self, TableError> {
        let parsed = text.parse::<TableName>();
        let by_name = match &parsed {
            Ok(name) => Self::by_name(client, name, text).await?,
            Err(_) => None,
        };
        let found = match by_name {
            None => Self::of_catalog(client, text).await?,
            found => found,
        };
        match (found, parsed) {
            (Some(table), _) => {
                check_schema(table.schema.as_str())?;
                Ok(table)
            }
            (None, Ok(_)) => Err(TableError::NoTable(text.to_owned())),
            (None, Err(error)) => Err(TableError::NoName { text: text.to_owned(), error }),
        }
    }

    async fn by_name(
        client: &impl GenericClient,
        name: &TableName,
        text: &str,
    ) -> Result<Option<Self>, Error> {
        let schema = name.schema.as_ref().map(Ident::as_str);
        if let Some(schema) = schema {
            check_schema(schema)?;
        }
        let sql = include_str!("../../../sql/queries/named_table.sql");
        let row = client.query_opt(sql, &[&schema, &name.table.as_str()]).await;
        Ok(row.map_err(failed(text))?.as_ref().map(Self::of))
    }

    /// None also where there is no catalog, or the role may not read it.
    async fn of_catalog(client: &impl GenericClient, text: &str) -> Result<Option<Self>, Error> {
        let sql = "select from pg_class c join pg_namespace n on n.oid = c.relnamespace \
            where n.nspname = 'stevedore' and c.relname = 'catalog_tables' \
            and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')";
        let catalog = client.query_opt(sql, &[]).await.map_err(failed(text))?;
        if text.contains('\0') || catalog.is_none() {
            return Ok(None);
        }
        let sql = include_str!("../../../sql/queries/table_of_catalog.sql");
        let row = client.query_opt(sql, &[&text]).await;
        Ok(row.map_err(failed(text))?.as_ref().map(Self::of))
    }

    fn of(row: &Row) -> Self {
        let rows = row.get::<_, Option<i64>>("rows").and_then(|rows| rows.try_into().ok());
        let name = |column| Ident::of_catalog(row.get(column));
        Self { schema: name("schema"), table: name("name"), rows }
    }

    /// The table's name, as people write it.
    pub(super) fn shown(&self) -> String {
        self.name().plain()
    }

    /// The table as SQL takes it.
    pub(super) fn quoted(&self) -> String {
        self.name().to_string()
    }

    fn name(&self) -> TableName {
        TableName { schema: Some(self.schema.clone()), table: self.table.clone() }
    }
}

fn failed(table: &str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    move |source| Error::Database { doing: format!("look for the table {table}"), source }
}
