//! The file of settings: what it says takes the place of the defaults, so that the environment and
//! flags go before it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::{Arg, ArgMatches, Command, CommandFactory};
use pipeline::trust::{self, TrustError};
use toml::{Table, Value};

use super::Config;
use crate::jobs::watches::WatchPlan;

/// The file that is read when none is named.
const DEFAULT: &str = "stevedore.toml";

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("the settings in {file} cannot be read")]
    Read { file: PathBuf, source: std::io::Error },
    /// Of the file that nobody has named: who can change it decides what we do.
    #[error(
        "the settings in {file} are not read, because another user could have written them: {reason}; \
         remove that right: {remedy}; or name the file yourself: --config {file}"
    )]
    Exposed { file: PathBuf, reason: String, remedy: String },
    /// Without the line itself: it may hold a secret.
    #[error("the settings in {file} are not TOML: line {line}: {reason}")]
    Toml { file: PathBuf, line: usize, reason: String },
    #[error("{file} has an unknown setting: {key}")]
    Unknown { file: PathBuf, key: String },
    #[error("{file} has a watch that cannot be read: {reason}")]
    Watch { file: PathBuf, reason: String },
    #[error("{key} in {file} must be a text, a number, a boolean, or a list of them")]
    Value { file: PathBuf, key: String },
}

/// What the command line, the environment and the file say.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) matches: ArgMatches,
    /// The settings that the file has.
    pub(crate) in_file: Vec<String>,
    /// The watches that the file has.
    pub(crate) watches: Vec<WatchPlan>,
}

/// The command line, completed by the environment and the file.
///
/// # Errors
/// When the file cannot be used; wrong usage ends the process.
pub(crate) fn parse() -> Result<Settings, FileError> {
    let early = without_empty(Config::command()).ignore_errors(true).get_matches();
    let named = early.get_one::<PathBuf>("config").cloned();
    let text = match &named {
        Some(file) => {
            Some(std::fs::read_to_string(file).map_err(|source| unreadable(file, source))?)
        }
        None => unnamed(Path::new(DEFAULT))?,
    };
    let Some(text) = text else {
        let matches = without_empty(Config::command()).get_matches();
        return Ok(Settings { matches, in_file: Vec::new(), watches: Vec::new() });
    };
    let file = named.unwrap_or_else(|| PathBuf::from(DEFAULT));
    let mut settings: Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        FileError::Toml { file: file.clone(), line, reason: error.message().to_owned() }
    })?;
    let watches =
        settings.remove("watch").map(|watches| read_watches(watches, &file)).transpose()?;
    let command = with_settings(Config::command(), &settings, &file)?;
    let matches = without_empty(command).get_matches();
    let in_file = settings.keys().cloned().collect();
    Ok(Settings { matches, in_file, watches: watches.unwrap_or_default() })
}

/// The watches of `[[watch]]`.
fn read_watches(watches: Value, file: &Path) -> Result<Vec<WatchPlan>, FileError> {
    let watches = watches.try_into::<Vec<WatchPlan>>();
    watches.map_err(|error| FileError::Watch {
        file: file.to_owned(),
        reason: error.message().to_owned(),
    })
}

fn unreadable(file: &Path, source: io::Error) -> FileError {
    FileError::Read { file: file.to_owned(), source }
}

/// The text of the file that is read when none is named, if it is there. It is read only if it belongs
/// to us or to root and nobody else can change it: the folder may be anybody's.
fn unnamed(file: &Path) -> Result<Option<String>, FileError> {
    match trust::read_text(file) {
        Ok(text) => Ok(Some(text)),
        Err(TrustError::Io(source)) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(TrustError::Io(source)) => Err(unreadable(file, source)),
        Err(TrustError::Exposed { reason, remedy }) => {
            Err(FileError::Exposed { file: file.to_owned(), reason, remedy })
        }
    }
}

/// The command without empty variables. In Compose and Kubernetes, emptying a variable is often the
/// only way to unset it.
fn without_empty(command: Command) -> Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let command = command.mut_args(|arg| match arg.get_env().is_some_and(is_empty) {
        true => arg.env(Resettable::Reset),
        false => arg,
    });
    command.mut_subcommands(without_empty)
}

/// The command with the file's settings as defaults.
fn with_settings(command: Command, settings: &Table, file: &Path) -> Result<Command, FileError> {
    let mut defaults = Vec::new();
    for (key, value) in settings {
        let wrong = || FileError::Value { file: file.to_owned(), key: key.clone() };
        defaults.push((key.as_str(), values(key, value).ok_or_else(wrong)?));
    }
    let known = names(&command);
    if let Some((key, _)) = defaults.iter().find(|(key, _)| !known.iter().any(|name| name == key)) {
        return Err(FileError::Unknown { file: file.to_owned(), key: (*key).to_owned() });
    }
    Ok(with_defaults(command, &defaults))
}

fn with_defaults(command: Command, defaults: &[(&str, Vec<String>)]) -> Command {
    let command = command.mut_args(|arg| match setting(&arg) {
        Some(name) => match defaults.iter().find(|(key, _)| *key == name) {
            Some((_, values)) => {
                // `--help` would show it.
                let is_secret = arg.is_hide_env_values_set();
                arg.default_values(values.clone()).hide_default_value(is_secret)
            }
            None => arg,
        },
        None => arg,
    });
    command.mut_subcommands(|command| with_defaults(command, defaults))
}

/// The names of all settings: those that have an environment variable.
fn names(command: &Command) -> Vec<String> {
    let below = command.get_subcommands().flat_map(names);
    command.get_arguments().filter_map(setting).chain(below).collect()
}

/// A setting's name in the file: its environment variable in lower case, without our prefix.
pub(super) fn setting(arg: &Arg) -> Option<String> {
    let variable = arg.get_env()?.to_str()?.to_ascii_lowercase();
    Some(variable.strip_prefix("stevedore_").map_or(variable.clone(), str::to_owned))
        .filter(|name| name != "config")
}

/// A value as the command line would have it; `[bucket]` may be a table of URLs by names.
fn values(key: &str, value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        Value::Table(buckets) if key == "bucket" => {
            buckets.iter().map(|(name, url)| Some(format!("{name}={}", url.as_str()?))).collect()
        }
        value => Some(vec![text(value)?]),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
