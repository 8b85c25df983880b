//! `stevedore rejects`: rejected records, and what is done about them.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use pipeline::database::Connection;
use pipeline::error::{Error, Result};
use pipeline::feed::{Feed, Feeds};
use pipeline::load::Progress;
use pipeline::replay::{
    MAX_EDITED_BYTES, RejectFilter as Matching, RejectId, ReplayOptions, Selection, Source,
    feeds_by_load, find_source, ignore, newest_load, replay,
};
use pipeline::store::Object;

use super::print::Printer;
use super::session::Session;
use crate::buckets::environment;
use crate::config::{
    ChosenArgs, DatabaseArgs, RejectFilterArgs, RejectsArgs, RejectsIgnoreArgs, RejectsListArgs,
    RejectsReplayArgs, RejectsShowArgs, RejectsVerb,
};
use crate::failpoint;
use crate::rejects::{RejectFilter, RejectPlaces, RejectTables};
use crate::wire::Reject;

pub(super) async fn rejects(args: &RejectsArgs, feeds: &Feeds, printer: &Printer) -> ExitCode {
    let (done, what) = match &args.verb {
        RejectsVerb::List(args) => (list(args, feeds, printer).await, "list the rejects"),
        RejectsVerb::Show(args) => (show(args, feeds, printer).await, "show the reject"),
        RejectsVerb::Replay(args) => {
            let selection = match selected(&args.chosen, args.text.as_deref()) {
                Ok(selection) => selection,
                Err(error) => return printer.misused("nothing was replayed", &error),
            };
            (replay_all(args, &selection, feeds, printer).await, "replay the rejects")
        }
        RejectsVerb::Ignore(args) => (ignore_all(args, feeds, printer).await, "ignore the rejects"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => printer.failed(&format!("could not {what}"), &error),
    }
}

/// Why rejects cannot be replayed as they were asked for.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("--text is the text of one reject, and {0} are named")]
    Several(usize),
    #[error("could not read the edited text from {file}")]
    Unread { file: String, source: std::io::Error },
    #[error("the edited text is longer than {MAX_EDITED_BYTES} bytes, or holds U+0000")]
    Text,
}

/// Which rejects are meant, with an edited text.
fn selected(chosen: &ChosenArgs, text: Option<&Path>) -> std::result::Result<Selection, Unusable> {
    let Some(file) = text else {
        return Ok(selection(chosen));
    };
    let [id] = chosen.rejects[..] else {
        return Err(Unusable::Several(chosen.rejects.len()));
    };
    let text = read_text(file)
        .map_err(|source| Unusable::Unread { file: file.display().to_string(), source })?;
    Selection::edited(id, text).ok_or(Unusable::Text)
}

fn selection(chosen: &ChosenArgs) -> Selection {
    let RejectFilterArgs { feed: _, load, object, reason, rule } = chosen.filter.clone();
    if chosen.rejects.is_empty() {
        Selection::Matching(Matching { load_id: load, object, reason, rule })
    } else {
        Selection::Numbered(chosen.rejects.clone())
    }
}

fn read_text(file: &Path) -> std::io::Result<String> {
    if file.as_os_str() != "-" {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}

async fn list(args: &RejectsListArgs, feeds: &Feeds, printer: &Printer) -> Result<()> {
    let RejectsListArgs { filter, state, limit, json, database } = args;
    let limit = usize::from(*limit);
    let wanted = RejectFilter {
        load_id: filter.load,
        object: filter.object.clone(),
        reason: filter.reason.clone(),
        rule: filter.rule.clone(),
        state: *state,
        record_no: None,
    };
    let feeds = named(filter.feed.as_deref(), feeds)?;
    // One more tells whether there are more.
    let mut rejects = read(&wanted, limit as i64 + 1, &feeds, database, printer).await?;
    let is_more = rejects.len() > limit;
    rejects.truncate(limit);
    if *json {
        rejects.iter().for_each(|reject| printer.json(reject));
    } else {
        printer.rejects(&rejects);
    }
    if is_more {
        printer.note("note: there are more rejects: raise --limit");
    }
    Ok(())
}

async fn show(args: &RejectsShowArgs, feeds: &Feeds, printer: &Printer) -> Result<()> {
    let RejectId { load_id, record_no } = args.reject;
    let wanted = RejectFilter {
        load_id: Some(load_id),
        record_no: Some(record_no),
        ..RejectFilter::default()
    };
    let found = read(&wanted, 1, &named(None, feeds)?, &args.database, printer).await?.pop();
    let reject = found.ok_or(Error::NoReject { reject: args.reject.to_string() })?;
    if args.json {
        printer.json(&reject);
    } else {
        printer.reject(&reject);
    }
    Ok(())
}

/// The feed of this name, or all.
fn named(name: Option<&str>, feeds: &Feeds) -> Result<Vec<Arc<Feed>>> {
    match name {
        Some(name) => Ok(vec![Arc::clone(feeds.get(name)?)]),
        None => Ok(feeds.iter().map(Arc::clone).collect()),
    }
}

async fn read(
    filter: &RejectFilter,
    limit: i64,
    feeds: &[Arc<Feed>],
    database: &DatabaseArgs,
    printer: &Printer,
) -> Result<Vec<Reject>> {
    let failed = |source| Error::Database { doing: "read the rejects".to_owned(), source };
    let session = Session::open(database, false, printer).await?;
    let places = RejectPlaces::new(filter, None, limit);
    let rejects = async {
        let client = &*session.connection;
        let tables = RejectTables::find(client, feeds.iter()).await?;
        let Some(sql) = tables.list_sql(None, filter.state) else { return Ok(Vec::new()) };
        let rows = client.query(&sql, &places.params(filter)).await?;
        Ok(rows.iter().map(Reject::from).collect())
    };
    let rejects = rejects.await.map_err(failed);
    session.close().await?;
    rejects
}

/// The feeds whose rejects are meant, each with those: the feed that is named, those of the loads that are, or all.
async fn chosen_feeds(
    chosen: &ChosenArgs,
    selection: &Selection,
    feeds: &Feeds,
    connection: &Connection,
) -> Result<Vec<(Arc<Feed>, Selection)>> {
    let named_loads = chosen.rejects.iter().map(|reject| reject.load_id);
    let load_ids: Vec<_> = named_loads.chain(chosen.filter.load).collect();
    let name = chosen.filter.feed.as_deref();
    if name.is_some() || load_ids.is_empty() {
        let feeds = named(name, feeds)?.into_iter();
        return Ok(feeds.map(|feed| (feed, selection.clone())).collect());
    }
    let of_loads = feeds_by_load(&**connection, &load_ids).await?;
    if let Some(load_id) = load_ids.into_iter().find(|id| !of_loads.contains_key(id)) {
        return Err(Error::NoLoad { load_id });
    }
    let names: BTreeSet<_> = of_loads.values().collect();
    let of_feed = |name: &String| {
        let is_of_feed = |id: &RejectId| of_loads.get(&id.load_id) == Some(name);
        Ok((Arc::clone(feeds.get(name)?), selection.only(is_of_feed)))
    };
    names.into_iter().map(of_feed).collect()
}

async fn replay_all(
    args: &RejectsReplayArgs,
    selection: &Selection,
    feeds: &Feeds,
    printer: &Printer,
) -> Result<()> {
    let chosen = &args.chosen;
    let mut session = Session::open(&chosen.database, !args.dry_run, printer).await?;
    let done = replay_each(args, selection, feeds, &mut session.connection, printer).await;
    session.close().await?;
    done
}

async fn replay_each(
    args: &RejectsReplayArgs,
    selection: &Selection,
    feeds: &Feeds,
    connection: &mut Connection,
    printer: &Printer,
) -> Result<()> {
    let newest = newest_load(&**connection).await?;
    let chosen = chosen_feeds(&args.chosen, selection, feeds, connection).await?;
    for (feed, selection) in chosen {
        let options = ReplayOptions {
            mode: args.mode,
            cut: args.records.cut(None),
            dry_run: args.dry_run,
            by: None,
            note: args.chosen.note.clone(),
            job_id: None,
            newest,
            locate: Box::new(locate),
            progress: Arc::new(Progress::default()),
            hit: failpoint::hit,
        };
        let replayed = replay(connection, &feed, &selection, &options).await?;
        if args.chosen.json {
            printer.json(&replayed);
        } else {
            printer.replayed(&replayed);
        }
    }
    Ok(())
}

/// Finds the version of an object that a load has read, with the stores of the environment.
fn locate(source: &Source) -> BoxFuture<'static, Result<Object>> {
    let source = source.clone();
    async move { find_source(&source, &environment()).await }.boxed()
}

async fn ignore_all(args: &RejectsIgnoreArgs, feeds: &Feeds, printer: &Printer) -> Result<()> {
    let mut session = Session::open(&args.chosen.database, true, printer).await?;
    let done = ignore_each(args, feeds, &mut session.connection, printer).await;
    session.close().await?;
    done
}

async fn ignore_each(
    RejectsIgnoreArgs { chosen }: &RejectsIgnoreArgs,
    feeds: &Feeds,
    connection: &mut Connection,
    printer: &Printer,
) -> Result<()> {
    let newest = newest_load(&**connection).await?;
    let (selection, who) = (selection(chosen), (None, chosen.note.as_deref()));
    for (feed, selection) in chosen_feeds(chosen, &selection, feeds, connection).await? {
        let progress = Progress::default();
        let ignored = ignore(connection, &feed, &selection, who, newest, &progress).await?;
        if chosen.json {
            printer.json(&ignored);
        } else {
            printer.ignored(&ignored);
        }
    }
    Ok(())
}
