//! One object by itself, and what is said of how it was loaded.

use std::num::NonZeroUsize;

use pipeline::database::Connection;
use pipeline::error::Result;
use pipeline::feed::USER_STATUS;
use pipeline::load::{LoadOptions, State, Summary, dry_run, load, whole_because};
use pipeline::sink::Targets;
use pipeline::source::{Listed, Object};

use super::run::Catalog;
use crate::cli::print::Printer;
use crate::cli::session::Session;

/// Loads an object, or checks it.
pub(super) async fn load_one(
    listed: &Listed,
    options: &LoadOptions,
    is_dry_run: bool,
    catalog: &Catalog,
    mut session: Option<&mut Session>,
    printer: &Printer,
) -> Result<Summary> {
    let object = &listed.begin().await?;
    if let Some(session) = &mut session {
        session.mend().await?;
    }
    let mut connection = session.map(|session| &mut session.connection);
    let held = catalog.hold(object, options, is_dry_run, connection.as_deref_mut()).await?;
    let summary = match connection {
        Some(connection) if !is_dry_run => {
            note_whole(object, options, connection, printer).await;
            let summary = load(object, &USER_STATUS, connection, options).await;
            if let Ok(summary) = &summary {
                note_parts(object, options, summary, printer).await;
            }
            summary
        }
        connection => dry_run(object, &USER_STATUS, connection, options).await,
    };
    summary.map(|summary| held.added_to(summary))
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
async fn note_parts(object: &Object, options: &LoadOptions, summary: &Summary, printer: &Printer) {
    let Summary { state: State::Loaded, mode: Some(mode), .. } = summary else {
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
