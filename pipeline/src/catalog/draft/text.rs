//! A draft as the text of a feed file.

use std::fmt::Write as _;

use super::tables::{Line, Table};

/// The settings of a feed above its tables, in order, each with what is said behind it.
#[derive(Debug, Default)]
pub(super) struct Settings {
    lines: Vec<String>,
}

impl Settings {
    pub(super) fn remark(&mut self, remark: &str) {
        self.lines.push(comment(remark));
    }

    /// What follows are settings of this table.
    pub(super) fn table(&mut self, name: &str) {
        self.lines.push(format!("\n[{name}]"));
    }

    pub(super) fn set(&mut self, name: &str, value: &str, remark: Option<&str>) {
        self.lines.push(with_remark(format!("{name} = {value}"), remark));
    }

    /// A setting that is only proposed.
    pub(super) fn propose(&mut self, name: &str, value: &str, remark: &str) {
        self.lines.push(comment(&format!("{name} = {value}   # {remark}")));
    }

    pub(super) fn text(&self, tables: &[Table]) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        for table in tables {
            text.push_str(&self::table(table));
        }
        text
    }
}

fn table(table: &Table) -> String {
    let mut text = format!("\n[[table]]\nname = {}\n", quoted(&table.name));
    let each = table.each.as_ref().map(ToString::to_string);
    for (name, value) in [
        ("each", each.as_ref()),
        ("position", table.position.as_ref()),
        ("rest", table.rest.as_ref()),
    ] {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            writeln!(text, "{name} = {}", quoted(value)).ok();
        }
    }
    text.push_str("[table.columns]\n");
    for line in table.lines.iter().filter_map(self::line) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// A column, or a remark about a field that has none; nothing for a list that is a table.
fn line(line: &Line) -> Option<String> {
    let path = line.path.to_string();
    let Some(column) = &line.column else {
        let remark = line.remark.as_ref()?;
        return Some(comment(&format!("{} is left out: {remark}", quoted(&path))));
    };
    let mut keys = Vec::new();
    if path != format!("$.{}", column.name) {
        keys.push(format!("path = {}", quoted(&path)));
    }
    keys.push(format!("type = {}", quoted(&column.data_type)));
    if column.required {
        keys.push("required = true".to_owned());
    }
    let text = format!("{} = {{ {} }}", column.name, keys.join(", "));
    Some(with_remark(text, line.remark.as_deref()))
}

fn with_remark(text: String, remark: Option<&str>) -> String {
    match remark {
        Some(remark) => format!("{text}   {}", comment(remark)),
        None => text,
    }
}

/// A comment: one line without control characters.
fn comment(text: &str) -> String {
    let is_plain = |char: char| !char.is_control() || char == '\t';
    format!("# {}", text.replace(|char| !is_plain(char), "\u{fffd}"))
}

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Texts as an array of TOML, one a line if there are several.
pub(super) fn array(texts: &[String]) -> String {
    match texts {
        [] | [_] => format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<String>()),
        texts => {
            let lines = texts.iter().map(|text| format!("    {},\n", quoted(text)));
            format!("[\n{}]", lines.collect::<String>())
        }
    }
}
