//! What a record that could be read lacks: values that are required, texts that must not be empty.

use super::expected::Leaf;
use super::record::Reader;
use super::slot::{Problem, Slot};
use super::trail::Trail;
use crate::feed::Reason;

/// The first required field without a value.
pub(super) fn null(reader: &Reader<'_>) -> Option<Problem> {
    first(reader, Reason::NullField, "a value", |leaf, slot| match slot {
        Slot::Missing if leaf.required => Some("nothing"),
        Slot::Null if leaf.required => Some("null"),
        _ => None,
    })
}

/// The first text that is empty and must not be.
pub(super) fn empty(reader: &Reader<'_>) -> Option<Problem> {
    first(reader, Reason::EmptyText, "text", |leaf, slot| match slot {
        Slot::Text(piece) if leaf.non_empty && piece.len() == 0 => Some("''"),
        _ => None,
    })
}

/// The first field in the order of the feed with which something is wrong.
fn first(
    reader: &Reader<'_>,
    reason: Reason,
    expected: &str,
    wrong: impl Fn(&Leaf, Slot) -> Option<&'static str> + Copy,
) -> Option<Problem> {
    if !reader.shape.scopes[0].has_demands {
        return None;
    }
    let mut trail = Trail::default();
    let (pointer, found) = first_in(reader, 0, 0, &mut trail, wrong)?;
    let place = trail.to(reader.shape, pointer);
    Some(Problem { reason, detail: format!("{place}: expected {expected}, found {found}") })
}

/// The same in the record or an entry, whose slots begin at `base`. The trail leads there.
fn first_in<'a>(
    reader: &Reader<'a>,
    table: usize,
    base: usize,
    trail: &mut Trail,
    wrong: impl Fn(&Leaf, Slot) -> Option<&'static str> + Copy,
) -> Option<(&'a str, &'static str)> {
    let scope = &reader.shape.scopes[table];
    for (leaf, slot) in scope.leaves.iter().zip(&reader.slots[base..]) {
        if let Some(found) = wrong(leaf, *slot) {
            return Some((&leaf.pointer, found));
        }
        if !scope.has_demands_within {
            continue;
        }
        let (Some(list), Slot::List(run)) = (leaf.list, slot) else {
            continue;
        };
        trail.enter(list);
        for entry in reader.entries(list, *run) {
            let found = first_in(reader, list, entry.base as usize, trail, wrong);
            if found.is_some() {
                return found;
            }
            trail.next();
        }
        trail.leave();
    }
    None
}
