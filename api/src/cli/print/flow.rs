//! How records flow through a feed, as a picture of at most 100 columns.

use std::fmt::Write as _;

use pipeline::side_by_side::one_line;

use crate::cli::feed::FeedDescription;

/// Columns of the picture.
const WIDTH: usize = 100;
/// Columns of the name of a table.
const TABLE_WIDTH: usize = 34;

/// From the objects by way of valid and rejected records to the tables.
pub(super) fn flow(feed: &FeedDescription) -> String {
    let objects = match feed.objects.as_slice() {
        [] => "objects".to_owned(),
        patterns => patterns.join(", "),
    };
    let tables = feed.tables.iter().map(|it| (it.table.as_str(), it.rows())).collect::<Vec<_>>();
    picture(&objects, &tables)
}

/// The last table is that of the rejected records.
fn picture(source: &str, tables: &[(&str, String)]) -> String {
    let names: Vec<_> = tables.iter().map(|(name, _)| cut(name, TABLE_WIDTH)).collect();
    let name_width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let mut text = format!("{}\n │\n", cut(source, WIDTH));
    let last_valid = tables.len().saturating_sub(2);
    for (at, (name, (_, rows))) in names.iter().zip(tables).enumerate() {
        let way = match at {
            0 if last_valid == 0 => " ├─▶ valid ──────▶ ",
            0 => " ├─▶ valid ────┬─▶ ",
            _ if at < last_valid => " │             ├─▶ ",
            _ if at == last_valid => " │             └─▶ ",
            _ => " │\n └─▶ rejected ───▶ ",
        };
        let used = way.lines().last().map_or(0, |line| line.chars().count()) + name_width + 3;
        let rows = cut(rows, WIDTH - used);
        // Writing to a string cannot fail.
        writeln!(text, "{way}{name:name_width$}   {rows}").ok();
    }
    text
}

/// A text on one line of at most so many characters.
fn cut(text: &str, width: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= width {
        return line;
    }
    line.chars().take(width - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_stand_under_each_other() {
        let rows = |text: &str| text.to_owned();
        let tables = [("a", rows("one")), ("long_name", rows("two")), ("r", rows("three"))];
        let expected = "\
x/*
 │
 ├─▶ valid ────┬─▶ a           one
 │             └─▶ long_name   two
 │
 └─▶ rejected ───▶ r           three
";
        assert_eq!(picture("x/*", &tables), expected);
        let alone = picture("x/*", &[("a", rows("one")), ("r", rows("two"))]);
        assert!(alone.contains(" ├─▶ valid ──────▶ a   one\n"), "{alone}");
    }

    #[test]
    fn no_line_is_longer_than_the_picture_is_wide() {
        let (long, rows) = ("ü".repeat(126), "x".repeat(200));
        let shown = picture(&long, &[(&long, rows.clone()), (&long, rows.clone()), (&long, rows)]);
        let widths: Vec<_> = shown.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths.iter().max(), Some(&WIDTH), "{shown}");
    }
}
