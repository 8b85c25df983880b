//! Names of tables as people write them, and what is none.

use super::*;

fn table(schema: Option<&str>, table: &str) -> TableName {
    let ident = |name: &str| name.parse::<Ident>().unwrap();
    TableName { schema: schema.map(ident), table: ident(table) }
}

#[test]
fn a_name_is_read_as_it_is_written() {
    for (text, expected) in [
        ("orders", table(None, "orders")),
        ("shop.orders", table(Some("shop"), "orders")),
        ("Shop.Orders", table(Some("Shop"), "Orders")),
        (r#""a.b".t"#, table(Some("a.b"), "t")),
        (r#"a."b.t""#, table(Some("a"), "b.t")),
        (r#"a"b.c d"#, table(Some("a\"b"), "c d")),
        (r#""""a.b".t"#, table(Some("\"a.b"), "t")),
    ] {
        assert_eq!(text.parse::<TableName>().unwrap(), expected, "{text}");
        assert_eq!(expected.plain(), text);
    }
    assert_eq!(r#""a"."b""#.parse::<TableName>().unwrap(), table(Some("a"), "b"));
    assert_eq!(r#""a""b""#.parse::<TableName>().unwrap(), table(None, "a\"b"));
}

#[test]
fn what_is_no_name_is_refused() {
    let long = "a".repeat(64);
    for text in ["", ".", "a.", ".a", "a.b.c", "\"", "\"a", "\"a\"b", "\"\"", "a\0", &long] {
        assert!(text.parse::<TableName>().is_err(), "{text:?}");
    }
}

#[test]
fn a_suffix_stays_in_the_schema() {
    let name = table(Some("shop"), "Orders");
    assert_eq!(name.with_suffix("_rejects").unwrap().plain(), "shop.Orders_rejects");
    assert!(name.with_suffix(&"x".repeat(60)).is_err());
}
