//! Texts that stand for something else, in the binary form of what they stand for.

use super::numeric::put_numeric;

/// What a text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A number with all its digits.
    Numeric,
    /// 16 bytes.
    Uuid,
    /// The bytes that pairs of hexadecimal digits stand for.
    Hex,
    /// JSON, behind the version of its form.
    Jsonb,
}

/// The version of the form of jsonb.
const JSONB_VERSION: u8 = 1;

impl Form {
    /// How many bytes the form may take beyond those of the text.
    pub(super) const fn more_bytes(self) -> usize {
        match self {
            Self::Numeric => 16,
            Self::Jsonb => 1,
            Self::Uuid | Self::Hex => 0,
        }
    }

    /// Adds the length and the form of what a text stands for.
    #[inline(always)]
    pub(super) fn put(self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::Numeric => put_numeric(text, out),
            Self::Uuid => put_hex(text.bytes().filter(|byte| *byte != b'-'), 16, out),
            Self::Hex => put_hex(text.bytes(), text.len() / 2, out),
            Self::Jsonb => {
                out.extend_from_slice(&(text.len() as u32 + 1).to_be_bytes());
                out.push(JSONB_VERSION);
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}

/// Adds the bytes that pairs of digits stand for, which decode has looked at.
fn put_hex(mut digits: impl Iterator<Item = u8>, bytes: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes as u32).to_be_bytes());
    let start = out.len();
    out.resize(start + bytes, 0);
    for byte in &mut out[start..] {
        let mut digit = || digits.next().map_or(0, hex_digit);
        *byte = digit() << 4;
        *byte |= digit();
    }
}

const fn hex_digit(digit: u8) -> u8 {
    // The low bits of a letter are its place in the alphabet, from 1.
    if digit < b':' { digit & 0xF } else { (digit & 0xF) + 9 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(form: Form, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        form.put(text, &mut out);
        out
    }

    #[test]
    fn digits_become_bytes_behind_their_number() {
        assert_eq!(put(Form::Hex, "00ffAb1C"), [0, 0, 0, 4, 0, 0xFF, 0xAB, 0x1C]);
        assert_eq!(put(Form::Hex, ""), [0; 4]);
        let uuid = put(Form::Uuid, "00112233-4455-6677-8899-aabbCCDDEEFF");
        let expected = [0, 0, 0, 16].into_iter().chain((0..16).map(|digit| digit * 0x11));
        assert_eq!(uuid, expected.collect::<Vec<u8>>());
        assert_eq!(put(Form::Jsonb, "[]"), [0, 0, 0, 3, 1, b'[', b']']);
    }
}
