//! One bundle: its objects go through a feed into its tables, in one transaction.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use futures::FutureExt;
use polars::prelude::DataFrame;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::input::Input;
use super::read::{Member, Read, Text, read};
use super::split::Split;
use super::work::{Undone, Work};
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::frame::Stamp;
use crate::ledger::Identity;
use crate::load::{
    Found, LoadOptions, Objects, Outcome, Summary, Transforming, Turn, find_existing, load_unit,
    note_failure,
};
use crate::reject_run::RejectRun;
use crate::sink::{Encoder, Targets};
use crate::store::Object;
use crate::transform::{Domains, Tally, WAITING_PIECES};

/// An object that is not loaded yet, as far as is known.
struct Wanted {
    /// Its place in the bundle.
    at: usize,
    object: Object,
    identity: Identity,
    job_id: Option<Uuid>,
    text: Text,
}

/// What became of the objects of a bundle, by their places. None for those that are not done.
type Ended = Vec<Option<Result<Summary>>>;

/// Loads the objects of a bundle; what became of each, in their order.
pub(super) async fn load_bundle(
    inputs: Vec<(Option<Uuid>, Input)>,
    work: &Work<'_>,
    connection: &mut Connection,
    mut turn: Turn,
) -> Result<Vec<Result<Summary>>, Undone> {
    if turn.is_lost() || work.options.progress.is_stopped() {
        return Err(Undone::PredecessorFailed);
    }
    connection.reconnect().await?;
    let (mut ended, wanted) = wanted(inputs, work.feed)?;
    let identities: Vec<_> = wanted.iter().map(|wanted| &wanted.identity).collect();
    let existing = find_existing(&*connection, &identities, work.options).await?;
    let mut missing = Vec::with_capacity(wanted.len());
    for (wanted, existing) in wanted.into_iter().zip(existing) {
        match existing {
            Some(loaded) => {
                let summary = Summary::already_loaded(&wanted.object, loaded);
                ended[wanted.at] = Some(Ok(summary));
            }
            None => missing.push(wanted),
        }
    }
    if !missing.is_empty() {
        load_missing(missing, work, connection, turn, &mut ended).await?;
    } else if !turn.skip().await {
        return Err(Undone::PredecessorFailed);
    }
    Ok(ended.into_iter().flatten().collect())
}

/// The objects that are to be loaded, and what is known of the others.
fn wanted(
    inputs: Vec<(Option<Uuid>, Input)>,
    feed: &Arc<Feed>,
) -> Result<(Ended, Vec<Wanted>), Undone> {
    let (mut ended, mut all) = (Vec::with_capacity(inputs.len()), Vec::new());
    for (at, (job_id, input)) in inputs.into_iter().enumerate() {
        let (object, text) = match input {
            Input::TooLarge => return Err(Undone::TooLarge),
            Input::Loaded(object, loaded) => {
                ended.push(Some(Ok(Summary::already_loaded(&object, loaded))));
                continue;
            }
            Input::Unknown(error) => {
                ended.push(Some(Err(error)));
                continue;
            }
            Input::File(object) => (object, Text::Unread),
            Input::Whole(whole) => (whole.object.clone(), Text::Whole(whole)),
            Input::Failed(object, error) => (object, Text::Failed(error)),
        };
        ended.push(None);
        let identity = Identity::of(feed, &object);
        all.push(Wanted { at, object, identity, job_id, text });
    }
    Ok((ended, all))
}

/// Loads the objects that have not `ended`.
async fn load_missing(
    missing: Vec<Wanted>,
    work: &Work<'_>,
    connection: &mut Connection,
    turn: Turn,
    ended: &mut Ended,
) -> Result<(), Undone> {
    let Work { feed, options } = work;
    let began_at = SystemTime::now();
    let targets = Targets::find_or_create(&*connection, feed, options.mode).await?.bundled();
    let (mut known, mut texts) = (Vec::new(), Vec::new());
    for (number, Wanted { at, object, identity, job_id, text }) in missing.into_iter().enumerate() {
        texts.push((number, object.clone(), text));
        known.push((at, object, identity, job_id));
    }
    let held = (targets.limits(), Domains::of(&targets, connection.database()));
    let Read { records, members, unreadable } =
        read(texts, feed, held, options.cut.clone()).await?;
    let (numbers, tallies): (Vec<_>, Vec<_>) =
        members.into_iter().map(|Member { at, tally }| (at, tally)).unzip();
    if !numbers.is_empty() {
        let objects = numbers.iter().map(|number| {
            let (_, object, identity, job_id) = &known[*number];
            (object, identity, *job_id)
        });
        let start = |stamps, encoder| start(work, records, tallies, stamps, encoder);
        let mut unit = Objects::bundle(objects, began_at, targets.mode(), options, start);
        let summaries = write(&mut unit, connection, &targets, options, turn).await?;
        for (number, summary) in numbers.into_iter().zip(summaries) {
            ended[known[number].0] = Some(Ok(summary));
        }
    } else if !turn.skip().await {
        return Err(Undone::PredecessorFailed);
    }
    let options = LoadOptions { mode: targets.mode().into(), ..(*options).clone() };
    for (number, error) in unreadable {
        let (at, object, _, job_id) = &known[number];
        let options = LoadOptions { job_id: *job_id, ..options.clone() };
        note_failure(object, feed, connection, &options, began_at, &error).await;
        ended[*at] = Some(Err(error));
    }
    Ok(())
}

/// Writes the rows of all objects in one transaction.
async fn write(
    unit: &mut Objects<'_>,
    connection: &mut Connection,
    targets: &Targets,
    options: &LoadOptions,
    turn: Turn,
) -> Result<Vec<Summary>, Undone> {
    match load_unit(unit, connection, targets, options, turn).await? {
        Outcome::Loaded(summaries) => {
            add_progress(&summaries, options);
            Ok(summaries)
        }
        Outcome::Found(Found::Loaded(_)) => Err(Undone::Raced),
        Outcome::Found(Found::Incomplete(_)) => Err(Undone::InParts),
        Outcome::PredecessorFailed => Err(Undone::PredecessorFailed),
        Outcome::Overtaken => Err(Undone::Raced),
    }
}

/// Begins to make rows of the records of a bundle.
fn start(
    Work { feed, options }: &Work<'_>,
    records: DataFrame,
    tallies: Vec<Tally>,
    stamps: Vec<Stamp>,
    encoder: Encoder,
) -> Transforming {
    let object = stamps.first().map(|stamp| stamp.object.clone()).unwrap_or_default();
    let reject_run = RejectRun::new(options.max_rejects_in_a_row);
    let split =
        Split { feed: Arc::clone(feed), records, stamps, encoder: Some(encoder), reject_run };
    let (sender, rows) = mpsc::channel(WAITING_PIECES);
    let splitting = tokio::task::spawn_blocking(move || split.run(tallies, &sender));
    let tallies = async move { splitting.await.map_err(|_| Error::Stopped { object })? };
    // Each object was read as a whole, from one version, before the bundle was begun.
    Transforming { rows, tallies: tallies.boxed(), version_check: ready(Ok(())).boxed() }
}

fn add_progress(summaries: &[Summary], options: &LoadOptions) {
    let progress = &options.progress;
    for Summary { bytes, records, loaded, rejected, .. } in summaries {
        for (so_far, of_load) in [
            (&*progress.bytes_read, bytes),
            (&progress.records, records),
            (&progress.loaded, loaded),
            (&progress.rejected, rejected),
        ] {
            so_far.fetch_add(*of_load, Ordering::Relaxed);
        }
    }
}
