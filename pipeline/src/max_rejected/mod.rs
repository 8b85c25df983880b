//! How many records of an object may be rejected before its load fails.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Digits of a count at most.
const COUNT_DIGITS: usize = 18;
/// Digits behind the point of a percentage at most.
const PERCENT_DIGITS: usize = 3;
/// All records, in thousandths of a percent.
const ALL: u32 = 100_000;

/// How many records of an object may be rejected: a count like `100`, or a share like `20%` or `0.5%`. If
/// more are rejected, the load fails and nothing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MaxRejected {
    /// This many records.
    Count(u64),
    /// A share of the records, in thousandths of a percent.
    Share(u32),
}

impl MaxRejected {
    /// Whether so many rejected ones of so many records are too many.
    #[must_use]
    pub fn is_exceeded(self, rejected: u64, records: u64) -> bool {
        match self {
            Self::Count(most) => rejected > most,
            Self::Share(share) => {
                u128::from(rejected) * u128::from(ALL) > u128::from(share) * u128::from(records)
            }
        }
    }
}

impl fmt::Display for MaxRejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Count(most) => write!(f, "{most}"),
            Self::Share(share) => {
                let thousandths = format!("{:03}", share % 1000);
                match thousandths.trim_end_matches('0') {
                    "" => write!(f, "{}%", share / 1000),
                    fraction => write!(f, "{}.{fraction}%", share / 1000),
                }
            }
        }
    }
}

impl FromStr for MaxRejected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let limit = match text.strip_suffix('%') {
            Some(percent) => share(percent).map(Self::Share),
            None => number(text, COUNT_DIGITS).map(Self::Count),
        };
        limit.ok_or_else(|| "expected a count like 100, or a share like 20%".to_owned())
    }
}

/// A percentage in thousandths.
fn share(percent: &str) -> Option<u32> {
    let (whole, fraction) = percent.split_once('.').unwrap_or((percent, "0"));
    let fraction = Some(fraction).filter(|digits| digits.len() <= PERCENT_DIGITS)?;
    let whole = u32::try_from(number(whole, 3)?).ok()?;
    let thousandths = number(&format!("{fraction:0<PERCENT_DIGITS$}"), PERCENT_DIGITS)?;
    let share = whole * 1000 + u32::try_from(thousandths).ok()?;
    let is_number = fraction.bytes().all(|digit| digit.is_ascii_digit()) && !fraction.is_empty();
    Some(share).filter(|share| is_number && *share <= ALL)
}

/// A number of digits alone.
fn number(text: &str, digits: usize) -> Option<u64> {
    let is_number = text.len() <= digits && text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

impl TryFrom<String> for MaxRejected {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MaxRejected> for String {
    fn from(limit: MaxRejected) -> Self {
        limit.to_string()
    }
}

#[cfg(test)]
mod tests;
