//! Columns of texts, which are parts of the batches' text: nothing is copied but what was unescaped.

use std::ops::Range;

use bytes::Bytes;
use polars_arrow::array::{Utf8ViewArray, View};
use polars_arrow::bitmap::MutableBitmap;
use polars_arrow::datatypes::ArrowDataType;
use polars_buffer::Buffer;

/// For each length of texts that views hold themselves: its bits of a word.
const INLINE: [u128; View::MAX_INLINE_SIZE as usize + 1] = {
    let mut masks = [0; View::MAX_INLINE_SIZE as usize + 1];
    let mut length = 1;
    while length < masks.len() {
        masks[length] = masks[length - 1] << 8 | 0xFF;
        length += 1;
    }
    masks
};

/// A text that is UTF-8, of which columns may hold parts.
#[derive(Debug, Clone)]
pub(super) struct Text(Buffer<u8>);

impl Text {
    /// The text of a batch, and the same to be read if all of it is UTF-8. If not, what is not is
    /// replaced byte by byte, so that the rest stays where it is.
    pub(super) fn of(bytes: &Bytes) -> (Self, Option<&str>) {
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => (Self(Buffer::from_owner(bytes.clone())), Some(text)),
            Err(_) => (Self(replaced(bytes).into()), None),
        }
    }

    /// A view of a part that begins and ends between characters, in the buffer of this number.
    #[inline(always)]
    fn view(&self, at: Range<usize>, buffer: u32) -> Option<View> {
        let text = self.0.as_slice();
        let is_between = |at: usize| text.get(at).is_none_or(|byte| byte & 0xC0 != 0x80);
        let start = u32::try_from(at.start).ok()?;
        let part = text.get(at.clone()).filter(|_| is_between(at.start) && is_between(at.end))?;
        Some(match (text[at.start..].first_chunk(), INLINE.get(part.len())) {
            // Of a short text the view is its length, then the text, then zeros.
            (Some(word), Some(mask)) => {
                let text = u128::from_le_bytes(*word) & mask;
                let [prefix, buffer_idx, offset] =
                    [text, text >> 32, text >> 64].map(|word| (word as u32).to_le());
                View { length: part.len() as u32, prefix, buffer_idx, offset }
            }
            _ => View::new_from_bytes(part, buffer, start),
        })
    }
}

fn replaced(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.extend_from_slice(chunk.valid().as_bytes());
        text.resize(text.len() + chunk.invalid().len(), b'?');
    }
    text
}

/// A column of texts being built.
#[derive(Debug)]
pub(super) struct Texts {
    views: Vec<View>,
    /// Whether each value is not null; `None` as long as no value is.
    present: Option<MutableBitmap>,
    /// The values that are no part of a text: the first buffer of the column, before `texts`.
    own: String,
    texts: Vec<Text>,
}

impl Texts {
    pub(super) fn with_capacity(rows: usize) -> Self {
        let (own, texts) = (String::new(), Vec::new());
        Self { views: Vec::with_capacity(rows), present: None, own, texts }
    }

    /// From now on, parts are parts of `text`.
    pub(super) fn begin(&mut self, text: &Text) {
        self.texts.push(text.clone());
    }

    /// Adds a part of the text that was begun; one that is no part of it is a null.
    #[inline(always)]
    pub(super) fn push_part(&mut self, at: Range<usize>) {
        let buffer = self.texts.len() as u32;
        match self.texts.last().and_then(|text| text.view(at, buffer)) {
            Some(view) => self.push_view(view, true),
            None => self.push_null(),
        }
    }

    /// Adds a copy of a text.
    pub(super) fn push(&mut self, text: &str) {
        let Ok(start) = u32::try_from(self.own.len()) else {
            return self.push_null();
        };
        self.push_view(View::new_from_bytes(text.as_bytes(), 0, start), true);
        self.own.push_str(text);
    }

    pub(super) fn push_null(&mut self) {
        let rows = self.views.len();
        self.present.get_or_insert_with(|| {
            let mut present = MutableBitmap::with_capacity(rows);
            present.extend_constant(rows, true);
            present
        });
        self.push_view(View::default(), false);
    }

    #[inline(always)]
    fn push_view(&mut self, view: View, is_present: bool) {
        self.views.push(view);
        if let Some(present) = &mut self.present {
            present.push(is_present);
        }
    }

    #[expect(
        unsafe_code,
        reason = "checking every value of every column again costs a tenth of decoding"
    )]
    pub(super) fn finish(self) -> Utf8ViewArray {
        let texts = self.texts.into_iter().map(|text| text.0);
        let buffers = [Buffer::from(self.own.into_bytes())].into_iter().chain(texts);
        let buffers: Buffer<_> = buffers.collect();
        let length = buffers.iter().map(Buffer::len).sum();
        let validity = self.present.map(MutableBitmap::freeze);
        // SAFETY: every view was made of the bytes at its place in the buffer that it names (`own` only
        // grows, `texts` too), which are UTF-8 since the buffer is and they begin and end between
        // characters. One of at most `MAX_INLINE_SIZE` bytes names no buffer: it is its length, those
        // bytes, and zeros. The bitmap has a bit for each view, as both grow only in `push_view`.
        unsafe {
            Utf8ViewArray::new_unchecked(
                ArrowDataType::Utf8View,
                self.views.into(),
                buffers,
                validity,
                None,
                length,
            )
        }
    }
}

#[cfg(test)]
mod tests;
