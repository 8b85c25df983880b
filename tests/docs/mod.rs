//! The documents: links lead somewhere, commands and URLs exist, and reference pages are what the code says.
//! `UPDATE_DOCS=1 cargo test --test integration docs` writes the generated pages anew.

mod commands;
mod errors;
mod ledger;
mod links;
mod rest;

use std::path::{Path, PathBuf};

use crate::support::repository;

/// Set to write the generated pages anew.
const UPDATE: &str = "UPDATE_DOCS";

/// A document of the repository.
struct Document {
    /// Its path within the repository.
    path: PathBuf,
    text: String,
}

/// All documents, without those of folders that hold no source.
fn documents() -> Vec<Document> {
    let mut found = Vec::new();
    collect(&repository(""), Path::new(""), &mut found);
    assert!(found.len() > 20, "the documents are not where they were");
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Document>) {
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = folder.join(&name);
        let is_skipped =
            name.starts_with('.') || ["target", "node_modules", "book"].contains(&&*name);
        if entry.file_type().unwrap().is_dir() && !is_skipped {
            collect(root, &path, found);
        } else if name.ends_with(".md") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            found.push(Document { path, text });
        }
    }
}

/// A page of the documents.
fn page(name: &str) -> String {
    std::fs::read_to_string(repository("docs").join(name)).unwrap_or_default()
}

/// Holds a generated page against its file, or writes the file.
fn assert_page(name: &str, expected: &str) {
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(repository("docs").join(name), expected).unwrap();
    }
    assert!(
        page(name) == expected,
        "docs/{name} differs from the code: run {UPDATE}=1 cargo test --test integration docs, then \
         read git diff docs"
    );
}

#[test]
fn the_index_of_tests_has_every_file() {
    let index = std::fs::read_to_string(repository("tests/README.md")).unwrap();
    for entry in std::fs::read_dir(repository("tests")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_listed = index.contains(&format!("| `{name}` |"));
        assert!(is_listed || !name.ends_with(".rs") || name == "main.rs", "{name} is not listed");
    }
}

/// The cells of a row of a table.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.strip_prefix("| ")?.strip_suffix(" |")?;
    Some(inner.split(" | ").map(str::trim).collect())
}
