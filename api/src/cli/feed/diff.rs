//! `stevedore feed diff`: a feed and the tables of the database, side by side.

use std::process::ExitCode;

use pipeline::error::Result;
use pipeline::feed::{Feed, Feeds};
use pipeline::sink::{TableDifference, compare};

use crate::cli::print::Printer;
use crate::cli::session::Session;
use crate::config::FeedDiffArgs;

pub(super) async fn diff(args: &FeedDiffArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    let feed = match feeds.get(&args.feed) {
        Ok(feed) => feed,
        Err(error) => return printer.misused("could not compare a feed", &error),
    };
    let tables = match run(args, feed, printer).await {
        Ok(tables) => tables,
        Err(error) => {
            return printer.failed(&format!("could not compare the feed {}", feed.name), &error);
        }
    };
    if args.json {
        printer.json(&tables);
    } else {
        printer.feed_differences(&feed.name, &tables);
    }
    let fit = tables.iter().all(TableDifference::fits);
    if fit { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(args: &FeedDiffArgs, feed: &Feed, printer: &Printer) -> Result<Vec<TableDifference>> {
    let session = Session::open(&args.database, false, printer).await?;
    let tables = compare(&*session.connection, feed, feed.mode).await;
    session.close().await?;
    tables
}
