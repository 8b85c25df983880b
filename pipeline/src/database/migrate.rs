//! Brings the schema `stevedore` up to date from the files in `sql/migrations`.

use tokio_postgres::Client;

use crate::error::{Error, Result};

mod files {
    refinery::embed_migrations!("../sql/migrations");
}

/// The table in which the migrator keeps what it has done.
const DONE: &str = "stevedore.migrations";

/// The oldest migration after those that we know which older releases cannot work with. Such a migration says
/// so by its name, since that is all of it that they can read.
const KEEPS_OUT: &str = "select format('V%s__%s', version, name) from stevedore.migrations \
    where version > $1 and starts_with(name, 'keep_older_out') order by version limit 1";

/// Brings the ledger's schema up to date; any number of processes may do so at the same time.
///
/// Where nothing is to be done it needs no right but to read the schema. A schema that is newer than we are is
/// left as it is.
///
/// # Errors
/// [`Error::Database`] or [`Error::Migrate`] when the role may not; those of [`refuse_outdated`].
pub async fn migrate(client: &mut Client) -> Result<()> {
    let mut runner = files::migrations::runner();
    runner.set_migration_table_name(DONE);
    let failed =
        |source| Error::Database { doing: "prepare the schema stevedore".to_owned(), source };
    if done(client).await.map_err(failed)? >= newest() {
        return refuse_outdated(client).await;
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

/// Fails if a newer release has migrated the schema in a way that this one cannot work with.
///
/// # Errors
/// [`Error::Outdated`] if so; [`Error::Database`] when the schema cannot be read.
pub async fn refuse_outdated(client: &Client) -> Result<()> {
    let failed = |source| Error::Database {
        doing: "look for migrations of newer releases".to_owned(),
        source,
    };
    match client.query_opt(KEEPS_OUT, &[&newest()]).await.map_err(failed)? {
        Some(row) => Err(Error::Outdated { migration: row.get(0) }),
        None => Ok(()),
    }
}

/// The newest migration that we know.
fn newest() -> Option<i32> {
    files::migrations::runner().get_migrations().iter().map(refinery::Migration::version).max()
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
