//! A rejected record's text as Postgres can hold it.

use std::fmt::Write;

/// Bytes of a rejected record's text that the error table shows; its place tells where the rest is.
const RAW_BYTES: usize = 64 << 10;

/// The text with NUL and the bytes that are not UTF-8 shown as `\xNN`, cut at 64 KiB.
pub(super) fn printable(text: &[u8]) -> String {
    // Beyond the cut one character more, so that none is shown as damaged because of it.
    let text = &text[..text.len().min(RAW_BYTES + 4)];
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
    out.truncate(out.floor_char_boundary(RAW_BYTES));
    out
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
        let odd = format!("x{text}");
        assert_eq!(printable(odd.as_bytes()).len(), RAW_BYTES - 1);
    }
}
