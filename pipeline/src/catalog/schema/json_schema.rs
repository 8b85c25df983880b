//! Columns as a JSON Schema.

use serde_json::{Map, Value, json};

use crate::infer::column::Column;
use crate::infer::types::DataType;

/// Describes a record of these columns as a JSON Schema (draft 2020-12). Every record that the columns
/// were found in is valid under it, but for names that differ by case. Descriptions say what each
/// column comes from.
#[must_use]
pub fn json_schema(columns: &[Column]) -> Value {
    let property = |column: &Column| {
        let schema = schema(&column.data_type);
        let mut schema = if column.nullable { or_null(schema) } else { schema };
        schema["description"] = column.provenance().into();
        (column.name.clone(), schema)
    };
    let required = columns.iter().filter(|column| !column.nullable).map(|column| &column.name);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": columns.iter().map(property).collect::<Map<_, _>>(),
        "required": required.collect::<Vec<_>>(),
    })
}

fn schema(data_type: &DataType) -> Value {
    match data_type {
        DataType::Void => json!({"type": "null"}),
        DataType::Boolean => json!({"type": "boolean"}),
        DataType::Int => json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX}),
        DataType::Bigint => json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX}),
        DataType::Decimal => json!({"type": "integer"}),
        DataType::Double => json!({"type": "number"}),
        DataType::String | DataType::Date | DataType::Timestamp => json!({"type": "string"}),
        DataType::Json => json!({}),
        DataType::Array(element) => json!({"type": "array", "items": or_null(schema(element))}),
        DataType::Map(value) => {
            json!({"type": "object", "additionalProperties": or_null(schema(value))})
        }
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|(name, field)| (name.clone(), or_null(schema(field))));
            json!({"type": "object", "properties": fields.collect::<Map<_, _>>()})
        }
        DataType::Choice(types) => json!({"anyOf": types.iter().map(schema).collect::<Vec<_>>()}),
    }
}

/// A schema that takes null too.
fn or_null(schema: Value) -> Value {
    let mut schema = schema;
    match (schema.get("type").cloned(), schema.get_mut("anyOf")) {
        (Some(Value::String(name)), _) if name != "null" => schema["type"] = json!([name, "null"]),
        (None, Some(Value::Array(choices))) => choices.push(json!({"type": "null"})),
        _ => {}
    }
    schema
}
