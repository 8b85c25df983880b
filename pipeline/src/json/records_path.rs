//! Where the records of a feed are in a document.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::path::{JsonPath, PathError, Step};

/// Says which values of a document are its records: `$` is the document itself, `$[*]` each element of an
/// array, `$.a.b[*]` each element of the array at these keys.
///
/// ```
/// use pipeline::json::records_path::RecordsPath;
///
/// let path: RecordsPath = "$.data['the users'][*]".parse()?;
/// assert_eq!(path.to_string(), "$.data['the users'][*]");
/// assert!("$.data".parse::<RecordsPath>().is_err());
/// # Ok::<(), pipeline::json::path::PathError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RecordsPath {
    path: JsonPath,
}

/// What else is expected of a path to records.
const ONE_ARRAY: &str = "one `[*]`, at the end: records are the elements of one array";

impl RecordsPath {
    /// Whether a document is a record.
    #[must_use]
    pub fn is_document(&self) -> bool {
        self.path.steps().is_empty()
    }

    /// The keys that lead to the array of the records.
    pub(crate) fn keys(&self) -> Vec<String> {
        let keys = self.path.steps().iter().filter_map(|step| match step {
            Step::Field(key) => Some(key.clone()),
            Step::Each => None,
        });
        keys.collect()
    }

    /// The first so many keys of the path, as a path.
    pub(crate) fn beginning(&self, keys: usize) -> String {
        JsonPath::of(&self.path.steps()[..keys]).to_string()
    }
}

impl Display for RecordsPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

impl FromStr for RecordsPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let path: JsonPath = text.parse()?;
        let is_each = |step: &Step| *step == Step::Each;
        match path.steps().split_last() {
            None => Ok(Self { path }),
            Some((Step::Each, keys)) if !keys.iter().any(is_each) => Ok(Self { path }),
            Some(_) => Err(PathError { at: text.len(), expected: ONE_ARRAY }),
        }
    }
}

impl From<RecordsPath> for String {
    fn from(path: RecordsPath) -> Self {
        path.to_string()
    }
}

impl TryFrom<String> for RecordsPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::RecordsPath;

    #[test]
    fn records_are_documents_or_the_elements_of_one_array() {
        for text in ["$", "$[*]", "$.a[*]", "$.a.b['odd key'].c[*]"] {
            assert_eq!(text.parse::<RecordsPath>().unwrap().to_string(), text);
        }
        for (text, at) in [("$.a", 4), ("$[*].a", 7), ("$[*][*]", 8), ("$.a[*].b[*]", 12)] {
            let expected = format!(
                "not a path at character {at}: expected one `[*]`, at the end: records are the elements of one array"
            );
            assert_eq!(text.parse::<RecordsPath>().unwrap_err().to_string(), expected, "{text}");
        }
        assert!("a".parse::<RecordsPath>().is_err());
    }
}
