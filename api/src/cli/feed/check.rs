//! `stevedore feed check`: what is wrong with a feed file, and what becomes of an object's records.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use pipeline::error::{Error, Result};
use pipeline::feed::{Feed, FeedProblem};
use pipeline::load::{Connections, Example, LoadOptions, MaxRejected, Progress, Summary, dry_run};
use pipeline::records::CutOptions;
use pipeline::store::{find, shown};
use serde::Serialize;

use crate::buckets::environment;
use crate::cli::print::Printer;
use crate::config::FeedCheckArgs;
use crate::failpoint;

/// What a check has found.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Checked<'a> {
    pub(in crate::cli) file: &'a str,
    pub(in crate::cli) is_valid: bool,
    pub(in crate::cli) problems: &'a [FeedProblem],
    /// The objects that were checked with the feed.
    pub(in crate::cli) objects: Vec<CheckedObject>,
}

/// What becomes of the records of an object.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct CheckedObject {
    #[serde(flatten)]
    pub(in crate::cli) summary: Summary,
    /// The first rejected record of each reason.
    pub(in crate::cli) examples: BTreeMap<String, Example>,
    /// Whether a load would fail because too many of the records are rejected.
    pub(in crate::cli) has_too_many_rejects: bool,
}

pub(super) async fn check(args: &FeedCheckArgs, printer: &Printer) -> ExitCode {
    let file = args.file.display().to_string();
    let text = match std::fs::read_to_string(&args.file) {
        Ok(text) => text,
        Err(error) => return printer.failed(&format!("could not read {file}"), &error),
    };
    let feed = match Feed::read(&file, &text) {
        Ok(feed) => feed,
        Err(Error::Feed { problems, .. }) => {
            print_problems(&file, &Feed::problems(&text), &problems, args.json, printer);
            return ExitCode::FAILURE;
        }
        Err(error) => return printer.failed(&format!("could not read {file}"), &error),
    };
    let objects = match &args.against {
        None => Vec::new(),
        Some(location) => match check_objects(location, &feed).await {
            Ok(objects) => objects,
            Err(error) => {
                return printer.failed(&format!("could not check {}", shown(location)), &error);
            }
        },
    };
    let checked = Checked { file: &file, is_valid: true, problems: &[], objects };
    if args.json {
        printer.json(&checked);
    } else {
        printer.checked(&checked, &feed);
    }
    ExitCode::SUCCESS
}

fn print_problems(file: &str, problems: &[FeedProblem], text: &str, json: bool, printer: &Printer) {
    if json {
        return printer.json(&Checked { file, is_valid: false, problems, objects: Vec::new() });
    }
    let number = match problems.len() {
        1 => "1 problem".to_owned(),
        number => format!("{number} problems"),
    };
    printer.note(&format!("{text}\n\n{file} has {number}"));
}

/// Takes objects through a feed as a load into new tables would, without a database.
async fn check_objects(location: &str, feed: &Arc<Feed>) -> Result<Vec<CheckedObject>> {
    let found = find(location, &environment()).await?;
    if let Some(error) = found.unreadable.into_iter().next() {
        return Err(error);
    }
    let mut objects = Vec::with_capacity(found.objects.len());
    for listed in found.objects {
        let object = listed.begin().await?;
        let summary = dry_run(&object, feed, None, &options(feed)).await?;
        let is_exceeded = |most: MaxRejected| most.is_exceeded(summary.rejected, summary.records);
        objects.push(CheckedObject {
            examples: summary.examples.clone(),
            has_too_many_rejects: feed.max_rejected.is_some_and(is_exceeded),
            summary,
        });
    }
    Ok(objects)
}

/// Any number of rejects is shown.
fn options(feed: &Feed) -> LoadOptions {
    LoadOptions {
        mode: feed.mode,
        cut: CutOptions::default(),
        reload: false,
        job_id: None,
        max_rejects_in_a_row: 0,
        max_rejected: Some(MaxRejected::Count(u64::MAX)),
        connections: Connections::default(),
        progress: Arc::new(Progress::default()),
        hit: failpoint::hit,
    }
}
