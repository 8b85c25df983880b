//! Numbers as they are written.

/// How many digits a number has, once it is written without exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digits {
    /// Before the decimal point, without leading zeros.
    pub(crate) integer: i64,
    /// Behind it, without trailing zeros.
    pub(crate) scale: i64,
}

impl Digits {
    /// Those of a number that is written as JSON has it.
    pub(crate) fn of(text: &str) -> Self {
        let text = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            // An exponent that is out of range makes a number that is.
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)),
            None => (text, 0),
        };
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let zeros = |text: &str| text.bytes().take_while(|byte| *byte == b'0').count();
        let leading = match zeros(integer) {
            all if all == integer.len() => all + zeros(fraction),
            some => some,
        };
        let trailing = |text: &str| text.bytes().rev().take_while(|byte| *byte == b'0').count();
        let trailing = match trailing(fraction) {
            all if all == fraction.len() => all + trailing(integer),
            some => some,
        };
        if leading >= integer.len() + fraction.len() {
            return Self { integer: 0, scale: 0 };
        }
        let before = integer.len() as i64 - leading as i64 + exponent;
        let behind = fraction.len() as i64 - trailing as i64 - exponent;
        Self { integer: before.max(0), scale: behind.max(0) }
    }
}

/// The exponent; one of more digits than can matter is as large as can be.
fn exponent_of(text: &str) -> i64 {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    sign * digits.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40)
}

/// Whether a text is a number as JSON has it, and whether that has neither fraction nor exponent.
pub(crate) fn is_number(text: &str) -> Option<bool> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (integer, fraction) = match mantissa.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (mantissa, None),
    };
    let is_integer = digits(integer) && (integer == "0" || !integer.starts_with('0'));
    let is_exponent = |text: &str| digits(text.strip_prefix(['+', '-']).unwrap_or(text));
    let is_number = is_integer && fraction.is_none_or(digits) && exponent.is_none_or(is_exponent);
    is_number.then(|| fraction.is_none() && exponent.is_none())
}

#[cfg(test)]
mod tests;
