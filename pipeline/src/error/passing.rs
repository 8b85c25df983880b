//! Whether another attempt may help.

use std::error::Error as StdError;
use std::io;

use object_store::Error as StoreError;
use tokio_postgres::error::SqlState;

use super::code::is_denied;
use super::{Error, Unreachable};

/// SQLSTATE classes that pass: a broken connection, a rolled back transaction, a lack of memory,
/// disk or connections, an operator who shut the server down, and the server's own system.
const PASSING_CLASSES: [&str; 5] = ["08", "40", "53", "57", "58"];
/// SQLSTATE classes of a connection that is refused for good: a wrong password or role, and a
/// database that does not exist.
const REFUSING_CLASSES: [&str; 2] = ["28", "3D"];

/// What the database says to every load alike: a right that the role lacks, a server that takes no
/// writes, a full disk.
const ALIKE: [SqlState; 3] =
    [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::DISK_FULL];

impl Error {
    /// Whether the same may succeed later, with nobody changing anything: the store or the database
    /// was out of reach or busy, or the object changed meanwhile.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Read { .. } if self.redirected().is_some() => false,
            Self::Read { source, .. } => may_recover(source),
            Self::Connect { source: Unreachable { source, .. } } => {
                source.code().map_or_else(|| !is_misconfigured(source), |code| !is_refused(code))
            }
            Self::Database { source, .. } => may_pass(source),
            Self::Incomplete { source, .. } => source.is_transient(),
            Self::Changed { .. } | Self::CommitUnknown { .. } => true,
            _ => false,
        }
    }

    /// Whether every other load would fail in the same way: something is wrong with the database or its
    /// tables, not with the object.
    #[must_use]
    pub fn fails_every_load(&self) -> bool {
        match self {
            Self::Target { .. }
            | Self::Migrate { .. }
            | Self::Outdated { .. }
            | Self::Connect { .. } => true,
            Self::Database { source, .. } => source.code().is_some_and(|code| ALIKE.contains(code)),
            Self::Incomplete { source, .. } => source.fails_every_load(),
            _ => false,
        }
    }
}

/// Whether a statement may succeed later, with nobody changing anything: the connection broke, or
/// the server was busy or shut down.
#[must_use]
pub fn may_pass(error: &tokio_postgres::Error) -> bool {
    error.code().map_or_else(|| is_broken(error), is_passing)
}

/// Whether the connection broke, rather than that the server said something.
fn is_broken(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || StdError::source(error).is_some_and(|cause| cause.is::<io::Error>())
}

fn may_recover(error: &StoreError) -> bool {
    let is_final = matches!(
        error,
        StoreError::InvalidPath { .. }
            | StoreError::NotImplemented { .. }
            | StoreError::NotSupported { .. }
            | StoreError::UnknownConfigurationKey { .. }
    );
    !is_final && !is_denied(error)
}

/// Whether what has this SQLSTATE passes by itself: a broken connection, a conflict, a lack of memory,
/// disk or connections, a shutdown, a lock that others hold.
#[must_use]
pub fn is_passing(code: &SqlState) -> bool {
    PASSING_CLASSES.iter().any(|class| code.code().starts_with(class))
        || *code == SqlState::LOCK_NOT_AVAILABLE
}

pub(super) fn is_refused(code: &SqlState) -> bool {
    REFUSING_CLASSES.iter().any(|class| code.code().starts_with(class))
}

/// Whether the URL of the database is none; the driver has no other mark of it.
fn is_misconfigured(error: &tokio_postgres::Error) -> bool {
    let said = error.to_string();
    said.starts_with("invalid connection string") || said.starts_with("invalid configuration")
}
