//! Random feeds and random records: what lands is held against a slow reading of the same records by
//! `serde_json`, which shares no code with ours.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::feed::Feed;
use pipeline::load::load;
use pipeline::sink::Mode;
use pipeline::store::Bucket;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::{TestDatabase, options};

/// What a column is declared as.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Bigint,
    Numeric,
    Double,
    Boolean,
    Jsonb,
    Texts,
}

#[derive(Debug, Clone)]
struct Column {
    kind: Kind,
    /// Within an object of this name.
    within: Option<&'static str>,
    required: bool,
    has_default: bool,
}

/// The columns of a record or of the entries of a list, and the lists in it.
#[derive(Debug, Clone)]
struct Shape {
    columns: Vec<Column>,
    lists: Vec<(Shape, bool)>,
}

fn kind() -> impl Strategy<Value = Kind> {
    use Kind::{Bigint, Boolean, Double, Jsonb, Numeric, Text, Texts};
    prop::sample::select(vec![Text, Bigint, Numeric, Double, Boolean, Jsonb, Texts])
}

fn column() -> impl Strategy<Value = Column> {
    let within = prop::option::weighted(0.3, prop::sample::select(vec!["o", "p q"]));
    (kind(), within, prop::bool::weighted(0.2), prop::bool::weighted(0.2)).prop_map(
        |(kind, within, required, has_default)| Column { kind, within, required, has_default },
    )
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = vec(column(), 1..5).prop_map(|columns| Shape { columns, lists: Vec::new() });
    leaf.prop_recursive(2, 6, 2, |inner| {
        (vec(column(), 1..5), vec((inner, prop::bool::weighted(0.2)), 0..3))
            .prop_map(|(columns, lists)| Shape { columns, lists })
    })
}

/// A value that mostly is of the kind.
fn value(kind: Kind) -> BoxedStrategy<Value> {
    let text = prop::string::string_regex("[a-z\"\\\\é😀 \\n]{0,14}").unwrap();
    let number = (-100_000_i64..100_000).prop_map(|number| json!(number as f64 / 64.0));
    let own: BoxedStrategy<Value> = match kind {
        Kind::Text => text.prop_map(Value::from).boxed(),
        Kind::Bigint => any::<i64>().prop_map(Value::from).boxed(),
        Kind::Numeric | Kind::Double => {
            prop_oneof![number, any::<i32>().prop_map(Value::from)].boxed()
        }
        Kind::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Jsonb => vec(any_value(), 0..3).prop_map(|all| json!({"a": all, "b": {}})).boxed(),
        Kind::Texts => vec(prop::option::of(text), 0..4).prop_map(|all| json!(all)).boxed(),
    };
    prop_oneof![20 => own, 2 => Just(Value::Null), 1 => any_value()].boxed()
}

fn any_value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!("x"),
        json!(""),
        json!(7),
        json!(1.5),
        json!([]),
        json!({}),
        json!([1, null]),
        json!({"o": 1}),
    ])
}

/// A record of a shape, or an entry: mostly with all its keys.
fn object(shape: &Shape) -> BoxedStrategy<Value> {
    let columns: Vec<_> = shape
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            prop::option::weighted(0.9, value(column.kind)).prop_map(move |value| (at, value))
        })
        .collect();
    let lists: Vec<_> = shape
        .lists
        .iter()
        .enumerate()
        .map(|(at, (inner, _))| {
            let entry =
                prop_oneof![12 => object(inner), 1 => Just(Value::Null), 1 => Just(json!(1))];
            let list = prop_oneof![12 => vec(entry, 0..4).prop_map(Value::from), 1 => any_value()];
            prop::option::weighted(0.9, list).prop_map(move |value| (at, value))
        })
        .collect();
    let declared = shape.columns.clone();
    (columns, lists, prop::bool::weighted(0.1))
        .prop_map(move |(columns, lists, is_odd)| {
            let mut object = Map::new();
            for (at, value) in columns {
                let Some(value) = value else { continue };
                match declared[at].within {
                    None => object.insert(format!("c{at}"), value),
                    Some(within) => object
                        .entry(within)
                        .or_insert_with(|| json!({}))
                        .as_object_mut()
                        .unwrap()
                        .insert(format!("c{at}"), value),
                };
            }
            if is_odd && let Some(within) = object.get_mut("o") {
                *within = json!("no object");
            }
            for (at, value) in lists {
                object.extend(value.map(|value| (format!("l{at}"), value)));
            }
            Value::Object(object)
        })
        .boxed()
}

/// The feed file of a shape.
fn file(name: &str, shape: &Shape) -> String {
    let mut text = format!("name = \"{name}\"\nmode = \"append\"\nrecord_id = \"rid\"\n");
    add_table(&mut text, name, "$", shape);
    text
}

fn add_table(text: &mut String, name: &str, each: &str, shape: &Shape) {
    writeln!(text, "[[table]]\nname = \"{name}\"").unwrap();
    if each != "$" {
        writeln!(text, "each = \"{each}\"\nposition = \"{}\"", position(each)).unwrap();
    }
    writeln!(text, "[table.columns]").unwrap();
    for (at, Column { kind, within, required, has_default }) in shape.columns.iter().enumerate() {
        let (declared, default) = match kind {
            Kind::Text => ("text", "\"d\""),
            Kind::Bigint => ("bigint", "5"),
            Kind::Numeric => ("numeric", "1.5"),
            Kind::Double => ("double precision", "1.5"),
            Kind::Boolean => ("boolean", "true"),
            Kind::Jsonb => ("jsonb", "{ d = 1 }"),
            Kind::Texts => ("text[]", "[\"d\"]"),
        };
        let path = within.map_or(format!("$.c{at}"), |within| format!("$['{within}'].c{at}"));
        let default = if *has_default { format!(", default = {default}") } else { String::new() };
        writeln!(text, "{}_c{at} = {{ path = \"{path}\", type = \"{declared}\", required = {required}{default} }}", prefix(each)).unwrap();
    }
    for (at, (inner, required)) in shape.lists.iter().enumerate() {
        let each = format!("{each}.l{at}[*]");
        add_table(text, &format!("{name}_l{at}"), &each, inner);
        if *required {
            // The key of the table, before its columns.
            let head = format!("each = \"{each}\"\n");
            *text = text.replacen(&head, &format!("{head}required = true\n"), 1);
        }
    }
}

/// What the names of columns of a table begin with, so that no two tables have the same.
fn prefix(each: &str) -> String {
    each.chars().filter(char::is_ascii_alphanumeric).collect::<String>() + "x"
}

fn position(each: &str) -> String {
    format!("{}_no", prefix(each))
}

/// The rows of each table by a slow reading: behind the number of the record's row, the columns.
#[derive(Debug, Default)]
struct Rows(Vec<(String, Vec<Map<String, Value>>)>);

impl Rows {
    fn push(&mut self, table: &str, row: Map<String, Value>) {
        match self.0.iter_mut().find(|(name, _)| name == table) {
            Some((_, rows)) => rows.push(row),
            None => self.0.push((table.to_owned(), vec![row])),
        }
    }
}

/// Reads a record or entry slowly; None when it must be rejected.
fn read(
    rows: &mut Rows,
    table: &str,
    each: &str,
    shape: &Shape,
    object: &Value,
    outer: &Map<String, Value>,
) -> Option<()> {
    let mut row = outer.clone();
    for (at, column) in shape.columns.iter().enumerate() {
        let found = match column.within {
            None => object.get(format!("c{at}")),
            Some(within) => match object.get(within) {
                None => None,
                Some(Value::Null) => Some(&Value::Null),
                Some(Value::Object(within)) => within.get(&format!("c{at}")),
                Some(_) => return None,
            },
        };
        let value = match found {
            None if column.has_default && !object.is_null() => default(column.kind),
            None => Value::Null,
            Some(value) => taken(column.kind, value)?,
        };
        if column.required && value.is_null() {
            return None;
        }
        row.insert(format!("{}_c{at}", prefix(each)), value);
    }
    rows.push(table, row);
    for (at, (inner, required)) in shape.lists.iter().enumerate() {
        let each = format!("{each}.l{at}[*]");
        let entries = match object.get(format!("l{at}")) {
            Some(Value::Array(entries)) => entries.as_slice(),
            None | Some(Value::Null) if !required => &[],
            _ => return None,
        };
        for (number, entry) in entries.iter().enumerate() {
            let mut outer: Map<_, _> =
                outer.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            outer.insert(position(&each), json!(number + 1));
            if !entry.is_object() && !entry.is_null() {
                return None;
            }
            read(rows, &format!("{table}_l{at}"), &each, inner, entry, &outer)?;
        }
    }
    Some(())
}

fn default(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!("d"),
        Kind::Bigint => json!(5),
        Kind::Numeric | Kind::Double => json!(1.5),
        Kind::Boolean => json!(true),
        Kind::Jsonb => json!({"d": 1}),
        Kind::Texts => json!(["d"]),
    }
}

/// What a value becomes; None where the kind does not take it.
fn taken(kind: Kind, value: &Value) -> Option<Value> {
    let as_text = |value: &Value| match value {
        Value::Null => Some(Value::Null),
        Value::String(text) => Some(json!(text)),
        Value::Number(_) | Value::Bool(_) => Some(json!(value.to_string())),
        _ => None,
    };
    match (kind, value) {
        (_, Value::Null) => Some(Value::Null),
        (Kind::Text, value) => as_text(value),
        (Kind::Bigint, Value::Number(number)) if number.is_i64() => Some(value.clone()),
        (Kind::Numeric | Kind::Double, Value::Number(_)) => Some(value.clone()),
        (Kind::Boolean, Value::Bool(_)) => Some(value.clone()),
        (Kind::Jsonb, value) => Some(value.clone()),
        (Kind::Texts, Value::Array(all)) => all.iter().map(as_text).collect(),
        _ => None,
    }
}

/// Numbers by their value: the database prints 2.0 of a double as 2.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(all) => all.iter().map(normal).collect(),
        Value::Object(all) => {
            all.iter().map(|(name, value)| (name.clone(), normal(value))).collect()
        }
        other => other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lands_of_any_feed_is_what_a_slow_reading_finds() {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let database = TestDatabase::empty().await;
    let runtime = tokio::runtime::Handle::current();
    let cases = shape().prop_flat_map(|shape| {
        let records = vec(object(&shape), 1..12);
        (Just(shape), records)
    });
    let run = |(shape, records): (Shape, Vec<Value>)| {
        let name = format!("f{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let text: String = records.iter().map(|record| format!("{record}\n")).collect();
        let feed = Feed::read("feed.toml", &file(&name, &shape)).unwrap();
        let (mut expected, mut rejected) = (Rows::default(), 0);
        for (at, record) in records.iter().enumerate() {
            let mut of_record = Rows::default();
            let row = Map::from_iter([("at".to_owned(), json!(at - rejected))]);
            match read(&mut of_record, &name, "$", &shape, record, &row) {
                Some(()) => of_record.0.into_iter().for_each(|(table, rows)| {
                    rows.into_iter().for_each(|row| expected.push(&table, row));
                }),
                None => rejected += 1,
            }
        }
        let landed = runtime.block_on(land(&database, &feed, &text));
        assert_eq!(landed.1, rejected, "{}\n{text}", feed.text);
        for (table, rows) in landed.0 {
            let wanted = expected.0.iter().find(|(name, _)| *name == table);
            let wanted: Vec<_> = wanted
                .into_iter()
                .flat_map(|(_, rows)| rows)
                .map(|row| normal(&json!(row)))
                .collect();
            let rows: Vec<_> = rows.iter().map(normal).collect();
            assert_eq!(rows, wanted, "{table}\n{}\n{text}", feed.text);
        }
        Ok(())
    };
    tokio::task::spawn_blocking(|| ()).await.unwrap();
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    tokio::task::block_in_place(|| TestRunner::new(config).run(&cases, run)).unwrap();
}

/// Loads a text, and the rows of each table in their order, with the number of the record's row instead of its
/// id; and how many records are rejected.
async fn land(
    database: &TestDatabase,
    feed: &Arc<Feed>,
    text: &str,
) -> (Vec<(String, Vec<Value>)>, usize) {
    let store = Arc::new(InMemory::new());
    store.put(&feed.name.as_str().into(), PutPayload::from(text.to_owned())).await.unwrap();
    let object = Bucket::new("memory://", store).locate(&feed.name).await.unwrap();
    let mut connection = database.migrated().await;
    let summary = load(&object, feed, &mut connection, &options(Mode::Append)).await.unwrap();
    let mut tables = Vec::new();
    let mut ids: Vec<Value> = Vec::new();
    for plan in &feed.plan.tables[..feed.plan.rejects_index()] {
        let sql = format!("select to_jsonb(t) from {} t order by ctid", plan.name);
        let rows = connection.query(&sql, &[]).await.unwrap();
        let mut rows: Vec<Value> = rows.iter().map(|row| row.get(0)).collect();
        if plan.name == feed.plan.root().name {
            ids = rows.iter().map(|row| row["rid"].clone()).collect();
        }
        for row in &mut rows {
            let row = row.as_object_mut().unwrap();
            let id = row.remove("rid").unwrap();
            row.insert("at".to_owned(), json!(ids.iter().position(|known| *known == id)));
        }
        tables.push((plan.name.plain(), rows));
    }
    (tables, summary.rejected as usize)
}
