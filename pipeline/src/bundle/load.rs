//! One bundle: its objects go through a feed into its tables, in one transaction.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use polars::prelude::DataFrame;
use tokio::sync::mpsc;
use tokio_postgres::{GenericClient, Transaction};

use super::gate::Place;
use super::input::Input;
use super::read::{Member, Read, Text, read};
use super::split::Split;
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::ledger::{self, Counts, Entry, Identity, Loaded};
use crate::load::{
    LoadOptions, Point, State, Summary, note_failure, prove, seconds_since, stamp, was_committed,
};
use crate::reject_run::RejectRun;
use crate::sink::{Encoder, MergeCounts, Merged, Mode, Sink, Targets, Written};
use crate::source::Object;
use crate::transform::{Tally, WAITING_PIECES};

/// What all bundles have in common.
pub(super) struct Work<'a> {
    pub(super) feed: &'static Feed,
    pub(super) options: &'a LoadOptions,
}

/// Why nothing of a bundle was written.
#[derive(Debug)]
pub(super) enum Undone {
    /// One before it failed, or the load was asked to stop.
    Lost,
    /// Somebody else has loaded one of its objects meanwhile.
    Raced,
    /// Its text is longer than that of a bundle may be.
    TooLarge,
    /// Something that is not about one object alone.
    Failed(Error),
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Microseconds within which no two loads have the same number modulo as many.
const INSTANTS: i64 = 1 << 14;

/// When a load of a bundle began, to some milliseconds: each load at an instant of its own, by which its
/// rows are known, also where another process loads a bundle just then.
fn instant(began_at: SystemTime, load_id: i64) -> SystemTime {
    let micros = began_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64;
    let earlier = (micros - load_id).rem_euclid(INSTANTS);
    UNIX_EPOCH + Duration::from_micros((micros - earlier).unsigned_abs())
}

/// A load of the bundle's.
struct Load<'a> {
    object: &'a Object,
    identity: &'a Identity,
    load_id: i64,
    started_at: SystemTime,
    tally: Tally,
}

/// An object that is not loaded yet, as far as is known.
struct Wanted {
    /// Its place in the bundle.
    at: usize,
    object: Object,
    identity: Identity,
    text: Text,
}

/// What became of the objects of a bundle, by their places; none of those that are not done.
type Ended = Vec<Option<Result<Summary>>>;

/// Loads the objects of a bundle; what became of each, in their order.
pub(super) async fn load_bundle(
    inputs: Vec<Input>,
    work: &Work<'_>,
    connection: &mut Connection,
    mut place: Place,
) -> Result<Vec<Result<Summary>>, Undone> {
    if place.is_lost() || work.options.progress.is_stopped() {
        return Err(Undone::Lost);
    }
    connection.mend().await?;
    let (mut ended, wanted) = wanted(inputs, work.feed)?;
    let identities: Vec<_> = wanted.iter().map(|wanted| &wanted.identity).collect();
    let loaded = find_loaded(&**connection, &identities, work).await?;
    let mut missing = Vec::with_capacity(wanted.len());
    for (wanted, loaded) in wanted.into_iter().zip(loaded) {
        match loaded {
            Some(loaded) => {
                let summary = Summary::already_loaded(&wanted.object, loaded);
                ended[wanted.at] = Some(Ok(summary));
            }
            None => missing.push(wanted),
        }
    }
    if missing.is_empty() {
        if !place.pass().await {
            return Err(Undone::Lost);
        }
    } else {
        load_wanted(missing, work, connection, place, &mut ended).await?;
    }
    Ok(ended.into_iter().flatten().collect())
}

/// The objects that are to be loaded, and what is known of the others.
fn wanted(inputs: Vec<Input>, feed: &Feed) -> Result<(Ended, Vec<Wanted>), Undone> {
    let (mut ended, mut all) = (Vec::with_capacity(inputs.len()), Vec::new());
    for (at, input) in inputs.into_iter().enumerate() {
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
        all.push(Wanted { at, object, identity, text });
    }
    Ok((ended, all))
}

/// Loads those objects that have not `ended`.
async fn load_wanted(
    wanted: Vec<Wanted>,
    work: &Work<'_>,
    connection: &mut Connection,
    place: Place,
    ended: &mut Ended,
) -> Result<(), Undone> {
    let Work { feed, options } = work;
    let began_at = SystemTime::now();
    let targets = Targets::find_or_create(&**connection, feed, options.mode).await?.bundled();
    let (mut known, mut texts) = (Vec::new(), Vec::new());
    for (number, Wanted { at, object, identity, text }) in wanted.into_iter().enumerate() {
        texts.push((number, object.clone(), text));
        known.push((at, object, identity));
    }
    let Read { records, members, unreadable } =
        read(texts, feed, targets.limits(), options.cut.clone()).await?;
    let numbers: Vec<_> = members.iter().map(|member| member.at).collect();
    let load = |Member { at, tally }| Load {
        object: &known[at].1,
        identity: &known[at].2,
        load_id: 0,
        started_at: began_at,
        tally,
    };
    let loads: Vec<_> = members.into_iter().map(load).collect();
    if !loads.is_empty() {
        let written = write(loads, records, &targets, work, connection, place).await?;
        for (number, summary) in numbers.into_iter().zip(written) {
            ended[known[number].0] = Some(Ok(summary));
        }
    } else if !place.pass().await {
        return Err(Undone::Lost);
    }
    let options = LoadOptions { mode: targets.mode().into(), ..(*options).clone() };
    for (number, error) in unreadable {
        let (at, object, _) = &known[number];
        note_failure(object, feed, connection, &options, began_at, &error).await;
        ended[*at] = Some(Err(error));
    }
    Ok(())
}

/// Writes the rows of all loads in one transaction.
async fn write(
    mut loads: Vec<Load<'_>>,
    records: DataFrame,
    targets: &Targets,
    work: &Work<'_>,
    connection: &mut Connection,
    Place { mut claim, mut commit }: Place,
) -> Result<Vec<Summary>, Undone> {
    let options = work.options;
    let database = connection.database().clone();
    if !claim.reach().await {
        return Err(Undone::Lost);
    }
    let transaction = connection.begin(false).await?;
    claim_all(&transaction, &mut loads, work).await?;
    claim.pass();
    let copied = copy(&transaction, &mut loads, records, targets, work).await?;
    if !commit.reach().await {
        return Err(Undone::Lost);
    }
    let merged = match targets.mode() {
        Mode::Append => Vec::new(),
        Mode::Merge => {
            let merged = targets.merge_bundle(&transaction).await?;
            (options.reached)(Point::Merged);
            merged
        }
    };
    let counts = prove_all(&loads, copied, targets.mode(), &merged)?;
    let summaries = record(&transaction, &loads, &counts, targets.mode(), work).await?;
    (options.reached)(Point::Recorded);
    if options.progress.is_stopped() {
        return Err(Undone::Lost);
    }
    if let Err(source) = transaction.commit().await {
        // All of them are there, or none.
        let Load { object, identity, load_id, .. } = &loads[0];
        was_committed(&database, object, identity, *load_id, source).await?;
    }
    (options.reached)(Point::Committed);
    commit.pass();
    add_progress(&summaries, options);
    Ok(summaries)
}

/// Sends the rows of all loads, and adds to their tallies what became of their records; what the
/// database has taken.
async fn copy(
    transaction: &Transaction<'_>,
    loads: &mut [Load<'_>],
    records: DataFrame,
    targets: &Targets,
    Work { feed, options }: &Work<'_>,
) -> Result<Written, Undone> {
    let stamps = loads.iter().map(|load| stamp(load.object, load.load_id, load.started_at));
    let split = Split {
        feed,
        records,
        stamps: stamps.collect(),
        encoder: Encoder::new(targets),
        reject_run: RejectRun::new(options.max_rejects_in_a_row),
    };
    let tallies = loads.iter_mut().map(|load| std::mem::take(&mut load.tally)).collect();
    let mut sink = Sink::open(transaction, targets, options.reached).await?;
    let (sender, mut rows) = mpsc::channel(WAITING_PIECES);
    let splitting = tokio::task::spawn_blocking(move || split.run(tallies, &sender));
    while let Some(rows) = rows.recv().await {
        sink.write(rows).await?;
    }
    let tallies = splitting.await.map_err(|_| Undone::Lost)??;
    loads.iter_mut().zip(tallies).for_each(|(load, tally)| load.tally = tally);
    Ok(sink.copy().await?)
}

/// The loads of these versions that are there already, unless they are to be loaded again.
pub(super) async fn find_loaded(
    client: &impl GenericClient,
    identities: &[&Identity],
    work: &Work<'_>,
) -> Result<Vec<Option<Loaded>>> {
    match (work.options.reload, work.options.job_id) {
        (false, _) => ledger::bundle::loaded(client, identities, None).await,
        (true, Some(job_id)) => ledger::bundle::loaded(client, identities, Some(job_id)).await,
        (true, None) => Ok(vec![None; identities.len()]),
    }
}

/// Claims the versions and gives the loads their numbers.
async fn claim_all(
    transaction: &Transaction<'_>,
    loads: &mut [Load<'_>],
    work: &Work<'_>,
) -> Result<(), Undone> {
    let identities: Vec<_> = loads.iter().map(|load| load.identity).collect();
    ledger::bundle::claim(transaction, &identities).await?;
    // Somebody else may have had a claim meanwhile.
    if find_loaded(transaction, &identities, work).await?.iter().any(Option::is_some) {
        return Err(Undone::Raced);
    }
    let load_ids = ledger::bundle::next_loads(transaction, loads.len()).await?;
    for (load, load_id) in loads.iter_mut().zip(load_ids) {
        (load.load_id, load.started_at) = (load_id, instant(load.started_at, load_id));
    }
    Ok(())
}

/// The counts of each load, proven as those of a load alone; and what the database has taken is the sum
/// of them.
fn prove_all(
    loads: &[Load<'_>],
    copied: Written,
    mode: Mode,
    merged: &[(Option<u32>, Merged)],
) -> Result<Vec<Counts>> {
    let sum = |of: fn(&Tally) -> u64| loads.iter().map(|load| of(&load.tally)).sum::<u64>();
    let equal = [
        ("valid records", sum(|tally| tally.loaded), copied.status),
        ("rejected records", sum(|tally| tally.rejected), copied.rejected),
        ("rows of the log", sum(|tally| tally.log_rows), copied.log),
    ];
    let unproven = |detail: String| {
        let objects = loads.iter().map(|load| load.object.url()).next().unwrap_or_default();
        Error::Unproven { object: format!("{objects} and others"), detail }
    };
    if let Some((what, one, other)) = equal.into_iter().find(|(_, one, other)| one != other) {
        let detail = format!("{what}, and those the database took, are {one} and {other}");
        return Err(unproven(detail));
    }
    let mut written: Vec<_> = loads.iter().map(|load| took(&load.tally, mode)).collect();
    for (object_no, Merged { inserted, updated }) in merged {
        let of_object = object_no.and_then(|no| written.get_mut(no as usize));
        let superseded =
            of_object.as_ref().and_then(|of| of.status.checked_sub(inserted + updated));
        let (Some(of_object), Some(superseded)) = (of_object, superseded) else {
            return Err(unproven("a row was merged that is no record's".to_owned()));
        };
        of_object.merged = Some(MergeCounts { inserted: *inserted, updated: *updated, superseded });
    }
    loads
        .iter()
        .zip(written)
        .map(|(load, written)| prove(load.object, &load.tally, written))
        .collect()
}

/// What the database took of a load, of which nothing is merged so far.
fn took(tally: &Tally, mode: Mode) -> Written {
    let superseded = MergeCounts { superseded: tally.loaded, ..MergeCounts::default() };
    Written {
        status: tally.loaded,
        log: tally.log_rows,
        rejected: tally.rejected,
        merged: (mode == Mode::Merge).then_some(superseded),
    }
}

/// Writes the ledger's rows.
async fn record(
    transaction: &Transaction<'_>,
    loads: &[Load<'_>],
    counts: &[Counts],
    mode: Mode,
    work: &Work<'_>,
) -> Result<Vec<Summary>> {
    let options = work.options;
    let entries = loads.iter().zip(counts).map(|(load, counts)| {
        let entry = Entry {
            load_id: load.load_id,
            mode,
            reload: options.reload,
            job_id: options.job_id,
            format: load.tally.format,
            compression: load.tally.compression,
            started_at: load.started_at,
            seconds: seconds_since(load.started_at),
            counts,
        };
        (load.identity, entry)
    });
    let entries: Vec<_> = entries.collect();
    ledger::bundle::record(transaction, &entries).await?;
    let summary = |(load, (_, entry)): (&Load<'_>, &(_, Entry<'_>))| {
        let (id, counts) = (Some(entry.load_id), entry.counts.clone());
        Summary::new(load.object, State::Loaded, mode, id, entry.seconds, counts)
    };
    Ok(loads.iter().zip(&entries).map(summary).collect())
}

fn add_progress(summaries: &[Summary], options: &LoadOptions) {
    let progress = &options.progress;
    for Summary { bytes, records, loaded, rejected, log_rows, .. } in summaries {
        for (so_far, of_load) in [
            (&*progress.bytes_read, bytes),
            (&progress.records, records),
            (&progress.loaded, loaded),
            (&progress.rejected, rejected),
            (&progress.log_rows, log_rows),
        ] {
            so_far.fetch_add(*of_load, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_that_begin_together_have_instants_of_their_own() {
        let began_at = UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_123);
        let mut instants: Vec<_> = (7..1007).map(|load_id| instant(began_at, load_id)).collect();
        let latest = instants.iter().max().copied().unwrap();
        let earliest = instants.iter().min().copied().unwrap();
        assert!(latest <= began_at && began_at < earliest + Duration::from_millis(17));
        // Another process begins a moment later, and has other numbers.
        let later = began_at + Duration::from_micros(500);
        instants.extend((1007..2007).map(|load_id| instant(later, load_id)));
        instants.sort();
        instants.dedup();
        assert_eq!(instants.len(), 2000);
    }
}
