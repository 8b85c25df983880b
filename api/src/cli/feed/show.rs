//! `stevedore feed show`: what a feed declares, and how records flow through it.

use std::process::ExitCode;

use pipeline::feed::Feeds;

use super::description::FeedDescription;
use crate::cli::print::Printer;
use crate::config::FeedShowArgs;

pub(super) fn show(args: &FeedShowArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    let feed = match feeds.get(&args.feed) {
        Ok(feed) => FeedDescription::of(feed),
        Err(error) => return printer.misused("could not show a feed", &error),
    };
    if args.json {
        printer.json(&feed);
    } else {
        printer.feed(&feed);
    }
    ExitCode::SUCCESS
}
