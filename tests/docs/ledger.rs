//! The page of the ledger's tables: names, types and nulls are the database's. What a table or column means
//! is written by hand in the page, and kept when it is written anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{assert_page, cells, page};
use crate::support::TestDatabase;

const PAGE: &str = "reference/ledger.md";
const HEAD: &str = "| column | type | null | meaning |\n|---|---|---|---|\n";

/// What is written by hand.
#[derive(Default)]
struct Written {
    /// The text before the first table.
    beginning: String,
    /// The text below the heading of each table.
    tables: BTreeMap<String, String>,
    /// What a column means, by table and column.
    columns: BTreeMap<(String, String), String>,
}

fn written() -> Written {
    let mut written = Written::default();
    let mut table = String::new();
    for line in page(PAGE).lines() {
        if let Some(name) = line.strip_prefix("## ") {
            table = name.to_owned();
        } else if let Some(cells) = cells(line) {
            let column = cells[0].trim_matches('`').to_owned();
            let meaning = cells.get(3).copied().unwrap_or_default().to_owned();
            written.columns.insert((table.clone(), column), meaning);
        } else if !line.starts_with("|--") {
            let text = match table.is_empty() {
                true => &mut written.beginning,
                false => written.tables.entry(table.clone()).or_default(),
            };
            writeln!(text, "{line}").unwrap();
        }
    }
    written
}

#[tokio::test]
async fn the_page_of_the_ledger_has_every_table_and_column() {
    let database = TestDatabase::empty().await;
    let connection = database.migrated().await;
    let sql = "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), not a.attnotnull \
        from pg_class c join pg_attribute a on a.attrelid = c.oid \
        where c.relnamespace = 'stevedore'::regnamespace and c.relkind = 'r' and a.attnum > 0 \
        and not a.attisdropped and c.relname <> 'migrations' order by c.relname, a.attnum";
    let written = written();
    let mut expected = format!("{}\n", written.beginning.trim_end());
    let mut last = String::new();
    for row in connection.query(sql, &[]).await.unwrap() {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        if table != last {
            let text = written.tables.get(&table).map_or("", |text| text.trim());
            write!(expected, "\n## {table}\n\n{text}\n\n{HEAD}").unwrap();
            last.clone_from(&table);
        }
        let (kind, is_null): (String, bool) = (row.get(2), row.get(3));
        let meaning = written.columns.get(&(table, column.clone())).map_or("", String::as_str);
        let null = if is_null { "yes" } else { "no" };
        writeln!(expected, "| `{column}` | {kind} | {null} | {meaning} |").unwrap();
    }
    assert_page(PAGE, &expected);
    let empty: Vec<&str> = expected.lines().filter(|line| line.ends_with("|  |")).collect();
    assert!(empty.is_empty(), "docs/{PAGE} does not say what these mean:\n{}", empty.join("\n"));
}
