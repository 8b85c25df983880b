//! A feed that is none of ours, for the tests of other modules; and what is wrong with others.

use std::sync::Arc;

use super::{Feed, Feeds, RowsOf};

/// Visits with two lists, one of which may be missing.
pub(crate) const VISITS: &str = r#"
name = "visits"
key = ["id", "site"]
latest_by = "at"

[metadata]
ingested_at = "loaded_at"

[[table]]
name = "web.visits"
[table.columns]
site = { path = "$.siteName", type = "text", required = true, non_empty = true }
id = { type = "integer", required = true }
at = { type = "bigint", required = true }
mobile = { type = "boolean" }
reason = { type = "varchar(5)" }

[[table]]
name = "web.pages"
each = "$.pages[*]"
required = true
[table.columns]
url = { type = "text" }
seconds = { type = "smallint" }

[[table]]
name = "web.tags"
each = "$.tags[*]"
[table.columns]
tag = { path = "$.name", type = "text" }
"#;

/// The feed [`VISITS`].
pub(crate) fn visits() -> Arc<Feed> {
    Feed::read("visits.toml", VISITS).unwrap()
}

#[test]
fn the_built_in_feeds_can_be_read() {
    let feeds = Feeds::built_in().unwrap();
    let only = feeds.only().unwrap();
    let missing = feeds.get("nothing").unwrap_err().to_string();
    assert!(missing.contains(&only.name), "{missing}");
}

#[test]
fn a_feed_keeps_its_text_with_a_hash_of_it() {
    let feed = visits();
    assert_eq!(feed.text, VISITS);
    assert_eq!(feed.hash.len(), 32);
    let other = Feed::read("visits.toml", &format!("{VISITS}\n# edited")).unwrap();
    assert_eq!(feed.plan, other.plan);
    assert_ne!(feed.hash, other.hash);
}

#[test]
fn a_feed_becomes_a_plan_of_tables() {
    let feed = visits();
    let tables: Vec<_> = feed.plan.tables.iter().map(|table| table.name.plain()).collect();
    assert_eq!(tables, ["web.visits", "web.pages", "web.tags", "web.visits_rejects"]);
    let columns = |table: usize| {
        let columns = feed.plan.tables[table].columns.iter();
        columns.map(|column| format!("{} {}", column.name, column.data_type)).collect::<Vec<_>>()
    };
    let of_root = ["site text", "id integer", "at bigint", "mobile boolean", "reason varchar(5)"];
    assert_eq!(columns(0), [&of_root[..], &["loaded_at timestamp"]].concat());
    let key = ["site text", "id integer"];
    let entry = ["url text", "seconds smallint", "loaded_at timestamp"];
    assert_eq!(columns(1), [&key[..], &entry].concat());
    assert_eq!(feed.plan.tables[2].rows, RowsOf::Entries { list: 6, parent: 0 });
}

#[test]
fn all_that_is_wrong_is_said_at_once_where_it_stands() {
    for (from, to, expected) in [
        ("\"visits\"\nkey", "\"\"\nkey", "visits.toml:2:8: a name is empty"),
        ("\"site\"]", "\"city\"]", "visits.toml:3:14: the first table has no column `city`"),
        ("\"at\"\n", "\"mobile\"\n", "4:13: the column `mobile` must be `required = true`"),
        ("type = \"integer\"", "type = \"int\"", "13:15: `int` is no type: expected text, varchar"),
        ("$.siteName", "$.site.name", "12:17: expected `$.key`"),
        ("web.pages", "web.visits", "19:8: the table `web.visits` is declared twice"),
        ("$.pages[*]", "$.pages", "20:8: expected `$.key[*]`"),
        ("mobile =", "loaded_at =", "10:8: the table `web.visits` has two columns `loaded_at`"),
        ("mobile =", "$mobile =", "15:"),
        ("mobile = { type", "mobile = { kind", "unknown field `kind`"),
        (
            "mobile = { type = \"boolean\"",
            "mobile = { type = \"timestamp\"",
            "cannot be read from JSON",
        ),
        (
            "url = { type = \"text\"",
            "url = { type = \"text\", required = true",
            "can be required so far",
        ),
        ("key = [\"id\", \"site\"]", "", "needs a `key`"),
        (
            "mobile = {",
            "mobile = { path = \"$.at\", ",
            "`$.at` is read into another column already",
        ),
        (
            "[metadata]",
            "objects = [\"a\", \"{b\"]\n[metadata]",
            "6:17: the pattern {b cannot be used",
        ),
        ("[metadata]", "objects = []\n[metadata]", "6:11: expected a pattern of keys"),
        ("[metadata]", "[metadata", "6:10: "),
    ] {
        let text = VISITS.replacen(from, to, 1);
        assert_ne!(text, VISITS, "{from}");
        let shown = Feed::read("visits.toml", &text).unwrap_err().to_string();
        assert!(shown.contains(expected), "{shown}");
    }
    let text = VISITS.replacen("bigint", "long", 1).replacen("boolean", "bool", 1);
    let shown = Feed::read("visits.toml", &text).unwrap_err().to_string();
    assert_eq!(shown.matches("is no type").count(), 2, "{shown}");
}
