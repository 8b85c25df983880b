//! What is wrong with a feed file, shown where it stands.

use std::fmt::Write;
use std::ops::Range;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// Where, in bytes of the text.
    pub(super) span: Range<usize>,
    /// What, and what would be right.
    pub(super) message: String,
}

impl From<toml::de::Error> for Problem {
    fn from(error: toml::de::Error) -> Self {
        Self { span: error.span().unwrap_or_default(), message: error.message().to_owned() }
    }
}

/// All problems of a text in the order of their places, each with its line and a mark under it.
pub(super) fn shown(file: &str, text: &str, mut problems: Vec<Problem>) -> String {
    problems.sort_by_key(|problem| problem.span.start);
    let shown = problems.iter().map(|problem| one(file, text, problem));
    shown.collect::<Vec<_>>().join("\n")
}

fn one(file: &str, text: &str, Problem { span, message }: &Problem) -> String {
    let start = text.floor_char_boundary(span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let number = text[..start].matches('\n').count() + 1;
    let before = text[line_start..start].chars().count();
    let end = text
        .floor_char_boundary(span.end)
        .clamp(start, line_start + line.len().max(start - line_start));
    let marks = text[start..end].chars().count().max(1);
    let margin = " ".repeat(number.to_string().len());
    let mut shown = format!("{file}:{number}:{}: {message}", before + 1);
    // Writing to a string cannot fail. A tab is one column here, so that the mark stands right.
    let (line, pad, marks) = (line.replace('\t', " "), " ".repeat(before), "^".repeat(marks));
    write!(shown, "\n  {number} | {line}\n  {margin} | {pad}{marks}").ok();
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_under_its_line() {
        let text = "name = \"é\"\n\tmode = 'x'\n";
        let at = |from: &str| text.find(from).unwrap();
        let problems = vec![
            Problem { span: at("'x'")..at("'x'") + 3, message: "no mode".to_owned() },
            Problem { span: at("\"é")..text.len(), message: "no name".to_owned() },
        ];
        let expected = "f:1:8: no name\n  1 | name = \"é\"\n    |        ^^^\n\
            f:2:9: no mode\n  2 |  mode = 'x'\n    |         ^^^";
        assert_eq!(shown("f", text, problems), expected);
    }

    #[test]
    fn a_problem_at_the_end_or_nowhere_is_shown_too() {
        for span in [0..0, 3..3, 9..20] {
            let text = shown("f", "a\n", vec![Problem { span, message: "x".to_owned() }]);
            assert!(text.contains(": x"), "{text}");
        }
        assert!(
            shown("f", "", vec![Problem { span: 0..0, message: String::new() }]).contains("f:1:1")
        );
    }
}
