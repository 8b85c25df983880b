//! Made-up `user_status` records, always the same for the same plan.
//!
//! It knows nothing of the library, so that what the library is measured and tested with does not
//! change with it.

use std::io::{self, Write};

use fastrand::Rng;

const STATUSES: [&str; 5] = ["ACTIVE", "INACTIVE", "PENDING", "SUSPENDED", "VERIFIED"];

/// What to make up.
pub(crate) struct Plan {
    /// How many records.
    pub(crate) records: u64,
    /// Log entries of a record, on average.
    pub(crate) logs: u64,
    /// Records of a hundred that cannot be loaded.
    pub(crate) rejected: f64,
    /// Distinct users; 0 for as many as records.
    pub(crate) users: u64,
    /// Where the random numbers begin.
    pub(crate) seed: u64,
    /// One array instead of lines.
    pub(crate) array: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { records: 100_000, logs: 5, rejected: 1.0, users: 0, seed: 1, array: false }
    }
}

impl Plan {
    /// Writes the records.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut rng = Rng::with_seed(self.seed);
        let (open, between, close) =
            if self.array { ("[\n", ",\n", "\n]\n") } else { ("", "\n", "\n") };
        write!(out, "{open}")?;
        for number in 0..self.records {
            if number > 0 {
                write!(out, "{between}")?;
            }
            self.record(number, &mut rng, out)?;
        }
        write!(out, "{close}")
    }

    fn record(&self, number: u64, rng: &mut Rng, out: &mut impl Write) -> io::Result<()> {
        let user = if self.users == 0 { number } else { rng.u64(..self.users) };
        // Spread over the key space as UUIDs are, so that an index is not filled in order by chance.
        let key = user.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let visited = 1_600_000_000 + rng.u64(..60_000_000);
        let is_rejected = rng.f64() * 100.0 < self.rejected;
        write!(out, r#"{{"userId":"{key:016x}-{user:012x}","createdAt":""#)?;
        date(rng, out)?;
        if is_rejected && rng.bool() {
            write!(out, r#"","lastVisitedAt":null,"status":""#)?;
        } else {
            write!(out, r#"","lastVisitedAt":{visited},"status":""#)?;
        }
        let status = if is_rejected { "" } else { STATUSES[rng.usize(..STATUSES.len())] };
        write!(out, r#"{status}","statusLogs":["#)?;
        for entry in 0..rng.u64(..=2 * self.logs) {
            write!(out, r#"{}{{"updatedOn":""#, if entry == 0 { "" } else { "," })?;
            date(rng, out)?;
            write!(out, r#"","status":"{}"}}"#, STATUSES[rng.usize(..STATUSES.len())])?;
        }
        write!(out, r#"],"isBlacklisted":{}}}"#, rng.u8(..50) == 0)
    }
}

fn date(rng: &mut Rng, out: &mut impl Write) -> io::Result<()> {
    let (year, month, day) = (rng.u32(2018..2024), rng.u32(1..13), rng.u32(1..29));
    let (hour, minute, second) = (rng.u32(..24), rng.u32(..60), rng.u32(..60));
    write!(out, "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
