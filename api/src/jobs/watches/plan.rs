//! What a watch is to do, as it is sent, or as the settings have it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use pipeline::error::causes;
use pipeline::feed::Feeds;
use pipeline::sink::RequestedMode;
use pipeline::store::{MessageQueue, Selection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::WrongPlan;
use crate::buckets::{Buckets, environment};
use crate::jobs::Schedule;
use crate::jobs::crawlers::plan::{holds_nul, whole};
use crate::keys::hash;
use crate::wire::{JobMode, MOST_LABELS, check_labels};

/// Longest name of a watch.
const NAME_CHARACTERS: usize = 100;
/// Longest time from one listing to the next, and longest time that something is held back.
const MOST_SECONDS: u32 = 7 * 24 * 60 * 60;
/// How often a watch lists, unless it says otherwise.
const EVERY: &str = "5m";

/// What a watch is to do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchPlan {
    /// Name: letters, digits, `-`, `_` and `.`; it begins with a letter or digit. Not needed where the path has it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "orders", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    pub(crate) name: Option<String>,
    /// The configured bucket
    #[schema(example = "microservice-hw")]
    pub(crate) bucket: String,
    /// Beginning of the keys. Objects that end in `.json`, `.ndjson` or `.jsonl` are loaded, also with `.gz`,
    /// `.gzip` or `.zst`. Without `prefix` and `glob`, the whole bucket is watched
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    /// Pattern that whole keys match: `*` does not cross `/`, `**` does. Not together with `prefix`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) glob: Option<String>,
    /// The name of the feed that the objects go through. By default, for each object the feed whose `objects`
    /// matches its key, or else the only feed without `objects`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "orders")]
    pub(crate) feed: Option<String>,
    /// What becomes of records, as `mode` of a job. By default as the feed says
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<JobMode>,
    /// Up to 15 labels of its jobs. They also get the label `watch` with its name
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({"team": "billing"}))]
    pub(crate) labels: BTreeMap<String, String>,
    /// When to list, as five fields of cron, in UTC
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "0 3 * * *")]
    pub(crate) schedule: Option<String>,
    /// How often to list, in place of `schedule`: a number with `s`, `m`, `h` or `d`. By default `5m`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "30s", pattern = "^[1-9][0-9]{0,5}[smhd]$")]
    pub(crate) every: Option<String>,
    /// Seconds for which an object must not have changed before it is loaded. By default 0
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 604800)]
    pub(crate) settle_secs: Option<u32>,
    /// Seconds for which a key is not loaded again after it was. Its last version is loaded then. By default 0
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 604800)]
    pub(crate) min_interval_secs: Option<u32>,
    /// Whether to load what is there already, or only what arrives from now on
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub(crate) backfill: bool,
    /// URL of an SQS queue of notices
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://sqs.eu-west-1.amazonaws.com/123456789012/arrivals")]
    pub(crate) queue: Option<String>,
    /// SHA-256 of the token of its notices, in 64 hexadecimal digits. By default a new watch gets a token, which the
    /// answer has
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    pub(crate) token_sha256: Option<String>,
}

const fn yes() -> bool {
    true
}

impl Definition {
    /// Gives a watch without a token a new one, and returns it.
    pub(crate) fn ensure_token<E>(
        &mut self,
        new: impl FnOnce() -> Result<String, E>,
    ) -> Result<Option<String>, E> {
        if self.token.is_some() {
            return Ok(None);
        }
        let token = new()?;
        self.token = Some(hash(&token));
        Ok(Some(token))
    }
}

/// When a watch lists.
#[derive(Debug, Clone)]
pub(crate) enum Timing {
    At(Box<Schedule>),
    /// So many seconds after it listed last.
    Every(u32),
}

impl Timing {
    /// The first time after another at which it is due.
    pub(super) fn next_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::At(schedule) => schedule.next_after(at),
            Self::Every(seconds) => Some(at + TimeDelta::seconds((*seconds).into())),
        }
    }

    pub(super) fn schedule(&self) -> Option<&str> {
        if let Self::At(schedule) = self { Some(schedule.as_str()) } else { None }
    }

    pub(super) fn every_secs(&self) -> Option<i32> {
        if let Self::Every(seconds) = self { i32::try_from(*seconds).ok() } else { None }
    }
}

/// A watch that can be carried out.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(super) plan: WatchPlan,
    pub(super) timing: Timing,
    pub(super) token: Option<[u8; 32]>,
}

impl WatchPlan {
    /// The watch, if it can be carried out with these buckets and feeds.
    pub(crate) fn checked(self, buckets: &Buckets, feeds: &Feeds) -> Result<Definition, WrongPlan> {
        let wrong = |text: String| WrongPlan(text);
        if holds_nul(&serde_json::to_value(&self).unwrap_or_default()) {
            return Err(wrong("a text holds U+0000".to_owned()));
        }
        let name = self.name.clone().ok_or_else(|| wrong("the watch has no name".to_owned()))?;
        check_name(&name)?;
        let bucket = buckets.get(&self.bucket);
        let bucket = bucket.ok_or_else(|| wrong(format!("there is no bucket {}", self.bucket)))?;
        let selection = match (&self.prefix, &self.glob) {
            (Some(_), Some(_)) => {
                return Err(wrong("prefix and glob exclude each other".to_owned()));
            }
            (prefix, None) => Selection::Prefix(prefix.clone().unwrap_or_default()),
            (None, Some(glob)) => Selection::Glob(glob.clone()),
        };
        selection.means(bucket, "").map_err(|error| wrong(error.to_string()))?;
        if let Some(feed) = &self.feed {
            feeds.get(feed).map_err(|error| wrong(error.to_string()))?;
        }
        check_labels(&self.labels).map_err(wrong)?;
        if self.labels.len() >= MOST_LABELS || self.labels.contains_key("watch") {
            let most = MOST_LABELS - 1;
            return Err(wrong(format!(
                "labels has up to {most} labels, and watch is not one of them"
            )));
        }
        for seconds in [self.settle_secs, self.min_interval_secs].into_iter().flatten() {
            if seconds > MOST_SECONDS {
                let text = "settle_secs and min_interval_secs are at most";
                return Err(wrong(format!("{text} {MOST_SECONDS}")));
            }
        }
        if let Some(queue) = &self.queue {
            let opened = MessageQueue::open(queue, &environment());
            opened.map_err(|error| wrong(error.to_string()))?;
        }
        let token = self.token_sha256.as_deref().map(digest).transpose()?;
        let timing = self.timing()?;
        Ok(Definition { name, plan: self, timing, token })
    }

    fn timing(&self) -> Result<Timing, WrongPlan> {
        match (&self.schedule, &self.every) {
            (Some(_), Some(_)) => {
                Err(WrongPlan("schedule and every exclude each other".to_owned()))
            }
            (Some(schedule), None) => {
                let schedule = schedule.parse::<Schedule>();
                let wrong = |error| WrongPlan(causes(&error).join(": "));
                schedule.map(|schedule| Timing::At(Box::new(schedule))).map_err(wrong)
            }
            (None, every) => {
                let every = every.as_deref().unwrap_or(EVERY);
                let wrong = "every is from 1s to 7d: a number with s, m, h or d";
                let seconds = seconds(every).filter(|seconds| (1..=MOST_SECONDS).contains(seconds));
                seconds.map(Timing::Every).ok_or_else(|| WrongPlan(wrong.to_owned()))
            }
        }
    }

    /// The mode as the database has it.
    pub(super) fn mode(&self) -> Option<&'static str> {
        self.mode.map(|mode| RequestedMode::from(mode).as_str())
    }

    /// What keys begin with, if no pattern is given.
    pub(super) fn prefix(&self) -> Option<&str> {
        match &self.glob {
            None => Some(self.prefix.as_deref().unwrap_or_default()),
            Some(_) => None,
        }
    }
}

/// Refuses what is no name of a watch.
fn check_name(name: &str) -> Result<(), WrongPlan> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && name.len() <= NAME_CHARACTERS && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(WrongPlan(format!(
        "a name has up to {NAME_CHARACTERS} letters, digits, `-`, `_` and `.`, and begins with one of the first two"
    )))
}

fn digest(hexadecimal: &str) -> Result<[u8; 32], WrongPlan> {
    let mut sha256 = [0; 32];
    let decoded = hex::decode_to_slice(hexadecimal, &mut sha256);
    let wrong = "token_sha256 has 64 hexadecimal digits, as `stevedore key` prints them";
    decoded.map(|()| sha256).map_err(|_| WrongPlan(wrong.to_owned()))
}

/// The units of a time, the longest first.
const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// The seconds of a time such as `30s`.
fn seconds(text: &str) -> Option<u32> {
    let (_, length) = UNITS.into_iter().find(|(unit, _)| text.ends_with(*unit))?;
    let number = text.get(..text.len() - 1)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| number.parse::<u32>().ok()?.checked_mul(length))?
}

/// A time in the longest unit that has it as a whole number.
pub(super) fn text_of(seconds: u32) -> String {
    let unit = UNITS.into_iter().find(|(_, length)| seconds.is_multiple_of(*length));
    let (unit, length) = unit.unwrap_or(('s', 1));
    format!("{}{unit}", seconds / length)
}

#[cfg(test)]
mod tests {
    use super::{seconds, text_of};

    #[test]
    fn times_are_numbers_with_a_unit() {
        for (text, expected) in [
            ("30s", Some(30)),
            ("5m", Some(300)),
            ("2h", Some(7200)),
            ("7d", Some(604_800)),
            ("30", None),
            ("s", None),
            ("+1s", None),
            ("1.5h", None),
            ("99999999999s", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
            if let Some(found) = expected {
                assert_eq!(text_of(found), text);
            }
        }
    }
}
