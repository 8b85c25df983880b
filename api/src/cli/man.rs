//! `stevedore man`: the manual pages, made from what `--help` shows.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::print::Printer;
use crate::config::Config;

/// The name and the version of the program, as they stand at the bottom of a page.
const SOURCE: &str = concat!("stevedore ", env!("CARGO_PKG_VERSION"));

/// Writes a page for each command, `stevedore-load.1` for `stevedore load`.
pub(super) fn man(folder: &Path, printer: &Printer) -> ExitCode {
    let mut root = Config::command().disable_help_subcommand(true);
    root.build();
    match fs::create_dir_all(folder).and_then(|()| write(&root, folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let folder = folder.display();
            printer.failed(&format!("could not write the manual pages into {folder}"), &error)
        }
    }
}

/// Writes the page of a command, and those of the commands below it.
fn write(command: &Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write(below, folder)?;
    }
    let page = Man::new(command.clone()).source(SOURCE).manual("Stevedore");
    page.generate_to(folder).map(drop)
}
