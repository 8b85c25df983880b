//! One object by itself, and what is said of how it was loaded.

use std::num::NonZeroUsize;

use pipeline::error::Result;
use pipeline::load::{Connections, LoadOptions, State, Summary, dry_run, load};
use pipeline::store::Object;

use super::run::Catalog;
use crate::cli::print::Printer;
use crate::cli::session::Session;

/// Loads an object, or checks it.
pub(super) async fn load_one(
    object: &Object,
    options: &LoadOptions,
    is_dry_run: bool,
    catalog: &Catalog<'_>,
    mut session: Option<&mut Session>,
    printer: &Printer,
) -> Result<Summary> {
    if let Some(session) = &mut session {
        session.reconnect().await?;
    }
    let mut connection = session.map(|session| &mut session.connection);
    let held = catalog.check(object, options, is_dry_run, connection.as_deref_mut()).await?;
    let summary = match connection {
        Some(connection) if !is_dry_run => {
            let summary = load(object, catalog.feed, connection, options).await;
            if let Ok(summary) = &summary {
                note_connections(summary, options.connections, printer);
            }
            summary
        }
        connection => dry_run(object, catalog.feed, connection, options).await,
    };
    summary.map(|summary| held.added_to(summary))
}

/// Says whether an object was loaded in parts, where that is not what was asked for.
fn note_connections(summary: &Summary, connections: Connections, printer: &Printer) {
    let Summary { object, state: State::Loaded, sequential_reason, .. } = summary else {
        return;
    };
    match sequential_reason {
        Some(reason) if connections.wanted > NonZeroUsize::new(1) => {
            printer.note(&format!("note: {object} was loaded on one connection: {reason}"));
        }
        None if connections.wanted.is_none() => {
            let number = connections.number();
            printer.note(&format!(
                "note: {object} was loaded in parts on {number} connections, each part in a transaction of its own; \
                 with --connections 1 it is one"
            ));
        }
        _ => {}
    }
}
