//! Made-up wide events, flat records of many fields, always the same for the same arguments.

use std::io::{self, Write};

use fastrand::Rng;

const NAMES: [&str; 5] =
    ["page viewed", "button clicked", "form sent", "payment made", "signed out"];
const WORDS: [&str; 8] =
    ["alpha", "beta", "gamma", "delta", "Zürich", "eta", "theta", "a longer value of text"];

/// Which events to make up.
pub(crate) struct Events {
    /// How many.
    pub(crate) records: u64,
    /// Where the random numbers begin.
    pub(crate) seed: u64,
}

impl Events {
    /// Writes the events, one a line.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut rng = Rng::with_seed(self.seed);
        for number in 0..self.records {
            event(number, &mut rng, out)?;
        }
        Ok(())
    }
}

/// Sixty fields: some texts and numbers are null, and one of each is missing now and then.
fn event(number: u64, rng: &mut Rng, out: &mut impl Write) -> io::Result<()> {
    let key = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (high, low) = (key >> 32, key & 0xFFFF_FFFF);
    write!(out, r#"{{"event_id":"{high:08x}-0000-4000-8000-{number:012x}","at":"2026-"#)?;
    let (month, day) = (rng.u32(1..13), rng.u32(1..29));
    let (hour, minute, second) = (rng.u32(..24), rng.u32(..60), rng.u32(..60));
    write!(out, r#"{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.125Z","name":"#)?;
    write!(out, r#""{}","session":"{low:08x}""#, NAMES[rng.usize(..NAMES.len())])?;
    for field in 0..24 {
        match rng.u8(..10) {
            0 => write!(out, r#","text_{field:02}":null"#)?,
            1 if field == 23 => {}
            _ => write!(out, r#","text_{field:02}":"{}""#, WORDS[rng.usize(..WORDS.len())])?,
        }
    }
    for field in 0..16 {
        write!(out, r#","count_{field:02}":{}"#, rng.u64(..1 << (field * 3 + 4)))?;
    }
    for field in 0..8 {
        write!(out, r#","ratio_{field:02}":{}.{:03}"#, rng.u32(..100), rng.u32(..1000))?;
    }
    for field in 0..8 {
        write!(out, r#","is_{field:02}":{}"#, rng.bool())?;
    }
    writeln!(out, "}}")
}
