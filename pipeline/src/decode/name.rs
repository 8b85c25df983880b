//! Texts of the sender's own choosing, made fit to be counted and shown.

use std::borrow::Cow;

use crate::json::{Quoted, unescape};

/// Longest unknown name that is counted whole.
const NAME_BYTES: usize = 200;

/// A key as the ledger can keep it: readable, of bounded length, without U+0000.
pub(super) fn unknown_name(record: &str, key: Quoted) -> Cow<'_, str> {
    let written = &record[key.span.range()];
    if !key.escaped && written.len() <= NAME_BYTES {
        return Cow::Borrowed(written);
    }
    let mut name = String::new();
    unescape(written, &mut name);
    Cow::Owned(shortened(&name.replace('\0', "\\u0000")).into_owned())
}

/// At most [`NAME_BYTES`] of a text, and an ellipsis where more was there.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= NAME_BYTES {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", &text[..text.floor_char_boundary(NAME_BYTES)]))
}
