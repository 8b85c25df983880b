//! The code of each error, and whether it passes.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use object_store::Error as StoreError;
use tokio_postgres::error::SqlState;

use super::passing::{is_passing, is_refused};
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
        (
            Error::VersionNotFound { object: path(), version: "1".to_owned() },
            "version_not_found",
            false,
        ),
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
        (Error::RejectLimit { object: path(), rejects: 1, reason: path() }, "reject_limit", false),
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
        (
            Error::NoRecords { object: path(), path: path(), found: path() },
            "records_not_found",
            false,
        ),
        (Error::NoLoad { load_id: 1 }, "load_not_found", false),
        (Error::LoadEnded { load_id: 1, object: path(), ended: "" }, "load_ended", false),
        (Error::LoadRunning { load_id: 1, object: path() }, "load_running", false),
        (Error::DiscardDenied { load_id: 1, source: bad_url() }, "discard_denied", false),
        (Error::Discarded { load_id: 1, object: path() }, "load_discarded", false),
        (connect(bad_url()), "database_unreachable", false),
        (unreachable(), "database_unreachable", true),
        (Error::Database { doing: path(), source: bad_url() }, "database_failed", false),
        (
            Error::Target { table: path(), problem: path(), differences: path(), remedy: path() },
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
        (Error::Write { file: PathBuf::new(), source: Box::new(io()) }, "file_unwritten", false),
        (Error::Arrow { doing: "read", source: Box::new(io()) }, "internal", false),
        (Error::Stopped { object: path() }, "internal", false),
        (incomplete(unreachable()), "database_unreachable", true),
        (incomplete(Error::Cancelled { object: path() }), "cancelled", false),
        (
            Error::FeedChanged { object: path(), load_id: 1, feed: path(), hash: path() },
            "feed_changed",
            false,
        ),
        (Error::OtherMode { object: path(), load_id: 1, mode: path() }, "load_incomplete", false),
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
