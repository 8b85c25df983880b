//! Writes made-up `user_status` records, always the same for the same arguments.
//!
//! `cargo run --release --example generate -- --records 100000 > users.ndjson`
//!
//! It knows nothing of the library, so that what the library is measured and tested with does not
//! change with it.

#![expect(clippy::print_stderr, reason = "a program of its own, with no printer")]

use std::io::{self, BufWriter, Write};

use fastrand::Rng;

const USAGE: &str = "usage: generate [--records N] [--logs N] [--rejected PERCENT] [--users N] [--seed N] [--array]";

const STATUSES: [&str; 5] = ["ACTIVE", "INACTIVE", "PENDING", "SUSPENDED", "VERIFIED"];

/// What to write.
struct Plan {
    records: u64,
    /// Log entries of a record, on average.
    logs: u64,
    /// Records of a hundred that cannot be loaded.
    rejected: f64,
    /// Distinct users; 0 for as many as records.
    users: u64,
    seed: u64,
    array: bool,
}

fn main() -> io::Result<()> {
    let Some(plan) = plan(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        std::process::exit(2);
    };
    let mut rng = Rng::with_seed(plan.seed);
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let (open, between, close) =
        if plan.array { ("[\n", ",\n", "\n]\n") } else { ("", "\n", "\n") };
    write!(out, "{open}")?;
    for number in 0..plan.records {
        if number > 0 {
            write!(out, "{between}")?;
        }
        record(&plan, number, &mut rng, &mut out)?;
    }
    write!(out, "{close}")?;
    out.flush()
}

fn plan(mut args: impl Iterator<Item = String>) -> Option<Plan> {
    let mut plan =
        Plan { records: 100_000, logs: 5, rejected: 1.0, users: 0, seed: 1, array: false };
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

fn record(plan: &Plan, number: u64, rng: &mut Rng, out: &mut impl Write) -> io::Result<()> {
    let user = if plan.users == 0 { number } else { rng.u64(..plan.users) };
    // Spread over the key space as UUIDs are, so that an index is not filled in order by chance.
    let key = user.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let visited = 1_600_000_000 + rng.u64(..60_000_000);
    let is_rejected = rng.f64() * 100.0 < plan.rejected;
    write!(out, r#"{{"userId":"{key:016x}-{user:012x}","createdAt":""#)?;
    date(rng, out)?;
    if is_rejected && rng.bool() {
        write!(out, r#"","lastVisitedAt":null,"status":""#)?;
    } else {
        write!(out, r#"","lastVisitedAt":{visited},"status":""#)?;
    }
    let status = if is_rejected { "" } else { STATUSES[rng.usize(..STATUSES.len())] };
    write!(out, r#"{status}","statusLogs":["#)?;
    for entry in 0..rng.u64(..=2 * plan.logs) {
        write!(out, r#"{}{{"updatedOn":""#, if entry == 0 { "" } else { "," })?;
        date(rng, out)?;
        write!(out, r#"","status":"{}"}}"#, STATUSES[rng.usize(..STATUSES.len())])?;
    }
    write!(out, r#"],"isBlacklisted":{}}}"#, rng.u8(..50) == 0)
}

fn date(rng: &mut Rng, out: &mut impl Write) -> io::Result<()> {
    let (year, month, day) = (rng.u32(2018..2024), rng.u32(1..13), rng.u32(1..29));
    let (hour, minute, second) = (rng.u32(..24), rng.u32(..60), rng.u32(..60));
    write!(out, "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
