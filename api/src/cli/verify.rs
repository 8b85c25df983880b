//! `stevedore verify`: whether the tables hold what the ledger says, and the objects still give it.

use std::process::ExitCode;
use std::sync::Arc;

use pipeline::error::{Error, Result};
use pipeline::feed::{Feed, Feeds};
use pipeline::load::{Connections, LoadOptions, MaxRejected, dry_run};
use pipeline::store::{Object, find};
use pipeline::verify::{Incomplete, Verified, feeds_of_loads, verify as verify_tables};

use super::print::Printer;
use super::progress::{Bar, LoadsProgress};
use super::session::Session;
use crate::buckets::environment;
use crate::config::VerifyArgs;
use crate::failpoint;

/// What became of an object since it was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// It was read anew.
    Same,
    /// It is another version.
    Changed,
    /// It is gone, or nobody knows where it was.
    Gone,
}

pub(super) async fn verify(args: &VerifyArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    match run(args, feeds, printer).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => printer.failed("could not verify the loads", &error),
    }
}

/// Whether all is as the ledger says.
async fn run(args: &VerifyArgs, feeds: &Feeds, printer: &Printer) -> Result<bool> {
    let mut session = Session::open(&args.database, false, printer).await?;
    let verified = verify_all(args, feeds, &mut session, printer).await;
    session.close().await?;
    verified
}

async fn verify_all(
    args: &VerifyArgs,
    feeds: &Feeds,
    session: &mut Session,
    printer: &Printer,
) -> Result<bool> {
    let (mut loads, mut agrees) = (Vec::new(), true);
    for feed in feeds.iter() {
        let of_feed = verify_feed(args, feed, session, printer).await?;
        agrees &= of_feed.1;
        loads.extend(of_feed.0);
    }
    agrees &= loads.iter().all(Verified::agrees);
    let unknown = feeds_of_loads(&session.connection).await?;
    for feed in unknown.iter().filter(|name| feeds.get(name).is_err()) {
        printer.note(&format!(
            "note: the loads of the feed {feed} were not verified: no feed file declares it (--feeds)"
        ));
    }
    match (args.json, &args.load) {
        (true, _) => loads.iter().for_each(|load| printer.json(load)),
        (false, Some(load)) if loads.is_empty() => {
            printer.note(&format!("note: the ledger has no load {load} that was done"));
        }
        (false, None) if loads.is_empty() => printer.note("note: the ledger has no loads"),
        (false, _) => printer.verified(&loads),
    }
    Ok(agrees && (args.load.is_none() || !loads.is_empty()))
}

/// The loads of a feed, and whether all of their objects could be read anew.
async fn verify_feed(
    args: &VerifyArgs,
    feed: &Arc<Feed>,
    session: &mut Session,
    printer: &Printer,
) -> Result<(Vec<Verified>, bool)> {
    let mut loads = verify_tables(&session.connection, feed, args.load).await?;
    let mut agrees = true;
    for load in &loads {
        if let Some(Incomplete { committed, parts }) = load.incomplete {
            printer.note(&format!(
                "note: the load {} of {} is not complete: {committed} of its {parts} parts are \
                 committed; loading it again goes on with the others",
                load.load_id, load.object
            ));
        }
    }
    if !args.tables_only {
        // What a replay has read are rejects.
        let whole = |load: &&mut Verified| load.incomplete.is_none() && load.replay.is_none();
        for load in loads.iter_mut().filter(whole) {
            match read_anew(args, feed, load, session, printer).await {
                Ok(Found::Same) => {}
                Ok(Found::Changed) => printer.note(&format!(
                    "note: {} is another version now, and was not read (load {})",
                    load.object, load.load_id
                )),
                Ok(Found::Gone) => printer.note(&format!(
                    "note: {} is gone, and could not be read (load {})",
                    load.object, load.load_id
                )),
                Err(error) => {
                    printer.failed(&format!("could not read {} anew", load.object), &error);
                    agrees = false;
                }
            }
        }
    }
    Ok((loads, agrees))
}

/// Reads the version of an object that was loaded, if it is there still, as its load did.
async fn read_anew(
    args: &VerifyArgs,
    feed: &Arc<Feed>,
    load: &mut Verified,
    session: &mut Session,
    printer: &Printer,
) -> Result<Found> {
    let object = match locate(load).await {
        Err(Error::NotFound { .. } | Error::NoObjects { .. }) => return Ok(Found::Gone),
        Ok(None) => return Ok(Found::Gone),
        Ok(Some(object)) if object.version() != load.version => return Ok(Found::Changed),
        Ok(Some(object)) => object,
        Err(error) => return Err(error),
    };
    let progress = Arc::new(LoadsProgress::new(1, object.size));
    let options = LoadOptions {
        mode: load.mode.into(),
        cut: args.records.cut(load.format),
        reload: false,
        job_id: None,
        // It was loaded, so its load was within its limits. None would mean the limit of the feed.
        max_rejects_in_a_row: 0,
        max_rejected: Some(MaxRejected::Count(u64::MAX)),
        connections: Connections::default(),
        progress: Arc::clone(&progress.load),
        hit: failpoint::hit,
    };
    let _bar = Bar::of_loads(&progress, printer);
    let connection = Some(&mut session.connection);
    load.add(&dry_run(&object, feed, connection, &options).await?);
    Ok(Found::Same)
}

async fn locate(load: &Verified) -> Result<Option<Object>> {
    let Some(origin) = &load.origin else { return Ok(None) };
    let found = find(origin, &environment()).await?;
    match found.objects.into_iter().find(|object| object.origin() == *origin) {
        Some(listed) => listed.begin().await.map(Some),
        None => Ok(None),
    }
}
