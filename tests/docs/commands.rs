//! Commands in the documents: each command, option, variable and URL exists.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{documents, page};
use crate::support::repository;

/// Variables of tests and of programs beside ours.
const OTHERS: [&str; 2] = ["STEVEDORE_FAILPOINT", "STEVEDORE_API"];

/// The options of each command, from the page that is held against clap.
fn options() -> BTreeMap<String, BTreeSet<String>> {
    let page = page("reference/cli.md");
    let mut sections: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            name = heading.to_owned();
        }
        let options = sections.entry(name.clone()).or_default();
        if let Some(rest) = line.strip_prefix("| `--") {
            options.insert(rest.split([' ', '`']).next().unwrap().to_owned());
        }
    }
    let (shared, commands): (Vec<_>, Vec<_>) =
        sections.into_iter().partition(|(name, _)| name.ends_with(" options"));
    let shared: BTreeSet<String> = shared.into_iter().flat_map(|(_, options)| options).collect();
    let with_shared = |(name, options): (String, BTreeSet<String>)| (name, &options | &shared);
    commands.into_iter().filter(|(name, _)| !name.is_empty()).map(with_shared).collect()
}

#[test]
fn every_command_of_the_documents_exists_with_its_options() {
    let options = options();
    let mut wrong = Vec::new();
    for document in documents().iter().filter(|document| !document.path.ends_with("CHANGELOG.md")) {
        for command in commands(&document.text) {
            if let Err(reason) = check(&command, &options) {
                wrong.push(format!("{}: {command}: {reason}", document.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The calls of the program in code, in blocks and within lines.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    let text = text.replace("\\\n", " ");
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            found.extend(call(line));
        } else {
            found.extend(line.split('`').skip(1).step_by(2).filter_map(call));
        }
    }
    found
}

/// What follows the program's name on a line, up to what the shell takes for itself.
fn call(line: &str) -> Option<String> {
    let mut rest = line.trim();
    while let Some((word, after)) = rest.split_once(' ')
        && word.contains('=')
        && !word.starts_with('-')
    {
        rest = after;
    }
    let called = ["stevedore ", "target/release/stevedore "];
    let rest = called.iter().find_map(|start| rest.strip_prefix(start)).or_else(|| {
        let (_, arguments) = rest.strip_prefix("cargo run")?.split_once(" -- ")?;
        Some(arguments)
    })?;
    let end = [" #", " > ", " && ", " | ", " &", ";"].iter().filter_map(|end| rest.find(end)).min();
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

fn check(command: &str, options: &BTreeMap<String, BTreeSet<String>>) -> Result<(), String> {
    let mut words = command.split_whitespace();
    let first = words.next().unwrap_or_default();
    if first.starts_with('-') || first.chars().any(char::is_uppercase) {
        return Ok(());
    }
    let second = words.next().unwrap_or_default().split('|').next().unwrap_or_default();
    let known = options.get(&format!("{first} {second}")).or_else(|| options.get(first));
    let is_group = || options.keys().any(|name| name.starts_with(&format!("{first} ")));
    let Some(known) = known else {
        return if is_group() { Ok(()) } else { Err("there is no such command".to_owned()) };
    };
    for option in command.split_whitespace().filter_map(|word| word.strip_prefix("--")) {
        let option = option.split(['=', ',']).next().unwrap_or_default();
        if !known.contains(option) && option != "help" {
            return Err(format!("it has no option --{option}"));
        }
    }
    Ok(())
}

#[test]
fn every_variable_of_the_documents_is_a_setting() {
    let settings = page("reference/settings.md") + &page("reference/cli.md");
    for document in documents() {
        let words = document
            .text
            .split(|c: char| !c.is_ascii_uppercase() && c != '_' && !c.is_ascii_digit());
        for word in words.filter(|word| word.starts_with("STEVEDORE_") && word.len() > 10) {
            let is_known = settings.contains(&format!("`{word}`")) || OTHERS.contains(&word);
            let is_old = document.path.ends_with("CHANGELOG.md");
            assert!(is_known || is_old, "{}: there is no setting {word}", document.path.display());
        }
    }
}

#[test]
fn every_url_of_the_documents_is_one_of_the_api() {
    let document = std::fs::read_to_string(repository("api/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let known: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    for document in documents() {
        for rest in document.text.split(":8080/").skip(1) {
            let end = rest.find(|c: char| !c.is_alphanumeric() && !"/-_.{}<>$".contains(c));
            let path =
                format!("/{}", rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', '/']));
            let fits = |known: &&&String| is_of(&path, known);
            let is_known = ["/", "/docs", "/openapi.json"].contains(&&*path);
            assert!(
                is_known || known.iter().any(|known| fits(&known)),
                "{}: the API has no {path}",
                document.path.display()
            );
        }
    }
}

/// Whether a path is one that a template stands for.
fn is_of(path: &str, template: &str) -> bool {
    let (parts, known): (Vec<_>, Vec<_>) =
        (path.split('/').collect(), template.split('/').collect());
    parts.len() == known.len()
        && parts.iter().zip(known).all(|(part, known)| known.starts_with('{') || *part == known)
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    let options = options();
    for wrong in ["laod x", "load x --fast", "crawl objects b --connections 1"] {
        assert!(check(wrong, &options).is_err(), "{wrong}");
    }
    for right in ["load x --dry-run", "jobs show|cancel ID", "jobs", "show t --where \"a = 'b'\""] {
        assert_eq!(check(right, &options), Ok(()), "{right}");
    }
    let text =
        "run `stevedore load a`:\n```sh\nA=b stevedore load c --json # d\ncargo run -- load e\n```";
    assert_eq!(commands(text), ["load a", "load c --json", "load e"]);
}
