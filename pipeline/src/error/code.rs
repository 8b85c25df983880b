//! Errors for programs: a word for each kind.

use std::error::Error as StdError;
use std::io;

use object_store::Error as StoreError;

use super::{Error, Redirected};

impl Error {
    /// What went wrong, as one stable word in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Location { .. } => "location_invalid",
            Self::Pattern { .. } => "pattern_invalid",
            Self::Schema { .. } => "schema_refused",
            Self::NotFound { .. } => "object_not_found",
            Self::VersionNotFound { .. } => "version_not_found",
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
            Self::NoRecords { .. } => "records_not_found",
            Self::Connect { .. } => "database_unreachable",
            Self::Database { .. } => "database_failed",
            Self::Migrate { .. } => "migration_failed",
            Self::Outdated { .. } => "release_outdated",
            Self::Target { .. } => "target_unfit",
            Self::Mismatch { .. } => "schema_mismatch",
            Self::CountMismatch { .. } => "count_mismatch",
            Self::Feed { .. } => "feed_invalid",
            Self::NoFeed { .. } => "feed_not_found",
            Self::FeedUnclear { .. } => "feed_unclear",
            Self::CommitUnknown { .. } => "commit_unknown",
            Self::InUse { .. } => "embedded_in_use",
            Self::Exposed { .. } => "embedded_exposed",
            Self::Download { .. } => "embedded_download_failed",
            Self::Embedded { .. } => "embedded_failed",
            Self::ConnectionOptions { .. } => "database_options_invalid",
            Self::RootCertificates { .. } => "database_roots_invalid",
            Self::ClientCertificate { .. } => "database_certificate_invalid",
            Self::Pooled { .. } => "database_pooled",
            Self::Cancelled { .. } => "cancelled",
            Self::Incomplete { source, .. } => source.code(),
            Self::OtherMode { .. } => "load_incomplete",
            Self::FeedChanged { .. } => "feed_changed",
            Self::NoLoad { .. } => "load_not_found",
            Self::NoReject { .. } => "reject_not_found",
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
}

/// Whether the store, or the file system of a local one, does not let us in.
pub(super) fn is_denied(error: &StoreError) -> bool {
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
