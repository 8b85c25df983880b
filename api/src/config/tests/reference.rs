//! The pages `docs/reference/cli.md` and `docs/reference/settings.md`, made from the commands themselves.
//! The tests hold the files against them; `UPDATE_DOCS=1 cargo test reference` writes the files anew.

use std::fmt::Write as _;
use std::path::Path;

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command, CommandFactory};

use crate::config::Config;
use crate::config::file::setting;

/// Set to write the pages anew.
const UPDATE: &str = "UPDATE_DOCS";
/// Options under these headings are described once, for all commands that have them.
const SHARED: [&str; 3] = ["Global", "Database", "Records"];

fn assert_page(name: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference").join(name);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, expected).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "docs/reference/{name} differs from the commands: run {UPDATE}=1 cargo test reference, then \
         read git diff docs/reference"
    );
}

#[test]
fn the_page_of_the_command_line_is_what_clap_knows() {
    assert_page("cli.md", &cli_page());
}

#[test]
fn the_page_of_settings_has_every_setting() {
    assert_page("settings.md", &settings_page());
}

/// The command with all of its global options handed down.
fn command() -> Command {
    let mut command = Config::command();
    command.build();
    command
}

/// Every command that does something and that `--help` shows, with its whole name.
fn leaves(command: &Command) -> Vec<(String, &Command)> {
    let mut found = Vec::new();
    let is_shown = |below: &&Command| below.get_name() != "help" && !below.is_hide_set();
    for below in command.get_subcommands().filter(is_shown) {
        let deeper = leaves(below);
        if deeper.is_empty() {
            found.push((below.get_name().to_owned(), below));
        }
        let name = below.get_name();
        found.extend(deeper.into_iter().map(|(rest, leaf)| (format!("{name} {rest}"), leaf)));
    }
    found
}

fn cli_page() -> String {
    let command = command();
    let leaves = leaves(&command);
    let mut page = "# Command line\n\n\
        <!-- Generated from the commands by UPDATE_DOCS=1 cargo test reference. Do not edit. -->\n\n\
        Results go to stdout. Logs and progress go to stderr, and with --json the totals too.\n\n\
        | exit code | meaning |\n|---|---|\n\
        | 0 | done; rejected records are not a failure |\n\
        | 1 | failed |\n\
        | 2 | wrong usage |\n\n\
        `stevedore COMMAND --help` prints the same text as this page.\n\n"
        .to_owned();
    page += "| command | what it does |\n|---|---|\n";
    for (name, leaf) in &leaves {
        let anchor = name.replace(' ', "-");
        writeln!(page, "| [`{name}`](#{anchor}) | {} |", cell(leaf.get_about())).unwrap();
    }
    for heading in SHARED {
        let options = shared_options(&leaves, heading);
        write!(page, "\n## {heading} options\n\n").unwrap();
        page += match heading {
            "Global" => "Every command takes these.\n\n",
            "Database" => "Every command that uses a database takes these.\n\n",
            _ => "Every command that reads records takes these.\n\n",
        };
        page += &options_table(&options);
    }
    for (name, leaf) in &leaves {
        page += &leaf_section(name, leaf, &command);
    }
    page
}

fn shared_options<'a>(leaves: &[(String, &'a Command)], heading: &str) -> Vec<&'a Arg> {
    let mut options: Vec<&Arg> = Vec::new();
    for arg in leaves.iter().flat_map(|(_, leaf)| leaf.get_arguments()) {
        let is_new = options.iter().all(|known| known.get_id() != arg.get_id());
        if arg.get_help_heading() == Some(heading) && is_new {
            options.push(arg);
        }
    }
    options
}

fn leaf_section(name: &str, leaf: &Command, root: &Command) -> String {
    let mut usage = leaf.clone().render_usage().to_string();
    usage = usage.trim_start_matches("Usage: ").to_owned();
    let mut section = format!("\n## {name}\n\n{}.\n\n", text(leaf.get_about()));
    write!(section, "```text\n{usage}\n```\n\n").unwrap();
    let own: Vec<&Arg> = leaf
        .get_arguments()
        .filter(|arg| !matches!(arg.get_action(), ArgAction::Help | ArgAction::Version))
        .filter(|arg| arg.get_help_heading().is_none_or(|heading| !SHARED.contains(&heading)))
        .collect();
    if !own.is_empty() {
        section += &options_table(&own);
        section.push('\n');
    }
    let taken = SHARED
        .iter()
        .filter(|heading| leaf.get_arguments().any(|arg| arg.get_help_heading() == Some(heading)));
    let taken: Vec<String> = taken
        .map(|heading| format!("[{}](#{}-options)", heading.to_lowercase(), heading.to_lowercase()))
        .collect();
    writeln!(section, "Also takes: {}.", taken.join(", ")).unwrap();
    if let Some(examples) = examples(name, leaf, root) {
        write!(section, "\n```sh\n{examples}\n```\n").unwrap();
    }
    section
}

/// The examples of a command; those of a group of commands are shown with the ones they call.
fn examples(name: &str, leaf: &Command, root: &Command) -> Option<String> {
    let group = name.split(' ').next().and_then(|group| root.find_subcommand(group));
    let after = leaf.get_after_help().or_else(|| group?.get_after_help())?.to_string();
    let call = format!("stevedore {name} ");
    let is_of = |line: &&str| format!("{line} ").contains(&call);
    let lines: Vec<&str> = after.lines().skip(1).map(str::trim).filter(is_of).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn options_table(options: &[&Arg]) -> String {
    let mut table =
        "| option | what it does | default | environment |\n|---|---|---|---|\n".to_owned();
    for arg in options {
        let help = sentence(arg);
        let (default, variable) = (default(arg), variable(arg));
        writeln!(table, "| {} | {help} | {default} | {variable} |", option(arg)).unwrap();
    }
    table
}

/// How an option or argument is written.
fn option(arg: &Arg) -> String {
    let values = match arg.get_action().takes_values() {
        true => {
            arg.get_value_names().into_iter().flatten().map(|name| format!("<{name}>")).collect()
        }
        false => Vec::new(),
    };
    let flag = arg.get_long().map(|long| format!("--{long}"));
    let words: Vec<String> = flag.into_iter().chain(values).collect();
    format!("`{}`", escaped(&words.join(" ")))
}

/// What an option does, with its possible values.
fn sentence(arg: &Arg) -> String {
    let mut help = cell(arg.get_help());
    let values: Vec<_> = arg.get_possible_values();
    let shown =
        values.iter().filter(|value| !value.is_hide_set() && arg.get_action().takes_values());
    let shown: Vec<String> = shown
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}`: {}", value.get_name(), cell(Some(help))),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !shown.is_empty() {
        write!(help, ". {}", shown.join(". ")).unwrap();
    }
    help
}

fn default(arg: &Arg) -> String {
    let values: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    match arg.get_action().takes_values() && !values.is_empty() {
        true if values.join("").is_empty() => "empty".to_owned(),
        true => format!("`{}`", escaped(&values.join(","))),
        false => String::new(),
    }
}

fn variable(arg: &Arg) -> String {
    arg.get_env().map_or_else(String::new, |name| format!("`{}`", name.to_string_lossy()))
}

fn settings_page() -> String {
    let command = command();
    let leaves = leaves(&command);
    let mut page = "# Settings\n\n\
        <!-- Generated from the commands by UPDATE_DOCS=1 cargo test reference. Do not edit. -->\n\n\
        Every setting can be a flag, an environment variable, or a key of the settings file. \
        A flag wins over the environment. The environment wins over the file. The file wins over the \
        default. `stevedore config` prints the settings in force, where each comes from, and hides secrets.\n\n\
        The file is `stevedore.toml` in the current folder, or the one that `--config` names. Unknown keys \
        are errors. An empty environment variable counts as not set.\n\n\
        | key in the file | what it does | flag | environment | default | commands |\n|---|---|---|---|---|---|\n"
        .to_owned();
    let mut known = Vec::new();
    for arg in leaves.iter().flat_map(|(_, leaf)| leaf.get_arguments()) {
        let Some(name) = setting(arg).filter(|name| !known.contains(name)) else {
            continue;
        };
        writeln!(
            page,
            "| `{name}` | {} | {} | {} | {} | {} |",
            sentence(arg),
            option(arg),
            variable(arg),
            default(arg),
            users(&leaves, &name)
        )
        .unwrap();
        known.push(name);
    }
    page + SETTINGS_NOTES
}

/// The commands that have a setting; those with a database are too many to name.
fn users(leaves: &[(String, &Command)], name: &str) -> String {
    let find = |leaf: &Command| {
        let mut args = leaf.get_arguments();
        args.find(|arg| setting(arg).as_deref() == Some(name)).cloned()
    };
    let found: Vec<_> =
        leaves.iter().filter_map(|(user, leaf)| Some((user, find(leaf)?))).collect();
    let is_of_database =
        |arg: &Arg| arg.get_help_heading().is_some_and(|heading| heading == "Database");
    match &found[..] {
        found if found.len() == leaves.len() => "all".to_owned(),
        [(_, arg), ..] if is_of_database(arg) => "all that use a database".to_owned(),
        found => found.iter().map(|(user, _)| format!("`{user}`")).collect::<Vec<_>>().join(", "),
    }
}

const SETTINGS_NOTES: &str = "\n## The file\n\n\
    ```toml\n\
    database_url = \"postgresql://etl@db/warehouse?sslmode=verify-full\"\n\
    listen = \"0.0.0.0:8443\"\n\
    tls_cert = \"chain.pem\"\n\
    tls_key = \"key.pem\"\n\
    log_format = \"json\"\n\n\
    [bucket]\n\
    exports = \"s3://company-exports\"\n\
    ```\n\n\
    `bucket` may be a list of `NAME=URL`, or a table as above. `key` is a list.\n\n\
    `[[watch]]` defines a [watch](../guides/arriving.md#watches-in-the-settings-file), once for each.\n\n\
    ## Logs\n\n\
    `RUST_LOG` is used where neither `--log` nor `STEVEDORE_LOG` is set. It wins over the file.\n\n\
    ## Stores\n\n\
    Stores of objects are set up by the variables of their own tools: `AWS_…`, `GOOGLE_…`, `AZURE_…`. The \
    same settings can be added to a URL: `s3://bucket/key?region=eu-west-1`. The URL wins. See \
    [remote buckets](../guides/remote-buckets.md).\n";

fn text(help: Option<&StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default().replace('\n', " ")
}

/// A text as it stands in a cell of a table.
fn cell(help: Option<&StyledStr>) -> String {
    escaped(&text(help)).replace('<', "&lt;")
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
