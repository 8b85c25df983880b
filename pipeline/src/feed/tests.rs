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
        ("\"visits\"\nkey", "\"\"\nkey", ("2:8", "a name is empty")),
        ("\"site\"]", "\"city\"]", ("3:14", "the first table has no column `city`")),
        ("\"at\"\n", "\"mobile\"\n", ("4:13", "the column `mobile` must be `required = true`")),
        (
            "type = \"integer\"",
            "type = \"int\"",
            ("13:15", "`int` is no type: expected text, varchar"),
        ),
        ("$.siteName", "$.site[*]", ("12:17", "a column is at one place")),
        ("$.siteName", "siteName", ("12:17", "not a path at character 1: expected `$`")),
        ("web.pages", "web.visits", ("19:8", "the table `web.visits` is declared twice")),
        ("$.pages[*]", "$.pages", ("20:8", "expected a list: `$.key[*]`")),
        ("mobile =", "loaded_at =", ("10:8", "the table `web.visits` has two columns `loaded_at`")),
        ("mobile =", "$mobile =", ("15:1", "")),
        ("mobile = { type", "mobile = { kind", ("15:", "unknown field `kind`")),
        ("key = [\"id\", \"site\"]", "", ("2:8", "needs a `key`")),
        (
            "[metadata]",
            "objects = [\"a\", \"{b\"]\n[metadata]",
            ("6:17", "the pattern {b cannot be used"),
        ),
        ("[metadata]", "objects = []\n[metadata]", ("6:11", "expected a pattern of keys")),
        ("[metadata]", "[metadata", ("6:10", "")),
    ] {
        let text = VISITS.replacen(from, to, 1);
        assert_ne!(text, VISITS, "{from}");
        let shown = Feed::read("visits.toml", &text).unwrap_err().to_string();
        let (place, message) = expected;
        assert!(shown.contains(message), "{shown}");
        assert!(shown.contains(&format!("--> visits.toml:{place}")), "{shown}");
    }
    let text = VISITS.replacen("bigint", "long", 1).replacen("boolean", "bool", 1);
    let shown = Feed::read("visits.toml", &text).unwrap_err().to_string();
    assert_eq!(shown.matches("is no type").count(), 2, "{shown}");
}

/// A feed with all that a feed may have.
const EVERYTHING: &str = r#"name = "orders"
records = "$.orders[*]"
mode = "merge"
max_rejected = "20%"
key = ["id"]
latest_by = "at"
children = "replace"
unknown = "rest"

[metadata]
load_id = "load_id"
content_hash = "hash"

[[table]]
name = "orders"
rest = "extra"
[table.columns]
id = { type = "uuid", required = true }
at = { type = "timestamptz", assume = "UTC", required = true }
total = { type = "numeric(12,2)", accept = ["string"] }
city = { path = "$.customer.address.city", type = "text", default = "Bern" }
made = { type = "timestamp", unit = "ms" }
picture = { type = "bytea", encoding = "base64" }
tags = { type = "text[]" }
meta = { type = "jsonb" }
cents = { sql = "total * 100", type = "bigint" }

[[table]]
name = "items"
each = "$.items[*]"
position = "line"
[table.columns]
sku = { type = "text", required = true, non_empty = true }

[[table]]
name = "discounts"
each = "$.items[*].discounts[*]"
position = "discount"
[table.columns]
amount = { path = "$", type = "numeric" }

[[rule]]
name = "positive"
check = "total > 0"

[[rule]]
name = "sold"
check = "sku <> 'none'"
table = "items"
"#;

#[test]
fn a_feed_with_everything_is_read() {
    let feed = Feed::read("orders.toml", EVERYTHING).unwrap();
    let columns = |at: usize| {
        let columns = feed.plan.tables[at].columns.iter();
        columns.map(|column| column.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    let of_root = "id at total city made picture tags meta cents extra load_id hash";
    assert_eq!(columns(0), of_root);
    assert_eq!(columns(1), "id line sku load_id hash");
    assert_eq!(columns(2), "id line discount amount load_id hash");
    assert_eq!(feed.plan.lists_to(2).len(), 2);
    assert_eq!((feed.rules.len(), feed.computed.len()), (2, 1));
}

#[test]
fn each_mistake_in_a_feed_file_is_said_where_it_stands() {
    for (from, to, expected) in [
        ("\"$.orders[*]\"", "\"$.orders\"", "2:11: "),
        ("\"$.orders[*]\"", "\"$.a[*].b[*]\"", "2:11: "),
        ("\"merge\"", "\"upsert\"", "3:8: unknown variant `upsert`"),
        ("\"20%\"", "\"a fifth\"", "4:16: expected a count like 100, or a share like 20%"),
        ("\"20%\"", "1.5", "4:16: expected a count"),
        ("[\"id\"]", "[\"id\", \"id\"]", "5:14: `id` is in the key already"),
        ("[\"id\"]", "[\"meta\"]", "5:8: the column `meta` must be `required = true`"),
        ("[\"id\"]", "[]", "1:8: mode `merge` needs a `key`"),
        ("[\"id\"]", "[]", "7:12: `children = \"replace\"` needs a `key`"),
        ("[\"id\"]", "[]", "1:8: a feed with child tables needs a `key` or a `record_id`"),
        ("\"at\"\n", "\"picture\"\n", "6:13: the column `picture` must be `required = true`"),
        (
            "mode = \"merge\"",
            "mode = \"merge\"\nrecord_id = \"$id\"",
            "4:13: a column's name does not begin",
        ),
        ("rest = \"extra\"\n", "", "15:8: `unknown = \"rest\"` needs a column"),
        ("unknown = \"rest\"", "", "16:8: `rest` keeps nothing without `unknown = \"rest\"`"),
        ("id = { type = \"uuid\"", "id = { type = \"int\"", "18:15: `int` is no type"),
        ("assume = \"UTC\"", "assume = \"CET\"", "expected `UTC`: no other time zone"),
        (
            "made = { type = \"timestamp\"",
            "made = { type = \"date\"",
            "only timestamps have a `unit`",
        ),
        ("unit = \"ms\"", "unit = \"min\"", "`min` is no unit: expected s, ms or us"),
        ("unit = \"ms\"", "assume = \"UTC\"", "only a timestamptz can `assume` a time zone"),
        ("accept = [\"string\"]", "accept = [\"number\"]", "expected `string`"),
        (
            "tags = { type = \"text[]\"",
            "tags = { accept = [\"string\"], type = \"text[]\"",
            "only numbers can be accepted",
        ),
        (", encoding = \"base64\"", "", "bytea needs `encoding"),
        ("\"base64\"", "\"base32\"", "`base32` is no encoding"),
        ("\"text[]\"", "\"text[]\", encoding = \"hex\"", "only bytea has an `encoding`"),
        ("\"text[]\"", "\"text[][]\"", "an array of arrays is read as jsonb"),
        ("\"text[]\"", "\"text[]\", non_empty = true", "only texts can be `non_empty`"),
        ("default = \"Bern\"", "default = 5", "the default of a text cannot be 5"),
        ("default = \"Bern\"", "default = 2024-01-01", "the default of a text cannot be"),
        ("sql = \"total * 100\"", "sql = \"totl * 100\"", "no column `totl`"),
        (
            "sql = \"total * 100\"",
            "sql = \"sum(total)\"",
            "it must be of one row, and holds an aggregate",
        ),
        (
            "sql = \"total * 100\"",
            "sql = \"total * 100\", path = \"$.x\"",
            "a `path` or is computed",
        ),
        (
            "sql = \"total * 100\"",
            "sql = \"total * 100\", required = true",
            "a computed column has no `required`",
        ),
        ("type = \"bigint\"", "type = \"jsonb\"", "a column of type jsonb cannot be computed"),
        ("\"$.items[*]\"", "\"$.items\"", "expected a list: `$.key[*]`"),
        ("\"$.items[*]\"", "\"$[*]\"", "a record is no list"),
        ("each = \"$.items[*]\"\n", "", "a table behind the first has a row for each entry"),
        ("\"$.items[*].discounts[*]\"", "\"$.items[*]\"", "is read into another table already"),
        (
            "\"$.items[*].discounts[*]\"",
            "\"$.parts[*].discounts[*]\"",
            "declare `each = \"$.parts[*]\"` before",
        ),
        (
            "position = \"discount\"",
            "position = \"line\"",
            "the table `discounts` has two columns `line`",
        ),
        ("position = \"discount\"", "rest = \"r\"", "only the first table has a `rest`"),
        ("rest = \"extra\"", "rest = \"extra\"\neach = \"$.a[*]\"", "so it has no `each`"),
        ("rest = \"extra\"", "rest = \"extra\"\nposition = \"no\"", "so it has no `position`"),
        ("\"total > 0\"", "\"total + 1\"", "a rule is true or false"),
        ("\"total > 0\"", "\"load_id > 0\"", "no column `load_id`"),
        ("\"sold\"", "\"positive\"", "expected a name that no other rule has"),
        ("table = \"items\"", "table = \"parts\"", "the feed has no table `parts`"),
        ("name = \"items\"", "name = \"a.b.c\"", "is no table"),
        ("[metadata]", "[metadata]\nobjekt = \"o\"", "unknown field `objekt`"),
    ] {
        let text = EVERYTHING.replacen(from, to, 1);
        assert_ne!(text, EVERYTHING, "{from}");
        let problems = Feed::problems(&text).into_iter();
        let lines = problems.map(|it| format!("{}:{}: {}", it.line, it.column, it.message));
        let lines = lines.collect::<Vec<_>>().join("\n");
        assert!(lines.contains(expected), "{expected}: {lines}");
    }
    let columns: String = (0..1001).map(|at| format!("c{at} = {{ type = \"text\" }}\n")).collect();
    let text = EVERYTHING.replacen("[table.columns]\n", &format!("[table.columns]\n{columns}"), 1);
    let error = Feed::read("orders.toml", &text).unwrap_err().to_string();
    assert!(error.contains("a table has at most 1000 columns"), "{error}");
    let tables: String = (0..32)
        .map(|at| format!("[[table]]\nname = \"t{at}\"\neach = \"$.l{at}[*]\"\ncolumns.x = {{ type = \"text\" }}\n"))
        .collect();
    let error = Feed::read("orders.toml", &(EVERYTHING.to_owned() + &tables)).unwrap_err();
    assert!(error.to_string().contains("a feed has at most 32 tables"), "{error}");
    let text =
        EVERYTHING.replacen("\"merge\"", "\"replace\"", 1).replacen("load_id = \"load_id\"", "", 1);
    let error = Feed::read("orders.toml", &text).unwrap_err().to_string();
    assert!(error.contains("mode `replace` needs `load_id`"), "{error}");
    let deep = format!("[[table]]\nname = \"d\"\neach = \"${}\"\n", ".a[*]".repeat(9));
    let error = Feed::read("orders.toml", &(EVERYTHING.to_owned() + &deep)).unwrap_err();
    assert!(error.to_string().contains("at most 8 lists within each other"), "{error}");
    let schema = serde_json::to_string(&Feed::schema()).unwrap();
    assert!(schema.contains("\"latest_by\"") && schema.contains("\"position\""), "{schema}");
}
