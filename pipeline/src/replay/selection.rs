//! Which rejects are meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::decode::RAW_BYTES;

/// Bytes of an edited text at most: so that all of it stands in the reject that it may become.
pub const MAX_EDITED_BYTES: usize = RAW_BYTES;

/// A reject: the number of the load that wrote it, and the number of its record in the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RejectId {
    /// The load that wrote it.
    pub load_id: i64,
    /// The number of its record in the object, from 1.
    pub record_no: i64,
}

/// As `LOAD:RECORD`.
impl fmt::Display for RejectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.load_id, self.record_no)
    }
}

impl FromStr for RejectId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once(':');
        let numbers =
            numbers.and_then(|(load, record)| Some((load.parse().ok()?, record.parse().ok()?)));
        let (load_id, record_no) = numbers.ok_or("expected LOAD:RECORD, such as 7:12")?;
        Ok(Self { load_id, record_no })
    }
}

/// Which rejects: those that match all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RejectFilter {
    /// Of this load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_id: Option<i64>,
    /// Of this object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Rejected for this reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Rejected by this rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// Which rejects of a feed are handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// All that match.
    Matching(RejectFilter),
    /// These.
    Numbered(Vec<RejectId>),
    /// One, with another text.
    Edited {
        /// The reject.
        reject: RejectId,
        /// The text that is loaded in place of its own.
        text: String,
    },
}

impl Selection {
    /// A reject with another text; none if that is longer than [`MAX_EDITED_BYTES`], or holds U+0000, which no
    /// record does.
    #[must_use]
    pub fn edited(reject: RejectId, text: String) -> Option<Self> {
        let is_fit = text.len() <= MAX_EDITED_BYTES && !text.contains('\0');
        is_fit.then_some(Self::Edited { reject, text })
    }

    /// Only those of the named rejects that are wanted; all where none is named.
    #[must_use]
    pub fn only(&self, is_wanted: impl Fn(&RejectId) -> bool) -> Self {
        match self {
            Self::Numbered(ids) => {
                Self::Numbered(ids.iter().filter(|id| is_wanted(id)).copied().collect())
            }
            Self::Matching(_) | Self::Edited { .. } => self.clone(),
        }
    }

    /// The text that is loaded in place of the reject's own.
    pub(super) fn edited_text(&self) -> Option<&str> {
        match self {
            Self::Edited { text, .. } => Some(text),
            Self::Matching(_) | Self::Numbered(_) => None,
        }
    }

    /// The rejects that are named.
    pub(super) fn named(&self) -> &[RejectId] {
        match self {
            Self::Matching(_) => &[],
            Self::Numbered(ids) => ids,
            Self::Edited { reject, .. } => std::slice::from_ref(reject),
        }
    }

    pub(super) const fn filter(&self) -> Option<&RejectFilter> {
        match self {
            Self::Matching(filter) => Some(filter),
            Self::Numbered(_) | Self::Edited { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reject_is_written_as_its_load_and_its_record() {
        let id: RejectId = "7:12".parse().unwrap();
        assert_eq!(
            (id, id.to_string()),
            (RejectId { load_id: 7, record_no: 12 }, "7:12".to_owned())
        );
        for wrong in ["7", "7:", ":12", "7:a", "7:1:2"] {
            assert!(wrong.parse::<RejectId>().is_err(), "{wrong}");
        }
    }
}
