//! From what was seen to columns and their types.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Shape;
use super::fields::{Field, Fields};
use super::limit::Limits;
use super::node::{Node, Objects};
use super::range::Integers;
use crate::infer::column::Column;
use crate::infer::types::DataType;

/// The column of records that have so many keys that they are a map.
const RECORD_COLUMN: &str = "record";

impl Shape {
    /// Tells the type of the records: a `struct`, a `map` if they have too many keys, or `void` if
    /// there are none.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        data_type(&self.record)
    }

    /// Lists the columns of the records by their mean place in them, then by name.
    ///
    /// Names that differ only by ASCII case are one column, under the most frequent spelling. Records
    /// that are a map are a column `record`.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        let Some(objects) = &self.record.objects else {
            return Vec::new();
        };
        if objects.map.is_some() {
            let variants = vec![(RECORD_COLUMN.to_owned(), objects.count)];
            return vec![column(Folded { node: self.record.clone(), variants }, objects.count)];
        }
        fold(&objects.fields).into_iter().map(|folded| column(folded, objects.count)).collect()
    }
}

/// Fields whose names differ only by ASCII case.
struct Folded {
    /// The spellings that occur and how often, the most frequent one first.
    variants: Vec<(String, u64)>,
    node: Node,
}

/// The fields as columns: folded, in order.
fn fold(fields: &Fields) -> Vec<Folded> {
    let mut groups: BTreeMap<String, Vec<&Field>> = BTreeMap::new();
    for field in fields.iter().filter(|field| field.node.count() > 0) {
        groups.entry(field.name.to_ascii_lowercase()).or_default().push(field);
    }
    let mut folded: Vec<_> = groups.into_values().map(fold_group).collect();
    folded.sort_by(|one, other| one.order(other));
    folded
}

fn fold_group(group: Vec<&Field>) -> Folded {
    let mut node = Node::default();
    let mut variants = Vec::new();
    for field in group {
        variants.push((printable(&field.name), field.node.count()));
        // Each keeps to the limits; that they do together would only make the type less exact.
        node.merge(field.node.clone(), 1, Limits::new(usize::MAX));
    }
    variants.sort_by(|(one, ones), (other, others)| others.cmp(ones).then(one.cmp(other)));
    Folded { variants, node }
}

impl Folded {
    /// By the mean place, exactly, then by name.
    fn order(&self, other: &Self) -> Ordering {
        let product = |one: &Self, other: &Self| {
            u128::from(one.node.positions) * u128::from(other.node.count())
        };
        product(self, other).cmp(&product(other, self)).then_with(|| self.name().cmp(other.name()))
    }

    fn name(&self) -> &str {
        self.variants.first().map_or("", |(name, _)| name)
    }
}

fn data_type(node: &Node) -> DataType {
    let mut types = types(node);
    match (types.len(), types.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            types.push(last);
            DataType::Choice(types)
        }
        (_, None) => DataType::Void,
    }
}

/// The types that no other type holds, always in the same order.
fn types(node: &Node) -> Vec<DataType> {
    let boolean = (node.trues + node.falses > 0).then_some(DataType::Boolean);
    let string = node.strings.as_ref().map(|_| DataType::String);
    let array =
        node.arrays.as_ref().map(|arrays| DataType::Array(Box::new(data_type(&arrays.element))));
    let object = node.objects.as_deref().map(object_type);
    let json = (node.deep > 0).then_some(DataType::Json);
    [boolean, number_type(node), string, array, object, json].into_iter().flatten().collect()
}

fn number_type(node: &Node) -> Option<DataType> {
    let fits =
        |integers: &Integers, min: i128, max: i128| integers.min >= min && integers.max <= max;
    match (&node.integers, &node.floats) {
        (_, Some(_)) => Some(DataType::Double),
        (Some(all), None) if fits(all, i32::MIN.into(), i32::MAX.into()) => Some(DataType::Int),
        (Some(all), None) if fits(all, i64::MIN.into(), i64::MAX.into()) => Some(DataType::Bigint),
        (Some(_), None) => Some(DataType::Decimal),
        (None, None) => None,
    }
}

fn object_type(objects: &Objects) -> DataType {
    if let Some(map) = &objects.map {
        return DataType::Map(Box::new(data_type(&map.value)));
    }
    let fields = fold(&objects.fields).into_iter();
    DataType::Struct(
        fields.map(|folded| (folded.name().to_owned(), data_type(&folded.node))).collect(),
    )
}

fn column(folded: Folded, records: u64) -> Column {
    let name = folded.name().to_owned();
    let Folded { variants, node } = folded;
    let data_type = data_type(&node);
    let is_choice = matches!(data_type, DataType::Choice(_));
    let (min, max) = if is_choice { None } else { bounds(&node) }.unzip();
    let (min_length, max_length) = if is_choice { None } else { lengths(&node) }.unzip();
    let is_scalar = !matches!(
        data_type,
        DataType::Array(_) | DataType::Struct(_) | DataType::Map(_) | DataType::Json
    );
    let kinds = node.kinds().into_iter().filter(|(_, count)| is_choice && *count > 0);
    Column {
        name,
        data_type,
        nullable: node.nulls > 0 || node.count() < records,
        present: node.count(),
        nulls: node.nulls,
        distinct: is_scalar.then(|| distinct(&node)),
        min,
        max,
        min_length,
        max_length,
        examples: node.examples.texts().map(printable).collect(),
        variants: if variants.len() > 1 { variants.into_iter().collect() } else { BTreeMap::new() },
        kinds: kinds.map(|(kind, count)| (kind.to_owned(), count)).collect(),
        declared: None,
        key: None,
    }
}

/// The distinct values, of which there cannot be more than values.
fn distinct(node: &Node) -> u64 {
    let kinds = node.kinds().into_iter();
    let scalars = kinds.filter(|(kind, _)| !matches!(*kind, "array" | "object" | "json"));
    node.sketch.estimate().min(scalars.map(|(_, count)| count).sum())
}

/// The least and the greatest value of a column of one type.
fn bounds(node: &Node) -> Option<(String, String)> {
    if let Some(strings) = &node.strings {
        return Some((printable(&strings.min), printable(&strings.max)));
    }
    let integers = node.integers.as_ref();
    let Some(floats) = &node.floats else {
        return integers.map(|all| (all.min.to_string(), all.max.to_string()));
    };
    let min = integers.map_or(floats.min, |all| floats.min.min(all.min as f64));
    let max = integers.map_or(floats.max, |all| floats.max.max(all.max as f64));
    Some((format!("{min:?}"), format!("{max:?}")))
}

/// The least and the greatest length: of strings in characters, of arrays in elements.
fn lengths(node: &Node) -> Option<(u64, u64)> {
    let strings = node.strings.as_ref().map(|all| (all.min_length, all.max_length));
    strings.or_else(|| node.arrays.as_ref().map(|all| (all.min_length, all.max_length)))
}

/// A text without U+0000, which Postgres cannot store.
fn printable(text: &str) -> String {
    text.replace('\0', "\\u0000")
}
