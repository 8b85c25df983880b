//! Questions that every load asks: their statements are prepared once for a connection, since planning them takes
//! the server longer than answering them.

use std::collections::HashMap;
use std::future::Future;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, GenericClient, Row, Statement, Transaction};

use super::Connection;

/// The statements that a connection has prepared, by their SQL.
#[derive(Debug, Default)]
pub struct KeptStatements(Mutex<HashMap<&'static str, Statement>>);

impl KeptStatements {
    fn get(&self, sql: &str) -> Option<Statement> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned()
    }

    fn forget(&self, sql: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(sql);
    }

    fn keep(&self, sql: &'static str, statement: Statement) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(sql, statement);
    }
}

/// What can be asked: a connection, or a transaction on one.
pub trait Ask: Sync {
    /// What the driver has of it.
    type Client: GenericClient + Sync;

    /// What the driver has of it.
    fn client(&self) -> &Self::Client;

    /// The statements of its connection; none where each is prepared anew, since a pooler may lose it.
    fn kept(&self) -> Option<&KeptStatements>;

    /// Runs a statement that is prepared once, if statements are kept.
    ///
    /// # Errors
    /// The driver's.
    fn ask(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Result<Vec<Row>, tokio_postgres::Error>> + Send {
        async move {
            let Some(kept) = self.kept() else {
                return self.client().query(sql, params).await;
            };
            let statement = match kept.get(sql) {
                Some(statement) => statement,
                None => {
                    let statement = self.client().prepare(sql).await?;
                    kept.keep(sql, statement.clone());
                    statement
                }
            };
            let rows = self.client().query(&statement, params).await;
            // It may be the statement that is of no use any more.
            if rows.is_err() {
                kept.forget(sql);
            }
            rows
        }
    }
}

impl Ask for Client {
    type Client = Self;

    fn client(&self) -> &Self {
        self
    }

    fn kept(&self) -> Option<&KeptStatements> {
        None
    }
}

impl<'a> Ask for Transaction<'a> {
    type Client = Transaction<'a>;

    fn client(&self) -> &Self {
        self
    }

    fn kept(&self) -> Option<&KeptStatements> {
        None
    }
}

impl Ask for Connection {
    type Client = Client;

    fn client(&self) -> &Client {
        self
    }

    fn kept(&self) -> Option<&KeptStatements> {
        self.kept_statements()
    }
}

/// The transaction of a load, which knows the statements of its connection.
pub(crate) struct LoadTransaction<'a> {
    transaction: Transaction<'a>,
    kept: Option<&'a KeptStatements>,
}

impl<'a> LoadTransaction<'a> {
    pub(super) const fn new(
        transaction: Transaction<'a>,
        kept: Option<&'a KeptStatements>,
    ) -> Self {
        Self { transaction, kept }
    }

    pub(crate) async fn commit(self) -> Result<(), tokio_postgres::Error> {
        self.transaction.commit().await
    }
}

impl<'a> Deref for LoadTransaction<'a> {
    type Target = Transaction<'a>;

    fn deref(&self) -> &Transaction<'a> {
        &self.transaction
    }
}

impl<'a> Ask for LoadTransaction<'a> {
    type Client = Transaction<'a>;

    fn client(&self) -> &Transaction<'a> {
        &self.transaction
    }

    fn kept(&self) -> Option<&KeptStatements> {
        self.kept
    }
}
