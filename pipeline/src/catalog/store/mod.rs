//! The catalog's rows: tables with versions, and what is known of each object.

mod crawlers;
mod objects;
mod tables;

pub use crawlers::Crawlers;
pub(super) use objects::{Found, Knowledge, Known};
pub use tables::{Gone, Published, Table, TableKind, TableVersion, Tables, Version};

use crate::error::Error;

fn failed(doing: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    move |source| Error::Database { doing: doing.to_owned(), source }
}
