//! The settings that are in force, as the file would have them.

use std::fmt::Write as _;

use clap::CommandFactory;
use clap::parser::ValueSource;
use pipeline::database::Database;
use url::Url;

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
    for watch in &settings.watches {
        writeln!(text, "\n[[watch]] # file").ok();
        text += &toml::to_string(watch).unwrap_or_default();
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A value without what nobody should read.
fn hidden(name: &str, value: &str) -> String {
    match name {
        "database_url" | "queue_database_url" => address(value).unwrap_or_else(|| "***".to_owned()),
        "key" => {
            value.rsplit_once(':').map_or("***".to_owned(), |(known, _)| format!("{known}:***"))
        }
        "glue_key" => {
            value.split_once(':').map_or("***".to_owned(), |(known, _)| format!("{known}:***"))
        }
        "bucket" => bucket(value),
        "webhook_secret" | "openlineage_key" => "***".to_owned(),
        "postgres_url" | "webhook_url" | "openlineage_url" | "otlp_endpoint" => match value.parse()
        {
            Ok(url) => without_userinfo(&url).to_string(),
            Err(_) => "***".to_owned(),
        },
        _ => value.to_owned(),
    }
}

/// Who connects where. As the driver reads the text: it takes a password in more forms than one
/// would think of.
fn address(url: &str) -> Option<String> {
    let database = Database::new(url).ok()?;
    let config = database.config();
    let mut text = "postgresql://".to_owned();
    if let Some(user) = config.get_user() {
        text += user;
        text += if config.get_password().is_some() { ":***@" } else { "@" };
    }
    let parts = [config.get_user().unwrap_or_default(), &database.address()].concat();
    // A password with an `@` has its end in the host.
    let is_plain = |c: char| c.is_alphanumeric() || "-_.:/,[]".contains(c);
    parts.chars().all(is_plain).then(|| text + &database.address())
}

/// Settings of stores that hold no secret, as they may stand behind the URL of a bucket.
const PUBLIC: [&str; 4] = ["region", "endpoint", "allow_http", "virtual_hosted_style_request"];

/// A bucket without the password of its URL, and without the values of settings that may be secret.
fn bucket(value: &str) -> String {
    let Some((address, query)) = value.split_once('?') else {
        return without_password(value);
    };
    let settings = query.split('&').map(|setting| {
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        // A URL may hold a password.
        let is_public = PUBLIC.contains(&name.trim_start_matches("aws_")) && !value.contains('@');
        if is_public { setting.to_owned() } else { format!("{name}=***") }
    });
    format!("{}?{}", without_password(address), settings.collect::<Vec<_>>().join("&"))
}

/// A bucket without the password of its URL; what stands before an `@` alone is Azure's container.
fn without_password(text: &str) -> String {
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let (user, host) = rest.rsplit_once('@')?;
        let (user, _) = user.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}"))
    });
    hidden.unwrap_or_else(|| text.to_owned())
}

/// A URL without user, password and query.
pub(crate) fn without_userinfo(url: &Url) -> Url {
    let mut url = url.clone();
    // Those that can have no user have none.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.set_query(None);
    url
}

#[cfg(test)]
mod tests;
