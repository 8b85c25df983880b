//! Which fields of a record fill which columns.

use pipeline::feed::{Feed, Field, Kind, Source as Filled, TablePlan};
use serde_json::{Map, Value, json};

use super::datasets::Source;

/// The fields of the records, those of entries as `items[*].sku`.
pub(super) fn schema_of_records(feed: &Feed) -> Vec<Value> {
    let mut fields = Vec::new();
    add_fields(&feed.fields, "", &mut fields);
    fields
}

fn add_fields(fields: &[Field], prefix: &str, all: &mut Vec<Value>) {
    for field in fields {
        let name = format!("{prefix}{}", field.name());
        match &field.kind {
            Kind::Value(data_type, _) => {
                all.push(json!({ "name": name, "type": data_type.to_string() }));
            }
            Kind::List(list) => {
                all.push(json!({ "name": name, "type": "array" }));
                add_fields(&list.fields, &format!("{name}[*]."), all);
            }
        }
    }
}

/// For each column of a table that is filled from the records, the fields that it is made from.
pub(super) fn lineage(feed: &Feed, at: usize, source: &Source) -> Map<String, Value> {
    let table = &feed.plan.tables[at];
    let columns = table.columns.iter().map(|column| {
        let fields = fields_of(feed, (at, table), column.source);
        (column.name.as_str().to_owned(), fields)
    });
    let named = columns.filter(|(_, fields)| !fields.is_empty()).map(|(column, fields)| {
        let Source { namespace, name } = source;
        let inputs = fields.into_iter();
        let inputs =
            inputs.map(|field| json!({ "namespace": namespace, "name": name, "field": field }));
        (column, json!({ "inputFields": inputs.collect::<Vec<_>>() }))
    });
    named.collect()
}

/// The fields that a column is filled from.
fn fields_of(feed: &Feed, (at, table): (usize, &TablePlan), filled: Filled) -> Vec<String> {
    let name = |fields: &[Field], prefix: &str, field: usize| {
        fields.get(field).map(|field| format!("{prefix}{}", field.name()))
    };
    match filled {
        Filled::Record(field) => name(&feed.fields, "", field).into_iter().collect(),
        Filled::Entry(field) => {
            let (fields, prefix) = (feed.fields_of(at), prefix_of(feed, at));
            name(fields, &prefix, field).into_iter().collect()
        }
        Filled::Concat => {
            let fields = feed.concat.iter();
            fields.filter_map(|concat| name(&feed.fields, "", concat.field)).collect()
        }
        Filled::Computed(expression) => {
            let Some(expression) = feed.computed.get(expression) else {
                return Vec::new();
            };
            let read = table.columns.iter().filter(|column| {
                !matches!(column.source, Filled::Computed(_))
                    && expression.reads(column.name.as_str())
            });
            read.flat_map(|column| fields_of(feed, (at, table), column.source)).collect()
        }
        Filled::Position | Filled::Stamp(_) | Filled::Decoded(_) => Vec::new(),
    }
}

/// What the names of the fields of a table's entries begin with.
fn prefix_of(feed: &Feed, at: usize) -> String {
    let (mut fields, mut prefix) = (feed.fields.as_slice(), String::new());
    for (_, list) in feed.plan.lists_to(at) {
        let Some(field) = fields.get(list) else { break };
        prefix = format!("{prefix}{}[*].", field.name());
        if let Kind::List(list) = &field.kind {
            fields = &list.fields;
        }
    }
    prefix
}
