//! The only folder that prints: results on standard output, all else on standard error.
//!
//! What is for people goes through [`escape`], since keys, names and errors come from elsewhere.

mod catalog;
mod feeds;
mod flow;
mod jobs;
mod ledger;
mod loads;
mod rejects;
mod rows;
mod table;
mod watches;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use indicatif::ProgressBar;
use pipeline::error::causes;
use pipeline::escape;
use serde::Serialize;

use super::hint::hint_of;
pub(super) use loads::LoadLines;

/// Prints what a verb has to say.
#[derive(Debug, Default)]
pub(crate) struct Printer {
    is_cut_off: Cell<bool>,
    notes_are_logged: Cell<bool>,
    /// The warnings that were printed: most are about a table, and true of each of its objects.
    warned: RefCell<HashSet<String>>,
    /// The bar that is on the terminal, if one is.
    bar: RefCell<Option<ProgressBar>>,
}

impl Printer {
    /// A text for people, on standard output.
    pub(crate) fn text(&self, text: &str) {
        self.data(&escape::lines(text));
    }

    /// Data unchanged, on standard output. A reader that stops has read enough. [`Self::is_cut_off`]
    /// tells of any other failure to write.
    pub(crate) fn data(&self, text: &str) {
        let mut out = io::stdout().lock();
        let written =
            self.beside_the_bar(|| out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
            && !self.is_cut_off.replace(true)
        {
            self.failed("could not write to standard output", &error);
        }
    }

    /// Whether data could not be written to standard output.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.is_cut_off.get()
    }

    /// Logs remarks from now on, for readers that only parse log lines.
    pub(crate) fn log_notes(&self) {
        self.notes_are_logged.set(true);
    }

    /// Prints above a bar from now on, as long as it is shown.
    pub(crate) fn print_above(&self, bar: &ProgressBar) {
        self.bar.replace(Some(bar.clone()));
    }

    /// Prints while the bar is not on the terminal.
    fn beside_the_bar<T>(&self, print: impl FnOnce() -> T) -> T {
        match &*self.bar.borrow() {
            Some(bar) if !bar.is_finished() => bar.suspend(print),
            _ => print(),
        }
    }

    /// A remark, on standard error.
    pub(crate) fn note(&self, text: &str) {
        if self.notes_are_logged.get() {
            return tracing::info!("{text}");
        }
        let text = escape::lines(text);
        self.beside_the_bar(|| writeln!(io::stderr().lock(), "{text}").ok());
    }

    /// What could not be done, why, and what to do next.
    pub(crate) fn failed(&self, what: &str, error: &(dyn StdError + 'static)) -> ExitCode {
        let mut text = format!("error: {what}\n");
        for cause in causes(error) {
            // Writing to a String cannot fail.
            writeln!(text, "caused by: {cause}").ok();
        }
        if let Some(hint) = hint_of(error) {
            writeln!(text, "hint: {hint}").ok();
        }
        let text = escape::lines(&text);
        self.beside_the_bar(|| io::stderr().lock().write_all(text.as_bytes()).ok());
        ExitCode::FAILURE
    }

    /// What is not done because it was asked for wrongly.
    pub(crate) fn misused(&self, what: &str, error: &(dyn StdError + 'static)) -> ExitCode {
        self.failed(what, error);
        ExitCode::from(2)
    }

    /// One line of JSON.
    pub(crate) fn json(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(json) => self.data(&(escape::json(&json) + "\n")),
            Err(error) => drop(self.failed("could not print JSON", &error)),
        }
    }

    /// JSON that is written already.
    pub(crate) fn json_text(&self, json: &str) {
        self.data(&escape::json(json));
    }

    /// The plans of the frames.
    pub(crate) fn plans(&self, plans: &[(String, String)]) {
        for (name, plan) in plans {
            self.text(&format!("{name}\n{}\n\n", plan.trim_end()));
        }
    }
}
