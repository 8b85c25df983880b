//! A table of the catalog as Glue describes it.

use pipeline::catalog::store::{TableKind, TableVersion};
use pipeline::infer::column::Column;
use pipeline::infer::types::DataType;
use serde_json::{Value, json};

use crate::http::glue::seconds;

pub(super) fn described(found: &TableVersion) -> Value {
    let table = &found.table;
    let columns: Vec<_> = table.columns.iter().map(column).collect();
    let is_of_objects = table.kind == TableKind::Objects;
    json!({
        "Name": table.name,
        "DatabaseName": table.database,
        "CreateTime": seconds(found.created_at),
        "UpdateTime": seconds(found.updated_at),
        "LastAnalyzedTime": seconds(found.crawled_at),
        "Retention": 0,
        "PartitionKeys": [],
        "TableType": "EXTERNAL_TABLE",
        "VersionId": found.version.to_string(),
        "Parameters": parameters(found),
        "StorageDescriptor": {
            "Columns": columns,
            "Location": found.url.as_ref().unwrap_or(&table.location),
            "Compressed": table.compression.as_ref().is_some_and(|format| format != "none"),
            "InputFormat": is_of_objects.then_some("org.apache.hadoop.mapred.TextInputFormat"),
            "OutputFormat": is_of_objects
                .then_some("org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"),
            "SerdeInfo": is_of_objects
                .then(|| json!({ "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe" })),
        },
    })
}

/// What crawlers of Glue say of a table beside its columns, by their words, and what only ours know.
fn parameters(found: &TableVersion) -> Value {
    let table = &found.table;
    let number = |number: Option<i64>| number.map(|number| number.to_string());
    json!({
        "classification": table.classification,
        "compressionType": table.compression,
        "recordCount": number(table.records),
        "objectCount": number(table.objects),
        "sizeKey": number(table.bytes),
        "UPDATED_BY_CRAWLER": table.crawler,
        "jsonPath": (table.kind == TableKind::Objects).then_some(&table.path),
        "format": table.format,
        "state": found.state,
        "sampled": table.sampled.to_string(),
    })
}

fn column(column: &Column) -> Value {
    json!({ "Name": column.name, "Type": of_glue(&column.data_type).to_string() })
}

/// A type that Glue and Athena know: what has no such type is read as a string.
fn of_glue(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Void | DataType::Json | DataType::Choice(_) => DataType::String,
        DataType::Array(element) => DataType::Array(Box::new(of_glue(element))),
        DataType::Map(value) => DataType::Map(Box::new(of_glue(value))),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|(name, field)| (name.clone(), of_glue(field)));
            DataType::Struct(fields.collect())
        }
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::of_glue;

    #[test]
    fn columns_have_types_that_glue_knows() {
        for (ours, expected) in [
            ("bigint", "bigint"),
            ("decimal(38,0)", "decimal(38,0)"),
            ("void", "string"),
            ("choice<int,string>", "string"),
            ("array<struct<a:int,b:json>>", "array<struct<a:int,b:string>>"),
            ("map<string,array<void>>", "map<string,array<string>>"),
        ] {
            assert_eq!(of_glue(&ours.parse().unwrap()).to_string(), expected);
        }
    }
}
