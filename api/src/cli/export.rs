//! `stevedore export`: a table as a file.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use futures::{Stream, StreamExt, TryStreamExt};
use pipeline::catalog::unload::{csv, ndjson};
use tokio::fs::{File, remove_file, rename};
use tokio::io::{AsyncWriteExt, BufWriter};

use super::print::Printer;
use super::progress::RowCount;
use super::session::Session;
use super::table::{NamedTable, TableError};
use crate::config::{ExportArgs, FileFormat};

/// Bytes that are written to the file at once.
const WRITE_BYTES: usize = 1 << 20;

/// Why a table is not in its file.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("could not write {file}")]
    Write { file: PathBuf, source: io::Error },
}

pub(super) async fn export(args: &ExportArgs, printer: &Printer) -> ExitCode {
    let what = format!("could not export {}", args.table);
    let began = Instant::now();
    match run(args, printer).await {
        Ok(rows) => {
            let (table, file) = (&args.table, args.file.path.display());
            let seconds = began.elapsed().as_secs_f64();
            printer.data(&format!("exported {rows} rows of {table} to {file} in {seconds:.2} s\n"));
            ExitCode::SUCCESS
        }
        Err(ExportError::Table(TableError::Pipeline(error))) => printer.failed(&what, &error),
        Err(error) => printer.failed(&what, &error),
    }
}

async fn run(args: &ExportArgs, printer: &Printer) -> Result<u64, ExportError> {
    let session = Session::open(&args.database, false, printer).await.map_err(TableError::from)?;
    let written = write(args, &session).await;
    session.close().await.map_err(TableError::from)?;
    written
}

/// Writes beside the file and puts it into its place at the end: whoever sees it sees all of it.
async fn write(args: &ExportArgs, session: &Session) -> Result<u64, ExportError> {
    let client = &*session.connection;
    let table = NamedTable::find(client, &args.table).await?;
    let query = format!("select * from {}", table.quoted());
    let (rows, header) = match args.file.format {
        FileFormat::Csv => (csv(client, &query).await, 1),
        FileFormat::Ndjson => (ndjson(client, &query).await, 0),
    };
    let rows = rows.map_err(TableError::from)?.map_err(TableError::from);
    let file = &args.file.path;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = file.with_file_name(name);
    let failed = |source| ExportError::Write { file: file.clone(), source };
    let written = async {
        let pieces = fill(&part, file, rows).await?;
        rename(&part, file).await.map_err(failed)?;
        Ok(pieces.saturating_sub(header))
    };
    let written = written.await;
    if written.is_err() {
        remove_file(&part).await.ok();
    }
    written
}

/// Writes the pieces; how many there were.
async fn fill(
    part: &Path,
    file: &Path,
    pieces: impl Stream<Item = Result<bytes::Bytes, TableError>>,
) -> Result<u64, ExportError> {
    let failed = |source| ExportError::Write { file: file.to_owned(), source };
    let out = File::create(part).await.map_err(failed)?;
    let mut out = BufWriter::with_capacity(WRITE_BYTES, out);
    let mut pieces = std::pin::pin!(pieces);
    let count = RowCount::begin();
    let mut written = 0;
    while let Some(piece) = pieces.next().await {
        out.write_all(&piece?).await.map_err(failed)?;
        written += 1;
        count.add(1);
    }
    out.flush().await.map_err(failed)?;
    out.get_ref().sync_all().await.map_err(failed)?;
    Ok(written)
}
