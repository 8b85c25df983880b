//! `stevedore feed diff`: a feed, the catalog and the tables of the database, side by side.

use std::process::ExitCode;

use pipeline::error::Result;
use pipeline::feed::{Feed, Feeds};
use pipeline::preflight::add_catalog;
use pipeline::sink::{TableDifference, compare};

use crate::cli::print::Printer;
use crate::cli::session::Session;
use crate::config::FeedDiffArgs;

pub(super) async fn diff(args: &FeedDiffArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    let feed = match feeds.get(&args.feed) {
        Ok(feed) => feed,
        Err(error) => return printer.misused("could not compare a feed", &error),
    };
    let (tables, catalog) = match run(args, feed, printer).await {
        Ok(compared) => compared,
        Err(error) => {
            return printer.failed(&format!("could not compare the feed {}", feed.name), &error);
        }
    };
    if args.json {
        printer.json(&tables);
    } else {
        printer.feed_differences(&feed.name, &tables, catalog.as_deref());
    }
    let fit = tables.iter().all(TableDifference::fits);
    if fit { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The tables, and what the table of the catalog is called that they are compared with.
async fn run(
    args: &FeedDiffArgs,
    feed: &Feed,
    printer: &Printer,
) -> Result<(Vec<TableDifference>, Option<String>)> {
    let session = Session::open(&args.database, false, printer).await?;
    let compared = async {
        let client = &*session.connection;
        let mut tables = compare(client, feed, feed.mode).await?;
        let catalog = add_catalog(client, feed, args.catalog.as_deref(), &mut tables).await?;
        Ok((tables, catalog))
    };
    let compared = compared.await;
    session.close().await?;
    compared
}
