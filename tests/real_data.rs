//! Data that nobody here wrote, loaded by drafts that nobody has edited: what lands is held against a reading of
//! the same files by `serde_json`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::support::{TestDatabase, json_lines, repository, stderr, stevedore};

fn unpacked(file: &Path) -> impl BufRead + use<> {
    BufReader::new(GzDecoder::new(File::open(file).unwrap()))
}

/// Puts the records into a folder, as an export would: a file for each kind. The records by the file that they
/// are in.
fn put(folder: &Path) -> BTreeMap<String, Vec<Value>> {
    let data = repository("tests/data/third_party");
    let mut records = BTreeMap::<String, Vec<Value>>::new();
    std::fs::create_dir_all(folder.join("github")).unwrap();
    std::fs::create_dir_all(folder.join("vega")).unwrap();
    for line in unpacked(&data.join("github_webhooks.ndjson.gz")).lines() {
        let mut line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let key = format!("github/{}.ndjson", line["event"].as_str().unwrap());
        records.entry(key).or_default().push(line["example"].take());
    }
    for (key, records) in &records {
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        std::fs::write(folder.join(key), lines).unwrap();
    }
    for file in std::fs::read_dir(data.join("vega")).unwrap() {
        let (file, mut text) = (file.unwrap().path(), String::new());
        unpacked(&file).read_to_string(&mut text).unwrap();
        let key = format!("vega/{}", file.file_name().unwrap().to_str().unwrap());
        std::fs::copy(&file, folder.join(&key)).unwrap();
        records.insert(key, serde_json::from_str(&text).unwrap());
    }
    records
}

/// The steps of a path: keys, and `[*]` for the entries of a list.
fn steps(path: &str) -> Vec<String> {
    let (mut steps, mut rest) = (Vec::new(), path.strip_prefix('$').unwrap());
    while !rest.is_empty() {
        let end;
        if let Some(quoted) = rest.strip_prefix("['") {
            let (key, _) = quoted.split_once("']").unwrap();
            (end, rest) = (key.len() + 2, quoted);
            steps.push(key.to_owned());
        } else if let Some(entries) = rest.strip_prefix("[*]") {
            (end, rest) = (0, entries);
            steps.push("[*]".to_owned());
        } else {
            rest = rest.strip_prefix('.').unwrap();
            end = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(rest[..end].to_owned());
        }
        rest = &rest[end..];
    }
    steps
}

/// What a path leads to: of a list all entries, of a missing key nothing.
fn at<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for step in steps(path) {
        found = found
            .into_iter()
            .flat_map(|value| match (&*step, value) {
                ("[*]", Value::Array(entries)) => entries.iter().collect(),
                (key, Value::Object(fields)) => fields.get(key).into_iter().collect(),
                _ => Vec::new(),
            })
            .collect();
    }
    found
}

/// A value in a form that does not depend on how it is written.
fn plain(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("{}", number.as_f64().unwrap()),
        Value::Array(values) => format!("{:?}", values.iter().map(plain).collect::<Vec<_>>()),
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().map(|(key, it)| (key, plain(it))).collect();
            format!("{fields:?}")
        }
        other => other.to_string(),
    }
}

/// A column of a draft that has its value from the record or entry.
struct Column {
    name: String,
    path: String,
    data_type: String,
}

/// The table of a draft, with what is read of it.
struct Table {
    name: String,
    each: String,
    columns: Vec<Column>,
    has_rest: bool,
}

impl Table {
    fn of(table: &toml::Value) -> Self {
        let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
        let columns = table["columns"].as_table().unwrap().iter().map(|(name, column)| Column {
            name: name.clone(),
            path: column.get("path").map_or(format!("$.{name}"), text),
            data_type: text(&column["type"]),
        });
        Self {
            name: text(&table["name"]),
            each: table.get("each").map_or("$".to_owned(), text),
            columns: columns.collect(),
            has_rest: table.get("rest").is_some(),
        }
    }

    /// Texts of rows from the source, in order.
    async fn rows_of(&self, records: &[&Value], database: &TestDatabase) -> Vec<String> {
        let entries: Vec<_> = records.iter().flat_map(|record| at(record, &self.each)).collect();
        let mut rows = vec![String::new(); entries.len()];
        for column in &self.columns {
            let values: Vec<_> = entries
                .iter()
                .map(|entry| {
                    at(entry, &column.path).first().map_or(Value::Null, |it| (*it).clone())
                })
                .collect();
            let values = if column.data_type == "timestamptz" {
                instants(&values, database).await
            } else {
                values
            };
            for (row, value) in rows.iter_mut().zip(values) {
                row.push_str(&format!("{}={};", column.name, plain(&value)));
            }
        }
        rows.sort();
        rows
    }

    /// Texts of rows of the database, in order.
    async fn rows_in(&self, database: &TestDatabase) -> Vec<String> {
        let columns =
            self.columns.iter().map(|Column { name, data_type, .. }| match &**data_type {
                "timestamptz" => format!("(\"{name}\" at time zone 'UTC')::text as \"{name}\""),
                _ => format!("\"{name}\""),
            });
        let columns: Vec<_> = columns.collect();
        let name = self.name.replace('.', "\".\"");
        let sql = format!("select {} from \"{name}\"", columns.join(", "));
        let rows = database.rows(&sql).await;
        let mut rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let values = self
                    .columns
                    .iter()
                    .map(|column| format!("{}={};", column.name, plain(&row[&column.name])));
                values.collect::<String>()
            })
            .collect();
        rows.sort();
        rows
    }
}

/// Texts of instants as the database prints them in UTC.
async fn instants(values: &[Value], database: &TestDatabase) -> Vec<Value> {
    let texts: Vec<_> = values.iter().map(Value::as_str).collect();
    let sql = "select (v::timestamptz at time zone 'UTC')::text \
               from unnest($1::text[]) with ordinality as t (v, n) order by n";
    let rows = database.connect().await.query(sql, &[&texts]).await.unwrap();
    rows.iter().map(|row| row.get::<_, Option<String>>(0).into()).collect()
}

#[tokio::test]
async fn real_data_loads_by_its_drafts_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let records = put(&folder.path().join("lake"));
    assert_eq!(records.keys().filter(|key| key.starts_with("github/")).count(), 58);
    let drafted = stevedore(&["feed", "draft", "lake", "--out", "feeds"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(drafted.status.success(), "{}", stderr(&drafted));

    let database = TestDatabase::empty().await;
    let loaded = database
        .stevedore(&["load", "lake", "--feeds", "feeds", "--no-preflight", "--json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(loaded.status.success(), "{}", stderr(&loaded));
    let mut by_feed = BTreeMap::<String, Vec<&Value>>::new();
    for load in json_lines(&loaded) {
        let object = load["object"].as_str().unwrap();
        let (_, key) = object.split_once("/lake/").unwrap();
        assert_eq!(load["records"], records[key].len(), "{key}");
        assert_eq!((&load["loaded"], &load["rejected"]), (&load["records"], &0.into()), "{key}");
        by_feed.entry(load["feed"].as_str().unwrap().to_owned()).or_default().extend(&records[key]);
    }
    let loaded: usize = by_feed.values().map(Vec::len).sum();
    assert_eq!(loaded, records.values().map(Vec::len).sum::<usize>());

    let mut lists = 0;
    for (feed, records) in &by_feed {
        let text =
            std::fs::read_to_string(folder.path().join(format!("feeds/{feed}.toml"))).unwrap();
        let draft: toml::Value = text.parse::<toml::Table>().unwrap().into();
        for table in draft["table"].as_array().unwrap().iter().map(Table::of) {
            let expected = table.rows_of(records, &database).await;
            let there = table.rows_in(&database).await;
            assert_eq!(there.len(), expected.len(), "{feed}: rows of {}", table.name);
            for (there, expected) in there.iter().zip(&expected) {
                assert_eq!(there, expected, "{feed}: {}", table.name);
            }
            if table.has_rest {
                let kept = format!("\"{}\" where rest is not null", table.name);
                assert_eq!(database.count(&kept).await, 0, "{feed}: not declared");
            }
            lists += usize::from(table.each != "$" && !expected.is_empty());
        }
    }
    assert!(lists > 20, "{lists} lists with entries");
}
