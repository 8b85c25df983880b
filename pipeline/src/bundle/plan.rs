//! Which objects are loaded together.

use std::collections::{HashSet, VecDeque};

use crate::store::Listed;

/// How large bundles are.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Objects at most. Each takes a lock of the server's table of locks, which holds some thousands for
    /// all sessions together.
    pub objects: usize,
    /// Bytes of text at most, as far as names and sizes tell.
    pub text_bytes: u64,
}

impl Default for Size {
    fn default() -> Self {
        Self { objects: 250, text_bytes: 2 << 20 }
    }
}

/// The largest object that goes into a bundle. Above it a load takes no longer alone.
pub const OBJECT_BYTES: u64 = 1 << 20;
/// How many times as long a compressed object's text is taken to be, before it is known.
const COMPRESSION: u64 = 8;
/// How the names of compressed objects end.
const COMPRESSED: [&str; 3] = [".gz", ".gzip", ".zst"];

/// What is to be done next of many objects.
#[derive(Debug)]
pub enum Step {
    /// To load an object by itself.
    Alone(Box<Listed>),
    /// To load objects in bundles.
    Bundled(Vec<Listed>),
}

/// What is to be done to load objects in their order: small ones that follow each other go into
/// bundles. One that was named before goes alone, so that it finds the load of the first.
#[must_use]
pub fn plan(objects: Vec<Listed>) -> Vec<Step> {
    let mut seen = HashSet::new();
    let mut steps = Vec::new();
    for object in objects {
        let is_new = seen.insert(object.origin());
        match steps.last_mut() {
            _ if !is_new || text_bytes(&object) > OBJECT_BYTES => {
                steps.push(Step::Alone(Box::new(object)))
            }
            Some(Step::Bundled(objects)) => objects.push(object),
            _ => steps.push(Step::Bundled(vec![object])),
        }
    }
    // One object is no bundle.
    let alone = |step| match step {
        Step::Bundled(mut objects) if objects.len() == 1 => {
            Step::Alone(Box::new(objects.remove(0)))
        }
        step => step,
    };
    steps.into_iter().map(alone).collect()
}

/// Cuts objects into bundles.
pub(super) fn bundles<T>(
    objects: impl IntoIterator<Item = T>,
    size: Size,
    listed: impl Fn(&T) -> &Listed,
) -> VecDeque<Vec<T>> {
    let mut bundles = VecDeque::new();
    let (mut bundle, mut bytes) = (Vec::new(), 0);
    for object in objects {
        let more = text_bytes(listed(&object));
        let is_full = bundle.len() >= size.objects || bytes + more > size.text_bytes;
        if is_full && !bundle.is_empty() {
            bundles.push_back(std::mem::take(&mut bundle));
            bytes = 0;
        }
        bytes += more;
        bundle.push(object);
    }
    if !bundle.is_empty() {
        bundles.push_back(bundle);
    }
    bundles
}

/// How long an object's text is, as far as its name and size tell.
fn text_bytes(object: &Listed) -> u64 {
    let key = object.key().to_ascii_lowercase();
    let is_compressed = COMPRESSED.iter().any(|ending| key.ends_with(ending));
    if is_compressed { object.size().saturating_mul(COMPRESSION) } else { object.size() }
}
