//! What is printed of the rows of tables.

use comfy_table::Cell;
use pipeline::side_by_side::cell;

use super::Printer;
use super::table::{framed, right};
use crate::cli::preview::Preview;

impl Printer {
    /// The first rows of the tables.
    pub(crate) fn previews(&self, previews: &[Preview]) {
        for preview in previews {
            self.text("\n");
            self.preview(preview);
        }
    }

    /// Rows of a table.
    pub(crate) fn preview(&self, preview: &Preview) {
        let Preview { table, columns, rows, has_more } = preview;
        let header = columns
            .iter()
            .map(|column| Cell::new(format!("{}\n{}", cell(&column.name), column.data_type)));
        // Only the cells of numbers: the names above them stay where all names are.
        let aligned = |(at, cell): (usize, &Option<String>)| {
            let cell = cell.as_deref().map_or("null".to_owned(), text_cell);
            let is_number = columns.get(at).is_some_and(|column| column.is_number);
            if is_number { right(cell) } else { Cell::new(cell) }
        };
        let mut shown = framed(header.collect::<Vec<_>>());
        for row in rows {
            shown.add_row(row.iter().enumerate().map(aligned));
        }
        let first = if *has_more { "first " } else { "" };
        let count = match rows.len() {
            1 => format!("{first}1 row"),
            rows => format!("{first}{rows} rows"),
        };
        self.text(&format!("{table}, {count}\n{shown}\n"));
    }
}

/// A cell that is not null: a text that reads like null is in quotes.
fn text_cell(text: &str) -> String {
    if text.trim_matches('"') == "null" { format!("\"{text}\"") } else { cell(text) }
}
