//! `stevedore catalog`: the tables that crawlers have found.

use std::process::ExitCode;

use pipeline::catalog::diff::diff;
use pipeline::catalog::schema::{ddl, json_schema, tree};
use pipeline::catalog::store::{TableVersion, Tables};
use pipeline::database::migrate;
use pipeline::error::Result;
use pipeline::infer::column::Column;

use super::print::Printer;
use super::session::Session;
use crate::config::{CatalogArgs, CatalogVerb, Export};

/// Why something of the catalog cannot be shown.
#[derive(Debug, thiserror::Error)]
enum CatalogError {
    #[error(transparent)]
    Pipeline(#[from] pipeline::error::Error),
    #[error("the catalog has no table {0}: `stevedore catalog list` shows what it has")]
    NoTable(String),
    #[error("the table {0} has no version {1}")]
    NoVersion(String, i32),
}

pub(super) async fn catalog(args: &CatalogArgs, printer: &Printer) -> ExitCode {
    match run(args, printer).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(CatalogError::Pipeline(error)) => printer.failed("could not read the catalog", &error),
        Err(error) => printer.failed("could not read the catalog", &error),
    }
}

async fn run(args: &CatalogArgs, printer: &Printer) -> Result<(), CatalogError> {
    let mut session = Session::open(&args.database, false, printer).await?;
    migrate(&mut session.connection).await?;
    let shown = show(&args.verb, &session, printer).await;
    session.close().await?;
    shown
}

async fn show(
    verb: &CatalogVerb,
    session: &Session,
    printer: &Printer,
) -> Result<(), CatalogError> {
    match verb {
        CatalogVerb::List => {
            printer.tables(&Tables::list(&*session.connection, None, None).await?);
        }
        CatalogVerb::Show { table, version, format, json } => {
            let mut found = table_of(session, table).await?;
            if let Some(version) = version {
                found.table.columns = columns_of(session, &found, *version).await?;
                found.version = *version;
            }
            let columns = &found.table.columns;
            match format {
                _ if *json => printer.json(&found),
                Export::Tree => printer.catalog_table(&found, &tree(columns)),
                Export::Ddl => printer.text(&ddl(&found.table.name, columns)),
                Export::JsonSchema => printer.json_text(&format!("{:#}\n", json_schema(columns))),
            }
        }
        CatalogVerb::Diff { table, from, to } => {
            let found = table_of(session, table).await?;
            let before = columns_of(session, &found, *from).await?;
            let after = columns_of(session, &found, *to).await?;
            diff(&before, &after).iter().for_each(|change| printer.json(change));
        }
    }
    Ok(())
}

async fn table_of(session: &Session, name: &str) -> Result<TableVersion, CatalogError> {
    let found = Tables::find(&*session.connection, name).await?;
    found.ok_or_else(|| CatalogError::NoTable(name.to_owned()))
}

async fn columns_of(
    session: &Session,
    found: &TableVersion,
    version: i32,
) -> Result<Vec<Column>, CatalogError> {
    let (database, name) = (&found.table.database, &found.table.name);
    let columns = Tables::columns(&*session.connection, database, name, version).await?;
    columns.ok_or_else(|| CatalogError::NoVersion(name.clone(), version))
}
