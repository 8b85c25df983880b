//! `stevedore feed draft`: writes feed files that load what was seen.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pipeline::catalog::draft::source::{Source, SourceOptions, read_catalog, read_objects};
use pipeline::catalog::draft::{DraftInput, draft, drafts};
use pipeline::catalog::store::Tables;
use pipeline::database::migrate;
use pipeline::infer::objects::Sample;
use pipeline::store::find;

use crate::buckets::environment;
use crate::cli::print::Printer;
use crate::cli::session::Session;
use crate::config::DraftArgs;

/// What the name of a table of the catalog begins with.
const CATALOG: &str = "catalog:";

/// Why no feed can be drafted.
#[derive(Debug, thiserror::Error)]
enum DraftError {
    #[error(transparent)]
    Pipeline(#[from] pipeline::error::Error),
    #[error("the catalog has no table {0}: `stevedore catalog list` shows what it has")]
    NoTable(String),
    #[error("{0} holds no records")]
    NoRecords(String),
    #[error(
        "it holds {} kinds of records: {}. Name one of them, or pass --out DIR to write a feed for each",
        .0.len(),
        .0.join(", ")
    )]
    SeveralKinds(Vec<String>),
    #[error("--table names one table, but there are {0} kinds of records")]
    OneTable(usize),
    #[error("could not write {}", .path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{} exists already: remove it, or pass another folder", .0.display())]
    Exists(PathBuf),
}

pub(super) async fn run(args: &DraftArgs, printer: &Printer) -> ExitCode {
    match print_or_write(args, printer).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(DraftError::Pipeline(error)) => printer.failed(&failed(args), &error),
        Err(error) => printer.failed(&failed(args), &error),
    }
}

fn failed(args: &DraftArgs) -> String {
    format!("could not draft a feed for {}", args.source)
}

async fn print_or_write(args: &DraftArgs, printer: &Printer) -> Result<(), DraftError> {
    let source = match args.source.strip_prefix(CATALOG) {
        Some(table) => of_catalog(table, args, printer).await?,
        None => of_objects(args).await?,
    };
    for (object, why) in &source.skipped {
        printer.note(&format!("skipped {object}: {why}"));
    }
    match (source.inputs.as_slice(), &args.out) {
        ([], _) => Err(DraftError::NoRecords(args.source.clone())),
        ([_, _, ..], _) if args.table.is_some() => Err(DraftError::OneTable(source.inputs.len())),
        (inputs, Some(folder)) => write(inputs, folder, printer),
        ([input], None) => {
            printer.text(&draft(input));
            Ok(())
        }
        (inputs, None) => Err(DraftError::SeveralKinds(inputs.iter().map(kind).collect())),
    }
}

/// A kind of record, and which objects hold it.
fn kind(input: &DraftInput) -> String {
    let objects = match input.objects.as_slice() {
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => String::new(),
    };
    format!("{} ({objects})", input.table.plain())
}

async fn of_objects(args: &DraftArgs) -> Result<Source, DraftError> {
    let found = find(&args.source, &environment()).await?;
    let options = SourceOptions {
        records_path: args.records.clone(),
        table: args.table.clone(),
        sample: args.sample.map_or(Sample::All, |records| Sample::Records(records.get())),
    };
    let mut source = read_objects(found.objects, &options).await?;
    let unreadable =
        found.unreadable.iter().map(|error| (args.source.clone(), error.with_causes()));
    source.skipped.extend(unreadable);
    Ok(source)
}

async fn of_catalog(name: &str, args: &DraftArgs, printer: &Printer) -> Result<Source, DraftError> {
    let mut session = Session::open(&args.database, false, printer).await?;
    migrate(&mut session.connection).await?;
    let read = async {
        let found = Tables::find(&*session.connection, name).await?;
        let found = found.ok_or_else(|| DraftError::NoTable(name.to_owned()))?;
        let input = read_catalog(&*session.connection, &found, args.table.clone()).await?;
        Ok(Source { inputs: vec![input], ..Source::default() })
    };
    let read: Result<Source, DraftError> = read.await;
    session.close().await?;
    read
}

/// Writes a file for each draft, named after its table; no file that exists is replaced.
fn write(inputs: &[DraftInput], folder: &Path, printer: &Printer) -> Result<(), DraftError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| DraftError::Write { path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    let files = inputs.iter().zip(drafts(inputs)).map(|(input, text)| {
        let name = input.table.table.as_str().replace(['/', '\\'], "_");
        (folder.join(format!("{name}.toml")), text)
    });
    let files: Vec<_> = files.collect();
    if let Some((exists, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(DraftError::Exists(exists.clone()));
    }
    for (path, text) in files {
        std::fs::write(&path, text).map_err(failed(&path))?;
        printer.text(&format!("{}\n", path.display()));
    }
    Ok(())
}
