//! Limits on the text that a compressed object becomes, so that a small object cannot fill a database.

/// Text before which the expansion is not checked: a small object may repeat itself as it likes.
const CHECKED_FROM_BYTES: u64 = 64 << 20;

/// How much text a compressed object may become. A limit of 0 is off.
///
/// Objects that are stored without compression are not checked: their text is as long as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextLimits {
    /// Bytes of text for each stored byte that was read. This is checked from 64 MiB of text on.
    pub max_expansion: u64,
    /// Bytes of text in all.
    pub max_text_bytes: u64,
}

impl Default for TextLimits {
    /// A thousandfold (JSON rarely exceeds a hundredfold) and 256 GiB.
    fn default() -> Self {
        Self { max_expansion: 1000, max_text_bytes: 256 << 30 }
    }
}

impl TextLimits {
    /// Fails when so much text from so many stored bytes is beyond a limit.
    pub(super) fn check(self, text_bytes: u64, stored_bytes: u64) -> Result<(), TooMuchText> {
        let Self { max_expansion, max_text_bytes } = self;
        if max_text_bytes > 0 && text_bytes > max_text_bytes {
            return Err(TooMuchText::Bytes { max_text_bytes });
        }
        let most = stored_bytes.saturating_mul(max_expansion);
        if max_expansion > 0 && text_bytes >= CHECKED_FROM_BYTES && text_bytes > most {
            return Err(TooMuchText::Expansion { text_bytes, stored_bytes, max_expansion });
        }
        Ok(())
    }
}

/// Which limit the text of an object exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMuchText {
    #[error("{stored_bytes} bytes became {text_bytes}, which is more than {max_expansion} times")]
    Expansion { text_bytes: u64, stored_bytes: u64, max_expansion: u64 },
    #[error("the text is longer than {max_text_bytes} bytes")]
    Bytes { max_text_bytes: u64 },
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TextLimits = TextLimits { max_expansion: 1000, max_text_bytes: 1 << 30 };

    #[test]
    fn a_small_text_may_repeat_itself_as_it_likes() {
        assert_eq!(LIMITS.check(CHECKED_FROM_BYTES - 1, 1), Ok(()));
        let expansion = TooMuchText::Expansion {
            text_bytes: CHECKED_FROM_BYTES,
            stored_bytes: 1,
            max_expansion: 1000,
        };
        assert_eq!(LIMITS.check(CHECKED_FROM_BYTES, 1), Err(expansion));
    }

    #[test]
    fn a_limit_of_zero_is_off() {
        let off = TextLimits { max_expansion: 0, max_text_bytes: 0 };
        assert_eq!(off.check(u64::MAX, 1), Ok(()));
        let bytes = Err(TooMuchText::Bytes { max_text_bytes: 1 << 30 });
        assert_eq!(TextLimits { max_expansion: 0, ..LIMITS }.check((1 << 30) + 1, 1), bytes);
        assert_eq!(TextLimits { max_text_bytes: 0, ..LIMITS }.check(2 << 30, 3 << 20), Ok(()));
    }
}
