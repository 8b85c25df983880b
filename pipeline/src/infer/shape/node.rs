//! What values were seen at one place.

use serde::{Deserialize, Serialize};

use super::example::Examples;
use super::fields::Fields;
use super::limit::Limits;
use super::range::{Floats, Integers, Strings, kept};
use super::sketch::{Sketch, hash_integer, hash_number, hash_text};

/// The values at a place, by kind. Every value is counted in exactly one of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Node {
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) nulls: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) trues: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) falses: u64,
    /// Arrays and objects that were not looked into.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) deep: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) integers: Option<Integers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) floats: Option<Floats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strings: Option<Strings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) arrays: Option<Box<Arrays>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) objects: Option<Box<Objects>>,
    #[serde(skip_serializing_if = "Sketch::is_empty")]
    pub(crate) sketch: Sketch,
    #[serde(skip_serializing_if = "Examples::is_empty")]
    pub(super) examples: Examples,
    /// Of a field: the sum of its places among the keys of the objects that have it.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) positions: u64,
}

/// Arrays, and what is in them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Arrays {
    pub(crate) count: u64,
    pub(crate) min_length: u64,
    pub(crate) max_length: u64,
    pub(crate) element: Node,
}

/// Objects, and their fields while these can be told apart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Objects {
    pub(crate) count: u64,
    /// Empty once there is a map.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub(crate) fields: Fields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) map: Option<Box<Map>>,
}

/// Fields that are too many to be told apart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Map {
    pub(crate) keys: Sketch,
    pub(crate) value: Node,
    /// Whether a key holds U+0000.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) has_nul: bool,
}

impl Arrays {
    pub(crate) fn add(&mut self, length: u64) {
        self.merge_lengths(1, length, length);
    }

    fn merge_lengths(&mut self, count: u64, min: u64, max: u64) {
        self.min_length = if self.count == 0 { min } else { self.min_length.min(min) };
        self.max_length = self.max_length.max(max);
        self.count += count;
    }
}

impl Map {
    pub(crate) fn note_key(&mut self, key: &str) {
        self.keys.insert(hash_text(key));
        self.has_nul |= key.contains('\0');
    }
}

impl Objects {
    /// Merges the values of all fields into those of a map. The depth is that of the objects.
    pub(crate) fn make_map(&mut self, depth: usize, limits: Limits) -> &mut Map {
        let map = self.map.get_or_insert_default();
        for field in std::mem::take(&mut self.fields).into_fields() {
            map.note_key(&field.name);
            map.value.merge(field.node, depth + 1, limits);
        }
        map.value.positions = 0;
        map
    }

    fn merge(&mut self, other: Self, depth: usize, limits: Limits) {
        self.count += other.count;
        self.fields.merge(other.fields, depth + 1, limits);
        if let Some(other) = other.map {
            let map = self.make_map(depth, limits);
            map.keys.merge(other.keys);
            map.has_nul |= other.has_nul;
            map.value.merge(other.value, depth + 1, limits);
        }
        if self.map.is_some() || self.fields.len() > limits.fields(depth) {
            self.make_map(depth, limits);
        }
    }
}

impl Node {
    pub(crate) fn add_boolean(&mut self, is: bool) {
        let (count, text) =
            if is { (&mut self.trues, "true") } else { (&mut self.falses, "false") };
        *count += 1;
        self.add_value(hash_text(text), text);
    }

    pub(crate) fn add_string(&mut self, text: &str) {
        match &mut self.strings {
            Some(strings) => strings.add(text),
            None => self.strings = Some(Strings::one(text)),
        }
        self.add_value(hash_text(text), text);
    }

    /// Notes whether a string that was added holds U+0000: only one that was escaped can.
    pub(crate) fn note_nul(&mut self, text: &str) {
        if let Some(strings) = self.strings.as_mut().filter(|_| text.contains('\0')) {
            strings.has_nul = true;
        }
    }

    /// Adds a number as it is written.
    pub(crate) fn add_number(&mut self, text: &str, is_integer: bool) {
        let integer = if is_integer { integer(text) } else { None };
        let hash = match integer {
            Some(integer) => {
                merge_into(&mut self.integers, Integers::one(integer), |all, one| all.merge(&one));
                hash_integer(integer)
            }
            None => {
                let number = float(text);
                let one = Floats::one(number, text);
                merge_into(&mut self.floats, one, |all, one| all.merge(&one));
                hash_number(number)
            }
        };
        self.add_value(hash, text);
    }

    fn add_value(&mut self, hash: u64, text: &str) {
        self.sketch.insert(hash);
        self.examples.offer(hash, kept(text));
    }

    /// How many values there were.
    pub(crate) fn count(&self) -> u64 {
        self.kinds().iter().map(|(_, count)| count).sum::<u64>() + self.nulls
    }

    /// How many values of each kind there were, without nulls.
    pub(crate) fn kinds(&self) -> [(&'static str, u64); 7] {
        [
            ("boolean", self.trues + self.falses),
            ("integer", self.integers.as_ref().map_or(0, |integers| integers.count)),
            ("float", self.floats.as_ref().map_or(0, |floats| floats.count)),
            ("string", self.strings.as_ref().map_or(0, |strings| strings.count)),
            ("array", self.arrays.as_ref().map_or(0, |arrays| arrays.count)),
            ("object", self.objects.as_ref().map_or(0, |objects| objects.count)),
            ("json", self.deep),
        ]
    }

    /// Adds what was seen at the same place elsewhere.
    pub(super) fn merge(&mut self, other: Self, depth: usize, limits: Limits) {
        self.nulls += other.nulls;
        self.trues += other.trues;
        self.falses += other.falses;
        self.deep += other.deep;
        self.positions += other.positions;
        merge_option(&mut self.integers, other.integers, |all, more| all.merge(&more));
        merge_option(&mut self.floats, other.floats, |all, more| all.merge(&more));
        merge_option(&mut self.strings, other.strings, |all, more| all.merge(&more));
        merge_option(&mut self.arrays, other.arrays, |all, more| {
            all.merge_lengths(more.count, more.min_length, more.max_length);
            all.element.merge(more.element, depth + 1, limits);
        });
        merge_option(&mut self.objects, other.objects, |all, more| {
            all.merge(*more, depth, limits);
        });
        self.sketch.merge(other.sketch);
        self.examples.merge(other.examples);
    }

    /// Keeps to limits that have become narrower.
    pub(super) fn narrow(&mut self, depth: usize, limits: Limits) {
        if limits.is_deep(depth) {
            self.deep += self.arrays.take().map_or(0, |arrays| arrays.count);
            self.deep += self.objects.take().map_or(0, |objects| objects.count);
        }
        if let Some(arrays) = &mut self.arrays {
            arrays.element.narrow(depth + 1, limits);
        }
        if let Some(objects) = &mut self.objects {
            objects.fields.nodes_mut().for_each(|node| node.narrow(depth + 1, limits));
            if objects.fields.len() > limits.fields(depth) {
                objects.make_map(depth, limits);
            }
            if let Some(map) = &mut objects.map {
                map.value.narrow(depth + 1, limits);
            }
        }
    }

    /// The places below this one: fields, elements of arrays, values of maps.
    pub(crate) fn places(&self) -> usize {
        let elements = self.arrays.as_ref().map_or(0, |arrays| 1 + arrays.element.places());
        elements + self.objects.as_ref().map_or(0, |objects| objects.places())
    }
}

impl Objects {
    pub(crate) fn places(&self) -> usize {
        let fields: usize = self.fields.iter().map(|field| 1 + field.node.places()).sum();
        fields + self.map.as_ref().map_or(0, |map| 1 + map.value.places())
    }
}

fn merge_into<T>(all: &mut Option<T>, one: T, merge: impl FnOnce(&mut T, T)) {
    match all {
        Some(all) => merge(all, one),
        None => *all = Some(one),
    }
}

fn merge_option<T>(all: &mut Option<T>, more: Option<T>, merge: impl FnOnce(&mut T, T)) {
    if let Some(more) = more {
        merge_into(all, more, merge);
    }
}

/// An integer of up to 38 digits.
fn integer(text: &str) -> Option<i128> {
    // Most are short, and reading those is much cheaper.
    if text.len() < 19 {
        return text.parse::<i64>().ok().map(i128::from);
    }
    let integer = text.parse::<i128>().ok()?;
    (integer.unsigned_abs() < 10_u128.pow(38)).then_some(integer)
}

/// The nearest number there is: those that are too large are the largest.
fn float(text: &str) -> f64 {
    text.parse().unwrap_or(0.0_f64).clamp(f64::MIN, f64::MAX)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}
