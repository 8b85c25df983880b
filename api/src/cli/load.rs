//! `stevedore load`: each object its own load; one that fails does not stop the others.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

use pipeline::error::{Result, causes};
use pipeline::feed::USER_STATUS;
use pipeline::frame;
use pipeline::load::{
    LoadOptions, Progress, State, Summary, dry_run, load as load_object, whole_because,
};
use pipeline::sink::Mode;
use pipeline::source::{CutOptions, Object, find, shown};

use super::preview::preview;
use super::print::Printer;
use super::progress::Watch;
use super::session::Session;
use crate::buckets::environment;
use crate::config::LoadArgs;
use crate::failpoint;

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
    let mut exit = ExitCode::SUCCESS;
    let mut objects = Vec::new();
    let environment = environment();
    for location in &args.locations {
        match find(location, &environment).await {
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
    if !load_all(args, &objects, session.as_mut(), printer).await {
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
fn named(objects: &[Object]) -> String {
    match objects {
        [object] => object.url(),
        objects => format!("{} objects", objects.len()),
    }
}

/// Loads the objects one after the other; whether all of them are done.
async fn load_all(
    args: &LoadArgs,
    objects: &[Object],
    mut session: Option<&mut Session>,
    printer: &Printer,
) -> bool {
    let mut all_done = true;
    for object in objects {
        let done = load_one(args, object, session.as_deref_mut(), printer).await;
        match &done {
            Ok(summary) if args.json => printer.json(summary),
            Ok(summary) => printer.summary(summary, &USER_STATUS),
            Err(error) => {
                all_done = false;
                printer.failed(&format!("could not load {}", object.url()), error);
                if args.json {
                    printer.json(&Summary::failed(object, error));
                }
            }
        }
        let is_written = done.is_ok_and(|summary| summary.state != State::DryRun);
        if let Some(session) = &session
            && is_written
            && objects.len() == 1
            && !args.json
        {
            show(args, session, printer).await;
        }
    }
    all_done
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
    object: &Object,
    session: Option<&mut Session>,
    printer: &Printer,
) -> Result<Summary> {
    let progress = Arc::new(Progress::default());
    let options = LoadOptions {
        mode: args.mode,
        cut: CutOptions {
            format: args.format,
            max_record_bytes: args.records.max_record_bytes as usize,
            ..CutOptions::default()
        },
        reload: args.reload,
        job_id: None,
        connections: args.connections.connections(),
        spool_folder: args.records.spool_folder(),
        progress: Arc::clone(&progress),
        reached: failpoint::reached,
    };
    let _watch = Watch::begin(object, &progress);
    match session {
        Some(session) if !args.dry_run => {
            session.mend().await?;
            note_whole(object, &options, printer).await;
            load_object(object, &USER_STATUS, &mut session.connection, &options).await
        }
        session => {
            dry_run(object, &USER_STATUS, session.map(|session| &mut session.connection), &options)
                .await
        }
    }
}

/// Says so when connections were asked for that the object cannot be loaded on.
async fn note_whole(object: &Object, options: &LoadOptions, printer: &Printer) {
    let are_wanted = options.connections.wanted > NonZeroUsize::new(1);
    if !are_wanted || options.mode == Mode::Merge {
        return;
    }
    // What cannot be read, the load says.
    if let Ok(Some(why)) = whole_because(object, options).await {
        printer.note(&format!("note: {} is loaded on one connection: {why}", object.url()));
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
