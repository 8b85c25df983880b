//! Patterns of keys that match the objects of a draft, and no others.

use crate::pattern::{Patterns, Wildcards};

/// Characters that mean something in a pattern.
const SPECIAL: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

/// The shortest of some patterns that match all of these keys and none of the others; if none does, the keys
/// themselves. Keys of local files also match by their ends.
pub(super) fn patterns(keys: &[&str], others: &[&str], is_local: bool) -> Vec<String> {
    let [first, .., last] = keys else {
        return keys.iter().map(|key| escaped(key)).collect();
    };
    let folder = common_folder(first, last);
    let ending = ending(first).filter(|ending| keys.iter().all(|key| key.ends_with(*ending)));
    let ending = ending.map(escaped).unwrap_or_default();
    let candidates =
        [format!("{}*{ending}", escaped(folder)), format!("{}**/*{ending}", escaped(folder))];
    let fits = |pattern: &String| {
        let Ok(compiled) = Patterns::compile(std::slice::from_ref(pattern), Wildcards::WithinNames)
        else {
            return false;
        };
        let matches = |key: &&&str| match is_local {
            true => ends(key).any(|end| compiled.is_match(end)),
            false => compiled.is_match(key),
        };
        keys.iter().all(|key| compiled.is_match(key)) && !others.iter().any(|key| matches(&key))
    };
    match candidates.into_iter().find(fits) {
        Some(pattern) => vec![pattern],
        None => keys.iter().map(|key| escaped(key)).collect(),
    }
}

/// A key and all that follows a `/` in it.
fn ends(key: &str) -> impl Iterator<Item = &str> {
    std::iter::once(key).chain(key.match_indices('/').map(|(at, _)| &key[at + 1..]))
}

/// The folder that both keys are in, with its `/`.
fn common_folder<'a>(first: &'a str, last: &str) -> &'a str {
    let common = first.bytes().zip(last.bytes()).take_while(|(one, other)| one == other).count();
    let end = first.as_bytes()[..common].iter().rposition(|byte| *byte == b'/');
    end.map_or("", |end| &first[..=end])
}

/// All endings of a name: `.ndjson.gz`.
fn ending(key: &str) -> Option<&str> {
    let name = key.rsplit('/').next().unwrap_or(key);
    let from =
        name.trim_start_matches('.').find('.')? + name.len() - name.trim_start_matches('.').len();
    Some(&name[from..])
}

/// A key as a pattern that matches only it.
fn escaped(key: &str) -> String {
    let mut pattern = String::with_capacity(key.len());
    for char in key.chars() {
        if SPECIAL.contains(&char) {
            pattern.extend(['[', char, ']']);
        } else {
            pattern.push(char);
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::patterns;

    #[test]
    fn patterns_match_their_objects_only() {
        for (keys, others, expected) in [
            (&["a.json"][..], &[][..], &["a.json"][..]),
            (&["x/a[1].json"], &[], &["x/a[[]1[]].json"]),
            (&["x/a.json", "x/b.json"], &[], &["x/*.json"]),
            (&["x/a.json", "x/b.json"], &["x/c.json"], &["x/a.json", "x/b.json"]),
            (&["x/1/a.ndjson.gz", "x/2/b.ndjson.gz"], &["y/c.json"], &["x/**/*.ndjson.gz"]),
            (&["a.json", "b.ndjson"], &[], &["*"]),
        ] {
            assert_eq!(patterns(keys, others, false), expected, "{keys:?}");
        }
        // A local file is known by the end of its path.
        let keys = ["a.json", "b.json"];
        assert_eq!(patterns(&keys, &["x/c.json"], true), keys);
        assert_eq!(patterns(&keys, &["x/c.json"], false), ["*.json"]);
    }
}
