//! The text of a reject, from what its table shows of it.

use std::sync::LazyLock;

use bytes::Bytes;

use crate::decode::RAW_BYTES;

/// The text of which a table shows this, if that leaves no doubt: it was not cut, and every `\xNN` in it is
/// known to stand for a byte that Postgres cannot hold.
pub(super) fn restored(shown: &str, byte_length: u64) -> Option<Bytes> {
    if byte_length > RAW_BYTES as u64 {
        return None;
    }
    // A byte that is shown by its number takes three bytes more.
    let more = (shown.len() as u64).checked_sub(byte_length)?;
    let numbers: Vec<_> = numbers(shown).collect();
    if more == 0 {
        return Some(Bytes::copy_from_slice(shown.as_bytes()));
    }
    (more == 3 * numbers.len() as u64).then(|| with_bytes(shown, &numbers))
}

/// Where bytes may be shown by their numbers, and which.
fn numbers(shown: &str) -> impl Iterator<Item = (usize, u8)> {
    static START: LazyLock<memchr::memmem::Finder<'static>> =
        LazyLock::new(|| memchr::memmem::Finder::new(r"\x"));
    let number = |at: usize| {
        let digits = shown.get(at + 2..at + 4)?;
        let is_ours = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'));
        let byte = u8::from_str_radix(digits, 16).ok()?;
        (is_ours && (byte == 0 || byte >= 0x80)).then_some((at, byte))
    };
    START.find_iter(shown.as_bytes()).filter_map(number)
}

fn with_bytes(shown: &str, numbers: &[(usize, u8)]) -> Bytes {
    let mut text = Vec::with_capacity(shown.len());
    let mut from = 0;
    for (at, byte) in numbers {
        text.extend_from_slice(&shown.as_bytes()[from..*at]);
        text.push(*byte);
        from = at + 4;
    }
    text.extend_from_slice(&shown.as_bytes()[from..]);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_it_is_shown_or_its_bytes_are_put_back() {
        for (shown, text) in [
            (r#"{"a": 1}"#, &b"{\"a\": 1}"[..]),
            (r"a\x00b\xFFc\xC3", b"a\0b\xFFc\xC3"),
            (r"\x41 is no byte of ours", br"\x41 is no byte of ours"),
            (r"it says \xFF itself", br"it says \xFF itself"),
            ("naïve \\xFE", b"na\xC3\xAFve \xFE"),
        ] {
            let restored = restored(shown, text.len() as u64);
            assert_eq!(restored.as_deref(), Some(text), "{shown}");
        }
    }

    #[test]
    fn a_text_that_leaves_doubt_is_not_restored() {
        // One of them is a byte, and nobody knows which.
        assert_eq!(restored(r"\xFF\xFF", 5), None);
        assert_eq!(restored("cut", RAW_BYTES as u64 + 1), None);
        assert_eq!(restored("shorter than it was", 64), None);
    }
}
