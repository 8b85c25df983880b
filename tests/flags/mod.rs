//! Every flag of every verb does what its help says.
//!
//! [`TESTS`] names, for each flag, the test of its effect. A flag without a line fails
//! [`every_flag_of_the_help_has_a_test_and_nothing_else_has`], so that no new one can be forgotten.

mod ask;
mod database;
mod global;
mod limits;
mod load;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;

use crate::support::{repository, stderr, stdout, stevedore};

/// A verb, the test of its flags as `module::function`, and the flags. The empty verb has the flags of
/// all verbs, and `jobs` those of its own verbs.
const TESTS: &[(&str, &str, &[&str])] = &[
    ("", "flags::global::every_verb_takes_the_filter_of_the_log", &["--log"]),
    ("", "flags::global::every_verb_reads_the_file_that_is_named", &["--config"]),
    ("", "flags::global::every_verb_that_needs_feeds_reads_the_folder_that_is_named", &["--feeds"]),
    ("", "flags::global::logs_are_text_or_json", &["--log-format"]),
    ("", "flags::global::the_version_is_printed", &["--version"]),
    ("load", DATABASE_URL, &["--database-url"]),
    ("load", EMBEDDED, DATABASE),
    ("load", "routing::a_feed_that_is_named_takes_every_object", &["--feed"]),
    ("load", "flags::load::the_format_is_the_one_that_is_named", &["--format"]),
    ("load", "flags::load::records_that_are_too_long_are_rejected", &["--max-record-bytes"]),
    ("load", TOO_MUCH_TEXT, &["--max-expansion", "--max-text-bytes"]),
    (
        "load",
        "hostile::bombs::a_record_that_is_loaded_begins_the_count_of_rejects_anew",
        &["--max-rejects-in-a-row"],
    ),
    (
        "load",
        "max_rejected::a_load_of_which_too_many_records_are_rejected_writes_nothing",
        &["--max-rejected"],
    ),
    ("load", "flags::load::switches_do_what_they_say", &["--dry-run", "--reload", "--json"]),
    ("load", "flags::load::the_catalog_is_left_alone", &["--no-preflight"]),
    ("load", "flags::load::as_many_rows_are_shown_as_are_asked_for", &["--preview"]),
    ("load", "cli::plans_are_explained_without_a_database", &["--explain"]),
    ("load", "modes::auto_merges_into_a_table_with_a_key_and_appends_to_one_without", &["--mode"]),
    ("load", "parts_of_processes::it_is_said_where_connections_are_of_no_use", &["--connections"]),
    ("serve", DATABASE_URL, &["--database-url"]),
    ("serve", QUEUE_DATABASE, &["--queue-database-url"]),
    ("serve", EMBEDDED, DATABASE),
    ("serve", CONCURRENCY, &["--concurrency", "--bucket"]),
    ("serve", CONNECTIONS, &["--connections"]),
    ("serve", GRACE, &["--grace-secs"]),
    ("serve", KEEP, &["--keep-jobs", "--keep-rejects"]),
    ("serve", WEBHOOK, &["--webhook-url", "--webhook-secret"]),
    (
        "serve",
        "webhooks::a_receiver_that_is_gone_or_cannot_be_reached_holds_up_no_load",
        &["--webhook-origin"],
    ),
    ("serve", LINEAGE, OPENLINEAGE),
    ("serve", TRACES, &["--otlp-endpoint"]),
    ("serve", LOCK_TIMEOUT, &["--lock-timeout-secs"]),
    ("serve", STATEMENT_TIMEOUT, &["--statement-timeout-secs"]),
    ("serve", JOBS, &["--no-preflight", "--max-record-bytes"]),
    ("serve", "flags::work::the_pool_has_as_many_connections_as_are_asked_for", &["--pool-size"]),
    (
        "serve",
        "access::strangers::without_keys_only_this_machine_is_served",
        &["--listen", "--insecure"],
    ),
    ("serve", "access::strangers::certificates_encrypt", &["--tls-cert", "--tls-key"]),
    ("serve", "access::keys_may_do_what_their_scopes_say", &["--key"]),
    ("serve", "glue::glue_is_off_unless_it_is_asked_for", &["--glue", "--glue-key"]),
    ("serve", "access::limits::each_key_has_a_rate_of_its_own", &["--rate-limit"]),
    ("serve", JOBS_TOO_MUCH, TOO_MUCH),
    (
        "serve",
        "hostile::unread::a_connection_over_the_limit_is_refused_until_another_is_closed",
        &["--max-connections"],
    ),
    (
        "serve",
        "hostile::unread::two_hundred_clients_that_never_read_are_closed_and_take_no_memory",
        &["--write-timeout-secs"],
    ),
    ("serve", "access::limits::what_is_too_large_is_refused", &["--max-body-bytes"]),
    ("serve", "access::limits::slow_clients_are_not_waited_for", &["--request-timeout-secs"]),
    (
        "serve",
        "access::strangers::pages_of_other_origins_are_let_in_only_if_they_are_named",
        &["--cors-origin"],
    ),
    ("serve", "jobs::one_job_at_a_time_is_about_a_version", &["--no-worker"]),
    ("worker", DATABASE_URL, &["--database-url"]),
    (
        "worker",
        "poolers::the_database_of_the_queue_must_be_that_of_the_loads",
        &["--queue-database-url"],
    ),
    ("worker", EMBEDDED, DATABASE),
    (
        "worker",
        "flags::work::a_worker_answers_probes_and_counts_what_it_does",
        &["--listen", "--no-listen"],
    ),
    ("worker", CONCURRENCY, &["--concurrency", "--bucket"]),
    ("worker", CONNECTIONS, &["--connections"]),
    ("worker", GRACE, &["--grace-secs"]),
    ("worker", KEEP, &["--keep-jobs", "--keep-rejects"]),
    ("worker", "webhooks::a_worker_beside_the_server_sends_them", &["--webhook-secret"]),
    ("worker", LINEAGE, OPENLINEAGE),
    ("worker", TRACES, &["--otlp-endpoint"]),
    ("worker", LOCK_TIMEOUT, &["--lock-timeout-secs"]),
    ("worker", STATEMENT_TIMEOUT, &["--statement-timeout-secs"]),
    ("worker", JOBS, &["--no-preflight", "--max-record-bytes"]),
    ("worker", JOBS_TOO_MUCH, TOO_MUCH),
    (
        "jobs",
        "flags::ask::jobs_are_those_of_the_server_for_the_key",
        &["--server", "--api-key", "--json"],
    ),
    (
        "jobs list",
        "flags::ask::jobs_are_filtered",
        &["--state", "--bucket", "--key", "--feed", "--limit"],
    ),
    ("jobs list", MATCHED, &["--error-code", "--label", "--since", "--until"]),
    ("jobs cancel-all", MATCHED, FILTER),
    ("jobs retry-all", MATCHED, FILTER),
    ("jobs", CA_CERT, &["--ca-cert"]),
    ("watch", WATCH, &["--server", "--json", "--api-key"]),
    ("watch", CA_CERT, &["--ca-cert"]),
    (
        "watch add",
        WATCH,
        &[
            "--bucket",
            "--glob",
            "--feed",
            "--mode",
            "--label",
            "--schedule",
            "--settle-secs",
            "--min-interval-secs",
            "--only-new",
            "--queue",
        ],
    ),
    ("watch add", WATCH_STEPS, &["--prefix", "--every"]),
    ("watch runs", WATCH_STEPS, &["--limit"]),
    (
        "jobs list",
        "operators::the_list_has_errors_and_a_job_over_many_names_its_failed_jobs_first",
        &["--parent"],
    ),
    (
        "jobs retry",
        "operators::a_retry_may_change_the_feed_the_mode_and_whether_to_load_again",
        &["--mode", "--feed", "--reload"],
    ),
    ("health", "flags::ask::health_is_that_of_the_server", &["--server"]),
    ("health", CA_CERT, &["--ca-cert"]),
    ("loads list", DATABASE_URL, &["--database-url"]),
    ("loads list", EMBEDDED, DATABASE),
    (
        "loads list",
        "loads_cli::loads_are_picked_by_feed_state_object_and_number",
        &["--feed", "--state", "--object", "--limit", "--json"],
    ),
    ("loads show", DATABASE_URL, &["--database-url"]),
    ("loads show", EMBEDDED, DATABASE),
    ("loads show", "loads_cli::a_load_that_failed_says_why", &["--json"]),
    ("loads discard", DATABASE_URL, &["--database-url"]),
    ("loads discard", EMBEDDED, DATABASE),
    (
        "loads discard",
        "discard::what_a_killed_load_in_parts_has_written_is_discarded_and_nothing_else",
        &["--json"],
    ),
    ("rejects list", DATABASE_URL, &["--database-url"]),
    ("rejects list", EMBEDDED, DATABASE),
    (
        "rejects list",
        "replays::by_cli::rejects_are_picked_by_all_that_is_given",
        &["--feed", "--load", "--object", "--reason", "--rule", "--state", "--limit", "--json"],
    ),
    ("rejects show", DATABASE_URL, &["--database-url"]),
    ("rejects show", EMBEDDED, DATABASE),
    (
        "rejects show",
        "replays::by_cli::what_fails_again_is_a_new_reject_that_names_its_origin",
        &["--json"],
    ),
    ("rejects replay", DATABASE_URL, &["--database-url"]),
    ("rejects replay", EMBEDDED, DATABASE),
    (
        "rejects replay",
        "replays::by_cli::a_reject_that_is_edited_is_loaded_once",
        &["--text", "--dry-run", "--note", "--json"],
    ),
    (
        "rejects replay",
        "replays::by_cli::rejects_are_picked_by_all_that_is_given",
        &["--feed", "--load", "--object", "--reason", "--rule"],
    ),
    ("rejects replay", "replays::modes::each_reject_has_the_mode_of_its_load", &["--mode"]),
    (
        "rejects replay",
        "replays::texts::a_long_text_whose_version_is_gone_is_refused",
        &["--max-record-bytes"],
    ),
    (
        "rejects replay",
        "replays::texts::a_long_text_of_an_object_that_expands_too_much_is_not_read",
        &["--max-expansion", "--max-text-bytes"],
    ),
    ("rejects ignore", DATABASE_URL, &["--database-url"]),
    ("rejects ignore", EMBEDDED, DATABASE),
    (
        "rejects ignore",
        "replays::by_cli::rejects_are_picked_by_all_that_is_given",
        &["--feed", "--load", "--object", "--reason", "--rule", "--note", "--json"],
    ),
    ("migrate", DATABASE_URL, &["--database-url"]),
    ("migrate", EMBEDDED, DATABASE),
    (
        "migrate",
        "rights::the_rights_of_the_grants_are_enough_to_merge_and_for_nothing_else",
        &["--grant-load"],
    ),
    (
        "migrate",
        "rights::the_rights_of_the_service_are_enough_to_serve_and_to_work_and_for_little_else",
        &["--grant-serve"],
    ),
    ("migrate", "rights::the_printed_grants_are_those_that_are_granted", &["--print-grants"]),
    ("feed draft", DATABASE_URL, &["--database-url"]),
    ("feed draft", EMBEDDED, DATABASE),
    ("feed draft", "drafts::a_folder_of_several_kinds_is_a_file_for_each", &["--out"]),
    ("feed draft", "drafts::records_are_where_they_are_said_to_be", &["--records", "--sample"]),
    ("feed draft", "drafts::a_draft_names_what_it_was_made_from", &["--table"]),
    ("feed show", "feed_cli::a_feed_is_shown_with_its_flow_its_tables_and_its_rules", &["--json"]),
    (
        "feed check",
        "feed_cli::a_feed_is_checked_with_the_records_of_an_object_and_without_a_database",
        &["--against", "--json"],
    ),
    ("feed diff", DATABASE_URL, &["--database-url"]),
    ("feed diff", EMBEDDED, DATABASE),
    ("feed diff", "feed_cli::a_feed_and_the_tables_of_the_database_are_compared", &["--json"]),
    (
        "feed diff",
        "feed_cli::the_edits_that_load_all_that_the_catalog_has_seen_are_shown_and_help",
        &["--catalog"],
    ),
    ("feed ddl", "feeds::feeds_are_listed_and_their_tables_are_printed_as_sql", &["--mode"]),
    ("crawl objects", DATABASE_URL, &["--database-url"]),
    ("crawl objects", EMBEDDED, DATABASE),
    (
        "crawl objects",
        "flags::ask::objects_are_crawled_as_they_are_asked_for",
        &[
            "--prefix",
            "--sample",
            "--name",
            "--catalog-database",
            "--parallel",
            "--json",
            "--bucket",
        ],
    ),
    ("crawl objects", CRAWL_KEYS, &["--include", "--exclude", "--json-path"]),
    (
        "crawl objects",
        "crawl::columns_that_changed_are_taken_added_or_only_told_as_the_policy_says",
        &["--on-change"],
    ),
    (
        "crawl objects",
        "crawl::tables_that_are_gone_are_deprecated_deleted_or_only_named_as_the_policy_says",
        &["--on-delete"],
    ),
    ("crawl postgres", DATABASE_URL, &["--database-url"]),
    ("crawl postgres", EMBEDDED, DATABASE),
    (
        "crawl postgres",
        "flags::ask::tables_are_crawled_as_they_are_asked_for",
        &[
            "--schema",
            "--include",
            "--exclude",
            "--name",
            "--catalog-database",
            "--on-change",
            "--on-delete",
            "--json",
        ],
    ),
    ("crawl run", DATABASE_URL, &["--database-url"]),
    ("crawl run", EMBEDDED, DATABASE),
    ("crawl run", "flags::ask::objects_are_crawled_as_they_are_asked_for", &["--json", "--bucket"]),
    ("crawl list", DATABASE_URL, &["--database-url"]),
    ("crawl list", EMBEDDED, DATABASE),
    ("catalog", DATABASE_URL, &["--database-url"]),
    ("catalog", EMBEDDED, DATABASE),
    ("catalog show", "flags::ask::versions_are_shown_in_every_format", &["--version", "--format"]),
    ("catalog show", "crawl_names::a_table_says_where_its_objects_are", &["--json"]),
    ("psql", DATABASE_URL, &["--database-url"]),
    ("psql", EMBEDDED, DATABASE),
    ("show", DATABASE_URL, &["--database-url"]),
    ("show", EMBEDDED, DATABASE),
    ("show", "flags::ask::rows_are_picked_and_counted", &["--limit", "--where"]),
    ("export", DATABASE_URL, &["--database-url"]),
    ("export", EMBEDDED, DATABASE),
    ("export", "export::a_table_is_read_in_as_many_parts_as_are_asked_for", &["--parallel"]),
    ("verify", DATABASE_URL, &["--database-url"]),
    ("verify", EMBEDDED, DATABASE),
    (
        "verify",
        "flags::load::records_that_are_too_long_are_rejected",
        &["--max-record-bytes", "--json", "--load", "--tables-only"],
    ),
    ("verify", TOO_MUCH_TEXT, &["--max-expansion", "--max-text-bytes"]),
    ("key", "flags::ask::a_key_has_its_scopes", &["--scope"]),
    (
        "config",
        "flags::global::config_shows_every_flag",
        &[
            "--bucket",
            "--concurrency",
            "--connections",
            "--cors-origin",
            "--database-url",
            "--data-dir",
            "--glue",
            "--glue-key",
            "--grace-secs",
            "--insecure",
            "--keep-jobs",
            "--keep-rejects",
            "--key",
            "--listen",
            "--lock-timeout-secs",
            "--max-body-bytes",
            "--max-connections",
            "--max-expansion",
            "--max-record-bytes",
            "--max-rejected",
            "--max-rejects-in-a-row",
            "--max-text-bytes",
            "--no-preflight",
            "--no-worker",
            "--openlineage-key",
            "--openlineage-namespace",
            "--openlineage-url",
            "--otlp-endpoint",
            "--pool-size",
            "--postgres-sha256",
            "--postgres-url",
            "--queue-database-url",
            "--rate-limit",
            "--request-timeout-secs",
            "--statement-timeout-secs",
            "--tls-cert",
            "--tls-key",
            "--webhook-origin",
            "--webhook-secret",
            "--webhook-url",
            "--write-timeout-secs",
        ],
    ),
];

const DATABASE_URL: &str = "flags::database::every_verb_uses_the_database_that_is_named";
const QUEUE_DATABASE: &str =
    "poolers::loads_use_the_pooler_if_it_can_carry_them_and_the_queue_what_is_named_for_it";
const CA_CERT: &str = "flags::ask::a_server_is_trusted_by_the_certificates_that_are_named";
const WATCH: &str = "watches::cli::a_watch_is_what_its_flags_say";
const WATCH_STEPS: &str = "watches::cli::a_watch_is_added_run_shown_paused_and_removed";
const EMBEDDED: &str = "flags::database::every_verb_starts_the_database_of_the_folder";
const DATABASE: &[&str] = &["--data-dir", "--postgres-url", "--postgres-sha256"];
const CONCURRENCY: &str = "flags::work::as_many_jobs_run_at_once_as_are_asked_for";
const CONNECTIONS: &str = "flags::work::a_huge_object_is_loaded_on_as_many_connections";
const GRACE: &str = "flags::work::what_runs_may_go_on_for_the_grace_period";
const MATCHED: &str = "flags::ask::jobs_that_match_are_counted_cancelled_and_retried";
const FILTER: &[&str] = &[
    "--state",
    "--bucket",
    "--key",
    "--feed",
    "--parent",
    "--error-code",
    "--label",
    "--since",
    "--until",
];
const LINEAGE: &str = "openlineage::a_job_over_many_objects_and_its_child_jobs_are_told_and_where_their_rows_came_from";
const OPENLINEAGE: &[&str] = &["--openlineage-url", "--openlineage-key", "--openlineage-namespace"];
const TRACES: &str = "traces::attempts_and_loads_are_in_the_trace_of_the_request";
const WEBHOOK: &str = "webhooks::the_end_of_a_job_is_told_with_a_signature_of_each_secret";
const KEEP: &str =
    "jobs::history::jobs_and_rejects_are_removed_once_they_are_too_old_and_loads_still_verify";
const LOCK_TIMEOUT: &str = "flags::work::a_load_waits_for_a_lock_as_long_as_it_may";
const STATEMENT_TIMEOUT: &str = "flags::work::queries_take_as_long_as_they_may";
const JOBS: &str = "flags::work::jobs_are_loaded_as_the_worker_is_told";
const TOO_MUCH_TEXT: &str = "flags::limits::too_much_text_is_given_up";
const JOBS_TOO_MUCH: &str = "flags::limits::jobs_over_too_much_fail";
const TOO_MUCH: &[&str] =
    &["--max-expansion", "--max-text-bytes", "--max-rejects-in-a-row", "--max-rejected"];
const CRAWL_KEYS: &str =
    "crawl::a_crawler_that_is_to_read_otherwise_reads_again_and_keys_are_chosen_by_patterns";

/// The verbs that do something, each with what it needs besides flags.
const VERBS: &[(&str, &[&str])] = &[
    ("load", &["x.ndjson"]),
    ("serve", &["--bucket", "b=/", "--listen", "127.0.0.1:0"]),
    ("worker", &["--bucket", "b=/"]),
    ("jobs list", &[]),
    ("jobs show", &["01990a7e-6c1f-7c3e-9d2b-0c8f6f6f6f6f"]),
    ("jobs cancel", &["01990a7e-6c1f-7c3e-9d2b-0c8f6f6f6f6f"]),
    ("jobs retry", &["01990a7e-6c1f-7c3e-9d2b-0c8f6f6f6f6f"]),
    ("jobs cancel-all", &[]),
    ("jobs retry-all", &[]),
    ("jobs counts", &[]),
    ("jobs watch", &["01990a7e-6c1f-7c3e-9d2b-0c8f6f6f6f6f"]),
    ("watch add", &["w", "--bucket", "b"]),
    ("watch list", &[]),
    ("watch show", &["w"]),
    ("watch run", &["w"]),
    ("watch pause", &["w"]),
    ("watch resume", &["w"]),
    ("watch remove", &["w"]),
    ("watch runs", &["w"]),
    ("watch token", &["w"]),
    ("loads list", &[]),
    ("loads show", &["1"]),
    ("loads discard", &["1"]),
    ("rejects list", &[]),
    ("rejects show", &["1:1"]),
    ("rejects replay", &["1:1"]),
    ("rejects ignore", &["1:1"]),
    ("health", &[]),
    ("migrate", &[]),
    ("feed list", &[]),
    ("feed draft", &["catalog:t"]),
    ("feed show", &["user_status"]),
    ("feed check", &["x.toml"]),
    ("feed ddl", &["user_status"]),
    ("feed diff", &["user_status"]),
    ("feed schema", &[]),
    ("crawl objects", &["."]),
    ("crawl postgres", &[]),
    ("crawl run", &["x"]),
    ("crawl list", &[]),
    ("catalog list", &[]),
    ("catalog show", &["t"]),
    ("catalog diff", &["t", "1", "2"]),
    ("psql", &["-c", "select 1"]),
    ("show", &["t"]),
    ("export", &["t", "t.csv"]),
    ("verify", &[]),
    ("key", &["k", "--scope", "read"]),
    ("config", &[]),
    ("completions", &["bash"]),
];

/// The flags and verbs that a help text lists. Descriptions are indented further.
fn parse(help: &str) -> (BTreeSet<String>, Vec<String>) {
    let (mut flags, mut verbs, mut is_verbs) = (BTreeSet::new(), Vec::new(), false);
    for line in help.lines() {
        let indent = line.len() - line.trim_start().len();
        let mut words = line.split_whitespace();
        let flag = words.clone().find(|word| word.starts_with("--"));
        match (indent, words.next(), flag) {
            (0, ..) => is_verbs = line == "Commands:",
            (2 | 6, Some(first), Some(flag)) if first.starts_with('-') => {
                flags.insert(flag.trim_end_matches(['.', ',']).to_owned());
            }
            (2, Some(verb), _) if is_verbs => verbs.push(verb.to_owned()),
            _ => {}
        }
    }
    (flags, verbs)
}

/// The verbs below `path`, with their own flags: not those that they have from above.
fn walk(path: &str, above: &BTreeSet<String>, found: &mut BTreeMap<String, BTreeSet<String>>) {
    let mut args: Vec<&str> = path.split_whitespace().collect();
    args.push("--help");
    let help = stevedore(&args).output().unwrap();
    assert!(help.status.success(), "{path}: {}", stderr(&help));
    let (mut flags, verbs) = parse(&stdout(&help));
    flags.remove("--help");
    let mut global = above.clone();
    if ["", "jobs", "watch", "catalog"].contains(&path) {
        global.extend(flags.iter().filter(|flag| *flag != "--version").cloned());
    }
    for verb in verbs.iter().filter(|verb| *verb != "help") {
        walk(format!("{path} {verb}").trim(), &global, found);
    }
    found.insert(path.to_owned(), flags.difference(above).cloned().collect());
}

#[test]
fn every_flag_of_the_help_has_a_test_and_nothing_else_has() {
    let mut found = BTreeMap::new();
    walk("", &BTreeSet::new(), &mut found);
    found.retain(|_, flags| !flags.is_empty());
    let mut tested: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (verb, _, flags) in TESTS {
        let of_verb = tested.entry((*verb).to_owned()).or_default();
        for flag in *flags {
            assert!(of_verb.insert((*flag).to_owned()), "{verb} {flag} is there twice");
        }
    }
    assert_eq!(found, tested, "left what --help has, right what TESTS has");
}

#[test]
fn every_verb_of_the_help_is_known() {
    let mut found = BTreeMap::new();
    walk("", &BTreeSet::new(), &mut found);
    let is_parent = |verb: &str| {
        let parents = ["jobs", "watch", "crawl", "catalog", "feed", "loads", "rejects"];
        verb.is_empty() || parents.contains(&verb)
    };
    let found: BTreeSet<&str> =
        found.keys().map(String::as_str).filter(|verb| !is_parent(verb)).collect();
    assert_eq!(found, VERBS.iter().map(|(verb, _)| *verb).collect());
}

#[test]
fn the_tests_that_are_named_are_there_and_name_the_flags() {
    for (verb, test, flags) in TESTS {
        let (module, function) = test.rsplit_once("::").unwrap();
        let path = repository(&format!("tests/{}", module.replace("::", "/")));
        let files = [path.with_extension("rs"), path.join("mod.rs")];
        let file = files.into_iter().find(|file| file.exists()).unwrap_or(path);
        let text =
            read_to_string(&file).unwrap_or_else(|_| panic!("{test}: no {}", file.display()));
        let start = text.find(&format!("fn {function}("));
        assert!(start.is_some(), "{test} is not in {}", file.display());
        // `config_shows_every_flag` takes the flags from the help.
        let is_named = |flag: &&&str| *verb == "config" || text.contains(**flag);
        let unnamed: Vec<_> = flags.iter().filter(|flag| !is_named(flag)).collect();
        assert!(unnamed.is_empty(), "{test} has no {unnamed:?}");
    }
}
