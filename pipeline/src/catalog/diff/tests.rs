//! What differs between two versions of a table.

use super::{Change, diff};
use crate::infer::inference::Inference;
use crate::infer::shape::Shape;
use crate::json::path::JsonPath;

fn changes(before: &str, after: &str) -> Vec<Change> {
    let columns = |record: &str| {
        let mut shape = Shape::default();
        Inference::new(&JsonPath::default()).read(record.as_bytes(), &mut shape);
        shape.columns()
    };
    diff(&columns(before), &columns(after))
}

#[test]
fn changes_are_told_apart() {
    let name = str::to_owned;
    let read = |text: &str| text.parse().unwrap();
    assert_eq!(changes(r#"{"a":1,"b":"x"}"#, r#"{"B":"y","A":2}"#), []);
    let found = changes(r#"{"a":1,"b":"x","c":1}"#, r#"{"a":1.5,"b":null,"d":[1]}"#);
    let expected = [
        Change::TypeChanged { name: name("a"), from: read("int"), to: read("double") },
        Change::TypeChanged { name: name("b"), from: read("string"), to: read("void") },
        Change::NullabilityChanged { name: name("b"), nullable: true },
        Change::Added { name: name("d"), data_type: read("array<int>") },
        Change::Removed { name: name("c"), data_type: read("int") },
    ];
    assert_eq!(found, expected);
}
