//! From where to where the values of a kind reach.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::digits::Digits;
use super::forms::Forms;

/// Characters of a text that are kept, of the least, the greatest and examples.
pub(crate) const KEPT_CHARACTERS: usize = 64;

/// Integers, of up to 38 digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Integers {
    pub(crate) count: u64,
    #[serde(with = "written")]
    pub(crate) min: i128,
    #[serde(with = "written")]
    pub(crate) max: i128,
}

/// Numbers with a fraction or an exponent, and integers of more than 38 digits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Floats {
    pub(crate) count: u64,
    #[serde(with = "written")]
    pub(crate) min: f64,
    #[serde(with = "written")]
    pub(crate) max: f64,
    #[serde(default)]
    pub(crate) digits: Digits,
}

/// Strings: their lengths in characters, and the least and the greatest as far as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Strings {
    pub(crate) count: u64,
    pub(crate) min_length: u64,
    pub(crate) max_length: u64,
    pub(crate) min: String,
    pub(crate) max: String,
    /// The forms that all of them have.
    #[serde(default, skip_serializing_if = "Forms::is_none")]
    pub(crate) forms: Forms,
    /// Whether some hold U+0000.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) has_nul: bool,
}

impl Integers {
    pub(super) const fn one(value: i128) -> Self {
        Self { count: 1, min: value, max: value }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

impl Floats {
    /// A number and how it is written.
    pub(super) fn one(value: f64, text: &str) -> Self {
        Self { count: 1, min: value, max: value, digits: Digits::of(text) }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        // By their total order, in which -0.0 is less than 0.0 whichever came first.
        self.min = if other.min.total_cmp(&self.min).is_lt() { other.min } else { self.min };
        self.max = if other.max.total_cmp(&self.max).is_gt() { other.max } else { self.max };
        self.digits = self.digits.and(other.digits);
    }
}

impl Strings {
    pub(super) fn one(text: &str) -> Self {
        let (length, kept) = (length(text), kept(text).to_owned());
        Self {
            count: 1,
            min_length: length,
            max_length: length,
            min: kept.clone(),
            max: kept,
            forms: Forms::of(text),
            has_nul: false,
        }
    }

    /// Adds a string; allocates only if it is the least or the greatest.
    pub(super) fn add(&mut self, text: &str) {
        let length = length(text);
        self.add_lengths(1, length, length);
        self.add_text(text);
        // Most texts have no form, and then no other is looked at.
        if !self.forms.is_none() {
            self.forms = self.forms.and(Forms::of(text));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.add_lengths(other.count, other.min_length, other.max_length);
        self.add_text(&other.min);
        self.add_text(&other.max);
        self.forms = self.forms.and(other.forms);
        self.has_nul |= other.has_nul;
    }

    fn add_lengths(&mut self, count: u64, min: u64, max: u64) {
        self.count += count;
        self.min_length = self.min_length.min(min);
        self.max_length = self.max_length.max(max);
    }

    /// The beginnings of texts are in the order of the texts, so it does not matter whether they
    /// are compared before they are cut or after.
    fn add_text(&mut self, text: &str) {
        if text < self.min.as_str() {
            kept(text).clone_into(&mut self.min);
        }
        if text > self.max.as_str() && kept(text) > self.max.as_str() {
            kept(text).clone_into(&mut self.max);
        }
    }
}

/// The length of a text in characters.
fn length(text: &str) -> u64 {
    if text.is_ascii() { text.len() as u64 } else { text.chars().count() as u64 }
}

/// The beginning of a text, as much of it as is kept.
pub(super) fn kept(text: &str) -> &str {
    if text.len() <= KEPT_CHARACTERS {
        return text;
    }
    let end = text.char_indices().nth(KEPT_CHARACTERS).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// Numbers as texts: readers of JSON round those that are large or have many digits.
mod written {
    use super::{Debug, Deserialize, Deserializer, Display, FromStr, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        number: &impl Debug,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        format!("{number:?}").serialize(serializer)
    }

    pub(super) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr<Err: Display>,
    {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
