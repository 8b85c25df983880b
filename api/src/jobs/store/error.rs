//! Why rows could not be read or written.

use deadpool_postgres::PoolError;
use graphile_worker::DbError;
use pipeline::error::{is_passing, may_pass};
use tokio_postgres::error::SqlState;

/// Why the rows could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// No connection was to be had.
    #[error("could not get a connection to the database")]
    Pool(#[from] PoolError),
    /// The database refused, or the connection broke.
    #[error("could not {doing}")]
    Database { doing: &'static str, source: tokio_postgres::Error },
    /// The queue could not be written.
    #[error("could not put jobs into the queue")]
    Queue(#[source] DbError),
}

impl StoreError {
    /// What the database said, if it was that.
    pub(crate) fn sqlstate(&self) -> Option<&SqlState> {
        match self {
            Self::Database { source, .. } => source.code(),
            _ => None,
        }
    }

    /// Whether the same may succeed later, with nobody changing anything.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Pool(PoolError::Backend(source)) | Self::Database { source, .. } => {
                may_pass(source)
            }
            Self::Pool(_) => true,
            Self::Queue(error) => {
                error.code().is_none_or(|code| is_passing(&SqlState::from_code(code)))
            }
        }
    }

    /// Whether what was to be written is there already.
    pub(crate) fn is_unique_violation(&self) -> bool {
        self.sqlstate() == Some(&SqlState::UNIQUE_VIOLATION)
    }
}

/// The error of a statement, by what it was to do.
pub(crate) fn database_failed(
    doing: &'static str,
) -> impl FnOnce(tokio_postgres::Error) -> StoreError {
    move |source| StoreError::Database { doing, source }
}
