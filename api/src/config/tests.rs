//! Every setting is documented, and its name is the same everywhere.

mod reference;

use std::collections::BTreeSet;

use clap::{Command, CommandFactory};

use super::Config;

#[test]
fn the_command_line_is_well_formed() {
    Config::command().debug_assert();
}

/// Arguments that have the id of a global one of a verb above: clap would hand the value of the one
/// to the other.
fn collisions(command: &Command, above: &BTreeSet<String>) -> Vec<String> {
    let id = |arg: &clap::Arg| arg.get_id().to_string();
    let own = command.get_arguments().map(id).filter(|id| above.contains(id));
    let mut found: Vec<_> = own.map(|id| format!("{}: {id}", command.get_name())).collect();
    let global = command.get_arguments().filter(|arg| arg.is_global_set()).map(id);
    let global = above.iter().cloned().chain(global).collect();
    found.extend(command.get_subcommands().flat_map(|verb| collisions(verb, &global)));
    found
}

#[test]
fn no_argument_has_the_id_of_a_global_one() {
    assert_eq!(collisions(&Config::command(), &BTreeSet::new()), Vec::<String>::new());
}

#[test]
fn an_id_that_is_there_twice_is_found() {
    let global = clap::Arg::new("filter").long("log").global(true);
    let own = clap::Arg::new("filter").long("where");
    let command = Command::new("c").arg(global).subcommand(Command::new("show").arg(own));
    assert_eq!(collisions(&command, &BTreeSet::new()), ["show: filter"]);
}
