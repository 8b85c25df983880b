use super::*;

#[test]
fn types_are_read_as_they_are_written() {
    let others = ["varchar(3)", "numeric(12,2)", "text[]", "numeric(5,0)[]", "double precision[]"];
    for written in others.into_iter().chain(Type::ALL.map(|it| it.facts().name)) {
        assert_eq!(written.parse::<Type>().unwrap().to_string(), written);
    }
    assert_eq!("numeric(5)".parse::<Type>().unwrap().to_string(), "numeric(5,0)");
    for other in [
        "varchar(0)",
        "varchar(x)",
        "varchar()",
        "int4",
        "Text",
        "",
        "[]",
        "text[][]",
        "text(3)",
        "numeric(2,3)",
        "numeric(1001,0)",
        "bigint)",
    ] {
        assert!(other.parse::<Type>().is_err(), "{other}");
    }
    for name in Type::ALL.map(|it| it.facts().name) {
        assert!(Type::NAMES.contains(name), "{name}");
    }
}

#[test]
fn a_column_takes_what_has_its_form() {
    for (column_type, modifier, expected) in [
        ("int2", -1, Some(Type::SmallInt)),
        ("int8", -1, Some(Type::BigInt)),
        ("text", -1, None),
        ("timestamp", -1, None),
    ] {
        assert_eq!(Type::BigInt.in_column(column_type, modifier), expected, "{column_type}");
    }
    assert_eq!(Type::Text.in_column("varchar", 7), Some(Type::Varchar(Some(3))));
    assert_eq!(Type::Text.in_column("varchar", -1), Some(Type::Varchar(None)));
    assert_eq!(Type::Text.in_column("citext", -1), Some(Type::Text));
    assert_eq!(Type::Timestamptz.in_column("timestamptz", -1), Some(Type::Timestamptz));
    assert_eq!(Type::Timestamp.in_column("timestamptz", -1), None);
    assert_eq!(Type::Timestamp.in_column("int8", -1), None);
    let narrow = Type::Numeric(Some(Precision { digits: 12, scale: 2 }));
    assert_eq!(Type::Numeric(None).in_column("numeric", (12 << 16 | 2) + 4), Some(narrow));
    assert_eq!(Type::Jsonb.in_column("json", -1), Some(Type::Text));
    assert_eq!(Type::Uuid.in_column("text", -1), None);
    let texts = Type::Array(Box::new(Type::Text));
    assert_eq!(texts.in_column("_text", -1), Some(texts.clone()));
    assert_eq!(texts.in_column("text", -1), None);
}
