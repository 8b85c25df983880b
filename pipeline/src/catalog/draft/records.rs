//! Where the records of documents are.

use super::key::is_like_id;
use super::kind::{Kind, classify};
use super::names::safe;
use crate::infer::shape::{Node, Objects, Shape};
use crate::json::path::{JsonPath, Step};
use crate::json::records_path::RecordsPath;

/// Values beside a list of records that a document may have.
const MAX_BESIDE: usize = 12;
/// Entries for each value beside them from which a list is the content of a document, whatever these are.
const MUCH: u64 = 10;
/// Values of an array beside the list that are no content yet.
const FEW_VALUES: u64 = 10;
/// Words of names that values beside a list of records have: they are about the list, or about the answer.
const ABOUT: [&str; 50] = [
    "api",
    "bbox",
    "code",
    "copyright",
    "count",
    "crs",
    "cursor",
    "description",
    "error",
    "errors",
    "etag",
    "first",
    "generated",
    "generator",
    "has",
    "info",
    "kind",
    "last",
    "length",
    "license",
    "limit",
    "link",
    "links",
    "message",
    "meta",
    "metadata",
    "more",
    "next",
    "offset",
    "ok",
    "page",
    "pages",
    "per",
    "prev",
    "previous",
    "self",
    "size",
    "source",
    "start",
    "status",
    "success",
    "took",
    "timestamp",
    "title",
    "token",
    "total",
    "type",
    "updated",
    "url",
    "version",
];

/// The path of the records in documents of which the only big content is one list of objects.
///
/// In doubt there is none: then a document is a record, and nothing of it is lost.
pub(super) fn records_path(shape: &Shape, documents: u64) -> Option<RecordsPath> {
    // More records than objects are records of their own.
    let objects = shape.record().objects.as_deref().filter(|_| shape.records() == documents)?;
    let mut content = Content::default();
    content.collect(objects, &mut Vec::new());
    let [(steps, entries)] = content.lists.as_slice() else {
        return None;
    };
    let beside = content.beside.as_slice();
    let is_about = beside.iter().all(|name| safe(name).split('_').all(|it| ABOUT.contains(&it)));
    let is_much = *entries >= MUCH * documents * beside.len() as u64;
    let is_content = *entries > documents
        && !content.is_more
        && beside.len() <= MAX_BESIDE
        && !beside.iter().any(|name| is_like_id(name))
        && (is_about || is_much);
    let path = is_content.then(|| JsonPath::of(steps).to_string())?;
    path.parse().ok()
}

/// What documents hold.
#[derive(Default)]
struct Content<'a> {
    /// The lists of objects that lie in no other list, and how many entries each has.
    lists: Vec<(Vec<Step>, u64)>,
    /// The last keys of the values beside them.
    beside: Vec<&'a str>,
    /// Whether there is much beside them.
    is_more: bool,
}

impl<'a> Content<'a> {
    fn collect(&mut self, objects: &'a Objects, above: &mut Vec<Step>) {
        self.is_more |= objects.map.is_some();
        for field in objects.fields.iter() {
            above.push(Step::Field(field.name.to_string()));
            match classify(&field.node).0 {
                Kind::Struct(inner) => self.collect(inner, above),
                Kind::List(_) => {
                    let steps = above.iter().cloned().chain([Step::Each]).collect();
                    self.lists.push((steps, entries(&field.node)));
                }
                _ => {
                    self.beside.push(&field.name);
                    self.is_more |= entries(&field.node) > FEW_VALUES;
                    self.is_more |= field.node.objects.as_ref().is_some_and(|it| it.map.is_some());
                }
            }
            above.pop();
        }
    }
}

fn entries(node: &Node) -> u64 {
    node.arrays.as_ref().map_or(0, |arrays| arrays.element.count())
}
