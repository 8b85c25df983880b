use serde_json::json;

use super::{ddl, json_schema, tree};
use crate::infer::column::Column;
use crate::infer::inference::Inference;
use crate::infer::shape::Shape;
use crate::json::path::JsonPath;

fn columns() -> Vec<Column> {
    let records = [
        r#"{"id":1,"userId":"u","tags":["a"],"logs":[{"on":"x","n":1.5}],"either":1}"#,
        r#"{"id":2,"userId":"v","tags":[],"logs":[],"either":"1","no":null,"odd\"name":9000000000}"#,
    ];
    let mut inference = Inference::new(&JsonPath::default());
    let mut shape = Shape::default();
    records.iter().for_each(|record| inference.read(record.as_bytes(), &mut shape));
    shape.columns()
}

#[test]
fn a_tree_looks_like_that_of_spark() {
    let expected = "\
root
 |-- id: int (nullable = false)
 |-- userId: string (nullable = false)
 |-- tags: array (nullable = false)
 |    |-- element: string (containsNull = true)
 |-- logs: array (nullable = false)
 |    |-- element: struct (containsNull = true)
 |    |    |-- on: string (nullable = true)
 |    |    |-- n: double (nullable = true)
 |-- either: choice<int,string> (nullable = false)
 |-- no: void (nullable = true)
 |-- odd\"name: bigint (nullable = true)
";
    assert_eq!(tree(&columns()), expected);
}

#[test]
fn a_table_of_postgres_has_the_columns() {
    let expected = r#"create table "my table" (
    "id" integer not null,
    "userId" text not null,
    "tags" jsonb not null,
    "logs" jsonb not null,
    "either" jsonb not null,
    "no" text,
    "odd""name" bigint
);
"#;
    let comments = r#"comment on column "my table"."id" is 'in 2 records, null in 0';
comment on column "my table"."userId" is 'in 2 records, null in 0';
comment on column "my table"."tags" is 'in 2 records, null in 0';
comment on column "my table"."logs" is 'in 2 records, null in 0';
comment on column "my table"."either" is 'in 2 records, null in 0; values: integer 1, string 1';
comment on column "my table"."no" is 'in 1 records, null in 1';
comment on column "my table"."odd""name" is 'in 1 records, null in 0';
"#;
    assert_eq!(ddl("my table", &columns()), format!("{expected}{comments}"));
}

#[test]
fn a_json_schema_takes_the_records() {
    let string_or_null = json!({"type": ["string", "null"]});
    let schema = json_schema(&columns());
    let properties = &schema["properties"];
    assert_eq!(schema["required"], json!(["id", "userId", "tags", "logs", "either"]));
    assert_eq!(properties["id"]["maximum"], i32::MAX);
    let description = "in 2 records, null in 0";
    assert_eq!(
        properties["tags"],
        json!({"type": "array", "items": string_or_null, "description": description})
    );
    assert_eq!(properties["logs"]["items"]["properties"]["on"], string_or_null);
    assert_eq!(properties["either"]["anyOf"][1], json!({"type": "string"}));
    assert_eq!(properties["no"]["type"], "null");
}
