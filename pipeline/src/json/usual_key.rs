//! The key that is expected next, as most programs write it.

/// A key, its quotes and its colon in one word, so that a text is compared with it at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UsualKey {
    word: u128,
    mask: u128,
    length: usize,
}

impl UsualKey {
    /// The key of this name. One that is longer than 13 bytes does not fit, and one that needs escapes
    /// is not written like this: those are never found.
    pub(crate) fn new(name: &str) -> Self {
        let written = format!("\"{name}\":");
        let is_plain = !name.contains(['"', '\\']) && !name.contains(char::is_control);
        let mut word = [0; 16];
        match word.get_mut(..written.len()).filter(|_| is_plain) {
            Some(bytes) => bytes.copy_from_slice(written.as_bytes()),
            None => return Self { word: 1, mask: 0, length: 0 },
        }
        let mask = u128::MAX >> (128 - 8 * written.len());
        Self { word: u128::from_le_bytes(word), mask, length: written.len() }
    }

    /// The length of what is compared, in bytes.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// Whether a text begins with it.
    #[inline(always)]
    pub(super) const fn is(&self, text: [u8; 16]) -> bool {
        u128::from_le_bytes(text) & self.mask == self.word
    }
}
