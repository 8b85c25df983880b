//! The executable: it reads the environment, runs one verb and sets the exit code.
//!
//! 0 is done (rejected records are no failure), 1 failed, 2 wrong usage.

mod cli;
mod config;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::Printer;
use config::Config;

fn main() -> ExitCode {
    let config = Config::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colours)
        .init();
    let printer = Printer::default();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return printer.failed("could not start the async runtime", &error),
    };
    let exit = runtime.block_on(cli::run(config.verb, &printer));
    if printer.is_cut_off() { ExitCode::FAILURE } else { exit }
}
