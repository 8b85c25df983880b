//! The verbs of the command line, one file each.

mod failpoint;
mod hint;
mod load;
mod migrate;
mod preview;
mod print;
mod progress;
mod session;

use std::process::ExitCode;

use clap::CommandFactory;

use crate::config::{Config, Verb};
pub(crate) use print::Printer;

/// Runs a verb; the exit code tells whether it was done.
pub(crate) async fn run(verb: Verb, printer: &Printer) -> ExitCode {
    match verb {
        Verb::Load(args) => load::load(&args, printer).await,
        Verb::Migrate(args) => migrate::migrate(&args, printer).await,
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Config::command(), "stevedore", &mut script);
            printer.data(&String::from_utf8_lossy(&script));
            ExitCode::SUCCESS
        }
    }
}
