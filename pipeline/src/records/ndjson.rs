//! Records that are lines: cutting goes on at the next line, whatever a line holds.

use super::cuts::Cuts;
use super::discard::{Discard, Until};
use super::record::TOO_LARGE;
use crate::json::{blank_length, is_space};

/// Cuts lines; blank ones are no records.
#[derive(Debug, Default)]
pub(super) struct Lines {
    discard: Option<Discard>,
}

impl Lines {
    /// Cuts the lines of `text` and returns how much of it is done with.
    pub(super) fn cut(&mut self, text: &[u8], cuts: &mut Cuts) -> usize {
        let mut at = 0;
        if let Some(mut discard) = self.discard.take() {
            let (taken, ends) = discard.feed(text, cuts.ended);
            if !ends {
                self.discard = Some(discard);
                return taken;
            }
            cuts.push_discarded_line(discard);
            at = taken;
        }
        // Blank lines, of which there may be any number, are passed over at once.
        at += blank_length(&text[at..]);
        while let Some(length) = memchr::memchr(b'\n', &text[at..]) {
            if cuts.is_full() {
                return at;
            }
            push_line(text, at, at + length, cuts);
            at += length + 1;
            at += blank_length(&text[at..]);
        }
        if cuts.ended && !cuts.is_full() {
            push_line(text, at, text.len(), cuts);
            at = text.len();
        } else if cuts.is_too_large(text.len() - at) {
            let mut discard = cuts.discard(at, TOO_LARGE, Until::LineEnd);
            at += discard.feed(&text[at..], false).0;
            self.discard = Some(discard);
        }
        at
    }
}

fn push_line(text: &[u8], start: usize, mut end: usize, cuts: &mut Cuts) {
    while start < end && is_space(text[end - 1]) {
        end -= 1;
    }
    if start < end {
        cuts.push(start, end);
    }
}
