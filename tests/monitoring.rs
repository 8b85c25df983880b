//! What is watched: the numbers, their page, the alert rules and the dashboard.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::json;

use crate::support::browser::program;
use crate::support::{Serve, TestDatabase, repository, sample, stderr, stdout};

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap()
}

/// The names of numbers in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(|c| !is_part(c)).filter(|word| word.starts_with("stevedore_"));
    words.map(|word| word.trim_end_matches("_bucket").to_owned()).collect()
}

#[test]
fn the_page_has_every_number_and_no_other() {
    assert_eq!(names(&read("docs/reference/metrics.md")), names(&read("api/src/metrics.rs")));
}

#[test]
fn alert_rules_and_dashboard_use_numbers_that_there_are() {
    let known = names(&read("api/src/metrics.rs"));
    for path in [
        "deploy/prometheus/alerts.yml",
        "deploy/prometheus/alerts.test.yml",
        "deploy/grafana/stevedore.json",
    ] {
        let used = names(&read(path));
        assert!(used.len() > 3 && used.is_subset(&known), "{path}: {:?}", used.difference(&known));
    }
}

#[test]
fn prometheus_takes_the_alert_rules_and_they_fire_when_they_should() {
    let Some(promtool) = program(&["promtool"]) else {
        assert!(std::env::var_os("CI").is_none(), "the checks need promtool");
        eprintln!("promtool is not installed: not tested");
        return;
    };
    for args in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]] {
        let checked = Command::new(&promtool)
            .args(args)
            .current_dir(repository("deploy/prometheus"))
            .output();
        let checked = checked.unwrap();
        assert!(checked.status.success(), "{}{}", stdout(&checked), stderr(&checked));
    }
}

#[tokio::test]
async fn the_numbers_of_now_are_told() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    std::fs::copy(sample("user_status_sample.json"), folder.path().join("a.json")).unwrap();
    let serve = Serve::start(&database, &[], folder.path());
    serve.ended(&serve.load("a.json").await).await;
    let crawler = json!({"name": "all", "target": {"kind": "objects", "bucket": "bucket"}});
    assert_eq!(serve.post_json("/v1/crawlers", &crawler).await.status, 201);
    serve.post("/v1/crawlers/all/runs").await;
    serve.crawled("all").await;
    let told = serve.get("/metrics").await.body;
    for line in [
        "stevedore_jobs{state=\"queued\"} 0",
        "stevedore_oldest_queued_job_seconds 0",
        "stevedore_workers{state=\"alive\"} 2",
        "stevedore_rejects_open{feed=\"user_status\",reason=\"null_field\"} 2",
        "stevedore_rejects_open{feed=\"user_status\",reason=\"empty_text\"} 1",
        "stevedore_crawler_last_success_timestamp_seconds{crawler=\"all\"} 1",
    ] {
        assert!(told.lines().any(|it| it.starts_with(line)), "{line} in {told}");
    }
    let ignored = serve
        .post_json("/v1/rejects/ignore", &json!({"reason": "null_field", "feed": "user_status"}))
        .await;
    serve.ended(&ignored.json()).await;
    let told = serve.get("/metrics").await.body;
    for line in [
        "stevedore_rejects_open{feed=\"user_status\",reason=\"null_field\"} 0",
        "stevedore_rejects_open{feed=\"user_status\",reason=\"empty_text\"} 1",
    ] {
        assert!(told.lines().any(|it| it == line), "{line} in {told}");
    }
}
