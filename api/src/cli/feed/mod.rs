//! `stevedore feed`: the feeds, and what is done with their files.

mod check;
mod ddl;
mod description;
mod diff;
mod draft;
mod schema;
mod show;

use std::process::ExitCode;

use pipeline::feed::Feeds;

use super::print::Printer;
use crate::config::{FeedArgs, FeedVerb};
pub(super) use check::{Checked, CheckedObject};
pub(super) use description::FeedDescription;

pub(super) async fn feed(args: &FeedArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    match &args.verb {
        FeedVerb::List => {
            printer.feeds(feeds);
            ExitCode::SUCCESS
        }
        FeedVerb::Draft(args) => draft::run(args, printer).await,
        FeedVerb::Show(args) => show::show(args, feeds, printer),
        FeedVerb::Check(args) => check::check(args, printer).await,
        FeedVerb::Ddl(args) => ddl::ddl(args, feeds, printer),
        FeedVerb::Diff(args) => diff::diff(args, feeds, printer).await,
        FeedVerb::Schema => schema::schema(printer),
    }
}
