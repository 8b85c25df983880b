//! The catalog's rows: tables with versions, and what is known of each object.

mod objects;
mod tables;

pub(super) use objects::{Knowledge, Known};
pub use tables::{Published, Table, TableKind, TableVersion, Tables};

use crate::error::Error;

fn failed(doing: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    move |source| Error::Database { doing: doing.to_owned(), source }
}
