//! Links: each leads to a file that exists, and to a heading of it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use super::{Document, documents, page};
use crate::support::repository;

#[test]
fn every_link_of_the_documents_leads_to_a_file_and_a_heading() {
    let documents = documents();
    let anchors: HashMap<&Path, BTreeSet<String>> = documents
        .iter()
        .map(|document| (document.path.as_path(), anchors(&document.text)))
        .collect();
    let mut broken = Vec::new();
    for document in &documents {
        for link in links(&document.text) {
            if !leads_somewhere(&link, document, &anchors) {
                broken.push(format!("{}: {link}", document.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere:\n{}", broken.join("\n"));
}

fn leads_somewhere(
    link: &str,
    from: &Document,
    anchors: &HashMap<&Path, BTreeSet<String>>,
) -> bool {
    if ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
        return true;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = match file {
        "" => from.path.clone(),
        file => normal(&from.path.parent().unwrap().join(file)),
    };
    repository("").join(&path).exists()
        && (anchor.is_empty()
            || anchors.get(path.as_path()).is_some_and(|known| known.contains(anchor)))
}

/// Pages of the book link within the book only, so that it has no broken links when it is built.
#[test]
fn pages_of_the_book_link_within_the_book_and_are_all_in_its_summary() {
    let summary: BTreeSet<PathBuf> =
        links(&page("SUMMARY.md")).iter().map(|link| Path::new("docs").join(link)).collect();
    let pages = documents().into_iter().filter(|document| document.path.starts_with("docs"));
    for document in pages.filter(|document| !document.path.ends_with("SUMMARY.md")) {
        let path = document.path.display();
        assert!(summary.contains(&document.path), "{path} is not in docs/SUMMARY.md");
        for link in links(&document.text).iter().filter(|link| !link.contains("://")) {
            let file = link.split('#').next().unwrap();
            let target = normal(&document.path.parent().unwrap().join(file));
            assert!(
                target.starts_with("docs"),
                "{path} links to {link}, which the book does not have"
            );
        }
    }
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

/// The lines outside of code blocks, without what is code within them.
fn prose(text: &str) -> impl Iterator<Item = String> {
    let mut is_code = false;
    text.lines().filter_map(move |line| {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            return None;
        }
        (!is_code).then(|| line.split('`').step_by(2).collect::<Vec<_>>().join("`"))
    })
}

/// Where the links of a text lead.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let mut rest = line.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let (target, after) = after.split_once(')').unwrap_or((after, ""));
            found.push(target.to_owned());
            rest = after;
        }
    }
    found
}

/// The anchors of a text's headings, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if !is_code && heading.len() < line.len() && heading.starts_with(' ') {
            let base = anchor(heading.trim());
            let numbered = (1..).map(|number| format!("{base}-{number}"));
            let mut names = std::iter::once(base.clone()).chain(numbered);
            found.insert(names.find(|name| !found.contains(name)).unwrap());
        }
    }
    found
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn anchors_are_those_that_browsers_are_sent_to() {
    let text = "# First load\n## `GET /v1/jobs/{job_id}`\n```\n# no heading\n```\n## First load\n";
    let expected = ["first-load", "first-load-1", "get-v1jobsjob_id"];
    assert_eq!(anchors(text), expected.map(str::to_owned).into());
    assert_eq!(links("see [a](b.md#c) and `[d](e)`, ![f](g.svg)"), ["b.md#c", "g.svg"]);
}
