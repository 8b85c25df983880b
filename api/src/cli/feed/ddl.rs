//! `stevedore feed ddl`: the tables of a feed as SQL.

use std::process::ExitCode;

use pipeline::error::Result;
use pipeline::feed::{Feeds, ddl::create_tables};

use crate::cli::print::Printer;
use crate::config::DdlArgs;

pub(super) fn ddl(args: &DdlArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    match sql(args, feeds) {
        Ok(sql) => {
            printer.data(&sql);
            ExitCode::SUCCESS
        }
        Err(error) => printer.misused("could not print the tables of a feed", &error),
    }
}

fn sql(args: &DdlArgs, feeds: &Feeds) -> Result<String> {
    let feed = feeds.get(&args.feed)?;
    let mode = args.mode.unwrap_or(feed.mode).on_new_table(feed);
    let tables = create_tables(feed, mode);
    // The lock that the statements begin with is held until the transaction ends.
    Ok(format!("begin;\n{tables};\ncommit;\n"))
}
