//! Names of tables and columns: safe everywhere, and unique.

use std::collections::HashSet;

use super::DraftInput;

/// Bytes of a name in Postgres.
const MAX_BYTES: usize = 63;
/// Names that no column of Postgres can have.
const OF_POSTGRES: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// Names that are taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// The names of a new table: those that are taken from the beginning.
    pub(super) fn of_columns<'a>(taken: impl IntoIterator<Item = &'a str>) -> Self {
        Self(taken.into_iter().chain(OF_POSTGRES).map(str::to_owned).collect())
    }

    /// The names of tables: those of the root tables and rejects tables of these drafts are taken.
    pub(super) fn of_tables<'a>(inputs: impl IntoIterator<Item = &'a DraftInput>) -> Self {
        let roots = inputs.into_iter().map(|input| input.table.table.as_str());
        Self(roots.flat_map(|root| [root.to_owned(), format!("{root}_rejects")]).collect())
    }

    /// Takes a name, with a number behind it if it is taken.
    pub(super) fn take(&mut self, name: &str) -> String {
        self.take_within(name, MAX_BYTES)
    }

    /// The same in so many bytes.
    pub(super) fn take_within(&mut self, name: &str, bytes: usize) -> String {
        let mut taken = cut(name, bytes).to_owned();
        let mut number = 2;
        while self.0.contains(&taken) {
            let end = format!("_{number}");
            taken = format!("{}{end}", cut(name, bytes.saturating_sub(end.len())));
            number += 1;
        }
        self.0.insert(taken.clone());
        taken
    }
}

/// The beginning of a name of ASCII characters.
fn cut(name: &str, bytes: usize) -> &str {
    &name[..name.floor_char_boundary(bytes)]
}

/// A name of small letters, digits and `_`, which begins with no digit: `customerID` is `customer_id`.
pub(super) fn safe(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    let chars: Vec<char> = key.chars().collect();
    for (at, char) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        if !char.is_ascii_alphanumeric() {
            push_gap(&mut name);
            continue;
        }
        let begins_word = before.is_some_and(|before| {
            let is_after_acronym = before.is_ascii_uppercase()
                && chars.get(at + 1).is_some_and(char::is_ascii_lowercase);
            before.is_ascii_lowercase() || before.is_ascii_digit() || is_after_acronym
        });
        if char.is_ascii_uppercase() && begins_word {
            push_gap(&mut name);
        }
        name.push(char.to_ascii_lowercase());
    }
    let name = name.trim_end_matches('_');
    match name.bytes().next() {
        None => "column".to_owned(),
        Some(b'0'..=b'9') => format!("_{name}"),
        Some(_) => name.to_owned(),
    }
}

fn push_gap(name: &mut String) {
    if !name.is_empty() && !name.ends_with('_') {
        name.push('_');
    }
}

/// What one entry of a list is called: `order_items` has an `item`.
pub(super) fn singular(name: &str) -> String {
    let word = name.rsplit('_').next().unwrap_or(name);
    if let Some(one) = word.strip_suffix("ies").filter(|one| one.len() > 1) {
        return format!("{one}y");
    }
    let one = word.strip_suffix('s').filter(|one| one.len() > 1 && !one.ends_with('s'));
    one.unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_safe_names() {
        for (key, expected) in [
            ("customerID", "customer_id"),
            ("HTTPServer2Url", "http_server2_url"),
            ("Miles per Gallon", "miles_per_gallon"),
            ("_links", "links"),
            ("2026", "_2026"),
            ("größe", "gr_e"),
            ("日本", "column"),
            ("", "column"),
            ("a--b__c-", "a_b_c"),
        ] {
            assert_eq!(safe(key), expected, "{key}");
        }
    }

    #[test]
    fn names_are_unique_within_63_bytes() {
        let mut names = Names::of_columns(["load_id"]);
        assert_eq!(names.take("id"), "id");
        assert_eq!(names.take("id"), "id_2");
        assert_eq!(names.take("load_id"), "load_id_2");
        assert_eq!(names.take("ctid"), "ctid_2");
        let long = "x".repeat(80);
        assert_eq!(names.take(&long), "x".repeat(63));
        assert_eq!(names.take(&long), format!("{}_2", "x".repeat(61)));
        for (list, one) in
            [("order_items", "item"), ("address", "address"), ("countries", "country")]
        {
            assert_eq!(singular(list), one);
        }
    }
}
