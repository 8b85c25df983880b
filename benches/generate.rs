//! Writes made-up `user_status` records, always the same for the same arguments.
//!
//! `cargo run --release --example generate -- --records 100000 > users.ndjson`

#![expect(clippy::print_stderr, reason = "a program of its own, with no printer")]

mod records;

use std::io::{self, BufWriter, Write};

use records::Plan;

const USAGE: &str = "usage: generate [--records N] [--logs N] [--rejected PERCENT] [--users N] [--seed N] [--array]";

fn main() -> io::Result<()> {
    let Some(plan) = plan(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        std::process::exit(2);
    };
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    plan.write(&mut out)?;
    out.flush()
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
