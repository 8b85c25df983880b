//! Errors for programs: a word for each kind, and whether another attempt may help.

use std::error::Error as StdError;
use std::io;

use object_store::Error as StoreError;
use tokio_postgres::error::SqlState;

use super::{Error, Redirected, Unreachable};

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
    /// What went wrong, as one stable word in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Location { .. } => "location_invalid",
            Self::Pattern { .. } => "pattern_invalid",
            Self::Schema { .. } => "schema_refused",
            Self::NotFound { .. } => "object_not_found",
            Self::NoObjects { .. } => "no_objects",
            Self::Read { .. } if self.redirected().is_some() => "store_redirected",
            Self::Read { source, .. } if is_denied(source) => "store_denied",
            Self::Read { .. } => "store_unavailable",
            Self::Changed { .. } => "object_changed",
            Self::Decompress { .. } => "decompress_failed",
            Self::ExpansionLimit { .. } => "expansion_limit",
            Self::TextLimit { .. } => "text_limit",
            Self::RejectLimit { .. } => "reject_limit",
            Self::TooManyRejects { .. } => "too_many_rejects",
            Self::NotText { .. } => "not_json",
            Self::Connect { .. } => "database_unreachable",
            Self::Database { .. } => "database_failed",
            Self::Migrate { .. } => "migration_failed",
            Self::Target { .. } => "target_unfit",
            Self::Mismatch { .. } => "schema_mismatch",
            Self::CountMismatch { .. } => "count_mismatch",
            Self::Feed { .. } => "feed_invalid",
            Self::NoFeed { .. } => "feed_not_found",
            Self::CommitUnknown { .. } => "commit_unknown",
            Self::InUse { .. } => "embedded_in_use",
            Self::Exposed { .. } => "embedded_exposed",
            Self::Download { .. } => "embedded_download_failed",
            Self::Embedded { .. } => "embedded_failed",
            Self::ConnectionOptions { .. } => "database_options_invalid",
            Self::RootCertificates { .. } => "database_roots_invalid",
            Self::Cancelled { .. } => "cancelled",
            Self::Incomplete { source, .. } => source.code(),
            Self::OtherMode { .. } => "load_incomplete",
            Self::NoLoad { .. } => "load_not_found",
            Self::LoadEnded { .. } => "load_ended",
            Self::LoadRunning { .. } => "load_running",
            Self::DiscardDenied { .. } => "discard_denied",
            Self::Discarded { .. } => "load_discarded",
            Self::Busy { .. } => "crawler_busy",
            Self::NoCrawler { .. } => "crawler_not_found",
            Self::Write { .. } => "file_unwritten",
            Self::Frame { .. } | Self::Arrow { .. } | Self::Stopped { .. } => "internal",
        }
    }

    /// Where the store of an object redirects to, if that is why it could not be read.
    #[must_use]
    pub fn redirected(&self) -> Option<&Redirected> {
        match self {
            Self::Read { source, .. } => Redirected::cause_of(source),
            Self::Incomplete { source, .. } => source.redirected(),
            _ => None,
        }
    }

    /// The sentence of the error itself, for those who are told no causes: these are the store's and the
    /// database's words. Where a store redirects to is said, since it has to be set.
    #[must_use]
    pub fn for_clients(&self) -> String {
        match self.redirected() {
            Some(redirected) => format!("{self}: {redirected}"),
            None => self.to_string(),
        }
    }

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
            Self::Target { .. } | Self::Migrate { .. } | Self::Connect { .. } => true,
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

/// Whether the store, or the file system of a local one, does not let us in.
fn is_denied(error: &StoreError) -> bool {
    if matches!(error, StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. }) {
        return true;
    }
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind() == io::ErrorKind::PermissionDenied;
        }
        cause = error.source();
    }
    false
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

fn is_refused(code: &SqlState) -> bool {
    REFUSING_CLASSES.iter().any(|class| code.code().starts_with(class))
}

/// Whether the URL of the database is none; the driver has no other mark of it.
fn is_misconfigured(error: &tokio_postgres::Error) -> bool {
    let said = error.to_string();
    said.starts_with("invalid connection string") || said.starts_with("invalid configuration")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::max_rejected::MaxRejected;

    fn named() -> String {
        "s3://bucket/users.json".to_owned()
    }

    fn read(source: StoreError) -> Error {
        Error::Read { object: named(), source }
    }

    fn because(text: &'static str) -> Box<dyn StdError + Send + Sync> {
        text.into()
    }

    fn of_the_file_system(kind: io::ErrorKind) -> Error {
        let source = Box::new(io::Error::from(kind));
        read(StoreError::Generic { store: "local", source })
    }

    fn bad_url() -> tokio_postgres::Error {
        "host".parse::<tokio_postgres::Config>().unwrap_err()
    }

    #[test]
    fn every_error_has_its_word_and_tells_whether_another_attempt_may_help() {
        let path = named;
        let io = || io::Error::other("no");
        let denied = || because("403");
        let connect = |source| Error::Connect { source: Unreachable { address: path(), source } };
        let unreachable = || connect(tokio_postgres::Error::__private_api_timeout());
        let incomplete = |source| Error::Incomplete {
            object: path(),
            load_id: 1,
            committed: 1,
            parts: 2,
            source: Box::new(source),
        };
        let table = [
            (Error::Location { location: path(), reason: path() }, "location_invalid", false),
            (Error::Pattern { pattern: path(), reason: path() }, "pattern_invalid", false),
            (Error::Schema { schema: path(), whose: "us" }, "schema_refused", false),
            (Error::NotFound { object: path() }, "object_not_found", false),
            (Error::NoObjects { location: path() }, "no_objects", false),
            (
                read(StoreError::Generic { store: "S3", source: because("503") }),
                "store_unavailable",
                true,
            ),
            (
                read(StoreError::PermissionDenied { path: path(), source: denied() }),
                "store_denied",
                false,
            ),
            (
                read(StoreError::Unauthenticated { path: path(), source: denied() }),
                "store_denied",
                false,
            ),
            (of_the_file_system(io::ErrorKind::PermissionDenied), "store_denied", false),
            (of_the_file_system(io::ErrorKind::TimedOut), "store_unavailable", true),
            (read(StoreError::NotSupported { source: because("no") }), "store_unavailable", false),
            (Error::Changed { object: path() }, "object_changed", true),
            (Error::Decompress { object: path(), source: io() }, "decompress_failed", false),
            (
                Error::ExpansionLimit {
                    object: path(),
                    text_bytes: 2,
                    stored_bytes: 1,
                    max_expansion: 1,
                },
                "expansion_limit",
                false,
            ),
            (Error::TextLimit { object: path(), max_text_bytes: 1 }, "text_limit", false),
            (
                Error::RejectLimit { object: path(), rejects: 1, reason: path() },
                "reject_limit",
                false,
            ),
            (
                Error::TooManyRejects {
                    object: path(),
                    rejected: 1,
                    records: 1,
                    max_rejected: MaxRejected::Count(0),
                    reasons: path(),
                },
                "too_many_rejects",
                false,
            ),
            (Error::NotText { object: path(), found: path() }, "not_json", false),
            (Error::NoLoad { load_id: 1 }, "load_not_found", false),
            (Error::LoadEnded { load_id: 1, object: path(), ended: "" }, "load_ended", false),
            (Error::LoadRunning { load_id: 1, object: path() }, "load_running", false),
            (Error::DiscardDenied { load_id: 1, source: bad_url() }, "discard_denied", false),
            (Error::Discarded { load_id: 1, object: path() }, "load_discarded", false),
            (connect(bad_url()), "database_unreachable", false),
            (unreachable(), "database_unreachable", true),
            (Error::Database { doing: path(), source: bad_url() }, "database_failed", false),
            (
                Error::Target {
                    table: path(),
                    problem: path(),
                    differences: path(),
                    remedy: path(),
                },
                "target_unfit",
                false,
            ),
            (
                Error::Mismatch { object: path(), feed: path(), differences: path() },
                "schema_mismatch",
                false,
            ),
            (Error::CountMismatch { object: path(), detail: path() }, "count_mismatch", false),
            (
                Error::CommitUnknown {
                    object: path(),
                    source: Box::new(Error::Stopped { object: path() }),
                },
                "commit_unknown",
                true,
            ),
            (
                Error::InUse { folder: PathBuf::new(), process: path(), url: None },
                "embedded_in_use",
                false,
            ),
            (
                Error::Exposed { folder: PathBuf::new(), reason: path(), remedy: path() },
                "embedded_exposed",
                false,
            ),
            (
                Error::Embedded { doing: "start", folder: PathBuf::new(), source: io() },
                "embedded_failed",
                false,
            ),
            (
                Error::Write { file: PathBuf::new(), source: Box::new(io()) },
                "file_unwritten",
                false,
            ),
            (Error::Arrow { doing: "read", source: Box::new(io()) }, "internal", false),
            (Error::Stopped { object: path() }, "internal", false),
            (incomplete(unreachable()), "database_unreachable", true),
            (incomplete(Error::Cancelled { object: path() }), "cancelled", false),
            (
                Error::OtherMode { object: path(), load_id: 1, mode: path() },
                "load_incomplete",
                false,
            ),
        ];
        for (error, code, is_transient) in table {
            assert_eq!((error.code(), error.is_transient()), (code, is_transient), "{error:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_tables_fails_every_load() {
        let target = || Error::Target {
            table: named(),
            problem: named(),
            differences: named(),
            remedy: named(),
        };
        let in_parts = Error::Incomplete {
            object: named(),
            load_id: 1,
            committed: 1,
            parts: 2,
            source: Box::new(target()),
        };
        assert!(target().fails_every_load() && in_parts.fails_every_load());
        assert!(!Error::Changed { object: named() }.fails_every_load());
        assert!(!of_the_file_system(io::ErrorKind::PermissionDenied).fails_every_load());
    }

    #[test]
    fn what_the_database_says_passes_or_does_not() {
        for passing in ["08006", "40001", "40P01", "53300", "57P01", "58030", "55P03"] {
            assert!(is_passing(&SqlState::from_code(passing)), "{passing}");
        }
        for lasting in ["22001", "23505", "42501", "42P01", "55006", "XX000"] {
            assert!(!is_passing(&SqlState::from_code(lasting)), "{lasting}");
        }
        for refused in ["28P01", "28000", "3D000"] {
            assert!(is_refused(&SqlState::from_code(refused)), "{refused}");
        }
        assert!(!is_refused(&SqlState::TOO_MANY_CONNECTIONS));
    }
}
