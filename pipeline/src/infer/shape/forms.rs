//! Which forms all strings of a place have: what a column of dates, timestamps or ids could take.

use serde::{Deserialize, Serialize};

/// The forms that every string has so far; none once one string has no form in common with the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forms(u8);

impl Forms {
    /// The 36 characters of a UUID.
    pub(crate) const UUID: Self = Self(1);
    /// `YYYY-MM-DD`, a day of the calendar.
    pub(crate) const DATE: Self = Self(2);
    /// RFC 3339 with an offset, to the microsecond.
    pub(crate) const TIMESTAMP_WITH_OFFSET: Self = Self(4);
    /// The same without an offset.
    pub(crate) const TIMESTAMP: Self = Self(8);
    const NONE: Self = Self(0);

    pub(crate) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        match bytes.len() {
            10 if is_date(bytes) => Self::DATE,
            36 if is_uuid(bytes) => Self::UUID,
            19..=32 if bytes[10] == b'T' && is_date(&bytes[..10]) => timestamp(&bytes[11..]),
            _ => Self::NONE,
        }
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    pub(crate) const fn is_none(&self) -> bool {
        self.0 == 0
    }
}

/// Whether all strings of a year, month and day are one.
fn is_date(bytes: &[u8]) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else {
        return false;
    };
    let (Some(high), Some(low)) = (number(*y1, *y2), number(*y3, *y4)) else {
        return false;
    };
    let year = i32::from(high) * 100 + i32::from(low);
    let day = number(*m1, *m2).zip(number(*d1, *d2));
    let day = day.and_then(|(month, day)| {
        chrono::NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day))
    });
    year > 0 && day.is_some()
}

/// The form of a timestamp by what follows the `T`.
fn timestamp(time: &[u8]) -> Forms {
    let [h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = time else {
        return Forms::NONE;
    };
    let is_below = |tens, ones, limit| number(tens, ones).is_some_and(|number| number < limit);
    if !is_below(*h1, *h2, 24) || !is_below(*m1, *m2, 60) || !is_below(*s1, *s2, 60) {
        return Forms::NONE;
    }
    let Some(offset) = after_fraction(rest) else {
        return Forms::NONE;
    };
    match offset {
        [] => Forms::TIMESTAMP,
        [b'Z'] => Forms::TIMESTAMP_WITH_OFFSET,
        [b'+' | b'-', h1, h2, b':', m1, m2] if is_below(*h1, *h2, 24) && is_below(*m1, *m2, 60) => {
            Forms::TIMESTAMP_WITH_OFFSET
        }
        _ => Forms::NONE,
    }
}

/// What follows a fraction of one to six digits, or no fraction.
fn after_fraction(rest: &[u8]) -> Option<&[u8]> {
    let [b'.', fraction @ ..] = rest else {
        return Some(rest);
    };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=6).contains(&digits).then(|| &fraction[digits..])
}

fn is_uuid(bytes: &[u8]) -> bool {
    let is_right = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    bytes[8] == b'-' && bytes.iter().enumerate().all(is_right)
}

fn number(tens: u8, ones: u8) -> Option<u8> {
    let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
    is_number.then(|| (tens - b'0') * 10 + ones - b'0')
}

#[cfg(test)]
mod tests {
    use super::Forms;

    #[test]
    fn forms_are_told_apart() {
        for (text, expected) in [
            ("2024-02-29", Forms::DATE),
            ("2023-02-29", Forms::NONE),
            ("0000-01-01", Forms::NONE),
            ("2024-2-29x", Forms::NONE),
            ("2024-02-29T23:59:59Z", Forms::TIMESTAMP_WITH_OFFSET),
            ("2024-02-29T23:59:59.123456+02:00", Forms::TIMESTAMP_WITH_OFFSET),
            ("2024-02-29T23:59:59.1234567Z", Forms::NONE),
            ("2024-02-29T23:59:60Z", Forms::NONE),
            ("2024-02-29T24:00:00Z", Forms::NONE),
            ("2024-02-29T23:59:59.Z", Forms::NONE),
            ("2024-02-29T23:59:59", Forms::TIMESTAMP),
            ("2024-02-29 23:59:59Z", Forms::NONE),
            ("2024-02-29T23:59:59+0200", Forms::NONE),
            ("0b3e3f3c-1d2a-4c5b-8e9f-0a1b2c3d4e5F", Forms::UUID),
            ("0b3e3f3c-1d2a-4c5b-8e9f-0a1b2c3d4e5g", Forms::NONE),
            ("äöüäöüäöüä", Forms::NONE),
            ("", Forms::NONE),
        ] {
            assert_eq!(Forms::of(text), expected, "{text}");
        }
    }
}
