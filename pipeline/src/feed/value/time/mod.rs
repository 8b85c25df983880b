//! Days and instants: RFC 3339, and numbers of seconds.

use std::str::FromStr;

use chrono::NaiveDate;

const MICROS_OF_SECOND: i64 = 1_000_000;
const MICROS_OF_DAY: i64 = 86_400 * MICROS_OF_SECOND;
/// The first day that PostgreSQL's timestamps have, 4714-11-24 BC, in microseconds since 1970. The last one
/// that can be counted so is within them.
const FIRST_MICROS: i64 = -210_866_803_200_000_000;

/// Which time zone a text says or leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// An offset must be there.
    Written,
    /// An offset may be missing, and then the time is UTC.
    WrittenOrUtc,
    /// There must be no offset.
    None,
}

/// What an integer counts since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
}

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "s" => Ok(Self::Seconds),
            "ms" => Ok(Self::Millis),
            "us" => Ok(Self::Micros),
            _ => Err(format!("`{text}` is no unit: expected s, ms or us")),
        }
    }
}

/// The days since 1970 of `YYYY-MM-DD`.
pub(crate) fn days(text: &str) -> Option<i64> {
    let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else {
        return None;
    };
    let (year, month) = (number(&[*y1, *y2, *y3, *y4])?, number(&[*m1, *m2])?);
    // There was no year 0.
    let date =
        (year > 0).then(|| NaiveDate::from_ymd_opt(year as i32, month, number(&[*d1, *d2])?));
    let since_1970 = date??.signed_duration_since(NaiveDate::default());
    Some(since_1970.num_days())
}

/// The microseconds since 1970 of a date and time of RFC 3339, rounded. `T` may be a space.
pub(crate) fn micros(text: &str, zone: Zone) -> Option<i64> {
    let days = days(text.get(..10)?)?;
    let rest = text[10..].strip_prefix(['T', 't', ' '])?;
    let [h1, h2, b':', m1, m2, b':', s1, s2] = rest.as_bytes().get(..8)? else {
        return None;
    };
    let (hour, minute) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
    let second = number(&[*s1, *s2])?;
    // A leap second is the first of the next minute, as PostgreSQL has it.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, rest) = fraction(rest.get(8..)?)?;
    let offset_minutes = match (rest, zone) {
        ("", Zone::None | Zone::WrittenOrUtc) => 0,
        ("", Zone::Written) => return None,
        (_, Zone::None) => return None,
        (written, _) => offset(written)?,
    };
    let seconds = i64::from(hour * 3600 + minute * 60 + second) - offset_minutes * 60;
    Some(days * MICROS_OF_DAY + seconds * MICROS_OF_SECOND + fraction)
}

/// The microseconds of `.` and digits, rounded, and what stands behind them.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let digits = &rest[..length];
    let (shown, more) = digits.split_at(length.min(6));
    let micros = format!("{shown:0<6}").parse::<i64>().ok().filter(|_| length > 0)?;
    let is_up = more.as_bytes().first().is_some_and(|digit| *digit >= b'5');
    Some((micros + i64::from(is_up), &rest[length..]))
}

/// The minutes of `Z` or `+hh:mm`.
fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes() {
        [b'Z' | b'z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let [h1, h2, b':', m1, m2] = digits else {
        return None;
    };
    let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
    (hours <= 23 && minutes <= 59).then(|| sign * i64::from(hours * 60 + minutes))
}

/// The microseconds since 1970 that an integer counts, if a timestamp can hold them.
pub(crate) fn micros_of_unit(count: i64, unit: Unit) -> Option<i64> {
    let factor = match unit {
        Unit::Seconds => MICROS_OF_SECOND,
        Unit::Millis => 1000,
        Unit::Micros => 1,
    };
    let micros = count.checked_mul(factor)?;
    (micros >= FIRST_MICROS).then_some(micros)
}

fn number(digits: &[u8]) -> Option<u32> {
    let is_number = digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests;
