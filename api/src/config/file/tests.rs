//! The settings file: what it may hold, and what beats it.

use clap::FromArgMatches;

use super::*;
use crate::config::Verb;

fn serve(settings: &str, args: &[&str]) -> crate::config::ServeArgs {
    let settings: Table = settings.parse().unwrap();
    let command = with_settings(Config::command(), &settings, Path::new("test.toml")).unwrap();
    let args = ["stevedore", "serve"].iter().chain(args);
    let config = Config::from_arg_matches(&command.get_matches_from(args)).unwrap();
    match config.verb {
        Verb::Serve(args) => args,
        verb => panic!("{verb:?}"),
    }
}

#[test]
fn flags_go_before_the_file_and_the_file_before_defaults() {
    let file = "listen = \"127.0.0.1:1\"\nconcurrency = 7\ninsecure = true\n[bucket]\na = \"/tmp\"\nb = \"s3://b\"";
    let args = serve(file, &["--listen", "127.0.0.1:2"]);
    assert_eq!(args.server.listen.port(), 2);
    assert_eq!(args.work.concurrency(), 7);
    assert!(args.server.insecure);
    assert_eq!(args.work.buckets.len(), 2);
    assert_eq!(args.work.grace_secs, 30);
}

#[test]
fn what_is_no_setting_is_named() {
    let settings: Table = "lisen = \"x\"".parse().unwrap();
    let error = with_settings(Config::command(), &settings, Path::new("test.toml")).unwrap_err();
    assert_eq!(error.to_string(), "test.toml has an unknown setting: lisen");
}
