//! Where settings come from, and that secrets are not shown.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::{stderr, stdout, stevedore};

const HASH: &str = "013700cc2927c9255165637bd1cb28e1446f20aa69bf88ff20a4fd133b79d9b0";

/// A folder with a file of settings.
fn with_file(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stevedore.toml"), text).unwrap();
    folder
}

fn run(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command: Command = stevedore(args);
    command.envs(variables.iter().copied()).current_dir(folder).output().unwrap()
}

/// The line of a setting.
fn line(output: &Output, name: &str) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    let text = stdout(output);
    let found = text.lines().find(|line| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(" ="))
            || *line == format!("# {name} is not set")
    });
    found.unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
}

#[test]
fn a_flag_goes_before_the_environment_that_before_the_file_and_that_before_the_default() {
    let folder = with_file("rate_limit = 3\ngrace_secs = 3\n");
    let flag = ["config", "--rate-limit", "1"];
    let variable = [("STEVEDORE_RATE_LIMIT", "2")];
    let of = |args: &[&str], variables: &[(&str, &str)], name| {
        line(&run(folder.path(), args, variables), name)
    };
    assert_eq!(of(&flag, &variable, "rate_limit"), "rate_limit = \"1\" # flag");
    assert_eq!(of(&["config"], &variable, "rate_limit"), "rate_limit = \"2\" # environment");
    assert_eq!(of(&["config"], &[], "rate_limit"), "rate_limit = \"3\" # file");
    assert_eq!(of(&["config"], &variable, "grace_secs"), "grace_secs = \"3\" # file");
    let empty = tempfile::tempdir().unwrap();
    let default = line(&run(empty.path(), &["config"], &[]), "rate_limit");
    assert_eq!(default, "rate_limit = \"1000\" # default");
}

#[test]
fn the_file_is_the_one_that_is_named() {
    let (folder, other) = (with_file("rate_limit = 1"), with_file("rate_limit = 2"));
    let named = other.path().join("stevedore.toml");
    let named = named.to_str().unwrap();
    let by_flag = run(folder.path(), &["config", "--config", named], &[]);
    assert_eq!(line(&by_flag, "rate_limit"), "rate_limit = \"2\" # file");
    let by_variable = run(folder.path(), &["config"], &[("STEVEDORE_CONFIG", named)]);
    assert_eq!(line(&by_variable, "rate_limit"), "rate_limit = \"2\" # file");
    let missing = run(folder.path(), &["config", "--config", "missing.toml"], &[]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("missing.toml"), "{}", stderr(&missing));
}

#[test]
fn what_is_printed_can_be_the_file() {
    let text = format!(
        "listen = \"127.0.0.1:1\"\ninsecure = true\nlog_format = \"json\"\nlog = \"debug\"\n\
        cors_origin = [\"https://a.example\", \"https://b.example\"]\nkey = [\"ci:read:{HASH}\"]\n\
        [bucket]\none = \"s3://one\"\ntwo = \"/two\"\n"
    );
    let folder = with_file(&text);
    let printed = run(folder.path(), &["config"], &[]);
    for expected in [
        "listen = \"127.0.0.1:1\" # file",
        "insecure = true # file",
        "log_format = \"json\" # file",
        "log = \"debug\" # file",
        "cors_origin = [\"https://a.example\", \"https://b.example\"] # file",
        "bucket = [\"one=s3://one\", \"two=/two\"] # file",
        "key = [\"ci:read:***\"] # file",
        "# tls_cert is not set",
        "no_worker = false # default",
    ] {
        assert!(
            stdout(&printed).lines().any(|line| line == expected),
            "{expected}\n{}",
            stdout(&printed)
        );
    }
    // But for the secrets.
    let again = stdout(&printed).replace("***", HASH);
    let again = run(with_file(&again).path(), &["config"], &[]);
    let from_file = |text: &str| text.replace("# default", "# file");
    assert_eq!(from_file(&stdout(&again)), from_file(&stdout(&printed)));
}

#[test]
fn what_is_wrong_in_the_file_is_named() {
    for (text, named) in [
        ("lisen = \"x\"", "lisen"),
        ("[server]\nlisten = \"x\"", "server"),
        ("listen = 1.5", "listen"),
        ("listen = \"nowhere\"", "--listen"),
        ("concurrency = 0", "--concurrency"),
        ("key = [\"ci\"]", "--key"),
        ("rate_limit = 1\nlisten = ", "line 2"),
    ] {
        let folder = with_file(text);
        let refused = run(folder.path(), &["config"], &[]);
        assert_eq!(refused.status.code(), Some(2), "{text} {}", stdout(&refused));
        assert!(stderr(&refused).contains(named), "{text} {}", stderr(&refused));
        if !named.starts_with('-') {
            assert!(stderr(&refused).contains("stevedore.toml"), "{text} {}", stderr(&refused));
        }
    }
}

#[test]
fn switches_are_set_by_the_words_that_people_use() {
    let folder = tempfile::tempdir().unwrap();
    for (word, value) in
        [("true", "true"), ("1", "true"), ("yes", "true"), ("false", "false"), ("0", "false")]
    {
        let printed = run(folder.path(), &["config"], &[("STEVEDORE_INSECURE", word)]);
        assert_eq!(line(&printed, "insecure"), format!("insecure = {value} # environment"));
    }
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let folder = with_file("rate_limit = 3");
    let empty = [
        "DATABASE_URL",
        "RUST_LOG",
        "STEVEDORE_CONFIG",
        "STEVEDORE_RATE_LIMIT",
        "STEVEDORE_LISTEN",
        "STEVEDORE_INSECURE",
        "STEVEDORE_KEY",
        "STEVEDORE_BUCKET",
        "STEVEDORE_LOG",
    ];
    let printed = run(folder.path(), &["config"], &empty.map(|name| (name, "")));
    assert_eq!(line(&printed, "rate_limit"), "rate_limit = \"3\" # file");
    assert_eq!(line(&printed, "listen"), "listen = \"127.0.0.1:8080\" # default");
    assert_eq!(line(&printed, "insecure"), "insecure = false # default");
    for name in ["database_url", "key", "log"] {
        assert_eq!(line(&printed, name), format!("# {name} is not set"));
    }
}

#[test]
fn a_filter_of_the_log_that_is_wrong_is_refused_and_the_environment_goes_before_the_file() {
    let folder = with_file("log = \"stevedore=wrong\"");
    let plain = tempfile::tempdir().unwrap();
    for (folder, args, variables, code) in [
        (&folder, &["key", "k", "--scope", "read"][..], &[][..], 2),
        (&folder, &["key", "k", "--scope", "read"], &[("RUST_LOG", "warn")], 0),
        (&folder, &["key", "k", "--scope", "read", "--log", "warn"], &[("RUST_LOG", "a=wrong")], 0),
        (&plain, &["key", "k", "--scope", "read"], &[("RUST_LOG", "a=wrong")], 2),
        (&plain, &["key", "k", "--scope", "read"], &[("STEVEDORE_LOG", "a=wrong")], 2),
    ] {
        let output = run(folder.path(), args, variables);
        assert_eq!(output.status.code(), Some(code), "{args:?} {variables:?} {}", stderr(&output));
    }
}

#[test]
fn help_has_each_setting_under_its_heading() {
    let folder = tempfile::tempdir().unwrap();
    for (verb, flag, heading) in [
        ("load", "--database-url", "Database:"),
        ("load", "--max-record-bytes", "Records:"),
        ("load", "--dry-run", "Options:"),
        ("load", "--preview", "Options:"),
        ("serve", "--postgres-url", "Database:"),
        ("serve", "--max-record-bytes", "Records:"),
        ("serve", "--concurrency", "Worker:"),
        ("serve", "--bucket", "Worker:"),
        ("serve", "--listen", "Server:"),
        ("serve", "--log-format", "Global:"),
    ] {
        let help = stdout(&run(folder.path(), &[verb, "-h"], &[]));
        let before = help.split(&format!("    {flag} ")).next().unwrap();
        let over = before.lines().rfind(|line| line.ends_with(':') && !line.starts_with(' '));
        assert_eq!(over, Some(heading), "{verb} {flag}\n{help}");
    }
}

#[test]
fn secrets_are_shown_neither_by_config_nor_by_help() {
    let key = format!("ci:read:{HASH}");
    let file = format!(
        "database_url = \"postgresql://u:HUSH@h/d\"\nkey = \"{key}\"\napi_key = \"HUSH\"\n\
        bucket = \"b=s3://b?secret_access_key=HUSH\"\n\
        server = \"http://u:HUSH@h/\"\npostgres_url = \"https://u:HUSH@h/\"\n"
    );
    let variables = [
        ("DATABASE_URL", "postgresql://u:HUSH@h/d?password=HUSH"),
        ("STEVEDORE_KEY", &key),
        ("STEVEDORE_API_KEY", "HUSH"),
        ("STEVEDORE_SERVER", "http://u:HUSH@h/"),
        ("STEVEDORE_POSTGRES_URL", "https://u:HUSH@h/"),
        ("STEVEDORE_BUCKET", "b=s3://b?secret_access_key=HUSH"),
    ];
    let (with_file, without) = (with_file(&file), tempfile::tempdir().unwrap());
    for (folder, variables) in [(&with_file, &[][..]), (&without, &variables[..])] {
        for args in [
            &["config"][..],
            &["serve", "--help"],
            &["worker", "--help"],
            &["jobs", "--help"],
            &["jobs", "list", "--help"],
            &["config", "--help"],
            &["load", "--help"],
            &["health", "--help"],
            &["--help"],
            &["serve", "-h"],
            &["migrate", "--help"],
        ] {
            let output = run(folder.path(), args, variables);
            assert!(output.status.success(), "{args:?} {}", stderr(&output));
            let text = stdout(&output) + &stderr(&output);
            assert!(!text.contains("HUSH") && !text.contains(HASH), "{args:?} {text}");
        }
    }
    let printed = run(without.path(), &["config"], &variables);
    assert_eq!(
        line(&printed, "database_url"),
        "database_url = \"postgresql://u:***@h:5432/d\" # environment"
    );
    assert_eq!(
        line(&printed, "bucket"),
        "bucket = [\"b=s3://b?secret_access_key=***\"] # environment"
    );
}

#[test]
fn secrets_are_not_shown_by_errors() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        // The key where its hash belongs, which is what people do first.
        &["serve", "--key", "sv_HUSH"][..],
        &["serve", "--key", "ci:HUSH:read"],
        &["serve", "--key", "ci:read:HUSH"],
        &["serve", "--bucket", "s3://b?secret_access_key:HUSH"],
        &["serve", "--bucket", "b c=s3://b?secret_access_key=HUSH"],
        &["serve", "--bucket", "b=nowhere://b?secret_access_key=HUSH"],
        &["serve", "--bucket", "b=s3://b?secret_access_key=HUSH&unknown_setting=1"],
        &["serve", "--database-url", "postgresql://u:HUSH@h:port/d"],
        &["health", "--server", "http://u:HUSH@localhost:1/"],
        &["health", "--server", "http://u:HUSH@localhost:port/"],
        &["jobs", "list", "--server", "http://u:HUSH@localhost:1/"],
        &["serve", "--database-url", "postgresql://u:HUSH@h/d?unknown=1"],
        &["serve", "--database-url", "host=h password=HUSH unknown=1"],
    ] {
        let refused = run(folder.path(), args, &[]);
        assert!(matches!(refused.status.code(), Some(1 | 2)), "{args:?}");
        let text = stdout(&refused) + &stderr(&refused);
        assert!(!text.contains("HUSH") && !text.is_empty(), "{args:?} {text}");
    }
    let broken = with_file("database_url = \"postgresql://u:HUSH@h/d\nlisten = \"x\"");
    let refused = run(broken.path(), &["config"], &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(!stderr(&refused).contains("HUSH"), "{}", stderr(&refused));
}
