//! `stevedore feed schema`: the JSON Schema of feed files.

use std::process::ExitCode;

use pipeline::feed::Feed;

use crate::cli::print::Printer;

pub(super) fn schema(printer: &Printer) -> ExitCode {
    match serde_json::to_string_pretty(&Feed::schema()) {
        Ok(schema) => {
            printer.data(&(schema + "\n"));
            ExitCode::SUCCESS
        }
        Err(error) => printer.failed("could not print the JSON Schema of feed files", &error),
    }
}
