//! Texts of others in columns: for the messages of errors, and for what is printed.

use crate::escape;

/// Longest text of a cell, in characters.
const CELL_CHARACTERS: usize = 60;

/// Lines of cells under a header, each on a line of its own that begins with a line feed.
pub(crate) fn side_by_side<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let header = header.map(str::to_owned);
    let lines: Vec<[String; N]> =
        std::iter::once(&header).chain(rows).map(|row| row.each_ref().map(|c| cell(c))).collect();
    let mut widths = [0; N];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str("\n  ");
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    text
}

/// A text of the sender's own choosing on one line of bounded length, without a character that a terminal obeys.
#[must_use]
pub fn cell(text: &str) -> String {
    match text.char_indices().nth(CELL_CHARACTERS) {
        Some((end, _)) => one_line(&text[..end]) + "…",
        None => one_line(text),
    }
}

/// The same of any length.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars() {
        if escape::is_unsafe(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::side_by_side;

    #[test]
    fn cells_stand_under_each_other_and_bring_no_lines_of_their_own() {
        let rows = [["a\nb".to_owned(), "x".to_owned()], ["ä".to_owned(), "y".repeat(70)]];
        let expected = format!("\n  field  has\n  a\\nb   x\n  ä      {}…", "y".repeat(60));
        assert_eq!(side_by_side(["field", "has"], &rows), expected);
    }
}
