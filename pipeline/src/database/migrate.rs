//! Brings the schema `stevedore` up to date from the files in `sql/migrations`.

use tokio_postgres::Client;

use crate::error::{Error, Result};

mod files {
    refinery::embed_migrations!("../sql/migrations");
}

/// The table in which the migrator keeps what it has done.
const DONE: &str = "stevedore.migrations";

/// Brings the ledger's schema up to date; any number of processes may do so at the same time.
///
/// Where nothing is to be done it needs no right but to read the schema.
///
/// # Errors
/// [`Error::Database`] or [`Error::Migrate`] when the role may not.
pub async fn migrate(client: &mut Client) -> Result<()> {
    let mut runner = files::migrations::runner();
    runner.set_migration_table_name(DONE);
    let newest = runner.get_migrations().iter().map(refinery::Migration::version).max();
    let failed =
        |source| Error::Database { doing: "prepare the schema stevedore".to_owned(), source };
    if done(client).await.map_err(failed)? >= newest {
        return Ok(());
    }
    let lock = "select pg_advisory_lock(hashtextextended('stevedore.migrations', 0))";
    let unlock = "select pg_advisory_unlock(hashtextextended('stevedore.migrations', 0))";
    client.batch_execute(lock).await.map_err(failed)?;
    let created = client.batch_execute("create schema if not exists stevedore").await;
    let migrated = match created {
        Ok(()) => runner
            .run_async(client)
            .await
            .map(drop)
            .map_err(|source| Error::Migrate { source: Box::new(source) }),
        Err(source) => Err(failed(source)),
    };
    let unlocked = client.batch_execute(unlock).await.map_err(failed);
    migrated.and(unlocked)
}

/// The newest migration that was applied, if any.
async fn done(client: &Client) -> Result<Option<i32>, tokio_postgres::Error> {
    let is_there = client.query_one("select to_regclass($1) is not null", &[&DONE]).await?;
    if !is_there.get::<_, bool>(0) {
        return Ok(None);
    }
    let newest = client.query_one(&format!("select max(version) from {DONE}"), &[]).await?;
    Ok(newest.get(0))
}
