//! The executable: it reads the environment, runs one verb and sets the exit code.
//!
//! 0 is done (rejected records are no failure), 1 failed, 2 wrong usage.

mod buckets;
mod cli;
mod config;
mod failpoint;
mod http;
mod jobs;
mod metrics;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::FromArgMatches;
use tracing_subscriber::EnvFilter;

use cli::Printer;
use config::{Config, LogArgs, LogFormat, Verb};

fn main() -> ExitCode {
    let printer = Printer::default();
    let settings = match config::parse() {
        Ok(settings) => settings,
        Err(error) => return printer.misused("the settings cannot be used", &error),
    };
    let config = match Config::from_arg_matches(&settings.matches) {
        Ok(config) => config,
        Err(error) => error.exit(),
    };
    if let Verb::Config(_) = config.verb {
        printer.data(&config::in_force(&settings));
        return ExitCode::SUCCESS;
    }
    log(&config.log, &config.verb);
    // One provider for all that speaks TLS. It is refused only where one is installed already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return printer.failed("could not start the async runtime", &error),
    };
    let exit = runtime.block_on(cli::run(config.verb, &printer));
    if printer.is_cut_off() { ExitCode::FAILURE } else { exit }
}

/// Begins to log on standard error.
fn log(args: &LogArgs, verb: &Verb) {
    let usual = match verb {
        Verb::Serve(_) | Verb::Worker(_) => "warn,stevedore=info,pipeline=info",
        _ => "warn",
    };
    let filter = match &args.filter {
        Some(filter) => EnvFilter::new(filter),
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual)),
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match args.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
