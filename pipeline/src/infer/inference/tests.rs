use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{Counts, Inference};
use crate::infer::shape::{Node, Shape};
use crate::json::path::JsonPath;
use crate::records::{Batches, CutOptions};

fn infer_with(path: &str, texts: &[&str]) -> (Shape, Counts) {
    let mut inference = Inference::new(&path.parse().unwrap());
    let mut shape = Shape::default();
    texts.iter().for_each(|text| inference.read(text.as_bytes(), &mut shape));
    (shape, inference.counts())
}

fn infer(texts: &[&str]) -> (Shape, Counts) {
    infer_with("$", texts)
}

type Kinds = BTreeMap<(String, &'static str), u64>;

fn see(value: &Value, place: &str, kinds: &mut Kinds) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    *kinds.entry((place.to_owned(), kind)).or_default() += 1;
    match value {
        Value::Array(items) => {
            items.iter().for_each(|item| see(item, &format!("{place}[]"), kinds))
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| see(value, &format!("{place}.{name}"), kinds));
        }
        _ => {}
    }
}

fn seen(node: &Node, place: &str, kinds: &mut Kinds) {
    let all = node.kinds().into_iter().chain([("null", node.nulls)]);
    kinds.extend(all.filter(|(_, n)| *n > 0).map(|(kind, n)| ((place.to_owned(), kind), n)));
    if let Some(arrays) = &node.arrays {
        seen(&arrays.element, &format!("{place}[]"), kinds);
    }
    for field in node.objects.iter().flat_map(|objects| objects.fields.iter()) {
        seen(&field.node, &format!("{place}.{}", field.name), kinds);
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 40, 5, |inner| {
        let fields = prop::collection::btree_map("[a-z\"\\\\é\u{0}]{0,2}", inner.clone(), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            fields.prop_map(|fields| Value::from(Map::from_iter(fields))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_seen_is_what_serde_json_sees(values in prop::collection::vec(any_value(), 0..8)) {
        let texts: Vec<_> = values.iter().map(Value::to_string).collect();
        let (mut shape, counts) = infer(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let mut expected = Kinds::new();
        let records: Vec<_> = values.iter().filter(|value| value.is_object()).collect();
        records.iter().for_each(|record| see(record, "$", &mut expected));
        let mut found = Kinds::new();
        seen(shape.parts().0, "$", &mut found);
        prop_assert_eq!(found, expected);
        prop_assert_eq!(counts.records, records.len() as u64);
        prop_assert_eq!(counts.other, (values.len() - records.len()) as u64);
    }

    #[test]
    fn what_is_cut_off_changes_nothing(value in any_value(), cut in any::<prop::sample::Index>()) {
        let text = format!("{{\"v\":{value}}}");
        let cut = text.floor_char_boundary(cut.index(text.len()));
        let (shape, counts) = infer(&[&text[..cut]]);
        prop_assert_eq!((shape.records(), shape.places(), counts.malformed), (0, 0, 1));
    }
}

#[test]
fn the_last_of_duplicate_keys_counts() {
    let (shape, _) = infer(&[r#"{"a":{"x":1},"b":2,"\u0061":"last"}"#]);
    assert_eq!(shape.data_type().to_string(), "struct<b:int,a:string>");
}

#[test]
fn a_path_leads_to_the_records() {
    let text =
        r#"{"meta":1,"a":{"b":[{"id":1},{"id":2},null,7]},"a2":[{"b":[{"x":1}]},{"b":[]},{}]}"#;
    let counts = |records, other| Counts { records, malformed: 0, other };
    for (path, data_type, expected) in [
        ("$.a.b[*]", "struct<id:int>", counts(2, 2)),
        ("$.a", "struct<b:array<choice<int,struct<id:int>>>>", counts(1, 0)),
        ("$.a2[*].b[*]", "struct<x:int>", counts(1, 0)),
        ("$['a2'][*]", "struct<b:array<struct<x:int>>>", counts(3, 0)),
        ("$.nothing[*]", "void", counts(0, 1)),
        ("$.meta", "void", counts(0, 1)),
        ("$[*]", "void", counts(0, 1)),
    ] {
        let (shape, found) = infer_with(path, &[text]);
        assert_eq!(
            (shape.data_type().to_string().as_str(), found),
            (data_type, expected),
            "{path}"
        );
    }
}

#[test]
fn nothing_hostile_stops_it() {
    let deep = format!("{{\"d\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let objects = format!("{{\"d\":{}1{}}}", "{\"x\":".repeat(500_000), "}".repeat(500_000));
    let texts =
        [deep.as_str(), objects.as_str(), "{}", "{\"e\":[]}", "{\"n\":1e400}", "{\"n\":-1e400}"];
    let (shape, counts) = infer(&texts);
    assert_eq!(counts, Counts { records: 6, ..Counts::default() });
    let columns = shape.columns();
    assert_eq!(columns[0].data_type.to_string().matches("json").count(), 2);
    let n = columns.iter().find(|column| column.name == "n").unwrap();
    assert_eq!(n.max.as_deref(), Some("1.7976931348623157e308"));
    let mut inference = Inference::new(&JsonPath::default());
    let mut shape = Shape::default();
    for text in [&b"{\"a\":\"\xFF\"}"[..], b"{\"a\":1", b"", b"{} {}", b"{\"a\":\"\\ud800\"}"] {
        inference.read(text, &mut shape);
    }
    assert_eq!((inference.counts().malformed, shape.places()), (5, 0));
}

#[test]
fn long_and_odd_names_and_values_are_bounded() {
    let name = "n".repeat(5000);
    let text = format!("{{\"{name}\":1,\"{name}x\":2,\"nul\\u0000\":\"a\\u0000b\"}}");
    let columns = infer(&[&text]).0.columns();
    assert_eq!(columns[0].name.len(), 1000);
    assert_eq!(
        (columns[1].name.as_str(), columns[1].min.as_deref()),
        ("nul\\u0000", Some("a\\u0000b"))
    );
}

#[test]
fn a_batch_with_bytes_that_are_no_text_loses_only_their_records() {
    let text = b"{\"a\":1}\n{\"a\":\"\xFF\"}\n[]\n{\"a\":2}\n";
    let mut inference = Inference::new(&JsonPath::default());
    let mut shape = Shape::default();
    for batch in Batches::new(&text[..], CutOptions::default()) {
        inference.read_batch(&batch.unwrap(), &mut shape);
    }
    assert_eq!(inference.counts(), Counts { records: 2, malformed: 1, other: 1 });
    assert_eq!(shape.data_type().to_string(), "struct<a:int>");
}

#[test]
fn the_sample_has_the_columns_of_its_feed_and_a_late_one() {
    let text = include_bytes!("../../../../data/user_status_sample.json");
    let mut inference = Inference::new(&JsonPath::default());
    let mut shape = Shape::default();
    for batch in Batches::new(&text[..], CutOptions::default()) {
        inference.read_batch(&batch.unwrap(), &mut shape);
    }
    let columns = shape.columns();
    let found: Vec<_> =
        columns.iter().map(|column| format!("{} {}", column.name, column.data_type)).collect();
    let expected = [
        "userId string",
        "createdAt string",
        "lastVisitedAt int",
        "status string",
        "statusLogs array<struct<updatedOn:string,status:string>>",
        "isBlacklisted boolean",
        "country string",
    ];
    assert_eq!(found, expected);
    assert!(columns[6].nullable && columns[6].present < 10, "{:?}", columns[6]);
}
