//! The hash of all that a feed declares of a record, by which a record that did not change is known.

use xxhash_rust::xxh3::Xxh3;

use super::record::Reader;
use super::slot::Slot;

/// The hash of the record that was read last: two records with the same values have the same one.
///
/// 128 bits of XXH3: it tells changes, and does not keep anybody from making two records alike.
pub(super) fn content_hash(reader: &Reader<'_>, seed: &[u8]) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(seed);
    add(&mut hash, reader, 0, reader.slots());
    hash.digest128()
}

/// Adds the fields of a record or entry.
fn add(hash: &mut Xxh3, reader: &Reader<'_>, table: usize, slots: &[Slot]) {
    for (leaf, slot) in reader.shape.scopes[table].leaves.iter().zip(slots) {
        add_slot(hash, reader, leaf.list.unwrap_or_default(), *slot);
    }
}

/// Adds a value: its kind, and what it is. Texts and lists begin with their length.
fn add_slot(hash: &mut Xxh3, reader: &Reader<'_>, list: usize, slot: Slot) {
    let mut push = |kind: u8, bytes: &[u8]| {
        hash.update(&[kind]);
        hash.update(bytes);
    };
    match slot {
        Slot::Missing | Slot::Null | Slot::Bad(_) => push(0, &[]),
        Slot::Text(piece) => {
            let text = reader.text(piece);
            push(1, &(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        Slot::Integer(integer) => push(2, &integer.to_le_bytes()),
        Slot::Float(float) => push(3, &float.to_bits().to_le_bytes()),
        Slot::Boolean(is) => push(4, &[u8::from(is)]),
        Slot::Items(run) => {
            push(5, &run.count.to_le_bytes());
            reader.items(run).iter().for_each(|item| add_slot(hash, reader, 0, *item));
        }
        Slot::List(run) => {
            push(6, &run.count.to_le_bytes());
            for entry in reader.entries(list, run) {
                hash.update(&[u8::from(entry.is_there)]);
                add(hash, reader, list, &reader.slots[entry.base as usize..]);
            }
        }
    }
}
