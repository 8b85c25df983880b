//! `stevedore psql`: PostgreSQL's own client, on the database that the other verbs use.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pipeline::database::Database;
use pipeline::error::Error;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use super::print::Printer;
use super::session;
use crate::config::PsqlArgs;

/// Why psql was not run.
#[derive(Debug, thiserror::Error)]
enum PsqlError {
    #[error(transparent)]
    Pipeline(#[from] Error),
    #[error(
        "the password stands where psql would show it to other users of this machine; write it as \
         postgresql://USER:PASSWORD@HOST/DATABASE, or set PGPASSWORD and run psql yourself"
    )]
    ShownPassword,
    #[error("{program} cannot be run; install PostgreSQL's client (postgresql-client)")]
    Run { program: String, source: io::Error },
    #[error("signals cannot be received")]
    Signals(#[source] io::Error),
}

pub(super) async fn psql(args: &PsqlArgs, printer: &Printer) -> ExitCode {
    let what = "could not open the database in psql";
    match run(args, printer).await {
        Ok(exit) => exit,
        Err(PsqlError::Pipeline(error)) => printer.failed(what, &error),
        Err(error) => printer.failed(what, &error),
    }
}

async fn run(args: &PsqlArgs, printer: &Printer) -> Result<ExitCode, PsqlError> {
    if let Some(url) = args.database.url() {
        // For errors that say more than psql's.
        drop(Database::new(url)?.connect().await?);
        return client(None, url, &args.args).await;
    }
    match session::start(&args.database, printer).await {
        Ok(embedded) => {
            let exit = client(Some(embedded.program("psql")), embedded.url(), &args.args).await;
            embedded.stop().await?;
            exit
        }
        // Another process of ours runs it, like `serve`.
        Err(Error::InUse { url: Some(url), .. }) => client(None, &url, &args.args).await,
        Err(error) => Err(error.into()),
    }
}

/// Runs the client on our terminal, by default the one on the PATH; its exit code.
async fn client(
    program: Option<PathBuf>,
    url: &str,
    args: &[String],
) -> Result<ExitCode, PsqlError> {
    let (url, password) = without_password(url)?;
    // Ctrl-C is for the client: it cancels a query. Without this it would end us and the server.
    let _interrupts = signal(SignalKind::interrupt()).map_err(PsqlError::Signals)?;
    let program = program.filter(|program| program.exists());
    let program = program.as_deref().unwrap_or(Path::new("psql"));
    let mut psql = Command::new(program);
    psql.args(["--dbname", &url]).args(args).envs(password.map(|text| ("PGPASSWORD", text)));
    let status = psql
        .status()
        .await
        .map_err(|source| PsqlError::Run { program: program.display().to_string(), source })?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// A URL whose password goes another way, since arguments can be read by all users of a machine.
fn without_password(url: &str) -> Result<(String, Option<OsString>), PsqlError> {
    let password = |url| Ok::<_, Error>(Database::new(url)?.config().get_password().map(Vec::from));
    let Some(found) = password(url)? else {
        return Ok((url.to_owned(), None));
    };
    let mut shown = Url::parse(url).map_err(|_| PsqlError::ShownPassword)?;
    shown.set_password(None).map_err(|()| PsqlError::ShownPassword)?;
    match password(shown.as_str())? {
        None => Ok((shown.into(), Some(OsString::from_vec(found)))),
        Some(_) => Err(PsqlError::ShownPassword),
    }
}

#[cfg(test)]
mod tests;
