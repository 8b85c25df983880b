//! How tables of objects are called.

use super::Group;
use crate::json::path::JsonPath;

/// Endings of keys that say how an object is written, not what it holds.
const ENDINGS: [&str; 8] = ["gz", "gzip", "zst", "json", "ndjson", "jsonl", "geojson", "txt"];
/// Bytes of a name: as many as Postgres allows.
const MAX_BYTES: usize = 63;

/// The name that a group should have.
pub(super) fn wanted(bucket: &str, group: &Group, is_one: bool) -> String {
    let name = match group.keys.as_slice() {
        [key] => of_object(bucket, key),
        _ if is_one => format!("table_{bucket}"),
        _ => of_folder(bucket, &group.location),
    };
    let last_key = group.path.parse::<JsonPath>().ok();
    let last_key = last_key.and_then(|path| path.last_key().map(str::to_owned));
    safe(&last_key.map_or(name.clone(), |key| format!("{name}_{key}")))
}

/// The names that a table may get: the wanted one, then with its folder, then with numbers.
pub(in crate::catalog) fn candidates(
    bucket: &str,
    group: &Group,
) -> impl Iterator<Item = String> + use<> {
    let wanted = group.table.clone();
    let folder = match group.keys.as_slice() {
        [key] => Some(key.rsplit('/').nth(1).unwrap_or(bucket)),
        _ => None,
    };
    let with_folder = folder.map(|folder| with_end(&wanted, folder));
    std::iter::once(wanted.clone()).chain(with_folder).chain(numbered(wanted))
}

/// A name with each number from 2.
pub(in crate::catalog) fn numbered(name: String) -> impl Iterator<Item = String> {
    (2..).map(move |number: u32| with_end(&name, &number.to_string()))
}

/// The name of an object without its folders and endings.
pub(in crate::catalog) fn of_object(bucket: &str, key: &str) -> String {
    let (folder, mut name) = key.rsplit_once('/').unwrap_or(("", key));
    while let Some((rest, ending)) = name.rsplit_once('.')
        && ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
        && !rest.is_empty()
    {
        name = rest;
    }
    // A day or a number alone does not say what it is of.
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return name.to_owned();
    }
    let of = folder.rsplit('/').next().filter(|folder| !folder.is_empty()).unwrap_or(bucket);
    format!("{of}_{name}")
}

fn of_folder(bucket: &str, location: &str) -> String {
    let parts = ["table", bucket, location.trim_end_matches('/')];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

/// A name with something behind it, within the length of a name.
fn with_end(name: &str, end: &str) -> String {
    let end = format!("_{}", safe(end));
    let kept = name.len().min(MAX_BYTES.saturating_sub(end.len()));
    format!("{}{end}", &name[..name.floor_char_boundary(kept)])
}

/// A name of small letters, digits and `_`, of at most 63 bytes.
fn safe(name: &str) -> String {
    let is_plain = |char: char| matches!(char, 'a'..='z' | '0'..='9' | '_');
    let name = name.to_lowercase().replace(|char| !is_plain(char), "_");
    name[..name.len().min(MAX_BYTES)].to_owned()
}
