//! How records flow through a feed, as a picture: source → valid / rejected → tables.

use maud::{Markup, html};

/// A box of the picture.
pub(super) struct Node {
    pub(super) title: String,
    /// What stands below its title.
    pub(super) note: String,
    /// Where it leads.
    pub(super) link: Option<String>,
}

/// A picture: what flows over each arrow stands on it.
pub(super) struct Flow {
    pub(super) source: Node,
    pub(super) valid: Node,
    pub(super) rejected: Node,
    /// Tables of valid records, with what flows into each.
    pub(super) tables: Vec<(Node, String)>,
    /// The table of rejected records.
    pub(super) rejects: (Node, String),
    /// Records that were valid, and that were rejected.
    pub(super) records: (String, String),
}

const BOX: (usize, usize) = (230, 46);
/// From the top of a table to that of the next one.
const ROW: usize = 64;
/// Where the three columns begin.
const COLUMNS: [usize; 3] = [4, 384, 764];
const WIDTH: usize = COLUMNS[2] + BOX.0 + 4;
/// Characters of a title that fit a box.
const TITLE: usize = 30;

pub(super) fn picture(flow: &Flow) -> Markup {
    let tables = flow.tables.len();
    let height = (tables + 1) * ROW;
    let top = |row: usize| row * ROW + (ROW - BOX.1) / 2;
    let middle = |row: usize| top(row) + BOX.1 / 2;
    // Between the first and the last of its tables.
    let valid = (top(0) + top(tables.saturating_sub(1))) / 2;
    let source = (valid + top(tables)) / 2;
    let label = format!(
        "From {} {} valid and {} rejected records into {} tables",
        flow.source.title,
        flow.records.0,
        flow.records.1,
        tables + 1
    );
    html! {
        figure.flow.scroll tabindex="0" {
            svg viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height) role="group" aria-label=(label) {
                (arrow((COLUMNS[0], source + BOX.1 / 2), (COLUMNS[1], valid + BOX.1 / 2), &flow.records.0))
                (arrow((COLUMNS[0], source + BOX.1 / 2), (COLUMNS[1], middle(tables)), &flow.records.1))
                @for (row, (_, rows)) in flow.tables.iter().enumerate() {
                    (arrow((COLUMNS[1], valid + BOX.1 / 2), (COLUMNS[2], middle(row)), rows))
                }
                (arrow((COLUMNS[1], middle(tables)), (COLUMNS[2], middle(tables)), &flow.rejects.1))
                (node(&flow.source, (COLUMNS[0], source), ""))
                (node(&flow.valid, (COLUMNS[1], valid), "good"))
                (node(&flow.rejected, (COLUMNS[1], top(tables)), "bad"))
                @for (row, (table, _)) in flow.tables.iter().enumerate() {
                    (node(table, (COLUMNS[2], top(row)), "good"))
                }
                (node(&flow.rejects.0, (COLUMNS[2], top(tables)), "bad"))
            }
        }
    }
}

fn node(node: &Node, (x, y): (usize, usize), class: &str) -> Markup {
    let drawn = html! {
        title { (node.title) " " (node.note) }
        rect x=(x) y=(y) width=(BOX.0) height=(BOX.1) rx="6" {}
        text.title x=(x + 10) y=(y + 19) { (cut(&node.title)) }
        text x=(x + 10) y=(y + 36) { (cut(&node.note)) }
    };
    html! {
        @match &node.link {
            Some(link) => a href=(link) { g class=(class) { (drawn) } },
            None => g class=(class) { (drawn) },
        }
    }
}

/// From the right side of a box to the left side of another one, with a text before its end.
fn arrow((from_column, from): (usize, usize), (to, y): (usize, usize), text: &str) -> Markup {
    let (begin, bend) = (from_column + BOX.0, from_column + BOX.0 + 26);
    html! {
        path d={ "M" (begin) " " (from) " C" (bend + 20) " " (from) " " (bend - 10) " " (y) " " (bend + 24) " " (y) " H" (to - 3) } {}
        path d={ "M" (to - 9) " " (y - 4) " L" (to - 2) " " (y) " L" (to - 9) " " (y + 4) } {}
        text x=(to - 12) y=(y - 6) text-anchor="end" { (text) }
    }
}

/// As much of a text as fits.
fn cut(text: &str) -> String {
    match text.char_indices().nth(TITLE) {
        Some(_) => text.chars().take(TITLE - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}
