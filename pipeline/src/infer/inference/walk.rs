//! Counts the values of a record, place by place.

use super::tape::{Kind, Tape};
use crate::infer::shape::{Arrays, Fields, Limits, Node, Objects, kept};
use crate::json::unescape;

/// A record being counted.
pub(super) struct Walk<'a> {
    pub(super) tape: &'a mut Tape,
    pub(super) record: &'a str,
    pub(super) unescaped: &'a mut String,
    pub(super) limits: &'a mut Limits,
    /// The places of the shape so far.
    pub(super) places: &'a mut usize,
    /// Whether the limits have become narrower.
    pub(super) narrower: bool,
}

impl Walk<'_> {
    /// Adds the value whose token stands at a place of the tape.
    pub(super) fn value(&mut self, node: &mut Node, at: usize, depth: usize) {
        match self.tape.token(at).kind {
            Kind::Null => node.nulls += 1,
            Kind::Boolean(is) => node.add_boolean(is),
            Kind::Integer => node.add_number(self.text(at), true),
            Kind::Float => node.add_number(self.text(at), false),
            Kind::String(false) => node.add_string(self.text(at)),
            Kind::String(true) => {
                self.unescape(at);
                node.add_string(self.unescaped);
                node.note_nul(self.unescaped);
            }
            Kind::Deep => node.deep += 1,
            Kind::Array | Kind::Object if self.limits.is_deep(depth) => node.deep += 1,
            Kind::Array => self.array(node, at, depth),
            Kind::Object => self.object(node, at, depth),
            // A key is no value: none stands where one is looked for.
            Kind::Key(_) => {}
        }
    }

    fn array(&mut self, node: &mut Node, at: usize, depth: usize) {
        let arrays = match &mut node.arrays {
            Some(arrays) => arrays,
            None => {
                self.note_places(1);
                node.arrays.insert(Box::<Arrays>::default())
            }
        };
        let length = self.tape.token(at).end;
        arrays.add(u64::from(length));
        let mut next = at + 1;
        for _ in 0..length {
            self.value(&mut arrays.element, next, depth + 1);
            next = self.tape.after(next);
        }
    }

    fn object(&mut self, node: &mut Node, at: usize, depth: usize) {
        let objects = node.objects.get_or_insert_default();
        objects.count += 1;
        if objects.map.is_none() {
            if self.find_fields(&mut objects.fields, at, depth) {
                return self.fields(&mut objects.fields, at, depth);
            }
            let before = objects.places();
            objects.make_map(depth, *self.limits);
            *self.places = (*self.places + objects.places()).saturating_sub(before);
        }
        self.entries(objects, at, depth);
    }

    /// Notes the field of each key with its token, and the last key of each field with the field;
    /// false when there are too many fields.
    fn find_fields(&mut self, fields: &mut Fields, at: usize, depth: usize) -> bool {
        let mut keys = self.tape.keys(at);
        let mut expected = 0;
        while let Some(key) = keys.next(self.tape) {
            let name = self.key(key);
            let slot = match fields.find(expected, name) {
                Some(slot) => slot,
                None => {
                    let slot = fields.insert(name);
                    self.note_places(1);
                    if fields.len() > self.limits.fields(depth) {
                        return false;
                    }
                    slot
                }
            };
            fields.mark(slot, key);
            self.tape.set_slot(key, slot);
            expected = slot + 1;
        }
        // There may be too many because the limits have become narrower.
        fields.len() <= self.limits.fields(depth)
    }

    fn fields(&mut self, fields: &mut Fields, at: usize, depth: usize) {
        let mut keys = self.tape.keys(at);
        let mut position = 0;
        while let Some(key) = keys.next(self.tape) {
            let slot = self.tape.token(key).next as usize;
            // Of keys that differ by no more than case the last one counts, as in a load.
            if fields.marked(slot) == key {
                let node = fields.node(slot);
                node.positions += position;
                self.value(node, key + 1, depth + 1);
            }
            position += 1;
        }
    }

    /// Adds the values of an object that is a map.
    fn entries(&mut self, objects: &mut Objects, at: usize, depth: usize) {
        let mut entries = Vec::new();
        let mut keys = self.tape.keys(at);
        let map = objects.make_map(depth, *self.limits);
        while let Some(key) = keys.next(self.tape) {
            let name = kept(self.key(key));
            map.note_key(name);
            entries.push((name.to_ascii_lowercase(), key));
        }
        entries.sort_unstable();
        for (at, (name, key)) in entries.iter().enumerate() {
            if entries.get(at + 1).is_none_or(|(next, _)| next != name) {
                self.value(&mut map.value, key + 1, depth + 1);
            }
        }
    }

    fn note_places(&mut self, more: usize) {
        *self.places += more;
        self.narrower |= self.limits.note_places(*self.places);
    }

    fn text(&self, at: usize) -> &str {
        let token = self.tape.token(at);
        &self.record[token.start as usize..token.end as usize]
    }

    fn unescape(&mut self, at: usize) {
        let token = self.tape.token(at);
        self.unescaped.clear();
        unescape(&self.record[token.start as usize..token.end as usize], self.unescaped);
    }

    fn key(&mut self, at: usize) -> &str {
        if self.tape.token(at).kind == Kind::Key(true) {
            self.unescape(at);
            return self.unescaped;
        }
        self.text(at)
    }
}
