//! What to do next about an error.

use pipeline::database::install_command;
use pipeline::error::Error;
use tokio_postgres::error::SqlState;

/// The advice that goes with an error, if there is any.
pub(super) fn hint(error: &Error) -> Option<String> {
    Some(match error {
        Error::Target { remedy, .. } => remedy.clone(),
        Error::NotFound { .. } => {
            "check the path; a pattern needs quotes, so that the shell leaves it alone".into()
        }
        Error::NoObjects { .. } => {
            "of a folder, files ending in .json, .ndjson or .jsonl are loaded, also .gz and .zst; \
             name others themselves"
                .into()
        }
        Error::NotText { .. } => "if it is JSON all the same, say how: --format ndjson".into(),
        Error::Changed { .. } => "run the same command again: it loads the new version".into(),
        Error::Decompress { .. } => "fetch the file again: it is cut off or damaged".into(),
        Error::Connect { .. } => {
            "check DATABASE_URL and that the server is up: psql \"$DATABASE_URL\"".into()
        }
        Error::Spool { .. } => "free space there, or name another folder: --spool-folder".into(),
        Error::CommitUnknown { .. } => {
            "run the same command again: it loads what is not loaded".into()
        }
        Error::InUse { url: Some(url), .. } => format!("use its database: --database-url '{url}'"),
        Error::InUse { url: None, .. } => "wait a moment, or use another folder: --folder".into(),
        Error::Download { .. } => {
            format!("install PostgreSQL: {}; or use a server: --database-url", install_command())
        }
        Error::Database { source, .. } if was_cut_off(source) => {
            "run the same command again: nothing was written".into()
        }
        _ => return None,
    })
}

/// Whether the connection ended, not what was asked of it.
fn was_cut_off(error: &tokio_postgres::Error) -> bool {
    let shut_down =
        [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
    error.is_closed() || error.code().is_some_and(|code| shut_down.contains(code))
}
