//! `stevedore worker`: only a worker, beside others.

use std::process::ExitCode;

use pipeline::feed::Feeds;

use super::print::Printer;
use super::service::{Service, StartError};
use crate::config::WorkArgs;

pub(super) async fn worker(args: WorkArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    match run(&args, feeds, printer).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => printer.failed("could not work", error.as_error()),
    }
}

async fn run(args: &WorkArgs, feeds: &Feeds, printer: &Printer) -> Result<(), StartError> {
    let service = Service::start(args, feeds, printer).await?;
    let names = service.buckets.names().collect::<Vec<_>>().join(", ");
    printer.note(&format!("working on {} loads at a time; buckets: {names}", args.concurrency()));
    service.work().await;
    Ok(service.close().await?)
}
