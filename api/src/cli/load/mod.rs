//! `stevedore load`: each object its own load, small ones in bundles; one that fails does not stop the
//! others.

mod choice;
mod run;
mod single;

use std::process::ExitCode;
use std::sync::Arc;

use futures::{StreamExt, stream};
use pipeline::error::{Result, causes};
use pipeline::feed::{Feed, Feeds};
use pipeline::frame;
use pipeline::load::{LoadOptions, Progress, warm_up};
use pipeline::store::{Listed, find, shown};

use super::preview::preview;
use super::print::Printer;
use super::progress::Bar;
use super::session::Session;
use crate::buckets::environment;
use crate::config::LoadArgs;
use crate::failpoint;
use choice::{Choice, Routed};
use run::{Report, Run};

/// Locations whose objects are looked for at the same time.
const FINDS: usize = 16;

pub(super) async fn load(args: &LoadArgs, feeds: Feeds, printer: &Printer) -> ExitCode {
    let choice = match Choice::new(args.feed.as_deref(), feeds) {
        Ok(choice) => choice,
        Err(error) => return printer.misused("could not load", &error),
    };
    if args.explain {
        return explain(&choice, printer);
    }
    if let Some(feed) = choice.only().map(Arc::clone) {
        drop(tokio::task::spawn_blocking(move || warm_up(&feed)));
    }
    let (objects, mut exit) = find_all(args, printer).await;
    if objects.is_empty() {
        return exit;
    }
    let routed = Routed::new(&choice, objects.clone());
    if routed.by_feed.is_empty() {
        load_all(args, &objects, routed, None, printer).await;
        return ExitCode::FAILURE;
    }
    let mut session = match open(args, printer).await {
        Ok(session) => session,
        Err(error) => {
            return printer.failed(&format!("could not load {}", named(&objects)), &error);
        }
    };
    if !load_all(args, &objects, routed, session.as_mut(), printer).await {
        exit = ExitCode::FAILURE;
    }
    if let Some(session) = session
        && let Err(error) = session.close().await
    {
        exit = printer.failed("could not stop the embedded database", &error);
    }
    exit
}

/// Prints the query plans of the feeds that may be meant.
fn explain(choice: &Choice, printer: &Printer) -> ExitCode {
    for feed in choice.feeds() {
        match frame::explain(feed) {
            Ok(plans) => printer.plans(&plans),
            Err(error) => return printer.failed("could not explain the load", &error),
        }
    }
    ExitCode::SUCCESS
}

/// The objects of all locations, and whether there was an error among these.
async fn find_all(args: &LoadArgs, printer: &Printer) -> (Vec<Listed>, ExitCode) {
    let mut exit = ExitCode::SUCCESS;
    let mut objects = Vec::new();
    let environment = environment();
    let found =
        args.locations.iter().map(async |location| (location, find(location, &environment).await));
    let mut found = std::pin::pin!(stream::iter(found).buffered(FINDS));
    while let Some((location, found)) = found.next().await {
        match found {
            Ok(found) => {
                objects.extend(found.objects);
                for error in found.unreadable {
                    exit = printer
                        .failed(&format!("could not load all of {}", shown(location)), &error);
                }
            }
            Err(error) => {
                exit = printer.failed(&format!("could not load {}", shown(location)), &error);
            }
        }
    }
    (objects, exit)
}

/// The object's name, or how many there are.
fn named(objects: &[Listed]) -> String {
    match objects {
        [object] => object.url(),
        objects => format!("{} objects", objects.len()),
    }
}

/// Opens the database; a dry run does not create one.
async fn open(args: &LoadArgs, printer: &Printer) -> Result<Option<Session>> {
    let database = &args.database;
    if args.dry_run && database.url().is_none() && !database.data_dir.exists() {
        return Ok(None);
    }
    Session::open(database, !args.dry_run, printer).await.map(Some)
}

/// Loads the objects, and prints what became of them; whether all of them are done.
async fn load_all(
    args: &LoadArgs,
    objects: &[Listed],
    routed: Routed,
    mut session: Option<&mut Session>,
    printer: &Printer,
) -> bool {
    let mut report = Report::new(args, objects, printer);
    let bar = Bar::of_loads(&report.progress, printer);
    for (object, error) in routed.unclear {
        report.add(&object, None, &Err(error));
    }
    for (feed, objects) in &routed.by_feed {
        let run = Run::new(args, feed, objects, &mut report);
        run.load(objects.clone(), session.as_deref_mut()).await;
    }
    drop(bar);
    let totals = report.totals;
    match (&routed.by_feed[..], session) {
        _ if objects.len() > 1 => printer.totals(&totals, args.json),
        ([(feed, _)], Some(session)) if totals.are_written() && !args.json => {
            show(args, feed, session, printer).await;
        }
        _ => {}
    }
    totals.are_done()
}

fn options(args: &LoadArgs, feed: &Feed, progress: &Arc<Progress>) -> LoadOptions {
    LoadOptions {
        mode: args.mode.unwrap_or(feed.mode),
        cut: args.records.cut(args.format),
        reload: args.reload,
        job_id: None,
        max_rejects_in_a_row: args.rejects.max_rejects_in_a_row,
        max_rejected: args.rejects.max_rejected,
        connections: args.connections.connections(),
        progress: Arc::clone(progress),
        hit: failpoint::hit,
    }
}

/// Shows the first rows of the tables; a role that may only write cannot, which is no failure.
async fn show(args: &LoadArgs, feed: &Feed, session: &Session, printer: &Printer) {
    if args.preview == 0 {
        return;
    }
    match preview(&session.connection, feed, args.preview).await {
        Ok(previews) => printer.previews(&previews),
        Err(error) => printer
            .note(&format!("note: the tables cannot be shown: {}", causes(&error).join(": "))),
    }
}
