//! What is wrong with a feed file, shown where it stands.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

/// One thing that is wrong with a feed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedProblem {
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

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

impl Problem {
    fn located(&self, text: &str) -> FeedProblem {
        let before = &text[..within(text, &self.span).start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        FeedProblem {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: self.message.clone(),
        }
    }

    fn shown(&self, file: &str, text: &str) -> String {
        let mark = AnnotationKind::Primary.span(within(text, &self.span));
        let snippet = Snippet::source(text).path(file).annotation(mark);
        Renderer::plain().render(&[Level::ERROR.primary_title(&self.message).element(snippet)])
    }
}

/// All problems of a text with their lines, in the order of their places.
pub(super) fn located(text: &str, problems: Vec<Problem>) -> Vec<FeedProblem> {
    in_order(problems).iter().map(|problem| problem.located(text)).collect()
}

/// All problems of a text in the order of their places, each with its line and a mark under it.
pub(super) fn shown(file: &str, text: &str, problems: Vec<Problem>) -> String {
    let shown =
        in_order(problems).iter().map(|problem| problem.shown(file, text)).collect::<Vec<_>>();
    shown.join("\n\n")
}

fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| problem.span.start);
    problems
}

/// A span that ends where the text ends, at whole characters.
fn within(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start);
    start..text.ceil_char_boundary(span.end.min(text.len())).max(start)
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
            Problem { span: at("\"é")..at("\n"), message: "no name".to_owned() },
        ];
        let expected = "\
error: no name
 --> f:1:8
  |
1 | name = \"é\"
  |        ^^^

error: no mode
 --> f:2:9
  |
2 |     mode = 'x'
  |            ^^^";
        assert_eq!(shown("f", text, problems.clone()), expected);
        let places = located(text, problems);
        let places: Vec<_> = places.iter().map(|it| (it.line, it.column)).collect();
        assert_eq!(places, [(1, 8), (2, 9)]);
    }

    #[test]
    fn a_problem_at_the_end_or_nowhere_is_shown_too() {
        for text in ["", "a\n", "é", "a\r\nb"] {
            for span in [0..0, 1..1, 1..2, 2..2, 3..3, 9..20] {
                let problem = Problem { span: span.clone(), message: "x".to_owned() };
                let shown = shown("f", text, vec![problem]);
                assert!(shown.starts_with("error: x\n --> f:"), "{text:?} {span:?} {shown}");
            }
        }
    }
}
