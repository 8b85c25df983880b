//! Writes made-up records of `user_status`, or with `--orders` made-up orders, or with `--events` wide events,
//! always the same for the same arguments.
//!
//! `cargo run --release --example generate -- --records 100000 > users.ndjson`

#![expect(clippy::print_stderr, reason = "a program of its own, with no printer")]

mod events;
mod orders;
mod records;

use std::io::{self, BufWriter, Write};

use events::Events;
use orders::Orders;
use records::Plan;

const USAGE: &str =
    "usage: generate [--records N] [--logs N] [--rejected PERCENT] [--users N] [--seed N] [--array]
       generate --orders [--records N] [--changed PERCENT] [--seed N]
       generate --events [--records N] [--seed N]";

fn main() -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("--orders").is_some() {
        orders(arguments).unwrap_or_else(refuse).write(&mut out)?;
    } else if arguments.next_if_eq("--events").is_some() {
        events(arguments).unwrap_or_else(refuse).write(&mut out)?;
    } else {
        plan(arguments).unwrap_or_else(refuse).write(&mut out)?;
    }
    out.flush()
}

fn refuse<T>() -> T {
    eprintln!("{USAGE}");
    std::process::exit(2);
}

fn orders(mut args: impl Iterator<Item = String>) -> Option<Orders> {
    let mut orders = Orders { records: 200_000, changed: 0, seed: 1 };
    while let Some(name) = args.next() {
        let value = args.next()?.parse().ok()?;
        match name.as_str() {
            "--records" => orders.records = value,
            "--changed" => orders.changed = value,
            "--seed" => orders.seed = value,
            _ => return None,
        }
    }
    Some(orders)
}

fn events(mut args: impl Iterator<Item = String>) -> Option<Events> {
    let mut events = Events { records: 200_000, seed: 1 };
    while let Some(name) = args.next() {
        let value = args.next()?.parse().ok()?;
        match name.as_str() {
            "--records" => events.records = value,
            "--seed" => events.seed = value,
            _ => return None,
        }
    }
    Some(events)
}

fn plan(mut args: impl Iterator<Item = String>) -> Option<Plan> {
    let mut plan = Plan::default();
    while let Some(name) = args.next() {
        if name == "--array" {
            plan.array = true;
            continue;
        }
        let value = args.next()?;
        match name.as_str() {
            "--records" => plan.records = value.parse().ok()?,
            "--logs" => plan.logs = value.parse().ok()?,
            "--rejected" => plan.rejected = value.parse().ok()?,
            "--users" => plan.users = value.parse().ok()?,
            "--seed" => plan.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(plan)
}
