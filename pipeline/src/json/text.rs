//! The text of strings: where it ends, and what it means.

/// How many bytes of `text` stand before the first quote, backslash or control character: sixteen at
/// a time, since most strings are short and none of them holds any of the three.
#[inline(always)]
pub(super) fn plain(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = text[at..].first_chunk::<16>() {
        // Written so that it becomes a few instructions on all sixteen at once.
        let mut stops = [0; 16];
        for (stop, byte) in stops.iter_mut().zip(chunk) {
            *stop = if is_plain(*byte) { 0 } else { 0xFF };
        }
        let stops = u128::from_le_bytes(stops);
        if stops != 0 {
            return at + stops.trailing_zeros() as usize / 8;
        }
        at += chunk.len();
    }
    at + text[at..].iter().take_while(|byte| is_plain(**byte)).count()
}

/// Whether a byte within a string means itself.
#[inline(always)]
const fn is_plain(byte: u8) -> bool {
    (byte != b'"') & (byte != b'\\') & (byte >= 0x20)
}

/// Appends to `out` what the text between the quotes of a valid string means.
pub(crate) fn unescape(quoted: &str, out: &mut String) {
    let mut rest = quoted;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let (length, meaning) = escaped_char(&rest[at + 1..]);
        out.push(meaning);
        rest = &rest[at + 1 + length..];
    }
    out.push_str(rest);
}

/// The character that an escape means, and the length of the escape behind its backslash.
fn escaped_char(escape: &str) -> (usize, char) {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 4).unwrap_or_default();
        u32::from_str_radix(digits, 16).unwrap_or(u32::from(char::REPLACEMENT_CHARACTER))
    };
    let simple = match escape.as_bytes().first() {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let high = unit(1);
            return match char::from_u32(high) {
                Some(char) => (5, char),
                None => {
                    let code = 0x1_0000 + ((high & 0x3FF) << 10 | (unit(7) & 0x3FF));
                    (11, char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
                }
            };
        }
        Some(&byte) => char::from(byte),
        None => return (0, char::REPLACEMENT_CHARACTER),
    };
    (1, simple)
}
