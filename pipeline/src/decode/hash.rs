//! The hash of all that a feed declares of a record, by which a record that did not change is known.

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::record::Reader;
use super::slot::Slot;

/// Bytes that are hashed at once at most, so that a record of many entries needs no more.
const PIECE_BYTES: usize = 64 << 10;

/// The hash of the record that was read last: two records with the same values have the same one.
///
/// 128 bits of XXH3: it tells changes, and does not keep anybody from making two records alike. The bytes
/// are put together in `bytes` first, since hashing each value on its own takes three times as long.
pub(super) fn content_hash(reader: &Reader<'_>, seed: &[u8], bytes: &mut Vec<u8>) -> u128 {
    bytes.clear();
    bytes.extend_from_slice(seed);
    let mut hashed = Hashed { bytes, before: None };
    hashed.add(reader, 0, reader.slots());
    hashed.digest()
}

/// What is hashed: the bytes that wait for it, and the state behind those before.
struct Hashed<'a> {
    bytes: &'a mut Vec<u8>,
    before: Option<Box<Xxh3>>,
}

impl Hashed<'_> {
    /// Adds the fields of a record or entry.
    fn add(&mut self, reader: &Reader<'_>, table: usize, slots: &[Slot]) {
        for (leaf, slot) in reader.shape.scopes[table].leaves.iter().zip(slots) {
            self.add_slot(reader, leaf.list.unwrap_or_default(), *slot);
        }
        if self.bytes.len() > PIECE_BYTES {
            self.before.get_or_insert_default().update(self.bytes);
            self.bytes.clear();
        }
    }

    /// Adds a value: its kind, and what it is. Texts and lists begin with their length.
    fn add_slot(&mut self, reader: &Reader<'_>, list: usize, slot: Slot) {
        match slot {
            Slot::Missing | Slot::Null | Slot::Bad(_) => self.bytes.push(0),
            Slot::Text(piece) => {
                let text = reader.text(piece);
                self.push(1, (text.len() as u64).to_le_bytes());
                self.bytes.extend_from_slice(text.as_bytes());
            }
            Slot::Integer(integer) => self.push(2, integer.to_le_bytes()),
            Slot::Float(float) => self.push(3, float.to_bits().to_le_bytes()),
            Slot::Boolean(is) => self.push(4, [u8::from(is)]),
            Slot::Items(run) => {
                self.push(5, run.count.to_le_bytes());
                reader.items(run).iter().for_each(|item| self.add_slot(reader, 0, *item));
            }
            Slot::List(run) => {
                self.push(6, run.count.to_le_bytes());
                for entry in reader.entries(list, run) {
                    self.bytes.push(u8::from(entry.is_there));
                    self.add(reader, list, &reader.slots[entry.base as usize..]);
                }
            }
        }
    }

    #[inline(always)]
    fn push<const N: usize>(&mut self, kind: u8, value: [u8; N]) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&value);
    }

    fn digest(self) -> u128 {
        match self.before {
            Some(mut before) => {
                before.update(self.bytes);
                before.digest128()
            }
            None => xxh3_128(self.bytes),
        }
    }
}
