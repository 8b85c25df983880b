//! One object by itself, and what is said of how it was loaded.

use std::num::NonZeroUsize;

use pipeline::error::Result;
use pipeline::feed::USER_STATUS;
use pipeline::load::{LoadOptions, State, Summary, dry_run, load, whole_because};
use pipeline::source::Object;

use super::run::Catalog;
use crate::cli::print::Printer;
use crate::cli::session::Session;

/// Loads an object, or checks it.
pub(super) async fn load_one(
    object: &Object,
    options: &LoadOptions,
    is_dry_run: bool,
    catalog: &Catalog,
    mut session: Option<&mut Session>,
    printer: &Printer,
) -> Result<Summary> {
    if let Some(session) = &mut session {
        session.mend().await?;
    }
    let mut connection = session.map(|session| &mut session.connection);
    let held = catalog.hold(object, options, is_dry_run, connection.as_deref_mut()).await?;
    let summary = match connection {
        Some(connection) if !is_dry_run => {
            note_whole(object, options, printer).await;
            let summary = load(object, &USER_STATUS, connection, options).await;
            if summary.as_ref().is_ok_and(|summary| summary.state == State::Loaded) {
                note_parts(object, options, printer).await;
            }
            summary
        }
        connection => dry_run(object, &USER_STATUS, connection, options).await,
    };
    summary.map(|summary| held.added_to(summary))
}

/// Says so when connections were asked for that the object cannot be loaded on.
async fn note_whole(object: &Object, options: &LoadOptions, printer: &Printer) {
    if options.connections.wanted <= NonZeroUsize::new(1) {
        return;
    }
    // What cannot be read, the load says.
    if let Ok(Some(why)) = whole_because(object, options).await {
        printer.note(&format!("note: {} is loaded on one connection: {why}", object.url()));
    }
}

/// Says so when an object was loaded in parts that nobody asked for: that was not one transaction.
async fn note_parts(object: &Object, options: &LoadOptions, printer: &Printer) {
    if options.connections.wanted.is_some() {
        return;
    }
    if let Ok(None) = whole_because(object, options).await {
        let (url, number) = (object.url(), options.connections.number());
        printer.note(&format!(
            "note: {url} was loaded in parts on {number} connections, each part in a transaction of its own; \
             with --connections 1 it is one"
        ));
    }
}
