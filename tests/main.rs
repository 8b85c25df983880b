//! The integration tests: the real binary and library against a real PostgreSQL.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and nobody but the tests uses what they share"
)]

mod access;
mod bad_input;
mod bundles;
mod catalog;
mod cli;
mod conformance;
mod connections;
mod console;
mod crash;
mod crawl;
mod crawl_names;
mod crawlers;
mod decode;
mod deploy;
mod discard;
mod docs;
mod documents;
mod drafts;
mod embedded;
mod exactly_once;
mod export;
mod far;
mod feed_cli;
mod feeds;
mod feeds_of_jobs;
mod flags;
mod frames;
mod fuzz;
mod generated_client;
mod glue;
mod hostile;
mod jobs;
mod jobs_cli;
mod loads;
mod loads_cli;
mod lost_commit;
mod max_rejected;
mod merge;
mod modes;
mod monitoring;
mod openapi;
mod openlineage;
mod operators;
mod packages;
mod parts;
mod parts_of_processes;
mod poolers;
mod preflight;
mod random_feeds;
mod readback;
mod real_data;
mod refused;
mod replays;
mod rest;
mod rights;
mod round_trip;
mod routing;
mod schemathesis;
mod settings;
mod shapes;
mod stop;
mod stores;
mod support;
mod tables;
mod targets;
mod traces;
mod trigger;
mod upgrades;
mod warnings;
mod watches;
mod webhooks;
