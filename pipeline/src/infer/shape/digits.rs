//! How many digits numbers with a fraction or an exponent have.

use serde::{Deserialize, Serialize};

/// The most digits of numbers when they are written without an exponent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Digits {
    /// Before the point.
    pub(crate) whole: u32,
    /// Behind the point.
    pub(crate) scale: u32,
    /// Whether some number has an exponent.
    pub(crate) has_exponent: bool,
}

impl Digits {
    pub(crate) fn of(number: &str) -> Self {
        let number = number.trim_start_matches('-');
        let (digits, exponent) = match number.split_once(['e', 'E']) {
            // An exponent that is no i32 is beyond every limit.
            Some((digits, exponent)) => (digits, Some(parse(exponent))),
            None => (number, None),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let (whole, fraction) = (length(whole), length(fraction));
        let moved = exponent.unwrap_or(0);
        let positive = |digits: i64| u32::try_from(digits.max(0)).unwrap_or(u32::MAX);
        Self {
            whole: positive(whole.saturating_add(moved)).max(1),
            scale: positive(fraction.saturating_sub(moved)),
            has_exponent: exponent.is_some(),
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            whole: self.whole.max(other.whole),
            scale: self.scale.max(other.scale),
            has_exponent: self.has_exponent || other.has_exponent,
        }
    }
}

fn length(text: &str) -> i64 {
    text.len() as i64
}

fn parse(exponent: &str) -> i64 {
    let digits = exponent.trim_start_matches(['+', '-']);
    let value = digits.parse::<i32>().map_or(i64::from(i32::MAX), i64::from);
    if exponent.starts_with('-') { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::Digits;

    #[test]
    fn digits_are_counted_as_if_there_were_no_exponent() {
        for (number, whole, scale) in [
            ("12.50", 2, 2),
            ("-0.001", 1, 3),
            ("1e3", 4, 0),
            ("1.25E+1", 2, 1),
            ("5e-7", 1, 7),
            ("1e99999999999", i32::MAX as u32 + 1, 0),
            ("123456789012345678901234567890123456789012", 42, 0),
        ] {
            let found = Digits::of(number);
            assert_eq!((found.whole, found.scale), (whole, scale), "{number}");
            assert_eq!(found.has_exponent, number.contains(['e', 'E']));
        }
    }
}
