//! `stevedore watch`: defines and steers the watches of a server.

use std::process::ExitCode;

use reqwest::Method;

use super::client::{ClientError, Server, asked};
use super::print::Printer;
use crate::config::{WatchAddArgs, WatchArgs, WatchVerb};
use crate::http::{RemovedWatch, RequestedListing, WatchList, WatchRunPage, WatchToken};
use crate::jobs::watches::{Watch, WatchPlan};
use crate::wire::JobMode;

pub(super) async fn watch(args: &WatchArgs, printer: &Printer) -> ExitCode {
    asked(ask(args, printer).await, &args.client.server, printer)
}

async fn ask(args: &WatchArgs, printer: &Printer) -> Result<(), ClientError> {
    let server = Server::of(&args.client)?;
    let json = args.client.json;
    let one = |name: &str, rest: &str| format!("/v1/watches/{}{rest}", encoded(name));
    match &args.verb {
        WatchVerb::Add(new) => {
            let watch: Watch = server.tell("/v1/watches", &plan(new)).await?;
            show(&watch, json, printer);
            if let Some(token) = watch.token.filter(|_| !json) {
                print_token(&server, &new.name, &token, printer);
            }
        }
        WatchVerb::List => {
            let list: WatchList = server.ask(Method::GET, "/v1/watches", &[]).await?;
            match json {
                true => list.watches.iter().for_each(|watch| printer.json(watch)),
                false => printer.watches(&list.watches),
            }
        }
        WatchVerb::Show { name } => {
            let watch: Watch = server.ask(Method::GET, &one(name, ""), &[]).await?;
            show(&watch, json, printer);
        }
        WatchVerb::Run { name } => {
            let run: RequestedListing = server.ask(Method::POST, &one(name, "/runs"), &[]).await?;
            match json {
                true => printer.json(&run),
                false => printer.text(&format!("run {} of {name} is queued\n", run.run_id)),
            }
        }
        WatchVerb::Pause { name } => {
            let watch: Watch = server.ask(Method::POST, &one(name, "/pause"), &[]).await?;
            show(&watch, json, printer);
        }
        WatchVerb::Resume { name } => {
            let watch: Watch = server.ask(Method::POST, &one(name, "/resume"), &[]).await?;
            show(&watch, json, printer);
        }
        WatchVerb::Remove { name } => {
            let removed: RemovedWatch = server.ask(Method::DELETE, &one(name, ""), &[]).await?;
            match json {
                true => printer.json(&removed),
                false => printer.text(&format!("the watch {name} is removed\n")),
            }
        }
        WatchVerb::Runs { name, limit } => {
            let query = [("limit", limit.to_string())];
            let page: WatchRunPage = server.ask(Method::GET, &one(name, "/runs"), &query).await?;
            match json {
                true => page.runs.iter().for_each(|run| printer.json(run)),
                false => printer.watch_runs(&page.runs),
            }
            if page.next_cursor.is_some() {
                printer.note("note: there are more runs: raise --limit");
            }
        }
        WatchVerb::Token { name } => {
            let renewed: WatchToken =
                server.ask::<WatchToken>(Method::POST, &one(name, "/token"), &[]).await?;
            match json {
                true => printer.json(&renewed),
                false => print_token(&server, name, &renewed.token, printer),
            }
        }
    }
    Ok(())
}

fn show(watch: &Watch, json: bool, printer: &Printer) {
    match json {
        true => printer.json(watch),
        false => printer.watches(std::slice::from_ref(watch)),
    }
}

/// Where notices are sent to.
fn print_token(server: &Server, name: &str, token: &str, printer: &Printer) {
    let url = server.url_of(&format!("/v1/arrivals/{}?token={token}", encoded(name)));
    printer.data(&format!("{url}\n"));
    printer.note("the store sends its notices to this URL; its token is not shown again");
}

fn plan(new: &WatchAddArgs) -> WatchPlan {
    WatchPlan {
        name: Some(new.name.clone()),
        bucket: new.bucket.clone(),
        prefix: new.prefix.clone(),
        glob: new.glob.clone(),
        feed: new.feed.clone(),
        mode: new.mode.map(JobMode::from),
        labels: new.labels.iter().cloned().collect(),
        schedule: new.schedule.clone(),
        every: new.every.clone(),
        settle_secs: Some(new.settle_secs),
        min_interval_secs: Some(new.min_interval_secs),
        backfill: !new.only_new,
        queue: new.queue.clone(),
        token_sha256: None,
    }
}

/// A name as part of a path.
fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}
