//! What can be told of damaged values.

use crate::json::is_space;

/// The end of a damaged value without the white space behind it and, in an array, the comma.
pub(super) fn value_end(text: &[u8], start: usize, end: usize, in_array: bool) -> usize {
    let mut value = &text[start..end];
    while let [rest @ .., last] = value
        && (is_space(*last) || (in_array && *last == b','))
    {
        value = rest;
    }
    start + value.len()
}

/// Whether an array of an object may end within this text, which begins with an element that is damaged:
/// more brackets are closed than opened, or a line stands further left than the elements, which have this
/// margin.
pub(super) fn may_leave_array(text: &[u8], margin: usize) -> bool {
    closes_bracket(text)
        || text.split(|byte| *byte == b'\n').skip(1).any(|line| is_left(line, margin))
}

fn closes_bracket(text: &[u8]) -> bool {
    let (mut open, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in text {
        if in_string {
            in_string = byte != b'\n' && (byte != b'"' || escaped);
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'"' => (in_string, escaped) = (true, false),
            b'[' => open += 1,
            b']' if open == 0 => return true,
            b']' => open -= 1,
            _ => {}
        }
    }
    false
}

fn is_left(line: &[u8], margin: usize) -> bool {
    let blanks = line.iter().take_while(|byte| is_space(**byte)).count();
    let first = line.get(blanks);
    first.is_some_and(|first| blanks < margin || (blanks == margin && *first == b']'))
}
