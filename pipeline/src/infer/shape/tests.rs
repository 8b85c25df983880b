use proptest::prelude::*;
use proptest::sample::Index;

use super::{MAX_FIELDS, Shape};
use crate::infer::inference::Inference;
use crate::json::path::JsonPath;

fn shape(records: &[String], max_fields: usize) -> Shape {
    let mut inference = Inference::new(&JsonPath::default());
    let mut shape = Shape::new(max_fields);
    records.iter().for_each(|record| inference.read(record.as_bytes(), &mut shape));
    shape
}

fn written(shape: &Shape) -> String {
    serde_json::to_string(shape).unwrap()
}

/// A shape as it is after it was stored.
fn stored(shape: &Shape) -> Shape {
    serde_json::from_str(&written(shape)).unwrap()
}

fn any_object(depth: u32) -> impl Strategy<Value = String> {
    let scalars = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "7",
        "-2147483649",
        "9223372036854775808",
        "-0.0",
        "0.0",
        "1.50",
        "1.5",
        "2e3",
        "1e400",
        "-1e-400",
        "1234567890123456789012345678901234567890",
        r#""""#,
        r#""a""#,
        r#""é\u0000\"\ud83d\ude00""#,
    ];
    let long = "[a-c]{60,70}".prop_map(|text| format!("\"{text}\""));
    let scalar = prop_oneof![prop::sample::select(scalars.to_vec()).prop_map(str::to_owned), long];
    let value = scalar.prop_recursive(depth, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            object(inner),
        ]
    });
    object(value)
}

/// An object, in which keys may stand twice and differ only by case.
fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec(("[abAB]|k[0-9]|\\\\u0061|é", value), 0..5).prop_map(|fields| {
        let fields = fields.into_iter().map(|(key, value)| format!("\"{key}\" : {value}"));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    })
}

proptest! {
    #[test]
    fn any_order_and_any_split_give_the_same_shape(
        (records, shuffled) in prop::collection::vec(any_object(4), 0..12)
            .prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle())),
        cuts in prop::collection::vec(any::<Index>(), 0..4),
        max_fields in 1_usize..6,
    ) {
        let expected = shape(&records, max_fields);
        let mut parts = vec![&shuffled[..]];
        for cut in cuts {
            let part = parts.remove(cut.index(parts.len()));
            let (one, other) = part.split_at(cut.index(part.len() + 1));
            parts.extend([other, one]);
        }
        let mut merged = Shape::new(max_fields);
        parts.into_iter().for_each(|part| merged.merge(stored(&shape(part, max_fields))));
        prop_assert_eq!(written(&merged), written(&expected));
        prop_assert_eq!(merged.columns(), expected.columns());
        prop_assert_eq!(merged.data_type(), expected.data_type());
    }

    #[test]
    fn merging_is_associative_under_different_limits(
        records in prop::collection::vec(any_object(3), 3),
        limits in prop::array::uniform3(1_usize..4),
    ) {
        let parts: Vec<_> =
            records.iter().zip(limits).map(|(record, limit)| shape(std::slice::from_ref(record), limit)).collect();
        let merged = |order: [usize; 3]| {
            let mut shape = parts[order[0]].clone();
            shape.merge(parts[order[1]].clone());
            shape.merge(parts[order[2]].clone());
            shape
        };
        let mut other = parts[1].clone();
        other.merge(parts[2].clone());
        let mut right = parts[0].clone();
        right.merge(other);
        prop_assert_eq!(written(&merged([0, 1, 2])), written(&right));
        prop_assert_eq!(written(&merged([0, 1, 2])), written(&merged([2, 0, 1])));
    }
}

#[test]
fn columns_are_in_the_order_of_their_mean_place() {
    let records = [r#"{"a":1,"b":2,"c":3}"#, r#"{"c":1,"b":2,"late":3}"#, r#"{"c":1,"b":2}"#];
    let shape = shape(&records.map(str::to_owned), MAX_FIELDS);
    let names: Vec<_> = shape.columns().into_iter().map(|column| column.name).collect();
    assert_eq!(names, ["a", "c", "b", "late"]);
}

#[test]
fn spellings_are_one_column_and_the_last_of_a_record_counts() {
    let records = [r#"{"ID":1,"id":"x"}"#, r#"{"iD":2}"#, r#"{"id":"y"}"#];
    let columns = shape(&records.map(str::to_owned), MAX_FIELDS).columns();
    let [id] = &columns[..] else { panic!("{columns:?}") };
    assert_eq!((id.name.as_str(), id.present, id.nullable), ("id", 3, false));
    assert_eq!(id.variants, [("iD".to_owned(), 1), ("id".to_owned(), 2)].into());
    assert_eq!(id.kinds, [("integer".to_owned(), 1), ("string".to_owned(), 2)].into());
    assert_eq!(id.data_type.to_string(), "choice<int,string>");
}

#[test]
fn kinds_give_the_narrowest_type_that_holds_them() {
    let type_of = |values: &[&str]| {
        let records: Vec<_> = values.iter().map(|value| format!("{{\"v\":{value}}}")).collect();
        shape(&records, MAX_FIELDS).columns()[0].data_type.to_string()
    };
    for (values, expected) in [
        (&["null"][..], "void"),
        (&["null", "true"], "boolean"),
        (&["2147483647", "-2147483648"], "int"),
        (&["2147483648"], "bigint"),
        (&["-9223372036854775808"], "bigint"),
        (&["9223372036854775808"], "decimal(38,0)"),
        (&["99999999999999999999999999999999999999"], "decimal(38,0)"),
        (&["100000000000000000000000000000000000000"], "double"),
        (&["1", "1.5"], "double"),
        (&["9223372036854775808", "1e400"], "double"),
        (&["1", "\"1\""], "choice<int,string>"),
        (&["true", "{}", "[]", "1.0"], "choice<boolean,double,array<void>,struct<>>"),
        (&["[]"], "array<void>"),
        (&["[1,null]", "[\"x\"]", "[]"], "array<choice<int,string>>"),
        (&["[{\"a b\":1},{\"c\":[[]]}]"], "array<struct<`a b`:int,c:array<array<void>>>>"),
        (&["{\"B\":1,\"A\":2}", "{\"b\":1.5}"], "struct<B:double,A:int>"),
    ] {
        assert_eq!(type_of(values), expected, "{values:?}");
    }
}

#[test]
fn a_column_says_what_is_in_it() {
    let mut records: Vec<_> =
        (0..1000).map(|n| format!("{{\"n\":{n},\"s\":\"{}é\"}}", "x".repeat(n % 100))).collect();
    records.push("{\"n\":null,\"l\":[1,2]}".to_owned());
    let columns = shape(&records, MAX_FIELDS).columns();
    let [n, l, s] = &columns[..] else { panic!("{columns:?}") };
    assert_eq!((n.present, n.nulls, n.nullable), (1001, 1, true));
    assert_eq!((n.min.as_deref(), n.max.as_deref()), (Some("0"), Some("999")));
    assert!((900..1100).contains(&n.distinct.unwrap()), "{n:?}");
    assert_eq!((s.present, s.nulls, s.nullable, s.distinct), (1000, 0, true, Some(100)));
    assert_eq!((s.min_length, s.max_length), (Some(1), Some(100)));
    assert_eq!(s.min, Some("x".repeat(64)));
    assert_eq!(s.max.as_deref(), Some("é"));
    assert_eq!((s.examples.len(), &s.kinds), (3, &Default::default()));
    assert!(s.examples.iter().all(|example| example.chars().count() <= 64));
    assert_eq!((l.min_length, l.max_length, l.distinct), (Some(2), Some(2), None));
}

#[test]
fn too_many_keys_are_a_map_of_what_all_of_them_hold() {
    let records: Vec<_> =
        (0..30).map(|n| format!("{{\"m\":{{\"k{n}\":{{\"a\":{n}}}}}}}")).collect();
    assert_eq!(shape(&records, 29).columns()[0].data_type.to_string(), "map<string,struct<a:int>>");
    assert!(shape(&records, 30).columns()[0].data_type.to_string().starts_with("struct<k0:"));
}

#[test]
fn a_table_is_wider_than_a_map_but_has_its_limit() {
    let record = |keys: usize| {
        let fields: Vec<_> = (0..keys).map(|n| format!("\"k{n}\":{n}")).collect();
        format!("{{{}}}", fields.join(","))
    };
    assert_eq!(shape(&[record(1600)], MAX_FIELDS).columns().len(), 1600);
    for wide in [record(1601), record(100_000)] {
        let columns = shape(&[wide], MAX_FIELDS).columns();
        let [only] = &columns[..] else { panic!("{} columns", columns.len()) };
        assert_eq!(
            (only.name.as_str(), only.data_type.to_string().as_str()),
            ("record", "map<string,int>")
        );
    }
}

#[test]
fn crowded_shapes_are_the_same_in_any_order() {
    let record = |from: usize| {
        let inner: Vec<_> =
            (from..from + 6000).map(|n| format!("\"k{n}\":[{{\"x\":{n}}}]")).collect();
        format!("{{\"id\":{from},\"in\":{{{}}},\"deep\":[[[[{{\"y\":1}}]]]]}}", inner.join(","))
    };
    let records = [record(0), record(5000), record(7000)];
    let whole = shape(&records, usize::MAX);
    assert!(whole.places() < 100, "{}", whole.places());
    let types: Vec<_> = whole.columns().iter().map(|column| column.data_type.to_string()).collect();
    assert_eq!(types, ["int", "map<string,array<map<string,int>>>", "array<array<array<json>>>"]);
    let mut merged = shape(&records[2..], usize::MAX);
    merged.merge(shape(&records[..1], usize::MAX));
    merged.merge(shape(&records[1..2], usize::MAX));
    assert_eq!(written(&merged), written(&whole));
}

#[test]
fn a_shape_of_the_deepest_records_can_be_stored() {
    let record = format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40));
    let shape = shape(&[record], MAX_FIELDS);
    let text = shape.data_type().to_string();
    assert_eq!((text.matches("struct<").count(), text.matches("json").count()), (32, 1));
    assert_eq!(written(&stored(&shape)), written(&shape));
    assert_eq!(shape.places(), 32);
}
