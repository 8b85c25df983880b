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
            Self::Hex => put_hex(text.as_bytes(), out),
            Self::Jsonb => {
                out.extend_from_slice(&(text.len() as u32 + 1).to_be_bytes());
                out.push(JSONB_VERSION);
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}

/// Adds the 16 bytes of a UUID, whose form decode has looked at; none of another text.
fn put_uuid(text: &[u8], out: &mut Vec<u8>) {
    let Ok(text) = <&[u8; 36]>::try_from(text) else {
        return out.extend_from_slice(&0_u32.to_be_bytes());
    };
    let digits = |from: usize| <[u8; 4]>::try_from(&text[from..from + 4]).unwrap_or_default();
    // There are hyphens behind the digits 8, 12, 16 and 20.
    let words = [[0, 4], [9, 14], [19, 24], [28, 32]];
    let mut cell = [0; 20];
    cell[..4].copy_from_slice(&16_u32.to_be_bytes());
    for (place, [first, second]) in cell[4..].chunks_exact_mut(4).zip(words) {
        let digits = (u64::from(u32::from_be_bytes(digits(first))) << 32)
            | u64::from(u32::from_be_bytes(digits(second)));
        place.copy_from_slice(&bytes_of(digits));
    }
    out.extend_from_slice(&cell);
}

/// Adds the bytes that pairs of digits stand for.
fn put_hex(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32 / 2).to_be_bytes());
    let (words, rest) = text.as_chunks();
    for digits in words {
        out.extend_from_slice(&bytes_of(u64::from_be_bytes(*digits)));
    }
    for pair in rest.chunks_exact(2) {
        let [.., byte] = bytes_of(u64::from(pair[0]) << 8 | u64::from(pair[1]));
        out.push(byte);
    }
}

/// What eight hexadecimal digits stand for, which decode has looked at. The low bits of a letter are its
/// place in the alphabet, from 1, and it has bit 6 set, which a digit has not.
const fn bytes_of(digits: u64) -> [u8; 4] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let values = (digits & (EACH * 0xF)) + 9 * (digits >> 6 & EACH);
    // Each value is put beside the one before it, then each pair, then each four.
    let pairs = (values | values >> 4) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    ((fours | fours >> 16) as u32).to_be_bytes()
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
