//! `stevedore show`: rows of a table.

use std::process::ExitCode;

use pipeline::error::Error;

use super::preview::Preview;
use super::print::Printer;
use super::session::Session;
use super::table::{NamedTable, TableError};
use crate::config::ShowArgs;

pub(super) async fn show(args: &ShowArgs, printer: &Printer) -> ExitCode {
    let what = format!("could not show {}", args.table);
    match run(args, printer).await {
        Ok(preview) => {
            printer.preview(&preview);
            ExitCode::SUCCESS
        }
        Err(TableError::Pipeline(error)) => printer.failed(&what, &error),
        Err(error) => printer.failed(&what, &error),
    }
}

async fn run(args: &ShowArgs, printer: &Printer) -> Result<Preview, TableError> {
    let mut session = Session::open(&args.database, false, printer).await?;
    let preview = rows(args, &mut session).await;
    session.close().await?;
    preview
}

/// Reads the rows in a transaction that cannot write, whatever the user's SQL calls.
async fn rows(args: &ShowArgs, session: &mut Session) -> Result<Preview, TableError> {
    let failed = |source| Error::Database { doing: "begin to read".to_owned(), source };
    let transaction = session.connection.build_transaction().read_only(true).start().await;
    let transaction = transaction.map_err(failed)?;
    let table = NamedTable::find(&transaction, &args.table).await?;
    // A line break ends a comment within the condition.
    let filter = args.filter.as_ref().map(|filter| format!(" where ({filter}\n)"));
    let sql = format!("select * from {}{}", table.quoted(), filter.unwrap_or_default());
    Ok(Preview::read(&transaction, &table.shown(), &sql, args.limit as usize).await?)
}
