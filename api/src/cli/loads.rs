//! `stevedore loads`: the loads of the ledger, and what is done with them.

use std::process::ExitCode;

use pipeline::database::Connection;
use pipeline::error::{Error, Result};
use pipeline::feed::Feeds;
use pipeline::load::{Discarded, discard};

use super::print::Printer;
use super::session::Session;
use crate::config::{
    DatabaseArgs, DiscardArgs, LoadsArgs, LoadsListArgs, LoadsShowArgs, LoadsVerb,
};
use crate::ledger::{LOADS, LedgerLoad, LoadFilter};
use crate::wire::LoadState;

pub(super) async fn loads(args: &LoadsArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    let (done, what) = match &args.verb {
        LoadsVerb::List(args) => (list(args, printer).await, "list the loads".to_owned()),
        LoadsVerb::Show(args) => {
            (show(args, printer).await, format!("show the load {}", args.load_id))
        }
        LoadsVerb::Discard(args) => {
            (remove(args, feeds, printer).await, format!("discard the load {}", args.load_id))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => printer.failed(&format!("could not {what}"), &error),
    }
}

async fn list(args: &LoadsListArgs, printer: &Printer) -> Result<()> {
    let LoadsListArgs { feed, state, object, limit, json, database } = args;
    let limit = usize::from(*limit);
    let filter = LoadFilter {
        feed: feed.as_deref(),
        state: state.map(LoadState::as_str),
        object: object.as_deref(),
        // One more tells whether there are more.
        limit: limit as i64 + 1,
        ..LoadFilter::default()
    };
    let mut loads = read(&filter, database, printer).await?;
    let is_more = loads.len() > limit;
    loads.truncate(limit);
    if *json {
        loads.iter().for_each(|load| printer.json(load));
    } else {
        printer.loads(&loads);
    }
    if is_more {
        printer.note("note: there are more loads: raise --limit");
    }
    Ok(())
}

async fn show(args: &LoadsShowArgs, printer: &Printer) -> Result<()> {
    let load_id = args.load_id;
    let filter = LoadFilter { load_id: Some(load_id), limit: 1, ..LoadFilter::default() };
    let load = read(&filter, &args.database, printer).await?.pop();
    let load = load.ok_or(Error::NoLoad { load_id })?;
    if args.json {
        printer.json(&load)
    } else {
        printer.ledger_load(&load)
    }
    Ok(())
}

async fn read(
    filter: &LoadFilter<'_>,
    database: &DatabaseArgs,
    printer: &Printer,
) -> Result<Vec<LedgerLoad>> {
    let session = Session::open(database, false, printer).await?;
    let loads = read_ledger(&session.connection, filter).await;
    session.close().await?;
    loads
}

/// The loads that a filter picks; none where nothing was migrated yet.
async fn read_ledger(connection: &Connection, filter: &LoadFilter<'_>) -> Result<Vec<LedgerLoad>> {
    let failed = |source| Error::Database { doing: "read the ledger".to_owned(), source };
    let sql = "select to_regclass('stevedore.loads') is not null";
    if !connection.query_one(sql, &[]).await.map_err(failed)?.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let rows = connection.query(LOADS, &filter.params()).await.map_err(failed)?;
    Ok(rows.iter().map(LedgerLoad::from).collect())
}

async fn remove(args: &DiscardArgs, feeds: &Feeds, printer: &Printer) -> Result<()> {
    let discarded = discard_load(args, feeds, printer).await?;
    if args.json {
        printer.json(&discarded)
    } else {
        printer.discarded(&discarded)
    }
    Ok(())
}

async fn discard_load(args: &DiscardArgs, feeds: &Feeds, printer: &Printer) -> Result<Discarded> {
    let mut session = Session::open(&args.database, false, printer).await?;
    let discarded = discard(&mut session.connection, feeds, args.load_id).await;
    session.close().await?;
    discarded
}
