//! `stevedore load`: each object its own load, small ones in bundles; one that fails does not stop the
//! others.

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

use futures::{StreamExt, stream};
use pipeline::bundle::{Size, Step, load_bundled, plan};
use pipeline::database::Connection;
use pipeline::error::{Error, Result, causes};
use pipeline::feed::USER_STATUS;
use pipeline::frame;
use pipeline::load::{
    LoadOptions, Progress, State, Summary, dry_run, load as load_object, warm_up, whole_because,
};
use pipeline::preflight::{Held, Others, Planned, Preflight};
use pipeline::sink::Targets;
use pipeline::source::{CutOptions, Listed, Object, find, shown};

use super::preview::preview;
use super::print::Printer;
use super::progress::Watch;
use super::session::Session;
use super::totals::Totals;
use crate::buckets::environment;
use crate::config::LoadArgs;
use crate::failpoint;

/// Locations whose objects are looked for at the same time.
const FINDS: usize = 16;

pub(super) async fn load(args: &LoadArgs, printer: &Printer) -> ExitCode {
    if args.explain {
        return match frame::explain(&USER_STATUS) {
            Ok(plans) => {
                printer.plans(&plans);
                ExitCode::SUCCESS
            }
            Err(error) => printer.failed("could not explain the load", &error),
        };
    }
    drop(tokio::task::spawn_blocking(|| warm_up(&USER_STATUS)));
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
    if objects.is_empty() {
        return exit;
    }
    let mut session = match open(args, printer).await {
        Ok(session) => session,
        Err(error) => {
            return printer.failed(&format!("could not load {}", named(&objects)), &error);
        }
    };
    if !load_all(args, objects, session.as_mut(), printer).await {
        exit = ExitCode::FAILURE;
    }
    if let Some(session) = session
        && let Err(error) = session.close().await
    {
        exit = printer.failed("could not stop the embedded database", &error);
    }
    exit
}

/// The object's name, or how many there are.
fn named(objects: &[Listed]) -> String {
    match objects {
        [object] => object.url(),
        objects => format!("{} objects", objects.len()),
    }
}

/// Loads the objects, small ones in bundles; whether all of them are done.
async fn load_all(
    args: &LoadArgs,
    objects: Vec<Listed>,
    mut session: Option<&mut Session>,
    printer: &Printer,
) -> bool {
    let is_one = objects.len() == 1;
    let preflight = (!args.no_catalog).then(Preflight::default);
    let catalog = Catalog { preflight, named: objects.clone() };
    let steps = match session {
        Some(_) if !args.dry_run => plan(objects),
        _ => objects.into_iter().map(Step::Alone).collect(),
    };
    let mut totals = Totals::begin();
    let mut tell = |object: &Listed, done: Result<Summary>| {
        totals.add(&done);
        tell(args, object, &done, printer);
    };
    for step in steps {
        match (step, session.as_deref_mut()) {
            (Step::Alone(object), session) => {
                tell(&object, load_one(args, &object, &catalog, session, printer).await);
            }
            (Step::Bundled(objects), Some(session)) => {
                load_bundles(args, objects, &catalog, session, &mut tell).await;
            }
            // Without a database nothing is loaded, and nothing bundled.
            (Step::Bundled(_), None) => {}
        }
    }
    if let Some(session) = &session
        && is_one
        && totals.are_written()
        && !args.json
    {
        show(args, session, printer).await;
    }
    if !is_one {
        printer.note(&totals.to_string());
    }
    totals.failed == 0
}

/// What the feed is held against before loads.
struct Catalog {
    /// None if it is not wanted.
    preflight: Option<Preflight>,
    /// All objects that are to be loaded.
    named: Vec<Listed>,
}

impl Catalog {
    async fn hold(
        &self,
        object: &Object,
        options: &LoadOptions,
        dry_run: bool,
        connection: Option<&mut Connection>,
    ) -> Result<Held> {
        let Some(preflight) = &self.preflight else {
            return Ok(Held::default());
        };
        let others = Others::These(&self.named);
        let planned = Planned { object, feed: &USER_STATUS, options, dry_run, others };
        preflight.check(&planned, connection).await
    }

    /// The same for many objects at once.
    async fn hold_all(
        &self,
        objects: Vec<Listed>,
        options: &LoadOptions,
        session: &mut Session,
    ) -> Vec<(Listed, Result<Held>)> {
        let Some(preflight) = &self.preflight else {
            return objects.into_iter().map(|object| (object, Ok(Held::default()))).collect();
        };
        let others = Others::These(&self.named);
        let connection = &mut session.connection;
        let held = preflight.check_all(&objects, &USER_STATUS, options, others, connection).await;
        objects.into_iter().zip(held).collect()
    }
}

/// Tells what became of an object.
fn tell(args: &LoadArgs, object: &Listed, done: &Result<Summary>, printer: &Printer) {
    match done {
        Ok(summary) if args.json => printer.json(summary),
        Ok(summary) => printer.summary(summary, &USER_STATUS),
        Err(error) => {
            printer.failed(&format!("could not load {}", object.url()), error);
            if args.json {
                printer.json(&Summary::failed(object, error));
            }
        }
    }
}

/// Loads small objects in bundles.
async fn load_bundles(
    args: &LoadArgs,
    objects: Vec<Listed>,
    catalog: &Catalog,
    session: &mut Session,
    mut tell: impl FnMut(&Listed, Result<Summary>),
) {
    let progress = Arc::new(Progress::default());
    let options = options(args, &progress);
    let mut all_held = HashMap::new();
    let mut wanted = Vec::with_capacity(objects.len());
    for (object, held) in catalog.hold_all(objects, &options, session).await {
        match held {
            Ok(held) => {
                all_held.insert(object.url(), held);
                wanted.push(object);
            }
            Err(error) => tell(&object, Err(error)),
        }
    }
    let objects = wanted;
    let tell = |object: &Listed, done: Result<Summary>| {
        let held = all_held.remove(&object.url()).unwrap_or_default();
        tell(object, done.map(|summary| held.added_to(summary)));
    };
    let bytes = objects.iter().map(Listed::size).sum();
    // A bar does not go with the summaries that are printed meanwhile.
    let _watch = (!io::stdout().is_terminal()).then(|| Watch::begin(bytes, &progress));
    let mut others = session.connect_others(args.connections.of_bundles() - 1).await;
    let connections = std::iter::once(&mut session.connection).chain(&mut others).collect();
    load_bundled(objects, &USER_STATUS, connections, &options, Size::default(), tell).await;
}

/// Opens the database; a dry run does not create one.
async fn open(args: &LoadArgs, printer: &Printer) -> Result<Option<Session>> {
    let database = &args.database;
    if args.dry_run && database.url().is_none() && !database.folder.exists() {
        return Ok(None);
    }
    Session::open(database, !args.dry_run, printer).await.map(Some)
}

async fn load_one(
    args: &LoadArgs,
    listed: &Listed,
    catalog: &Catalog,
    mut session: Option<&mut Session>,
    printer: &Printer,
) -> Result<Summary> {
    let object = &listed.begin().await?;
    let progress = Arc::new(Progress::default());
    let options = options(args, &progress);
    let _watch = Watch::begin(object.size, &progress);
    if let Some(session) = &mut session {
        session.mend().await?;
    }
    let mut connection = session.map(|session| &mut session.connection);
    let held = catalog.hold(object, &options, args.dry_run, connection.as_deref_mut()).await?;
    let summary = match connection {
        Some(connection) if !args.dry_run => {
            note_whole(object, &options, connection, printer).await;
            let summary = load_object(object, &USER_STATUS, connection, &options).await;
            note_parts(object, &options, summary.as_ref(), printer).await;
            summary
        }
        connection => dry_run(object, &USER_STATUS, connection, &options).await,
    };
    summary.map(|summary| held.added_to(summary))
}

fn options(args: &LoadArgs, progress: &Arc<Progress>) -> LoadOptions {
    LoadOptions {
        mode: args.mode,
        cut: CutOptions {
            format: args.format,
            max_record_bytes: args.records.max_record_bytes as usize,
            ..CutOptions::default()
        },
        reload: args.reload,
        job_id: None,
        connections: args.connections.connections(),
        progress: Arc::clone(progress),
        reached: failpoint::reached,
    }
}

/// Says so when connections were asked for that the object cannot be loaded on.
async fn note_whole(
    object: &Object,
    options: &LoadOptions,
    connection: &Connection,
    printer: &Printer,
) {
    if options.connections.wanted <= NonZeroUsize::new(1) {
        return;
    }
    // If the tables do not fit or the object cannot be read, the load says so.
    let Ok(targets) = Targets::find(&**connection, &USER_STATUS, options.mode).await else {
        return;
    };
    if let Ok(Some(why)) = whole_because(object, options, targets.mode()).await {
        printer.note(&format!("note: {} is loaded on one connection: {why}", object.url()));
    }
}

/// Says so when an object was loaded in parts that nobody asked for: that was not one transaction.
async fn note_parts(
    object: &Object,
    options: &LoadOptions,
    summary: Result<&Summary, &Error>,
    printer: &Printer,
) {
    let Ok(Summary { state: State::Loaded, mode: Some(mode), .. }) = summary else {
        return;
    };
    if options.connections.wanted.is_none()
        && let Ok(None) = whole_because(object, options, *mode).await
    {
        let (url, number) = (object.url(), options.connections.number());
        printer.note(&format!(
            "note: {url} was loaded in parts on {number} connections, each part in a transaction of its own; \
             with --connections 1 it is one"
        ));
    }
}

/// Shows the first rows of the tables; a role that may only write cannot, which is no failure.
async fn show(args: &LoadArgs, session: &Session, printer: &Printer) {
    if args.preview == 0 {
        return;
    }
    match preview(&session.connection, &USER_STATUS, args.preview).await {
        Ok(previews) => printer.previews(&previews),
        Err(error) => printer
            .note(&format!("note: the tables cannot be shown: {}", causes(&error).join(": "))),
    }
}
