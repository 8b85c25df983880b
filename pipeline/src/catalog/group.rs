//! Puts objects that are alike under one table.

pub(super) mod name;

use std::collections::{BTreeMap, BTreeSet};

/// How alike the names of two objects must be for one table: those that both have, of all that they
/// have. As for Glue, so that a few fields more or less are versions of a table, not another one.
const ALIKE: f64 = 0.7;

/// An object and the names of its records' fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The object's key.
    pub key: String,
    /// The names, in any case.
    pub names: Vec<String>,
    /// The path of its records in a document: `$` where each document is a record.
    pub path: String,
}

/// Objects that are one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The table's name.
    pub table: String,
    /// The key, if there is one object. Else the folder that holds all of them, with a `/` at its end;
    /// empty for the whole bucket.
    pub location: String,
    /// The objects' keys, in order.
    pub keys: Vec<String>,
    /// The path of the records in their documents.
    pub path: String,
}

/// Groups objects: two are in one group if they are alike, or if there is a row of objects between
/// them of which each is like the next. So their order does not matter.
///
/// Objects without names, which have no records, are in no group, and objects whose records are at
/// different paths are in different groups.
///
/// A table of one object is named after the object, without its endings. A table of several is named
/// `table_` and the bucket; if there are several tables, their folder too. Records at a path add its
/// last key. Where names are the same, the folder of each object is added, then a number, in the order of
/// first keys.
#[must_use]
pub fn group(bucket: &str, members: &[Member]) -> Vec<Group> {
    let mut by_path: BTreeMap<&str, Vec<&Member>> = BTreeMap::new();
    for member in members.iter().filter(|member| !member.names.is_empty()) {
        by_path.entry(&member.path).or_default().push(member);
    }
    let alike = by_path
        .into_iter()
        .flat_map(|(path, members)| alike(&members).into_iter().map(move |keys| (path, keys)));
    name_tables(bucket, alike.collect())
}

/// The keys of objects that are alike, together.
fn alike<'a>(members: &[&'a Member]) -> Vec<Vec<&'a str>> {
    let mut keys_by_names: BTreeMap<BTreeSet<String>, Vec<&str>> = BTreeMap::new();
    for member in members {
        let names = member.names.iter().map(|name| name.to_ascii_lowercase()).collect();
        keys_by_names.entry(names).or_default().push(&member.key);
    }
    let (names, keys): (Vec<_>, Vec<_>) = keys_by_names.into_iter().unzip();
    let mut groups: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (at, keys) in components(&names).into_iter().zip(keys) {
        groups.entry(at).or_default().extend(keys);
    }
    groups.into_values().collect()
}

/// For each set of names, the first of those that it is connected with.
fn components(sets: &[BTreeSet<String>]) -> Vec<usize> {
    let sets = numbered(sets);
    let mut by_size: Vec<_> = (0..sets.len()).collect();
    by_size.sort_by_key(|at| sets[*at].len());
    let mut parents: Vec<_> = (0..sets.len()).collect();
    for (place, &one) in by_size.iter().enumerate() {
        // Sets of too different sizes cannot be alike, so most pairs need no look.
        let largest = sets[one].len() as f64 / ALIKE;
        let near = by_size[place + 1..].iter();
        for &other in near.take_while(|other| sets[**other].len() as f64 <= largest) {
            let (first, second) = (root(&mut parents, one), root(&mut parents, other));
            if first != second && are_alike(&sets[one], &sets[other]) {
                parents[first.max(second)] = first.min(second);
            }
        }
    }
    (0..sets.len()).map(|at| root(&mut parents, at)).collect()
}

/// The sets with numbers for names, in order: these compare sooner.
fn numbered(sets: &[BTreeSet<String>]) -> Vec<Vec<usize>> {
    let mut numbers = BTreeMap::new();
    let mut number = |name| {
        let next = numbers.len();
        *numbers.entry(name).or_insert(next)
    };
    let numbered = sets.iter().map(|set| {
        let mut numbers: Vec<_> = set.iter().map(&mut number).collect();
        numbers.sort_unstable();
        numbers
    });
    numbered.collect()
}

/// The representative of a set's component; the way there becomes shorter.
fn root(parents: &mut [usize], at: usize) -> usize {
    let mut at = at;
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

fn are_alike(one: &[usize], other: &[usize]) -> bool {
    let common = one.iter().filter(|name| other.binary_search(name).is_ok()).count();
    common as f64 >= ALIKE * (one.len() + other.len() - common) as f64
}

/// The groups in order of their first keys, each with its name.
fn name_tables(bucket: &str, groups: Vec<(&str, Vec<&str>)>) -> Vec<Group> {
    let mut groups: Vec<_> = groups
        .into_iter()
        .map(|(path, mut keys)| {
            keys.sort_unstable();
            let keys: Vec<_> = keys.into_iter().map(str::to_owned).collect();
            let location = match keys.as_slice() {
                [key] => key.clone(),
                keys => common_folder(keys).to_owned(),
            };
            Group { table: String::new(), location, keys, path: path.to_owned() }
        })
        .collect();
    groups.sort_by(|one, other| (&one.keys, &one.path).cmp(&(&other.keys, &other.path)));
    let is_one = groups.len() == 1;
    let wanted: Vec<_> = groups.iter().map(|group| name::wanted(bucket, group, is_one)).collect();
    let mut taken = BTreeSet::new();
    for (group, name) in groups.iter_mut().zip(&wanted) {
        group.table.clone_from(name);
        let is_shared = wanted.iter().filter(|other| *other == name).count() > 1;
        let mut free = name::candidates(bucket, group)
            .skip(usize::from(is_shared && group.keys.len() == 1))
            .filter(|name| !taken.contains(name));
        let free = free.next().unwrap_or_default();
        group.table.clone_from(&free);
        taken.insert(free);
    }
    groups
}

/// The folder that holds all of the keys, with its `/`.
fn common_folder(keys: &[String]) -> &str {
    // In order, so that what the first and the last begin with, all do.
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
        return "";
    };
    let pairs = first.bytes().zip(last.bytes());
    let common = pairs.take_while(|(one, other)| one == other).count();
    let folder = first.as_bytes()[..common].iter().rposition(|byte| *byte == b'/');
    folder.map_or("", |end| &first[..=end])
}

#[cfg(test)]
mod tests;
