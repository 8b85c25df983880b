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
            Self::Uuid => put_uuid(text.as_bytes(), out),
            Self::Hex => {
                out.extend_from_slice(&(text.len() as u32 / 2).to_be_bytes());
                out.extend(text.as_bytes().chunks_exact(2).map(|pair| byte_of(pair[0], pair[1])));
            }
            Self::Jsonb => {
                out.extend_from_slice(&(text.len() as u32 + 1).to_be_bytes());
                out.push(JSONB_VERSION);
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}

/// Where the pairs of digits of a UUID stand.
const PAIRS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// Adds the 16 bytes of a UUID, whose form decode has looked at; none of another text.
fn put_uuid(text: &[u8], out: &mut Vec<u8>) {
    let Ok(text) = <&[u8; 36]>::try_from(text) else {
        return out.extend_from_slice(&0_u32.to_be_bytes());
    };
    out.extend_from_slice(&16_u32.to_be_bytes());
    out.extend_from_slice(&PAIRS.map(|at| byte_of(text[at], text[at + 1])));
}

/// What two hexadecimal digits stand for, which decode has looked at. The low bits of a letter are its place
/// in the alphabet, from 1.
const fn byte_of(high: u8, low: u8) -> u8 {
    digit_of(high) << 4 | digit_of(low)
}

/// A letter has bit 6 set, a digit has not.
const fn digit_of(byte: u8) -> u8 {
    (byte & 0xF) + 9 * (byte >> 6 & 1)
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
