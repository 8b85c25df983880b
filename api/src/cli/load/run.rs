//! All loads of one command.

use std::collections::HashMap;
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use pipeline::bundle::{Size, Step, load_bundled, plan};
use pipeline::database::Connection;
use pipeline::error::Result;
use pipeline::feed::Feed;
use pipeline::load::{LoadOptions, Summary};
use pipeline::preflight::{Others, Preflight, PreflightReport, PreflightRequest};
use pipeline::store::{Listed, Object};

use super::options;
use super::single::load_one;
use crate::cli::print::{LoadLines, Printer};
use crate::cli::progress::LoadsProgress;
use crate::cli::session::Session;
use crate::cli::totals::Totals;
use crate::config::LoadArgs;

/// Objects that are pinned at the same time, ahead of their checks.
const BEGUN_AHEAD: usize = 16;

/// The loads of a command that go through one feed.
pub(super) struct Run<'a, 'r> {
    args: &'a LoadArgs,
    options: LoadOptions,
    catalog: Catalog<'a>,
    report: &'r mut Report<'a>,
}

impl<'a, 'r> Run<'a, 'r> {
    pub(super) fn new(
        args: &'a LoadArgs,
        feed: &'a Arc<Feed>,
        objects: &[Listed],
        report: &'r mut Report<'a>,
    ) -> Self {
        let preflight = (!args.no_preflight).then(Preflight::default);
        Self {
            args,
            options: options(args, feed, &report.progress.load),
            catalog: Catalog { feed, preflight, named: objects.to_vec() },
            report,
        }
    }

    /// Loads the objects, small ones in bundles, and prints what became of each. Ends early when what
    /// went wrong with one would go wrong with all others of the feed.
    pub(super) async fn load(mut self, objects: Vec<Listed>, session: Option<&mut Session>) {
        self.report.totals.begin_feed(objects.len());
        match session {
            Some(session) if !self.args.dry_run => {
                for step in plan(objects) {
                    match step {
                        Step::Alone(listed) => {
                            let object = listed.begin().await;
                            self.load_alone(&listed, object, Some(session)).await;
                        }
                        Step::Bundled(objects) => self.load_bundles(objects, session).await,
                    }
                    if self.report.totals.is_stopped() {
                        break;
                    }
                }
            }
            mut session => {
                let mut begun = std::pin::pin!(begin_ahead(objects));
                while let Some((listed, object)) = begun.next().await {
                    self.load_alone(&listed, object, session.as_deref_mut()).await;
                    if self.report.totals.is_stopped() {
                        break;
                    }
                }
            }
        }
        let untried = self.report.totals.untried_of_feed();
        if untried > 0 {
            self.report.printer.note(&format!(
                "note: the other {untried} objects were not tried: they would fail for the same reason"
            ));
        }
    }

    /// Loads or checks an object by itself.
    async fn load_alone(
        &mut self,
        listed: &Listed,
        object: Result<Object>,
        session: Option<&mut Session>,
    ) {
        let Self { args, options, catalog, report } = self;
        let printer = report.printer;
        let done = match object {
            Ok(object) => load_one(&object, options, args.dry_run, catalog, session, printer).await,
            Err(error) => Err(error),
        };
        report.add(listed, Some(catalog.feed), &done);
    }

    /// Loads small objects in bundles.
    async fn load_bundles(&mut self, objects: Vec<Listed>, session: &mut Session) {
        let Self { args, options, catalog, report } = self;
        let feed = Some(catalog.feed);
        let mut all_held = HashMap::new();
        let mut wanted = Vec::with_capacity(objects.len());
        for (object, held) in catalog.check_all(objects, options, session).await {
            match held {
                Ok(held) => {
                    all_held.insert(object.url(), held);
                    wanted.push(object);
                }
                Err(error) => report.add(&object, feed, &Err(error)),
            }
        }
        let tell = |object: &Listed, done: Result<Summary>| {
            let held = all_held.remove(&object.url()).unwrap_or_default();
            report.add(object, feed, &done.map(|summary| held.added_to(summary)));
        };
        let mut others = session.connect_others(args.connections.of_bundles() - 1).await;
        let connections = std::iter::once(&mut session.connection).chain(&mut others).collect();
        load_bundled(wanted, catalog.feed, connections, options, Size::default(), tell).await;
    }
}

/// Pins objects of which each is checked by itself, several at once, ahead of the checks: with their
/// beginnings, which are all of a small object.
fn begin_ahead(objects: Vec<Listed>) -> impl Stream<Item = (Listed, Result<Object>)> {
    let begun = objects.into_iter().map(async |listed| {
        let object = listed.begin().await;
        (listed, object)
    });
    stream::iter(begun).buffered(BEGUN_AHEAD)
}

/// Tells what became of the objects of a command, and counts it.
pub(super) struct Report<'a> {
    json: bool,
    printer: &'a Printer,
    /// How lines of several objects stand under each other; None of one, which has a summary.
    lines: Option<LoadLines>,
    pub(super) totals: Totals,
    pub(super) progress: Arc<LoadsProgress>,
}

impl<'a> Report<'a> {
    pub(super) fn new(args: &LoadArgs, objects: &[Listed], printer: &'a Printer) -> Self {
        let bytes = objects.iter().map(Listed::size).sum();
        Self {
            json: args.json,
            printer,
            lines: (objects.len() > 1).then(|| LoadLines::new(objects)),
            totals: Totals::begin(objects.len()),
            progress: Arc::new(LoadsProgress::new(objects.len(), bytes)),
        }
    }

    /// Tells what became of an object; `feed` is none if it is unclear which it goes through.
    pub(super) fn add(
        &mut self,
        object: &Listed,
        feed: Option<&Arc<Feed>>,
        done: &Result<Summary>,
    ) {
        self.totals.add(feed, done);
        self.progress.add(object, done);
        let printer = self.printer;
        match (done, &mut self.lines) {
            (Ok(summary), _) if self.json => printer.json(summary),
            (Ok(summary), None) => printer.summary(summary, feed),
            (Ok(summary), Some(lines)) => printer.load_line(lines, summary),
            (Err(error), lines) => {
                let failed = Summary::failed(object, feed.map(Arc::as_ref), error);
                if self.json {
                    printer.json(&failed);
                } else if let Some(lines) = lines {
                    printer.load_line(lines, &failed);
                }
                printer.failed(&format!("could not load {}", object.url()), error);
            }
        }
    }
}

/// What the feed is held against before loads.
pub(super) struct Catalog<'a> {
    pub(super) feed: &'a Arc<Feed>,
    /// None if it is not wanted.
    preflight: Option<Preflight>,
    /// All objects that are to be loaded.
    named: Vec<Listed>,
}

impl Catalog<'_> {
    pub(super) async fn check(
        &self,
        object: &Object,
        options: &LoadOptions,
        dry_run: bool,
        connection: Option<&mut Connection>,
    ) -> Result<PreflightReport> {
        let Some(preflight) = &self.preflight else {
            return Ok(PreflightReport::default());
        };
        let others = Others::These(&self.named);
        let planned = PreflightRequest { object, feed: self.feed, options, dry_run, others };
        preflight.check(&planned, connection).await
    }

    /// The same for many objects at once.
    async fn check_all(
        &self,
        objects: Vec<Listed>,
        options: &LoadOptions,
        session: &mut Session,
    ) -> Vec<(Listed, Result<PreflightReport>)> {
        let Some(preflight) = &self.preflight else {
            return objects
                .into_iter()
                .map(|object| (object, Ok(PreflightReport::default())))
                .collect();
        };
        let others = Others::These(&self.named);
        let connection = &mut session.connection;
        let held = preflight.check_all(&objects, self.feed, options, others, connection).await;
        objects.into_iter().zip(held).collect()
    }
}
