//! A rejected record's text as Postgres can hold it.

use std::fmt::Write;

/// Bytes of a rejected record's text that the error table shows; its place tells where the rest is.
pub(crate) const RAW_BYTES: usize = 64 << 10;

/// The text with NUL and the bytes that are not UTF-8 shown as `\xNN`; cut where it is over 64 KiB.
pub(super) fn printable(text: &[u8]) -> String {
    let text = &text[..cut(text)];
    let mut out = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for (at, part) in chunk.valid().split('\0').enumerate() {
            out.push_str(if at > 0 { "\\x00" } else { "" });
            out.push_str(part);
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            write!(out, "\\x{byte:02X}").ok();
        }
    }
    out
}

/// Whether a text is shown as it is; `is_utf8` where it is known to be UTF-8.
pub(super) fn is_printable(text: &[u8], is_utf8: bool) -> bool {
    let is_text = || is_utf8 || simdutf8::basic::from_utf8(text).is_ok();
    text.len() <= RAW_BYTES && memchr::memchr(0, text).is_none() && is_text()
}

/// Where to cut a text: at 64 KiB, or before the character that lies across.
fn cut(text: &[u8]) -> usize {
    let is_inner = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    let end = text.len().min(RAW_BYTES);
    (end.saturating_sub(3)..=end).rev().find(|at| !is_inner(at)).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_postgres_cannot_hold_are_shown() {
        assert_eq!(printable(b"a\0b\xFFc\xC3"), r"a\x00b\xFFc\xC3");
        assert_eq!(printable("naïve \u{10ffff}".as_bytes()), "naïve \u{10ffff}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = "é".repeat(RAW_BYTES);
        for lead in 0..3 {
            let cut = printable(&text.as_bytes()[2 * lead..]);
            assert!(text.starts_with(&cut) && cut.len() > RAW_BYTES - 2, "{lead}");
        }
        let noise = vec![0xFF; 2 * RAW_BYTES];
        assert_eq!(printable(&noise[..20_000]).len(), 4 * 20_000);
        assert_eq!(printable(&noise).len(), 4 * RAW_BYTES);
        let odd = format!("x{text}");
        assert_eq!(printable(odd.as_bytes()).len(), RAW_BYTES - 1);
    }
}
