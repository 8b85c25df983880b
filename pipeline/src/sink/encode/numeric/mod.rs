//! The binary form of numeric: digits of base 10,000, and where they stand.
//! The format: `numeric_recv` in PostgreSQL's `numeric.c`.

/// Decimal digits in one of base 10,000.
const GROUP: i64 = 4;
/// Digits behind the decimal point that PostgreSQL shows at most.
const MAX_SCALE: i64 = 16_383;
const NEGATIVE: u16 = 0x4000;

/// Adds the length and the form of a number as JSON writes it. One that PostgreSQL cannot hold is
/// rejected before.
pub(super) fn put_numeric(text: &str, out: &mut Vec<u8>) {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text.as_bytes()),
        None => (false, text.as_bytes()),
    };
    let end = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let (mantissa, exponent) = (&text[..end], exponent(&text[end..]));
    let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
    let behind = mantissa.len().saturating_sub(point + 1) as i64;
    let scale = (behind - exponent).clamp(0, MAX_SCALE) as u16;
    let first = mantissa.iter().position(|byte| matches!(byte, b'1'..=b'9'));
    let last = mantissa.iter().rposition(|byte| matches!(byte, b'1'..=b'9'));
    let start = out.len();
    out.extend_from_slice(&[0; 12]);
    let (mut groups, mut weight) = (0_u16, 0_i16);
    if let (Some(first), Some(last)) = (first, last) {
        // How many digits stand before the point, once the exponent is applied and from the first that
        // counts on; negative where zeros stand behind the point before it.
        let before = match first < point {
            true => (point - first) as i64 + exponent,
            false => (point + 1) as i64 - first as i64 + exponent,
        };
        weight = ((before + GROUP - 1).div_euclid(GROUP) - 1) as i16;
        groups = put_groups(&mantissa[first..=last], before.rem_euclid(GROUP), out);
    }
    let sign = if is_negative && groups > 0 { NEGATIVE } else { 0 };
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    let header = [groups, weight as u16, sign, scale];
    for (place, word) in out[start + 4..start + 12].chunks_exact_mut(2).zip(header) {
        place.copy_from_slice(&word.to_be_bytes());
    }
}

/// Adds digits in groups, of which the first has `short` digits, or as many as the others if that is
/// zero; how many groups they are.
fn put_groups(digits: &[u8], short: i64, out: &mut Vec<u8>) -> u16 {
    let mut room = if short == 0 { GROUP } else { short };
    let (mut group, mut groups) = (0_u16, 0);
    for digit in digits.iter().filter(|byte| **byte != b'.') {
        group = group * 10 + u16::from(digit - b'0');
        room -= 1;
        if room == 0 {
            out.extend_from_slice(&group.to_be_bytes());
            (group, groups, room) = (0, groups + 1, GROUP);
        }
    }
    if room < GROUP {
        let tens = [1, 10, 100, 1000];
        let zeros = usize::try_from(room).unwrap_or_default();
        out.extend_from_slice(&(group * tens[zeros.min(3)]).to_be_bytes());
        groups += 1;
    }
    groups
}

/// What `e` and an exponent say; 0 where nothing stands.
fn exponent(text: &[u8]) -> i64 {
    let digits = text.get(1..).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
