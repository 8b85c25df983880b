use std::collections::BTreeSet;

use super::records::records_path;
use super::{DraftInput, draft};
use crate::infer::inference::Inference;
use crate::infer::shape::Shape;
use crate::json::path::JsonPath;
use crate::json::records_path::RecordsPath;

fn shape(records: &[&str]) -> Shape {
    let (mut shape, mut inference) = (Shape::default(), Inference::new(&JsonPath::default()));
    records.iter().for_each(|record| inference.read(record.as_bytes(), &mut shape));
    assert_eq!(shape.records(), records.len() as u64);
    shape
}

fn input(table: &str, records: &[&str], unique: &[&str]) -> DraftInput {
    DraftInput {
        shape: shape(records),
        table: table.parse().unwrap(),
        objects: Vec::new(),
        records_path: RecordsPath::default(),
        unique: unique.iter().map(|field| (*field).to_owned()).collect::<BTreeSet<_>>(),
        remarks: Vec::new(),
    }
}

/// The lines of the columns of the root table of a draft.
fn columns(records: &[&str]) -> Vec<String> {
    let text = draft(&input("t", records, &[]));
    let columns = text.split("[table.columns]\n").nth(1).unwrap();
    columns.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn an_order_is_drafted_with_its_items_and_their_discounts() {
    let records = [
        r#"{"orderId":"0b3e3f3c-1d2a-4c5b-8e9f-0a1b2c3d4e5f","updatedAt":"2026-11-01T10:00:00Z","total":12.50,
            "customer":{"name":"Ann","address":{"city":"Bonn","zip":"53111"}},"tags":["a","b"],
            "items":[{"sku":"x","qty":1,"discounts":[{"code":"c","amount":1.5}]},{"sku":"y","qty":2}]}"#,
        r#"{"orderId":"1b3e3f3c-1d2a-4c5b-8e9f-0a1b2c3d4e5f","updatedAt":"2026-11-02T10:00:00+01:00","total":3,
            "customer":{"name":"Bob"},"tags":null,"items":[]}"#,
    ];
    let input = DraftInput {
        objects: vec!["orders/*.ndjson".to_owned()],
        remarks: vec!["Drafted from here: records 2, objects 1.".to_owned()],
        ..input("shop.orders", &records, &["orderId"])
    };
    let expected = r#"# Drafted from here: records 2, objects 1.
name = "orders"
objects = ["orders/*.ndjson"]
mode = "merge"
key = ["order_id"]   # 2 records, 2 distinct values, never null
# latest_by = "updated_at"   # every record has it; without it the later record wins
children = "replace"
unknown = "rest"

[metadata]
ingested_at = "ingested_at"
load_id = "load_id"

[[table]]
name = "shop.orders"
rest = "rest"
[table.columns]
order_id = { path = "$.orderId", type = "uuid", required = true }
updated_at = { path = "$.updatedAt", type = "timestamptz" }
total = { type = "numeric" }
customer_name = { path = "$.customer.name", type = "text" }
customer_address_city = { path = "$.customer.address.city", type = "text" }
customer_address_zip = { path = "$.customer.address.zip", type = "text" }
tags = { type = "text[]" }

[[table]]
name = "shop.orders_items"
each = "$.items[*]"
position = "item_no"
[table.columns]
sku = { type = "text" }
qty = { type = "bigint" }

[[table]]
name = "shop.orders_items_discounts"
each = "$.items[*].discounts[*]"
position = "discount_no"
[table.columns]
code = { type = "text" }
amount = { type = "numeric" }
"#;
    assert_eq!(draft(&input), expected);
}

#[test]
fn records_without_a_key_are_appended_and_told_apart_by_us() {
    let records = [r#"{"userId":1,"list":[{"load_id":1}]}"#, r#"{"userId":2}"#];
    let text = draft(&input("visits", &records, &["userId"]));
    let expected = r#"name = "visits"
mode = "append"
record_id = "record_id"
# "userId" may be a key: 2 records, 2 distinct values, never null
unknown = "rest"

[metadata]
ingested_at = "ingested_at"
load_id = "load_id"

[[table]]
name = "visits"
rest = "rest"
[table.columns]
user_id = { path = "$.userId", type = "bigint" }

[[table]]
name = "visits_list"
each = "$.list[*]"
position = "list_no"
[table.columns]
load_id_2 = { path = "$.load_id", type = "bigint" }
"#;
    assert_eq!(text, expected);
}

#[test]
fn the_widest_type_that_was_seen_is_drafted() {
    for (values, expected) in [
        (&["1", "-9223372036854775808"][..], r#"v = { type = "bigint" }"#),
        (
            &["1", "9223372036854775808"],
            r#"v = { type = "numeric" }   # integers of up to 19 digits"#,
        ),
        (&["1", "2.5"], r#"v = { type = "numeric" }"#),
        (&["1e3", "2.5"], r#"v = { type = "numeric" }"#),
        (&["1e300"], r#"v = { type = "double precision" }   # exponents, of up to 301 digits"#),
        (&["1e400"], r#"v = { type = "numeric" }   # numbers of 401 digits"#),
        (&["1e999999"], r#"v = { type = "text" }   # some numbers are too large for numeric"#),
        (&["true", "null"], r#"v = { type = "boolean" }"#),
        (&["\"2026-01-31\""], r#"v = { type = "date" }"#),
        (&["\"2026-01-31\"", "\"2026-01-31T00:00:00Z\""], r#"v = { type = "text" }"#),
        (&["\"2026-01-31\"", "\"\""], r#"v = { type = "text" }"#),
        (
            &["\"2026-01-31T00:00:00\""],
            "v = { type = \"text\" }   # times without an offset; if they are UTC: type = \"timestamptz\", assume = \"UTC\"",
        ),
        (&["null"], r#"v = { type = "jsonb" }   # only null was seen, once"#),
        (
            &["1", "\"x\"", "\"y\""],
            r#"v = { type = "jsonb" }   # values of several types: integer 1, string 2"#,
        ),
        (&["[]"], r#"v = { type = "jsonb" }   # only empty arrays were seen"#),
        (&["[1,2.5,null]"], r#"v = { type = "numeric[]" }"#),
        (&["[[1]]"], r#"v = { type = "jsonb" }   # arrays of arrays"#),
        (
            &["[null]"],
            r#"v = { type = "jsonb" }   # arrays; of their elements: only null was seen, once"#,
        ),
        (&["{}"], r#"v = { type = "jsonb" }   # only empty objects were seen"#),
        (
            &["\"a\\u0000b\""],
            "# \"$.v\" is left out: some of its texts hold U+0000, which Postgres cannot store",
        ),
    ] {
        let records: Vec<_> = values.iter().map(|value| format!("{{\"v\":{value}}}")).collect();
        let records: Vec<_> = records.iter().map(String::as_str).collect();
        assert_eq!(columns(&records), [expected], "{values:?}");
    }
}

#[test]
fn a_feed_that_leaves_a_field_out_ignores_unknown_keys() {
    let text = draft(&input("t", &[r#"{"v":"\u0000","w":1}"#], &[]));
    assert!(text.contains("unknown = \"ignore\"") && !text.contains("rest ="), "{text}");
}

#[test]
fn names_are_safe_and_paths_are_exact() {
    let record = r#"{"Miles per Gallon":1,"miles_per_gallon":2,"it's \"x\"":3,"record_id":4,"Case":5,"case":6}"#;
    let expected = [
        r#"miles_per_gallon = { path = "$['Miles per Gallon']", type = "bigint" }"#,
        r#"miles_per_gallon_2 = { path = "$.miles_per_gallon", type = "bigint" }"#,
        r#"it_s_x = { path = "$['it\\'s \"x\"']", type = "bigint" }"#,
        r#"record_id_2 = { path = "$.record_id", type = "bigint" }"#,
    ];
    let found = columns(&[record]);
    assert_eq!(found.len(), 6, "{found:?}");
    for line in expected {
        let path =
            |line: &str| toml::from_str::<toml::Table>(line.split('#').next().unwrap()).unwrap();
        assert!(
            found.iter().any(|it| !it.starts_with('#') && path(it) == path(line)),
            "{line} {found:?}"
        );
    }
    assert!(
        found.iter().any(|line| line.contains("another key differs only by case")),
        "{found:?}"
    );
}

#[test]
fn a_map_is_a_document() {
    let records: Vec<_> =
        (0..40).map(|at| format!(r#"{{"by_id":{{"u{at}":1,"w{at}":2}}}}"#)).collect();
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    let expected =
        "by_id = { type = \"jsonb\" }   # 80 keys in 40 objects, few objects have the same: a map";
    assert_eq!(columns(&records), [expected]);
    // Keys of values of different kinds are fields.
    let value = |at: usize| if at.is_multiple_of(2) { "1" } else { "true" };
    let records: Vec<_> =
        (0..40).map(|at| format!(r#"{{"of":{{"u{at}":{},"w{at}":2}}}}"#, value(at))).collect();
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    assert_eq!(columns(&records).len(), 80);
}

#[test]
fn what_a_row_has_no_room_for_stays_a_document() {
    let wide = |name: &str, count: usize| {
        let fields: Vec<_> =
            (0..count).map(|at| format!("\"f{at}\":\"{}\"", "x".repeat(30))).collect();
        format!("\"{name}\":{{{}}}", fields.join(","))
    };
    let record = format!("{{{},{},\"id\":1}}", wide("a", 180), wide("b", 120));
    let found = columns(&[&record]);
    assert_eq!(found.len(), 182);
    let expected =
        "b = { type = \"jsonb\" }   # an object of 120 fields: a row has no room for more columns";
    assert!(found.contains(&expected.to_owned()), "{found:?}");
}

#[test]
fn there_are_no_more_tables_and_levels_than_a_feed_may_have() {
    let lists: Vec<_> = (0..40).map(|at| format!("\"l{at}\":[{{\"x\":1}}]")).collect();
    let text = draft(&input("t", &[&format!("{{{}}}", lists.join(","))], &[]));
    assert_eq!(text.matches("[[table]]").count(), 31, "{text}");
    assert!(text.contains("l39 = { type = \"jsonb\" }   # a list of objects: a feed has no room"));
    let mut nested = "1".to_owned();
    for level in (0..9).rev() {
        nested = format!("[{{\"l{level}\":{nested}}}]");
    }
    let text = draft(&input("t", &[&format!("{{\"top\":{nested}}}")], &[]));
    assert_eq!(text.matches("[[table]]").count(), 9, "{text}");
    assert!(text.contains("# a list of objects within 8 others"), "{text}");
}

#[test]
fn records_are_found_in_documents() {
    for (document, expected) in [
        (r#"{"data":{"items":[{"id":1},{"id":2}]},"next":"x","total":2}"#, Some("$.data.items[*]")),
        (r#"{"type":"FeatureCollection","features":[{"a":1},{"a":2}]}"#, Some("$.features[*]")),
        (r#"{"id":1,"items":[{"sku":1}]}"#, None),
        (r#"{"a":[{"x":1},{"x":2}],"b":[{"y":1},{"y":2}]}"#, None),
        (r#"{"a":[1,2,3]}"#, None),
        (r#"{"id":1,"items":[{"sku":1},{"sku":2}]}"#, None),
        (r#"{"order":"A1","items":[{"sku":1},{"sku":2}]}"#, None),
        (r#"{"next":"x","codes":[1,2,3,4,5,6,7,8,9,10,11],"items":[{"x":1},{"x":2}]}"#, None),
    ] {
        let found = records_path(&shape(&[document]), 1).map(|path| path.to_string());
        assert_eq!(found.as_deref(), expected, "{document}");
    }
    let entries = [r#"{"x":1}"#; 10].join(",");
    let much = format!(r#"{{"station":"A1","readings":[{entries}]}}"#);
    let found = records_path(&shape(&[&much]), 1).map(|path| path.to_string());
    assert_eq!(found.as_deref(), Some("$.readings[*]"));
    let orders = [r#"{"items":[{"x":1},{"x":2}]}"#, r#"{"items":[{"x":1},{"x":2}]}"#];
    assert_eq!(records_path(&shape(&orders), 1), None, "two records of one object");
}

#[test]
fn a_draft_is_toml_whatever_its_keys_are() {
    let record = r##"{"a\nb":1,"\u0007":{"\"":[{"#x":"y"}]},"":2,"ключ":true,"c\\":null}"##;
    let text = draft(&input("t", &[record], &[]));
    let read: toml::Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(read["table"].as_array().unwrap().len(), 2, "{text}");
}
