//! `stevedore export`: a table as a file.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::available_parallelism;
use std::time::Instant;

use pipeline::export::{Unload, unload};

use super::print::Printer;
use super::progress::Bar;
use super::session::Session;
use super::table::{NamedTable, TableError};
use crate::config::ExportArgs;

pub(super) async fn export(args: &ExportArgs, printer: &Printer) -> ExitCode {
    let what = format!("could not export {}", args.table);
    let began = Instant::now();
    match run(args, printer).await {
        Ok(rows) => {
            let (table, file) = (&args.table, args.file.path.display());
            let seconds = began.elapsed().as_secs_f64();
            printer.text(&format!("exported {rows} rows of {table} to {file} in {seconds:.2} s\n"));
            ExitCode::SUCCESS
        }
        Err(TableError::Pipeline(error)) => printer.failed(&what, &error),
        Err(error) => printer.failed(&what, &error),
    }
}

async fn run(args: &ExportArgs, printer: &Printer) -> Result<u64, TableError> {
    let session = Session::open(&args.database, false, printer).await?;
    let exported = rows(args, &session, printer).await;
    session.close().await?;
    exported
}

async fn rows(args: &ExportArgs, session: &Session, printer: &Printer) -> Result<u64, TableError> {
    let table = NamedTable::find(&*session.connection, &args.table).await?;
    let written = Arc::new(AtomicU64::new(0));
    let _bar = Bar::of_rows(table.rows, &written, printer);
    let processors = || available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let options = Unload {
        table: &table.quoted(),
        format: args.file.format,
        parallel: args.parallel.unwrap_or_else(processors),
        written,
    };
    Ok(unload(session.connection.database(), &options, &args.file.path).await?)
}
