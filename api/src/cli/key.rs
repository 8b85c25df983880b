//! `stevedore key`: makes a key for the API.

use std::process::ExitCode;

use super::print::Printer;
use crate::config::KeyArgs;
use crate::keys::{KeySetting, hash, new_key};

/// Why there is no such key.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoKey(String);

/// Prints the key for the client and the setting for the server; neither is kept.
pub(super) fn key(args: &KeyArgs, printer: &Printer) -> ExitCode {
    let key = match new_key() {
        Ok(key) => key,
        Err(error) => return printer.failed("could not make a key", &error),
    };
    let scopes: Vec<_> = args.scopes.iter().map(|scope| scope.as_str()).collect();
    let setting = format!("{}:{}:{}", args.name, scopes.join("+"), hex::encode(hash(&key)));
    if let Err(reason) = setting.parse::<KeySetting>() {
        return printer.misused("could not make a key", &NoKey(reason));
    }
    printer.data(&format!("{key}\n{setting}\n"));
    printer.note("the first line is for the client (x-api-key), and is not shown again");
    printer.note("the second line is for the server: --key, STEVEDORE_KEY or `key` in its file");
    ExitCode::SUCCESS
}
