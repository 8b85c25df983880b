//! Bytes and UUIDs as texts.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How a text stands for bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Base64 with padding (RFC 4648, section 4).
    Base64,
    /// Two hexadecimal digits for each byte.
    Hex,
}

impl Encoding {
    /// The name in feed files and errors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Hex => "hex",
        }
    }
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "base64" => Ok(Self::Base64),
            "hex" => Ok(Self::Hex),
            _ => Err(format!("`{text}` is no encoding: expected base64 or hex")),
        }
    }
}

/// Adds the hexadecimal digits of the bytes that a text stands for; false when it stands for none.
pub(crate) fn push_hex(text: &str, encoding: Encoding, hex: &mut String) -> bool {
    match encoding {
        Encoding::Hex => {
            let is_hex =
                text.len().is_multiple_of(2) && text.bytes().all(|it| it.is_ascii_hexdigit());
            hex.push_str(if is_hex { text } else { "" });
            is_hex
        }
        Encoding::Base64 => match STANDARD.decode(text) {
            Ok(bytes) => {
                hex.push_str(&hex::encode(bytes));
                true
            }
            Err(_) => false,
        },
    }
}

/// Whether a text is a UUID in its form of 36 characters.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_they_are_encoded() {
        let hex_of = |text, encoding| {
            let mut hex = String::new();
            push_hex(text, encoding, &mut hex).then_some(hex)
        };
        assert_eq!(hex_of("AP8=", Encoding::Base64).as_deref(), Some("00ff"));
        assert_eq!(hex_of("", Encoding::Base64).as_deref(), Some(""));
        assert_eq!(hex_of("AP8", Encoding::Base64), None);
        assert_eq!(hex_of("00fF", Encoding::Hex).as_deref(), Some("00fF"));
        assert_eq!(hex_of("0", Encoding::Hex), None);
        assert_eq!(hex_of("zz", Encoding::Hex), None);
    }

    #[test]
    fn a_uuid_has_its_hyphens() {
        assert!(is_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
        assert!(is_uuid("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"));
        for text in ["", "6ba7b8109dad11d180b400c04fd430c8", "{ba7b810-9dad-11d1-80b4-00c04fd430c}"]
        {
            assert!(!is_uuid(text), "{text}");
        }
    }
}
