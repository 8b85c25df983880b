//! Errors for people: what went wrong, and why.

use super::Error;

impl Error {
    /// The error and its causes in one line, each said once.
    #[must_use]
    pub fn with_causes(&self) -> String {
        causes(self).join(": ")
    }
}

/// An error and its causes, from the outermost; without those that the one before has said already,
/// and without the driver's "db error", behind which the server's own words come.
#[must_use]
pub fn causes(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if text != "db error" && !said.last().is_some_and(|last| last.contains(&text)) {
            said.push(text);
        }
        cause = error.source();
    }
    said
}
