//! The page of the REST API, made from `api/openapi.json`, which a test of its own holds against the server.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::assert_page;
use crate::support::repository;

const BEGINNING: &str = "# REST API

<!-- Generated from api/openapi.json by UPDATE_DOCS=1 cargo test --test integration docs. Do not edit. -->

A running server shows and tries the same at `/docs`, and serves the document at `/openapi.json`. The guide is
[Serving the API](../guides/rest.md).
";

#[test]
fn the_page_of_the_api_is_what_the_document_of_the_api_says() {
    let document = std::fs::read_to_string(repository("api/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut page = BEGINNING.to_owned();
    for tag in document["tags"].as_array().unwrap() {
        page += &section(&document, tag);
    }
    page += "\n## Bodies\n";
    for (name, schema) in object(&document["components"]["schemas"]) {
        page += &schema_section(name, schema);
    }
    assert_page("reference/rest.md", &page);
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

/// A text on one line, as a cell of a table takes it.
fn line(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// The operations of a tag: a table of them, then each.
fn section(document: &Value, tag: &Value) -> String {
    let mut table = "| request | what it does |\n|---|---|\n".to_owned();
    let mut operations = String::new();
    for (path, methods) in object(&document["paths"]) {
        let of_tag =
            object(methods).iter().filter(|(_, operation)| operation["tags"][0] == tag["name"]);
        for (method, operation) in of_tag {
            let request = format!("{} {path}", method.to_uppercase());
            writeln!(table, "| `{request}` | {} |", line(&operation["summary"])).unwrap();
            operations += &operation_section(&request, operation);
        }
    }
    let (name, description) = (line(&tag["name"]), line(&tag["description"]));
    format!("\n## {name}\n\n{description}.\n\n{table}{operations}")
}

fn operation_section(request: &str, operation: &Value) -> String {
    let mut text = format!("\n### `{request}`\n\n{}\n", paragraphs(&operation["description"]));
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        text += "\n| parameter | in | type | meaning |\n|---|---|---|---|\n";
    }
    for parameter in parameters {
        let required = if parameter["required"] == true { ", required" } else { "" };
        writeln!(
            text,
            "| `{}` | {}{required} | {} | {} |",
            line(&parameter["name"]),
            line(&parameter["in"]),
            kind(&parameter["schema"]),
            line(&parameter["description"])
        )
        .unwrap();
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        write!(text, "\nBody: {}.\n", kind(body)).unwrap();
    }
    text += "\n| status | answer |\n|---|---|\n";
    for (status, answer) in object(&operation["responses"]) {
        writeln!(text, "| {status} | {} |", answer_cell(answer)).unwrap();
    }
    text
}

fn answer_cell(answer: &Value) -> String {
    let contents = answer["content"].as_object().into_iter().flatten();
    let kinds: Vec<String> = contents
        .map(|(media, content)| match content["schema"]["$ref"].is_string() {
            true => kind(&content["schema"]),
            false => format!("`{media}`"),
        })
        .collect();
    match kinds.is_empty() {
        true => line(&answer["description"]),
        false => format!("{} ({})", line(&answer["description"]), kinds.join(", ")),
    }
}

fn paragraphs(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    text.replace('<', "&lt;")
}

/// What a schema takes, in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(one) = schema["oneOf"].as_array() {
        let kinds: Vec<_> = one.iter().map(kind).collect();
        return kinds.join(" or ");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().map(|value| format!("`{}`", line(value))).collect();
        return values.join(", ");
    }
    let name = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(line).collect::<Vec<_>>().join(" or "),
        name if name == "array" => return format!("list of {}", kind(&schema["items"])),
        name if name == "object" => "object".to_owned(),
        name if name.is_null() => "any".to_owned(),
        name => line(name),
    };
    let format = line(&schema["format"]);
    let format = if format.is_empty() { format } else { format!(" ({format})") };
    let default = &schema["default"];
    let default = if default.is_null() { String::new() } else { format!(", default `{default}`") };
    format!("{name}{format}{default}")
}

fn schema_section(name: &str, schema: &Value) -> String {
    let mut text = format!("\n### {name}\n\n{}\n", paragraphs(&schema["description"]));
    if schema["enum"].is_array() {
        write!(text, "\nOne of: {}.\n", kind(schema)).unwrap();
    }
    let choices = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    for choice in choices.iter().filter(|choice| choice["properties"].is_object()) {
        write!(text, "\n{}:\n", line(&choice["description"])).unwrap();
        text += &fields_table(choice);
    }
    text + &fields_table(schema)
}

fn fields_table(schema: &Value) -> String {
    let Some(fields) = schema["properties"].as_object() else {
        return String::new();
    };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut table = "\n| field | type | meaning |\n|---|---|---|\n".to_owned();
    for (name, field) in fields {
        let always = if required.contains(&name.as_str()) { "" } else { ", optional" };
        writeln!(table, "| `{name}` | {}{always} | {} |", kind(field), field_text(field)).unwrap();
    }
    table
}

/// What a field means; of one that may be null, the alternative says it.
fn field_text(field: &Value) -> String {
    let alternatives = field["oneOf"].as_array().into_iter().flatten();
    let mut texts =
        std::iter::once(field).chain(alternatives).map(|field| line(&field["description"]));
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}
