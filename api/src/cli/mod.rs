//! The verbs of the command line, one file each.

mod catalog;
mod client;
mod crawl;
mod export;
mod feed;
mod health;
mod hint;
mod jobs;
mod key;
mod load;
mod loads;
mod man;
mod migrate;
mod outdated;
mod preview;
mod print;
mod progress;
mod psql;
mod rejects;
mod serve;
mod service;
mod session;
mod show;
mod table;
mod totals;
mod verify;
mod watch;
mod worker;

use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;
use pipeline::feed::Feeds;

use crate::config::{Config, Verb};
use crate::feeds;
use crate::jobs::watches::WatchPlan;
pub(crate) use print::Printer;

/// Runs a verb; the exit code tells whether it was done. `watches` are those of the settings. `folder` has the feeds
/// that are not built in.
pub(crate) async fn run(
    verb: Verb,
    watches: Vec<WatchPlan>,
    folder: Option<&Path>,
    printer: &Printer,
) -> ExitCode {
    let feeds = if verb.needs_feeds() { feeds::read(folder) } else { Ok(Feeds::default()) };
    let feeds = match feeds {
        Ok(feeds) => feeds,
        Err(error) => return printer.misused("the feeds cannot be used", &error),
    };
    match verb {
        Verb::Load(args) => load::load(&args, feeds, printer).await,
        Verb::Serve(args) => serve::serve(args, watches, &feeds, printer).await,
        Verb::Worker(args) => worker::worker(args, watches, &feeds, printer).await,
        Verb::Jobs(args) => jobs::jobs(&args, printer).await,
        Verb::Watch(args) => watch::watch(&args, printer).await,
        Verb::Loads(args) => loads::loads(&args, &feeds, printer).await,
        Verb::Rejects(args) => rejects::rejects(&args, &feeds, printer).await,
        Verb::Health(args) => health::health(&args, printer).await,
        Verb::Migrate(args) => migrate::migrate(&args, &feeds, printer).await,
        Verb::Feed(args) => feed::feed(&args, &feeds, printer).await,
        Verb::Crawl(args) => crawl::crawl(&args, printer).await,
        Verb::Catalog(args) => catalog::catalog(&args, printer).await,
        Verb::Psql(args) => psql::psql(&args, printer).await,
        Verb::Show(args) => show::show(&args, printer).await,
        Verb::Export(args) => export::export(&args, printer).await,
        Verb::Verify(args) => verify::verify(&args, &feeds, printer).await,
        Verb::Key(args) => key::key(&args, printer),
        // Printed in `main`, which knows where each setting comes from.
        Verb::Config(_) => ExitCode::SUCCESS,
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Config::command(), "stevedore", &mut script);
            printer.data(&String::from_utf8_lossy(&script));
            ExitCode::SUCCESS
        }
        Verb::Man { folder } => man::man(&folder, printer),
    }
}
