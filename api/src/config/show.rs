//! The settings that are in force, as the file would have them.

use std::fmt::Write as _;

use clap::CommandFactory;
use clap::parser::ValueSource;

use super::Config;
use super::file::{Settings, setting};

/// The settings of `serve` with where each comes from; secrets are hidden.
pub(crate) fn in_force(settings: &Settings) -> String {
    let command = Config::command();
    let serve =
        command.find_subcommand("config").zip(settings.matches.subcommand_matches("config"));
    let Some((serve, matches)) = serve else {
        return String::new();
    };
    let mut text = String::new();
    for arg in serve.get_arguments().chain(command.get_arguments()) {
        let (Some(name), id) = (setting(arg), arg.get_id().as_str()) else {
            continue;
        };
        let Some(values) = matches.get_raw(id) else {
            writeln!(text, "# {name} is not set").ok();
            continue;
        };
        let values: Vec<_> =
            values.map(|value| quoted(&hidden(&name, &value.to_string_lossy()))).collect();
        let value = match &values[..] {
            _ if !arg.get_action().takes_values() => matches.get_flag(id).to_string(),
            [value] if arg.get_value_delimiter().is_none() => value.clone(),
            values => format!("[{}]", values.join(", ")),
        };
        let from = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => "flag",
            Some(ValueSource::EnvVariable) => "environment",
            _ if settings.in_file.contains(&name) => "file",
            _ => "default",
        };
        writeln!(text, "{name} = {value} # {from}").ok();
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A value without what nobody should read.
fn hidden(name: &str, value: &str) -> String {
    match name {
        "database_url" => without_password(value),
        "key" => {
            value.rsplit_once(':').map_or("***".to_owned(), |(known, _)| format!("{known}:***"))
        }
        // The query of a URL may hold credentials.
        "bucket" => value.split('?').next().unwrap_or(value).to_owned(),
        _ => without_password(value),
    }
}

/// A connection string without its password, in either form.
fn without_password(text: &str) -> String {
    let words = text
        .split(' ')
        .map(|word| if word.starts_with("password=") { "password=***" } else { word });
    let text = words.collect::<Vec<_>>().join(" ");
    let (text, query) = text.split_once('?').map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
    let url = match text.split_once("://").and_then(|(scheme, rest)| {
        let (user, host) = rest.rsplit_once('@')?;
        let (user, _) = user.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}"))
    }) {
        Some(url) => url,
        None => text.to_owned(),
    };
    let plain = |pair: &&str| !pair.starts_with("password=");
    match query {
        Some(query) => {
            format!("{url}?{}", query.split('&').filter(plain).collect::<Vec<_>>().join("&"))
        }
        None => url,
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_are_hidden_in_either_form() {
        for (text, expected) in [
            (
                "postgresql://u:se@cret@h:1/d?sslmode=require",
                "postgresql://u:***@h:1/d?sslmode=require",
            ),
            ("postgresql://u@h/d", "postgresql://u@h/d"),
            ("postgresql:///d?host=/tmp&password=x", "postgresql:///d?host=/tmp"),
            ("host=h user=u password=secret", "host=h user=u password=***"),
        ] {
            assert_eq!(without_password(text), expected);
        }
    }
}
