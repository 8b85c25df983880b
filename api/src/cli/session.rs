//! The database of a verb: the one that is configured, or the embedded one while the verb runs.

use std::env;
use std::path::PathBuf;

use pipeline::database::{Connection, Database, Download, Embedded, EmbeddedOptions, migrate};
use pipeline::error::Result;

use super::print::Printer;
use crate::config::{DEFAULT_DATA_DIR, DatabaseArgs};

/// Where the embedded database goes when we are root and its user cannot reach the folder.
const SYSTEM_FOLDER: &str = "/var/lib/stevedore";

/// A connection to the database of a verb.
pub(super) struct Session {
    pub(super) connection: Connection,
    embedded: Option<Embedded>,
}

impl Session {
    /// Connects, starting the embedded database when no other is configured, and brings the
    /// ledger up to date unless nothing is to be written.
    pub(super) async fn open(args: &DatabaseArgs, writes: bool, printer: &Printer) -> Result<Self> {
        let (database, embedded) = open(args, printer).await?;
        let mut connection = database.connect().await?;
        if writes {
            migrate(&mut connection).await?;
        }
        Ok(Self { connection, embedded })
    }

    /// Connects again if the connection broke.
    pub(super) async fn reconnect(&mut self) -> Result<()> {
        self.connection.reconnect().await
    }

    /// More connections to the same database; fewer, if the server has no more.
    pub(super) async fn connect_others(&self, count: usize) -> Vec<Connection> {
        let mut others = Vec::new();
        while others.len() < count {
            match self.connection.database().connect().await {
                Ok(connection) => others.push(connection),
                Err(error) => {
                    tracing::warn!(error = error.with_causes(), "there are fewer connections");
                    break;
                }
            }
        }
        others
    }

    /// Ends the embedded database, if it runs.
    pub(super) async fn close(self) -> Result<()> {
        match self.embedded {
            Some(embedded) => embedded.stop().await,
            None => Ok(()),
        }
    }
}

/// The database that is configured, or the embedded one, started.
pub(super) async fn open(
    args: &DatabaseArgs,
    printer: &Printer,
) -> Result<(Database, Option<Embedded>)> {
    match args.url() {
        Some(url) => Ok((Database::new(url)?, None)),
        None => {
            let embedded = start(args, printer).await?;
            printer.note(&format!("embedded PostgreSQL: open it with `{}`", psql(args)));
            Ok((Database::new(embedded.url())?, Some(embedded)))
        }
    }
}

/// Starts the embedded database.
pub(super) async fn start(args: &DatabaseArgs, printer: &Printer) -> Result<Embedded> {
    let options = EmbeddedOptions {
        folder: args.data_dir.clone(),
        system_folder: PathBuf::from(SYSTEM_FOLDER),
        path: env::var_os("PATH"),
        download: Download { url: args.postgres_url.clone(), sha256: args.postgres_sha256.clone() },
    };
    let embedded = Embedded::start(&options).await?;
    if let Some(folder) = embedded.moved_to() {
        let wanted = args.data_dir.display();
        printer.note(&format!(
            "note: the database's user cannot reach {wanted}, so its data are in {}",
            folder.display()
        ));
    }
    Ok(embedded)
}

/// The command that opens the embedded database, also while another process uses it.
fn psql(args: &DatabaseArgs) -> String {
    match args.data_dir.to_str() {
        Some(DEFAULT_DATA_DIR) => "stevedore psql".to_owned(),
        _ => format!("stevedore psql --data-dir '{}'", args.data_dir.display()),
    }
}
