//! What a reader expects of the records of a feed: the paths of its fields as a tree of keys.

use super::limit::Limits;
use super::preset::Preset;
use super::slot::Slot;
use crate::feed::{Decoded, Feed, Field, Kind, Limit, Reading, Type, Unknown, pointer_to};
use crate::json::UsualKey;

/// What is read of the records of a feed and of the entries of their lists.
#[derive(Debug)]
pub(super) struct Shape {
    /// By the index of the table whose rows are of it: first the record, then the entries of each list.
    pub(super) scopes: Vec<Scope>,
    /// The objects in which keys are read.
    pub(super) objects: Vec<Object>,
    pub(super) unknown: Unknown,
    /// What the hash of a record begins with; None when there is to be none.
    pub(super) hash_seed: Option<Vec<u8>>,
    /// Whether keys match without regard to ASCII case.
    ignore_case: bool,
}

/// What is read of a record, or of the entries of a list.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The object whose keys are read; None where the record or entry itself is all that is.
    pub(super) object: Option<usize>,
    /// What the record or entry itself is read as.
    pub(super) whole: Vec<Expected>,
    /// One for each field, in the order in which problems are looked for.
    pub(super) leaves: Vec<Leaf>,
    pub(super) has_defaults: bool,
    /// Whether all that is read are keys, and none has a default.
    pub(super) is_plain: bool,
    /// The fields that may be a problem by being null: those that are required, and lists of such.
    pub(super) null_checks: Vec<usize>,
    /// The same for empty texts.
    pub(super) empty_checks: Vec<usize>,
    /// Whether there are such lists.
    pub(super) has_demands_within: bool,
    /// The slots of its fields before any is read.
    pub(super) blank: Vec<Slot>,
    /// Whether a null or an empty text may be a problem in it.
    pub(super) has_demands: bool,
    /// The JSON pointer of the list, from what it is in.
    pub(super) pointer: String,
}

/// What is asked of a field, whatever its key.
#[derive(Debug)]
pub(super) struct Leaf {
    /// Its JSON pointer, from the record or entry.
    pub(super) pointer: String,
    pub(super) required: bool,
    pub(super) non_empty: bool,
    /// The table of the entries, if it is a list.
    pub(super) list: Option<usize>,
    pub(super) default: Option<Preset>,
}

/// An object: the record, an entry, or an object within.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) members: Vec<Expected>,
    /// What stands before the names of its unknown keys.
    pub(super) prefix: String,
    /// Its JSON pointer, from the record or entry.
    pub(super) pointer: String,
    /// The fields within it.
    pub(super) slots: Vec<usize>,
}

/// A key: what its value is read as, what the column can hold, and how the key is mostly written.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) name: String,
    pub(super) takes: Takes,
    pub(super) limit: Limit,
    /// The index of the field.
    pub(super) slot: usize,
    /// Up to which length in bytes a string surely fits, where strings are taken as they are.
    pub(super) plain_bytes: Option<usize>,
    pub(super) key: UsualKey,
    /// What else its value is read as.
    pub(super) also: Vec<Self>,
}

/// What a value is read as.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Takes {
    Value(Type, Reading),
    /// The entries of the table of this index.
    List(usize),
    /// The object of this index.
    Object(usize),
}

impl Shape {
    pub(super) fn new(feed: &Feed, limits: &Limits) -> Self {
        let mut shape = Self {
            scopes: Vec::new(),
            objects: Vec::new(),
            unknown: feed.unknown,
            hash_seed: feed.decodes(Decoded::ContentHash).then(|| hash_seed(feed)),
            ignore_case: feed.ignore_case,
        };
        // The rejects table has no fields.
        shape.scopes.resize_with(feed.plan.tables.len() - 1, Scope::default);
        shape.add_scope(0, &feed.fields, String::new(), limits);
        shape
    }

    /// Adds what is read of the rows of a table.
    fn add_scope(&mut self, table: usize, fields: &[Field], prefix: String, limits: &Limits) {
        let mut scope = Scope::default();
        if fields.iter().any(|field| !field.path.is_empty()) {
            scope.object = Some(self.add_object(prefix.clone(), String::new()));
        }
        for (slot, field) in fields.iter().enumerate() {
            let limit = limits.of_field(table, slot);
            let (takes, list) = match &field.kind {
                Kind::Value(data_type, reading) => {
                    (Takes::Value(data_type.clone(), *reading), None)
                }
                Kind::List(list) => {
                    let prefix = format!("{prefix}{}.", field.name());
                    self.add_scope(list.table, &list.fields, prefix, limits);
                    self.scopes[list.table].pointer = field.pointer();
                    (Takes::List(list.table), Some(list.table))
                }
            };
            let is_list_with_demands = list.is_some_and(|list| self.scopes[list].has_demands);
            if field.required || is_list_with_demands {
                scope.null_checks.push(slot);
            }
            if field.non_empty || is_list_with_demands {
                scope.empty_checks.push(slot);
            }
            scope.has_demands_within |= is_list_with_demands;
            scope.has_demands |= field.required || field.non_empty || is_list_with_demands;
            scope.leaves.push(Leaf::new(field, list));
            let name = field.path.last().cloned().unwrap_or_default();
            let expected = Expected::new(name, takes, limit, slot);
            match (scope.object, field.path.as_slice()) {
                (Some(object), [_, ..]) => self.insert(object, &field.path, expected),
                _ => scope.whole.push(expected),
            }
        }
        scope.has_defaults = scope.leaves.iter().any(|leaf| leaf.default.is_some());
        scope.blank = vec![Slot::Missing; fields.len()];
        scope.is_plain = scope.whole.is_empty() && !scope.has_defaults;
        let pointer = std::mem::take(&mut self.scopes[table].pointer);
        self.scopes[table] = Scope { pointer, ..scope };
    }

    fn add_object(&mut self, prefix: String, pointer: String) -> usize {
        self.objects.push(Object { members: Vec::new(), prefix, pointer, slots: Vec::new() });
        self.objects.len() - 1
    }

    /// Adds what is read at a path within an object.
    fn insert(&mut self, object: usize, path: &[String], expected: Expected) {
        let [key, rest @ ..] = path else {
            return;
        };
        self.objects[object].slots.push(expected.slot);
        if rest.is_empty() {
            self.objects[object].add(key, expected, self.ignore_case);
            return;
        }
        let within = match self.objects[object].object_at(key, self.ignore_case) {
            Some(within) => within,
            None => {
                let Object { prefix, pointer: outer, .. } = &self.objects[object];
                let prefix = format!("{prefix}{key}.");
                let pointer = format!("{outer}{}", pointer_to(key));
                let within = self.add_object(prefix, pointer);
                let takes = Takes::Object(within);
                let member = Expected::new(key.clone(), takes, Limit::None, expected.slot);
                self.objects[object].add(key, member, self.ignore_case);
                within
            }
        };
        self.insert(within, rest, expected);
    }

    /// The member that a key names.
    pub(super) fn find(&self, members: &[Expected], key: &str) -> Option<usize> {
        members.iter().position(|it| is_same(&it.name, key, self.ignore_case))
    }
}

fn is_same(name: &str, key: &str, ignore_case: bool) -> bool {
    if ignore_case { name.eq_ignore_ascii_case(key) } else { name == key }
}

/// What of a feed changes the rows of a record, besides the record.
fn hash_seed(feed: &Feed) -> Vec<u8> {
    let texts = feed.computed.iter().map(|expression| expression.sql.as_str());
    texts.collect::<Vec<_>>().join("\0").into_bytes()
}

impl Object {
    fn add(&mut self, key: &str, expected: Expected, ignore_case: bool) {
        let is_it = |member: &&mut Expected| is_same(&member.name, key, ignore_case);
        match self.members.iter_mut().find(is_it) {
            Some(member) => {
                member.plain_bytes = None;
                member.also.push(expected);
            }
            None => self.members.push(expected),
        }
    }

    /// The object that the value of a key is read as, if it is.
    fn object_at(&self, key: &str, ignore_case: bool) -> Option<usize> {
        let member = self.members.iter().find(|it| is_same(&it.name, key, ignore_case))?;
        let mut readings = [member].into_iter().chain(&member.also);
        readings.find_map(|it| match it.takes {
            Takes::Object(within) => Some(within),
            _ => None,
        })
    }
}

impl Leaf {
    fn new(field: &Field, list: Option<usize>) -> Self {
        let default = match &field.kind {
            Kind::Value(data_type, reading) => {
                field.default.as_ref().and_then(|json| Preset::of_json(json, data_type, *reading))
            }
            Kind::List(_) => None,
        };
        Self {
            pointer: field.pointer(),
            required: field.required,
            non_empty: field.non_empty,
            list,
            default,
        }
    }
}

impl Expected {
    fn new(name: String, takes: Takes, limit: Limit, slot: usize) -> Self {
        let is_text = matches!(&takes, Takes::Value(Type::Text | Type::Varchar(_), _));
        let plain_bytes = is_text.then(|| limit.sure_bytes());
        let key = UsualKey::new(&name);
        Self { name, takes, limit, slot, plain_bytes, key, also: Vec::new() }
    }
}
