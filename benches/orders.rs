//! Made-up orders with items and their discounts, always the same for the same arguments.

use std::io::{self, Write};

use fastrand::Rng;

const CITIES: [&str; 6] = ["Bern", "Zürich", "São Paulo", "Kyoto", "Reykjavík", "Toronto"];
const STATUSES: [&str; 4] = ["open", "paid", "shipped", "returned"];
const TAGS: [&str; 5] = ["gift", "express", "fragile", "b2b", "first order"];

/// Which orders to make up.
pub(crate) struct Orders {
    /// How many.
    pub(crate) records: u64,
    /// Of a hundred, those that are later and have another total than in version 0.
    pub(crate) changed: u64,
    /// Where the random numbers begin.
    pub(crate) seed: u64,
}

impl Orders {
    /// Writes the orders, one a line.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut rng = Rng::with_seed(self.seed);
        for number in 0..self.records {
            let is_changed = number % 100 < self.changed;
            order(number, is_changed, &mut rng, out)?;
        }
        Ok(())
    }
}

fn order(number: u64, is_changed: bool, rng: &mut Rng, out: &mut impl Write) -> io::Result<()> {
    // Spread over the key space as UUIDs are.
    let key = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (high, low) = (key >> 32, key & 0xFFFF_FFFF);
    write!(out, r#"{{"id":"{high:08x}-0000-4000-8000-{number:012x}","updatedAt":""#)?;
    instant(rng, if is_changed { 2027 } else { 2026 }, out)?;
    let total = rng.u64(100..500_000) + u64::from(is_changed);
    write!(out, r#"","total":{}.{:02},"customer":{{"name":"#, total / 100, total % 100)?;
    write!(out, r#""Customer {low:08x}","email":"c{number}@example.com","address":{{"city":""#)?;
    write!(out, r#"{}","zip":"{:05}","#, pick(rng, &CITIES), rng.u32(..100_000))?;
    write!(
        out,
        r#""street":"Long Street {}"}}}},"status":"{}","#,
        rng.u32(1..300),
        pick(rng, &STATUSES)
    )?;
    if rng.bool() {
        write!(out, r#""currency":"CHF","#)?;
    }
    let tags: Vec<_> = (0..rng.usize(..4)).map(|_| format!("\"{}\"", pick(rng, &TAGS))).collect();
    write!(
        out,
        r#""tags":[{}],"meta":{{"channel":"web","campaign":{},"#,
        tags.join(","),
        rng.u32(..50)
    )?;
    write!(out, r#""utm":{{"source":"mail","medium":null}}}},"items":["#)?;
    for line in 0..rng.usize(1..6) {
        item(line, rng, out)?;
    }
    writeln!(out, r#"],"note":"made up"}}"#)
}

fn item(line: usize, rng: &mut Rng, out: &mut impl Write) -> io::Result<()> {
    let comma = if line > 0 { "," } else { "" };
    write!(out, r#"{comma}{{"sku":"SKU-{:06}","qty":{},"#, rng.u32(..500_000), rng.u32(1..10))?;
    write!(out, r#""price":{}.{:02},"discounts":["#, rng.u32(1..900), rng.u32(..100))?;
    for number in 0..rng.usize(..3) {
        let comma = if number > 0 { "," } else { "" };
        write!(
            out,
            r#"{comma}{{"code":"CODE{:03}","amount":{}.{:02}}}"#,
            rng.u32(..400),
            rng.u32(..40),
            rng.u32(..100)
        )?;
    }
    write!(out, "]}}")
}

fn instant(rng: &mut Rng, year: u32, out: &mut impl Write) -> io::Result<()> {
    let (month, day) = (rng.u32(1..13), rng.u32(1..29));
    let (hour, minute, second) = (rng.u32(..24), rng.u32(..60), rng.u32(..60));
    write!(out, "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn pick<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    all[rng.usize(..all.len())]
}
