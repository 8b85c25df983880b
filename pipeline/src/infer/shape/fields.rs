//! The fields of the objects at a place, by their exact names.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::limit::Limits;
use super::node::Node;

/// Bytes of a name that are kept: the names are the sender's, and could be as long as a record.
const NAME_BYTES: usize = 1000;

/// The fields, in the order in which they were first seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    fields: Vec<Field>,
    by_name: HashMap<Box<str>, usize>,
    /// Names that differ only by ASCII case, by that name in lower case.
    groups: HashMap<String, usize>,
    /// For each group, where the object that is being read has it last.
    marks: Vec<usize>,
}

/// A field and what its values are.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: Box<str>,
    group: usize,
    pub(crate) node: Node,
}

impl Fields {
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }

    /// What the values of a field are that [`Self::find`] or [`Self::insert`] named.
    pub(crate) fn node(&mut self, slot: usize) -> &mut Node {
        &mut self.fields[slot].node
    }

    /// The field of a name. Keys mostly come in the same order, some of them left out, so that is
    /// looked at before anything is hashed.
    pub(crate) fn find(&self, expected: usize, name: &str) -> Option<usize> {
        let near = self.fields.iter().enumerate().skip(expected).take(3);
        let mut near = near.filter(|(_, field)| *field.name == *name);
        match near.next() {
            Some((slot, _)) => Some(slot),
            None => self.by_name.get(kept(name)).copied(),
        }
    }

    /// Adds a field that [`Self::find`] does not find.
    pub(crate) fn insert(&mut self, name: &str) -> usize {
        let name: Box<str> = kept(name).into();
        let slot = self.fields.len();
        let groups = self.groups.len();
        let group = *self.groups.entry(name.to_ascii_lowercase()).or_insert(groups);
        self.marks.resize(self.groups.len(), 0);
        self.by_name.insert(name.clone(), slot);
        self.fields.push(Field { name, group, node: Node::default() });
        slot
    }

    /// Notes where an object has the field, in any case.
    pub(crate) fn mark(&mut self, slot: usize, at: usize) {
        self.marks[self.fields[slot].group] = at;
    }

    /// The place that was noted last.
    pub(crate) fn marked(&self, slot: usize) -> usize {
        self.marks[self.fields[slot].group]
    }

    pub(super) fn merge(&mut self, other: Self, depth: usize, limits: Limits) {
        for (expected, field) in other.fields.into_iter().enumerate() {
            let slot = self.find(expected, &field.name);
            let slot = slot.unwrap_or_else(|| self.insert(&field.name));
            self.fields[slot].node.merge(field.node, depth, limits);
        }
    }

    pub(super) fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.fields.iter_mut().map(|field| &mut field.node)
    }

    pub(super) fn into_fields(self) -> Vec<Field> {
        self.fields
    }
}

/// As much of a name as is kept.
pub(crate) fn kept(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES)]
}

/// In the order of the names, so that equal fields are written alike.
impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let by_name = self.fields.iter().map(|field| (&*field.name, &field.node));
        by_name.collect::<BTreeMap<_, _>>().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Self::default();
        for (name, node) in BTreeMap::<String, Node>::deserialize(deserializer)? {
            if fields.find(fields.len(), &name).is_none() {
                let slot = fields.insert(&name);
                fields.fields[slot].node = node;
            }
        }
        Ok(fields)
    }
}
