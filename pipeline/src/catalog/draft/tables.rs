//! The tables of a draft: the root table, and a child table for each list of objects.

use std::collections::VecDeque;

use super::fields::{Entry, flatten, held, path};
use super::key::Key;
use super::kind::Kind;
use super::names::{Names, safe, singular};
use crate::feed::TableName;
use crate::infer::shape::{Objects, Shape};
use crate::json::path::{JsonPath, Step};

/// Tables of a feed, without that of the rejects.
const MAX_TABLES: usize = 31;
/// Lists within each other.
const MAX_LISTS: usize = 8;

/// A table of a draft.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) name: String,
    /// The list that it has a row for each entry of; none for the root table.
    pub(super) each: Option<JsonPath>,
    pub(super) position: Option<String>,
    /// The column for the keys that the feed does not know.
    pub(super) rest: Option<String>,
    pub(super) lines: Vec<Line>,
}

/// A line of a table: a column, or only what is said about a field.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) path: JsonPath,
    pub(super) column: Option<Column>,
    pub(super) remark: Option<String>,
    /// Whether the field is lost: no column of the feed has it.
    pub(super) is_lost: bool,
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) data_type: String,
    pub(super) required: bool,
}

/// Lists that become tables, in the order in which they are found.
struct Lists<'a> {
    waiting: VecDeque<List<'a>>,
    /// Tables so far, and those that wait.
    tables: usize,
}

/// A list that becomes a table.
struct List<'a> {
    objects: &'a Objects,
    /// The steps that lead from the record to each entry.
    steps: Vec<Step>,
    /// Its table without its schema.
    parent: String,
    /// The keys that lead to it from its parent.
    keys: Vec<String>,
    /// The positions of the lists above it.
    positions: Vec<String>,
}

/// Names that the tables may not use for columns of their own.
pub(super) struct Taken<'a> {
    /// Columns that we fill in every table.
    pub(super) ours: &'a [&'a str],
    /// The root table.
    pub(super) root: &'a TableName,
}

/// The tables of records, those of nested lists after those of the lists that they are in.
pub(super) fn tables(
    shape: &Shape,
    taken: &Taken<'_>,
    key: Option<&Key>,
    names: &mut Names,
) -> Vec<Table> {
    let mut lists = Lists { waiting: VecDeque::new(), tables: 1 };
    let root = root(shape, taken, key, &mut lists);
    let mut key_columns: Vec<String> = root.required_columns().map(str::to_owned).collect();
    key_columns.extend(taken.ours.iter().map(|&name| name.to_owned()));
    let mut tables = vec![root];
    while let Some(list) = lists.waiting.pop_front() {
        let name = names.take(&format!("{}_{}", list.parent, joined(&list.keys)));
        tables.push(child(list, &name, taken.root, &key_columns, &mut lists));
    }
    tables
}

fn root<'a>(
    shape: &'a Shape,
    taken: &Taken<'_>,
    key: Option<&Key>,
    lists: &mut Lists<'a>,
) -> Table {
    let mut names = Names::of_columns(taken.ours.iter().copied());
    let rest = names.take("rest");
    let mut table = Table { name: taken.root.plain(), rest: Some(rest), ..Table::default() };
    let Some(objects) = shape.record().objects.as_deref().filter(|it| it.map.is_none()) else {
        table.lines.push(Line {
            path: JsonPath::default(),
            column: Some(Column {
                name: names.take("record"),
                data_type: "jsonb".to_owned(),
                required: false,
            }),
            remark: Some("the records have too many keys for columns".to_owned()),
            is_lost: false,
        });
        return table;
    };
    let mut entries = flatten(objects, &[]);
    // The key gets its own name, whatever else would have it.
    let is_key = |entry: &Entry<'_>| key.is_some_and(|key| entry.keys == [key.field.as_str()]);
    entries.sort_by_key(|entry| !is_key(entry));
    let (entries, left_over) = held(entries);
    for entry in entries {
        let required = is_key(&entry);
        let parent = (&[][..], taken.root.table.as_str(), &[][..]);
        table.lines.push(line(entry, required, parent, &mut names, lists));
    }
    let remark = "a row has no room for more columns: it is kept in the column of the rest";
    table.lines.extend(left_over.iter().filter_map(|entry| kept_in_rest(entry, remark)));
    table
}

fn child<'a>(
    list: List<'a>,
    name: &str,
    root: &TableName,
    key_columns: &[String],
    lists: &mut Lists<'a>,
) -> Table {
    let taken = key_columns.iter().chain(&list.positions).map(String::as_str);
    let mut names = Names::of_columns(taken);
    let last = list.keys.last().map(|key| safe(key)).unwrap_or_default();
    let position = names.take(&format!("{}_no", singular(&last)));
    let positions: Vec<String> = list.positions.iter().cloned().chain([position.clone()]).collect();
    let mut table = Table {
        name: beside(root, name),
        each: Some(JsonPath::of(&list.steps)),
        position: Some(position),
        ..Table::default()
    };
    let (entries, left_over) = held(flatten(list.objects, &[]));
    for entry in entries {
        let parent = (&list.steps[..], name, &positions[..]);
        table.lines.push(line(entry, false, parent, &mut names, lists));
    }
    if !left_over.is_empty() {
        table.lines.push(Line {
            path: JsonPath::default(),
            column: Some(Column {
                name: names.take("entry"),
                data_type: "jsonb".to_owned(),
                required: false,
            }),
            remark: Some(format!("a row has no room for {} more columns", left_over.len())),
            is_lost: false,
        });
    }
    table
}

/// The column of an entry, or its child table.
fn line<'a>(
    entry: Entry<'a>,
    required: bool,
    (steps, table, positions): (&[Step], &str, &[String]),
    names: &mut Names,
    lists: &mut Lists<'a>,
) -> Line {
    let entry_path = path(&[], &entry.keys).unwrap_or_default();
    let mut remark = entry.remark;
    let data_type = match entry.kind {
        Kind::Scalar(data_type) => data_type.to_owned(),
        Kind::Array(data_type) => format!("{data_type}[]"),
        Kind::LeftOut => return Line { path: entry_path, column: None, remark, is_lost: true },
        Kind::Json | Kind::Struct(_) => "jsonb".to_owned(),
        Kind::List(objects) => {
            let keys = entry.keys.iter().map(|key| Step::Field((*key).to_owned()));
            let steps: Vec<_> = steps.iter().cloned().chain(keys).chain([Step::Each]).collect();
            match lists.why_not(&steps) {
                None => {
                    let keys = entry.keys.iter().map(|key| (*key).to_owned()).collect();
                    let (parent, positions) = (table.to_owned(), positions.to_vec());
                    lists.tables += 1;
                    lists.waiting.push_back(List { objects, steps, parent, keys, positions });
                    return Line { path: entry_path, column: None, remark: None, is_lost: false };
                }
                Some(why) => remark = Some(why),
            }
            if super::kind::holds_nul(entry.node) {
                return Line { path: entry_path, column: None, remark, is_lost: true };
            }
            "jsonb".to_owned()
        }
    };
    let name = names.take(&joined(&entry.keys));
    let column = Some(Column { name, data_type, required });
    Line { path: entry_path, column, remark, is_lost: false }
}

impl Lists<'_> {
    /// Why the list that these steps lead to can be no table.
    fn why_not(&self, steps: &[Step]) -> Option<String> {
        if self.tables == MAX_TABLES {
            return Some("a list of objects: a feed has no room for more tables".to_owned());
        }
        if steps.iter().filter(|step| **step == Step::Each).count() > MAX_LISTS {
            return Some(format!("a list of objects within {MAX_LISTS} others"));
        }
        let is_path = JsonPath::of(steps).to_string().parse::<JsonPath>().is_ok();
        (!is_path).then(|| "a list of objects, of which the path is too long".to_owned())
    }
}

/// A table in the schema of another one, as a feed file has it.
fn beside(root: &TableName, name: &str) -> String {
    let table = name.parse().map(|table| TableName { schema: root.schema.clone(), table });
    table.map_or_else(|_| name.to_owned(), |table| table.plain())
}

impl Table {
    /// The column that a key of the records is in.
    pub(super) fn column_of(&self, key: &str) -> Option<&str> {
        let path = path(&[], &[key])?;
        let line = self.lines.iter().find(|line| line.path == path)?;
        line.column.as_ref().map(|column| column.name.as_str())
    }

    /// The columns of the key.
    pub(super) fn required_columns(&self) -> impl Iterator<Item = &str> {
        let columns = self.lines.iter().filter_map(|line| line.column.as_ref());
        columns.filter(|column| column.required).map(|column| column.name.as_str())
    }
}

fn kept_in_rest(entry: &Entry<'_>, remark: &str) -> Option<Line> {
    let path = path(&[], &entry.keys)?;
    Some(Line { path, column: None, remark: Some(remark.to_owned()), is_lost: false })
}

fn joined<T: AsRef<str>>(keys: &[T]) -> String {
    keys.iter().map(|key| safe(key.as_ref())).collect::<Vec<_>>().join("_")
}
