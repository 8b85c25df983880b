//! What of JSON a column of type jsonb cannot hold.

use super::number::Digits;

/// Levels of brackets at most: PostgreSQL reads jsonb with a function that calls itself, and gives up
/// somewhere behind 6,000 levels with the stack it has by default.
const MAX_DEPTH: usize = 1000;
/// Numbers of at most so many characters, without an exponent, always fit.
const SHORT_NUMBER: usize = 1000;
/// Digits of a numeric before and behind the point, which the numbers of jsonb are.
const MAX_DIGITS: Digits = Digits { integer: 131_072, scale: 16_383 };

/// Why jsonb cannot hold a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonProblem {
    /// A text or key in it holds U+0000.
    Nul,
    /// A number in it has too many digits.
    Number,
    /// It is nested too deep.
    Depth,
}

/// Fails when jsonb cannot hold a value, which is a text that is JSON.
pub(crate) fn check_json(text: &str) -> Result<(), JsonProblem> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at + 1)?,
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(JsonProblem::Depth);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'-' | b'0'..=b'9' => {
                let end = number_end(bytes, at);
                check_number(&text[at..end])?;
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Where the closing quote of a string stands.
fn string_end(bytes: &[u8], from: usize) -> Result<usize, JsonProblem> {
    let mut at = from;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
            return Ok(bytes.len());
        };
        at += found;
        if bytes[at] == b'"' {
            return Ok(at);
        }
        if bytes[at..].starts_with(b"\\u0000") {
            return Err(JsonProblem::Nul);
        }
        at += 2;
    }
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    start + bytes[start..].iter().take_while(is_part).count()
}

fn check_number(text: &str) -> Result<(), JsonProblem> {
    if text.len() <= SHORT_NUMBER && !text.contains(['e', 'E']) {
        return Ok(());
    }
    let Digits { integer, scale } = Digits::of(text);
    let fits = integer <= MAX_DIGITS.integer && scale <= MAX_DIGITS.scale;
    if fits { Ok(()) } else { Err(JsonProblem::Number) }
}

#[cfg(test)]
mod tests;
