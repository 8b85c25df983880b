//! `stevedore feed`: the feeds, and their tables as SQL.

use std::process::ExitCode;

use pipeline::feed::{Feeds, ddl};

use super::draft::draft;
use super::print::Printer;
use crate::config::{DdlArgs, FeedArgs, FeedVerb};

pub(super) async fn feed(args: &FeedArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    match &args.verb {
        FeedVerb::List => printer.feeds(feeds),
        FeedVerb::Draft(args) => return draft(args, printer).await,
        FeedVerb::Ddl(args) => match sql(args, feeds) {
            Ok(sql) => printer.data(&sql),
            Err(error) => return printer.misused("could not print the tables of a feed", &error),
        },
    }
    ExitCode::SUCCESS
}

fn sql(args: &DdlArgs, feeds: &Feeds) -> pipeline::error::Result<String> {
    let feed = feeds.get(&args.feed)?;
    let mode = args.mode.unwrap_or(feed.mode).on_new_table(feed);
    let tables = ddl::create_tables(feed, mode);
    // The lock that the statements begin with is held until the transaction ends.
    Ok(format!("begin;\n{tables};\ncommit;\n"))
}
