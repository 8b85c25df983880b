//! `stevedore migrate`: creates or updates the ledger and the tables.

use std::process::ExitCode;

use pipeline::feed::USER_STATUS;
use pipeline::sink::{RequestedMode, create_tables};
use tokio_util::sync::CancellationToken;

use super::print::Printer;
use super::service::{StartError, prepare};
use super::session::Session;
use crate::config::DatabaseArgs;
use crate::jobs::{Listener, Queue, pool};

pub(super) async fn migrate(args: &DatabaseArgs, printer: &Printer) -> ExitCode {
    match run(args, printer).await {
        Ok(()) => {
            printer.note(&format!(
                "the schema stevedore and the tables of {} are up to date",
                USER_STATUS.name
            ));
            ExitCode::SUCCESS
        }
        Err(StartError::Pipeline(error)) => {
            printer.failed("could not migrate the database", &error)
        }
        Err(error) => printer.failed("could not migrate the database", &error),
    }
}

async fn run(args: &DatabaseArgs, printer: &Printer) -> Result<(), StartError> {
    let session = Session::open(args, true, printer).await?;
    let database = session.connection.database().clone();
    let ended = CancellationToken::new();
    let listener = Listener::start(database.clone(), ended.clone());
    let queue = Queue::new(pool(&database, 2)?, listener);
    let prepared =
        match create_tables(&*session.connection, &USER_STATUS, RequestedMode::Auto).await {
            Ok(()) => prepare(&database, &queue).await,
            Err(error) => Err(error.into()),
        };
    ended.cancel();
    session.close().await?;
    prepared
}
