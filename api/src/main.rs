//! The executable: it reads the environment, runs one verb and sets the exit code.
//!
//! 0 is done (rejected records are no failure), 1 failed, 2 wrong usage.

mod buckets;
mod cli;
mod config;
mod failpoint;
mod feeds;
mod http;
mod jobs;
mod keys;
mod ledger;
mod memory;
mod metrics;
mod readiness;
mod rejects;
mod traces;
mod wire;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use clap::FromArgMatches;
use clap::parser::ValueSource;
use pipeline::escape;
use tokio::runtime::Runtime;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use cli::Printer;
use config::{Config, LogArgs, LogFormat, Verb};
use jobs::WebhookUrl;
use traces::Traces;

fn main() -> ExitCode {
    memory::bound();
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
        printer.text(&config::in_force(&settings));
        return ExitCode::SUCCESS;
    }
    let filter_in_file = settings.in_file.iter().any(|name| name == "log")
        && settings.matches.value_source("log") == Some(ValueSource::DefaultValue);
    // One provider for all that speaks TLS. It is refused only where one is installed already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let traces = match otlp_endpoint(&config.verb).map(Traces::to).transpose() {
        Ok(traces) => traces,
        Err(error) => return printer.misused("requests and jobs cannot be traced", &error),
    };
    if let Err(error) = log(&config.log, &config.verb, filter_in_file, traces.as_ref()) {
        return printer.misused("the filter of the log cannot be used", &error);
    }
    if config.log.log_format == LogFormat::Json
        && matches!(config.verb, Verb::Serve(_) | Verb::Worker(_))
    {
        printer.log_notes();
    }
    log_panics();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return printer.failed("could not start the async runtime", &error),
    };
    let exit = runtime.block_on(cli::run(
        config.verb,
        settings.watches,
        config.feeds.as_deref(),
        &printer,
    ));
    drop(runtime);
    if let Some(traces) = traces {
        traces.stop();
    }
    if printer.is_cut_off() { ExitCode::FAILURE } else { exit }
}

/// Its threads for blocking work stay for a day: Polars keeps some kilobytes for each thread that has used it, also when
/// the thread has ended.
fn runtime() -> io::Result<Runtime> {
    const KEPT: Duration = Duration::from_hours(24);
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_keep_alive(KEPT).build()
}

/// Where spans are sent.
fn otlp_endpoint(verb: &Verb) -> Option<&str> {
    let work = match verb {
        Verb::Serve(args) => &args.work,
        Verb::Worker(args) => &args.work,
        _ => return None,
    };
    work.otlp_endpoint.as_ref().map(WebhookUrl::as_str)
}

/// Begins to log on standard error, and to hand over spans. `RUST_LOG` is of the environment: it goes before the file.
fn log(
    args: &LogArgs,
    verb: &Verb,
    filter_in_file: bool,
    traces: Option<&Traces>,
) -> Result<(), ParseError> {
    let usual = match verb {
        Verb::Serve(_) | Verb::Worker(_) => "warn,stevedore=info,pipeline=info",
        _ => "warn",
    };
    let variable = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|filter| !filter.is_empty());
    let given = args.filter.as_deref();
    let filter = match filter_in_file {
        true => variable.as_deref().or(given),
        false => given.or(variable.as_deref()),
    };
    let filter = EnvFilter::try_new(filter.unwrap_or(usual))?;
    let log = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let log = match args.log_format {
        LogFormat::Text => log.fmt_fields(debug_fn(write_field).delimited(" ")).boxed(),
        LogFormat::Json => log.json().flatten_event(true).boxed(),
    };
    let traces = traces.map(Traces::layer);
    tracing_subscriber::registry().with(log.with_filter(filter)).with(traces).init();
    Ok(())
}

/// Writes a field of the log for people: on its line, and without what a terminal would obey.
fn write_field(
    writer: &mut Writer<'_>,
    field: &Field,
    value: &dyn std::fmt::Debug,
) -> std::fmt::Result {
    let value = format!("{value:?}");
    let value = escape::line(&value);
    match field.name() {
        "message" => write!(writer, "{value}"),
        name => write!(writer, "{}={value}", name.trim_start_matches("r#")),
    }
}

/// Has panics logged. Without this they are written to standard error, between the lines of the log.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
        tracing::error!(
            panic = panic.payload_as_str().unwrap_or_default(),
            at = panic.location().map(tracing::field::display),
            thread = thread.name(),
            backtrace = backtrace.map(tracing::field::display),
            "a defect: a thread panicked"
        );
    }));
}
