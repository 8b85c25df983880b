//! What a record that could be read lacks: values that are required, texts that must not be empty.

use super::expected::{Leaf, Scope};
use super::record::Reader;
use super::slot::{Problem, Slot};
use super::trail::Trail;
use crate::feed::Reason;

/// The first required field without a value.
pub(super) fn null(reader: &Reader<'_>) -> Option<Problem> {
    let scope = &reader.shape.scopes[0];
    let is_null = |at: &usize| matches!(reader.slots[*at], Slot::Missing | Slot::Null);
    // Of most records nothing is null, which takes few instructions to see.
    if !scope.has_demands_within && !scope.null_checks.iter().any(is_null) {
        return None;
    }
    first(
        reader,
        Reason::NullField,
        "a value",
        |scope| &scope.null_checks,
        |leaf, slot| match slot {
            Slot::Missing if leaf.required => Some("nothing"),
            Slot::Null if leaf.required => Some("null"),
            _ => None,
        },
    )
}

/// The first text that is empty and must not be.
pub(super) fn empty(reader: &Reader<'_>) -> Option<Problem> {
    first(
        reader,
        Reason::EmptyText,
        "text",
        |scope| &scope.empty_checks,
        |leaf, slot| match slot {
            Slot::Text(piece) if leaf.non_empty && piece.len() == 0 => Some("''"),
            _ => None,
        },
    )
}

/// The first of the fields to be checked, in the order of the feed, with which something is wrong.
fn first(
    reader: &Reader<'_>,
    reason: Reason,
    expected: &str,
    checks: impl Fn(&Scope) -> &[usize] + Copy,
    wrong: impl Fn(&Leaf, Slot) -> Option<&'static str> + Copy,
) -> Option<Problem> {
    let mut trail = Trail::default();
    let (pointer, found) = first_in(reader, (0, 0), &mut trail, checks, wrong)?;
    let place = trail.to(reader.shape, pointer);
    Some(Problem { reason, detail: format!("{place}: expected {expected}, found {found}") })
}

/// The same in the record or an entry: of which table it is, and where its slots begin. The trail leads there.
fn first_in<'a>(
    reader: &Reader<'a>,
    (table, base): (usize, usize),
    trail: &mut Trail,
    checks: impl Fn(&Scope) -> &[usize] + Copy,
    wrong: impl Fn(&Leaf, Slot) -> Option<&'static str> + Copy,
) -> Option<(&'a str, &'static str)> {
    let scope = &reader.shape.scopes[table];
    for at in checks(scope) {
        let (leaf, slot) = (&scope.leaves[*at], reader.slots[base + at]);
        if let Some(found) = wrong(leaf, slot) {
            return Some((&leaf.pointer, found));
        }
        let (Some(list), Slot::List(run)) = (leaf.list, slot) else {
            continue;
        };
        if !reader.shape.scopes[list].has_demands {
            continue;
        }
        trail.enter(list);
        for entry in reader.entries(list, run) {
            let found = first_in(reader, (list, entry.base as usize), trail, checks, wrong);
            if found.is_some() {
                return found;
            }
            trail.next();
        }
        trail.leave();
    }
    None
}
