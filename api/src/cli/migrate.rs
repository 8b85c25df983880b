//! `stevedore migrate`: creates or updates the ledger and the tables.

use std::process::ExitCode;

use pipeline::error::Result;
use pipeline::feed::USER_STATUS;
use pipeline::sink::create_tables;

use super::print::Printer;
use super::session::Session;
use crate::config::DatabaseArgs;

pub(super) async fn migrate(args: &DatabaseArgs, printer: &Printer) -> ExitCode {
    match run(args, printer).await {
        Ok(()) => {
            printer.note(&format!(
                "the schema stevedore and the tables of {} are up to date",
                USER_STATUS.name
            ));
            ExitCode::SUCCESS
        }
        Err(error) => printer.failed("could not migrate the database", &error),
    }
}

async fn run(args: &DatabaseArgs, printer: &Printer) -> Result<()> {
    let session = Session::open(args, true, printer).await?;
    let created = create_tables(&*session.connection, &USER_STATUS).await;
    session.close().await?;
    created
}
