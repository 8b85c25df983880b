//! The page of error codes: it has every code that the code has, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use super::page;
use crate::support::repository;

/// What makes an error with a code, as its first text.
const MAKERS: [&str; 10] = [
    "Problem::new(",
    "Problem::bad_request(",
    "Problem::not_found(",
    "Problem::conflict(",
    "Self::new(",
    "Self::bad_request(",
    "Self::not_found(",
    "Self::conflict(",
    "JobError::new(",
    "refused(",
];

#[test]
fn the_page_of_errors_has_every_code_and_no_other() {
    let page = page("reference/errors.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let described: BTreeSet<&str> = rows.map(|(code, _)| code).collect();
    let library = std::fs::read_to_string(repository("pipeline/src/error/code.rs")).unwrap();
    let library = library.split("mod tests").next().unwrap();
    let mut codes: BTreeSet<&str> = library.split("=> \"").skip(1).filter_map(code).collect();
    let sources = sources(&repository("api/src"));
    for maker in MAKERS {
        codes.extend(sources.split(maker).skip(1).filter_map(first_text));
    }
    let missing: Vec<_> = codes.difference(&described).collect();
    assert!(missing.is_empty(), "docs/reference/errors.md does not describe {missing:?}");
    let unknown = described
        .iter()
        .filter(|code| !codes.contains(*code) && !sources.contains(&format!("\"{code}\"")));
    let unknown: Vec<_> = unknown.collect();
    assert!(unknown.is_empty(), "docs/reference/errors.md describes what no code has: {unknown:?}");
}

/// The sources below a folder, as one text.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text += &std::fs::read_to_string(path).unwrap();
        }
    }
    text
}

/// The first text among the arguments of a call, if it is one of the first two.
fn first_text(arguments: &str) -> Option<&str> {
    let (before, text) = arguments.split_once('"')?;
    let is_direct = before.matches(',').count() <= 1 && !before.contains([';', '(', '{', '}']);
    is_direct.then(|| code(text))?
}

/// The code that a text begins with.
fn code(text: &str) -> Option<&str> {
    let (code, _) = text.split_once('"')?;
    let is_code = !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    is_code.then_some(code)
}
