//! `stevedore loads`: what is done with loads of the ledger.

use std::process::ExitCode;

use pipeline::error::Result;
use pipeline::feed::Feeds;
use pipeline::load::{Discarded, discard};

use super::print::Printer;
use super::session::Session;
use crate::config::{DiscardArgs, LoadsArgs, LoadsVerb};

pub(super) async fn loads(args: &LoadsArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    let LoadsVerb::Discard(args) = &args.verb;
    match remove(args, feeds, printer).await {
        Ok(discarded) if args.json => printer.json(&discarded),
        Ok(discarded) => printer.discarded(&discarded),
        Err(error) => {
            return printer.failed(&format!("could not discard the load {}", args.load_id), &error);
        }
    }
    ExitCode::SUCCESS
}

async fn remove(args: &DiscardArgs, feeds: &Feeds, printer: &Printer) -> Result<Discarded> {
    let feed = feeds.only()?;
    let mut session = Session::open(&args.database, false, printer).await?;
    let discarded = discard(&mut session.connection, feed, args.load_id).await;
    session.close().await?;
    discarded
}
