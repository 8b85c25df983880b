//! `stevedore migrate`: the ledger, the jobs, the queue and the tables of the feeds.

use std::process::ExitCode;

use pipeline::database::Ask;
use pipeline::database::migrate as migrate_ledger;
use pipeline::error::{Error, Result};
use pipeline::feed::{Feed, Feeds, Ident, ddl};
use pipeline::sink::migrate_tables;
use tokio_postgres::GenericClient;
use tokio_util::sync::CancellationToken;

use super::print::Printer;
use super::service::{StartError, prepare};
use super::session::Session;
use crate::config::MigrateArgs;
use crate::jobs::{Listener, Queue, pool};
use crate::readiness::Readiness;

/// The rights to load, but for the tables of feeds; for psql too, whose variables it has.
const GRANT_LOAD: &str = include_str!("../../../sql/grants.sql");
/// The rights to serve and to work on jobs besides.
const GRANT_SERVE: &str = include_str!("../../../sql/grants_service.sql");

/// The variable for the role.
const ROLE: &str = ":\"role\"";

pub(super) async fn migrate(args: &MigrateArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    if let Some(role) = &args.print_grants {
        printer.data(&grants(feeds, role));
        return ExitCode::SUCCESS;
    }
    match run(args, feeds, printer).await {
        Ok(()) => {
            let names: Vec<_> = feeds.iter().map(|feed| feed.name.as_str()).collect();
            printer.note(&format!(
                "the schema stevedore and the tables of {} are up to date",
                names.join(", ")
            ));
            note_grants(args, printer);
            ExitCode::SUCCESS
        }
        Err(StartError::Pipeline(error)) => {
            printer.failed("could not migrate the database", &error)
        }
        Err(error) => printer.failed("could not migrate the database", &error),
    }
}

async fn run(args: &MigrateArgs, feeds: &Feeds, printer: &Printer) -> Result<(), StartError> {
    let mut session = Session::open(&args.database, false, printer).await?;
    let done = migrate_all(&mut session, args, feeds, printer).await;
    session.close().await?;
    done
}

async fn migrate_all(
    session: &mut Session,
    args: &MigrateArgs,
    feeds: &Feeds,
    printer: &Printer,
) -> Result<(), StartError> {
    session.connection.database().refuse_pooler().await?;
    migrate_ledger(&mut session.connection).await?;
    let database = session.connection.database().clone();
    let ended = CancellationToken::new();
    let listener = Listener::start(database.clone(), Readiness::ready(), ended.clone());
    let queue = Queue::new(pool(&database, 2)?, listener);
    let done = match create_all(&*session.connection, feeds, printer).await {
        Ok(()) => prepare(&database, &queue).await,
        Err(error) => Err(error.into()),
    };
    let done = match done {
        Ok(()) => grant(&*session.connection, args, feeds).await.map_err(StartError::from),
        failed => failed,
    };
    ended.cancel();
    done
}

async fn create_all(client: &impl Ask, feeds: &Feeds, printer: &Printer) -> Result<()> {
    for feed in feeds.iter() {
        let unfit = migrate_tables(client, feed).await?;
        if !unfit.is_empty() {
            let (name, tables) = (&feed.name, unfit.join(", "));
            printer.note(&format!(
                "note: these tables do not fit the feed {name}: {tables}. `stevedore feed diff {name}` shows why"
            ));
        }
    }
    Ok(())
}

/// The SQL that grants a role what it needs to load, and to serve and to work on jobs, as psql takes it.
fn grants(feeds: &Feeds, role: &Ident) -> String {
    let of_feeds = |grant: fn(&Feed, &Ident) -> String| {
        feeds.iter().map(|feed| grant(feed, role) + ";\n").collect::<String>()
    };
    let (load, serve) = (of_feeds(ddl::grant_load), of_feeds(ddl::grant_serve));
    format!(
        "-- To load. A role that does nothing else needs no more than this.\n\n{GRANT_LOAD}{load}\n\
         -- To serve and to work on jobs.\n\n{GRANT_SERVE}{serve}"
    )
    .replace(ROLE, &role.to_string())
}

/// Says which roles got rights, and for what.
fn note_grants(args: &MigrateArgs, printer: &Printer) {
    for role in &args.grant_load {
        printer.note(&format!("the role {role} may load"));
    }
    for role in &args.grant_serve {
        printer.note(&format!("the role {role} may load, serve and work on jobs"));
    }
}

/// Grants the roles that were named what they need. Granting again changes nothing.
async fn grant(client: &impl GenericClient, args: &MigrateArgs, feeds: &Feeds) -> Result<()> {
    for role in args.grant_load.iter().chain(&args.grant_serve) {
        execute(client, role, GRANT_LOAD).await?;
        for feed in feeds.iter() {
            execute(client, role, &ddl::grant_load(feed, role)).await?;
        }
    }
    for role in &args.grant_serve {
        execute(client, role, GRANT_SERVE).await?;
        for feed in feeds.iter() {
            execute(client, role, &ddl::grant_serve(feed, role)).await?;
        }
    }
    Ok(())
}

/// Runs SQL with the variables of psql that it has.
async fn execute(client: &impl GenericClient, role: &Ident, sql: &str) -> Result<()> {
    let doing = || format!("grant the role {role} its rights");
    let failed = |source| Error::Database { doing: doing(), source };
    let database = client.query_one("select quote_ident(current_database())", &[]).await;
    let database: String = database.map_err(failed)?.get(0);
    let sql = sql.replace(ROLE, &role.to_string()).replace(":\"DBNAME\"", &database);
    client.batch_execute(&sql).await.map_err(failed)
}
