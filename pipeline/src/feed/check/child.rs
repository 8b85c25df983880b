//! Child tables: which list each is of.

use toml::Spanned;

use super::column::key;
use super::{Check, Scope};
use crate::feed::file::{FeedFile, TableFile};
use crate::feed::{Field, Kind, List, RowsOf};
use crate::json::path::{JsonPath, Step};

/// Lists within lists at most.
const MAX_LEVELS: usize = 8;

impl Check {
    /// Reads the tables: what each row is of, and its columns.
    pub(super) fn scopes(&mut self, file: &FeedFile) -> Vec<Scope> {
        self.with_expressions = lists_with_expressions(file);
        let mut scopes = Vec::with_capacity(file.table.len());
        for (at, table) in file.table.iter().enumerate() {
            let mut scope = match at {
                0 => self.root(table),
                _ => self.child(at, table, &mut scopes),
            };
            self.columns(table, &mut scope);
            scopes.push(scope);
        }
        scopes
    }

    fn root(&mut self, table: &TableFile) -> Scope {
        for (is_there, word) in
            [(table.each.as_ref(), "each"), (table.position.as_ref(), "position")]
        {
            if let Some(at) = is_there {
                let message =
                    format!("the first table has a row for each record, so it has no `{word}`");
                self.wrong(at, message);
            }
        }
        Scope {
            rows: RowsOf::Records,
            lists: Vec::new(),
            position: None,
            fields: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// The table of the entries of a list, which is added to the fields of what it is in.
    fn child(&mut self, at: usize, table: &TableFile, scopes: &mut [Scope]) -> Scope {
        if let Some(rest) = &table.rest {
            self.wrong(rest, "only the first table has a `rest`");
        }
        let position = table.position.as_ref().and_then(|name| self.column_name(name));
        let lists = self.lists(table);
        let parent = lists.as_ref().and_then(|lists| self.parent(table, lists, scopes));
        let lists = lists.unwrap_or_default();
        // What is wrong with the list is said; its columns are looked at all the same.
        let mut rows = RowsOf::Entries { list: usize::MAX, parent: 0 };
        if let (Some(parent), Some(path), Some(each)) = (parent, lists.last(), &table.each) {
            let fields = &mut scopes[parent].fields;
            rows = RowsOf::Entries { list: fields.len(), parent };
            fields.push(Field {
                path: path.clone(),
                column: each.get_ref().clone(),
                kind: Kind::List(List {
                    table: at,
                    fields: Vec::new(),
                    position: match &position {
                        Some(name) => Some(name.as_str().to_owned()),
                        None => {
                            self.counts_entries(each.get_ref()).then(|| format!("$position_{at}"))
                        }
                    },
                }),
                required: table.required,
                non_empty: false,
                default: None,
            });
        }
        Scope { rows, lists, position, fields: Vec::new(), columns: Vec::new() }
    }

    /// Whether entries of a list are numbered though no column has the number: an expression may reject
    /// one of them, or one within, and then its place is told.
    fn counts_entries(&self, each: &str) -> bool {
        self.with_expressions.iter().any(|list| list.starts_with(each))
    }

    /// The keys before each list that leads to the entries.
    fn lists(&mut self, table: &TableFile) -> Option<Vec<Vec<String>>> {
        let Some(each) = &table.each else {
            let message = "a table behind the first has a row for each entry of a list: expected \
                `each = \"$.key[*]\"`";
            self.wrong(&table.name, message);
            return None;
        };
        let path: JsonPath = self.parse(each)?;
        let [steps @ .., Step::Each] = path.steps() else {
            self.wrong(each, "expected a list: `$.key[*]`");
            return None;
        };
        let lists = steps.split(|step| *step == Step::Each);
        let lists: Vec<Vec<String>> =
            lists.map(|keys| keys.iter().filter_map(key).collect()).collect();
        if lists.len() > MAX_LEVELS {
            self.wrong(each, format!("there are at most {MAX_LEVELS} lists within each other"));
            return None;
        }
        if lists[0].is_empty() {
            self.wrong(each, "a record is no list: expected `$.key[*]`");
            return None;
        }
        Some(lists)
    }

    /// The table of what the list is in: the record, or the entries of the list before.
    fn parent(
        &mut self,
        table: &TableFile,
        lists: &[Vec<String>],
        scopes: &[Scope],
    ) -> Option<usize> {
        let each = table.each.as_ref()?;
        let of = |lists: &[Vec<String>]| scopes.iter().position(|scope| scope.lists == lists);
        if of(lists).is_some() {
            self.wrong(each, format!("`{}` is read into another table already", each.get_ref()));
            return None;
        }
        let parent = of(&lists[..lists.len() - 1]);
        if parent.is_none() {
            self.wrong(each, no_parent(each));
        }
        parent
    }
}

/// The lists of the tables that have a rule or a computed column.
fn lists_with_expressions(file: &FeedFile) -> Vec<String> {
    let has_rule = |table: &TableFile| {
        let mut tables = file.rule.iter().filter_map(|rule| rule.table.as_ref());
        tables.any(|name| name.get_ref() == table.name.get_ref())
    };
    let is_computed = |table: &TableFile| table.columns.values().any(|column| column.sql.is_some());
    let tables = file.table.iter().filter(|table| has_rule(table) || is_computed(table));
    tables.filter_map(|table| Some(table.each.as_ref()?.get_ref().clone())).collect()
}

fn no_parent(each: &Spanned<String>) -> String {
    let outer = each.get_ref().trim_end_matches("[*]");
    let outer = outer.rfind("[*]").map_or(outer, |end| &outer[..end + 3]);
    format!(
        "the list within needs a table of the list around it: declare `each = \"{outer}\"` before"
    )
}
