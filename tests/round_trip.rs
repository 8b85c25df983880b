//! Whatever comes in is there afterwards: as rows equal to the input, or as rejected records.

use pipeline::sink::{Mode, RowCounts};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{TestDatabase, load_bytes};

const TABLES: &str = "
    create table user_status (userid text, createdat varchar, status varchar(40), lastvisitedat bigint,
        isblacklisted boolean, ingested_at timestamptz);
    create table user_status_log (userid varchar, updatedon varchar, status varchar, ingested_at timestamp);
    create table user_status_error_rec (error_rec varchar)";

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

/// Text that Postgres can hold.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,12}", any::<String>()].prop_map(|text| text.replace('\0', "\u{10ffff}"))
}

fn record() -> impl Strategy<Value = Value> {
    let status = text().prop_map(|text| text.chars().take(40).collect::<String>());
    let status = status.prop_filter("a status is not empty", |status| !status.is_empty());
    let entry = option::of((option::of(text()), option::of(text())));
    let entry = entry.prop_map(|entry| match entry {
        Some((updated, status)) => json!({"updatedOn": updated, "status": status}),
        None => Value::Null,
    });
    (text(), text(), any::<i64>(), status, vec(entry, 0..6), any::<bool>()).prop_map(
        |(user, created, visited, status, logs, listed)| {
            json!({"userId": user, "createdAt": created, "lastVisitedAt": visited, "status": status,
                "statusLogs": logs, "isBlacklisted": listed})
        },
    )
}

#[test]
fn rows_read_back_equal_the_records() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let outcome = runner(24).run(&vec(record(), 1..40), |records| {
        runtime.block_on(async {
            let database = TestDatabase::empty().await;
            database.connect().await.batch_execute(TABLES).await.unwrap();
            let array = Value::from(records.clone()).to_string();
            let summary = load_bytes(&database, array.as_bytes(), Mode::Append).await.unwrap();
            assert_eq!(summary.loaded, records.len() as u64);
            let status = database.rows("select userid as \"userId\", createdat as \"createdAt\", lastvisitedat as \"lastVisitedAt\", status, isblacklisted as \"isBlacklisted\" from user_status").await;
            let expected = records.iter().cloned().map(|mut record| {
                record.as_object_mut().unwrap().remove("statusLogs");
                record
            });
            assert_eq!(sorted(status), sorted(expected.collect()));
            let log = database.rows("select userid, updatedon, status from user_status_log").await;
            let expected = records.iter().flat_map(|record| {
                let entries = record["statusLogs"].as_array().unwrap().iter();
                entries.map(|entry| json!({"userid": record["userId"], "updatedon": entry["updatedOn"], "status": entry["status"]}))
            });
            assert_eq!(sorted(log), sorted(expected.collect()));
        });
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn of_any_bytes_every_record_is_accounted_for() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let piece = prop_oneof![
        record().prop_map(|record| record.to_string().into_bytes()),
        record().prop_map(|record| record.to_string().replace('"', "").into_bytes()),
        vec(any::<u8>(), 0..40),
        "[\\[\\]{},:\" \\n\\\\]{1,9}".prop_map(String::into_bytes),
    ];
    let outcome = runner(60).run(&vec(piece, 0..12), |pieces| {
        runtime.block_on(async {
            let database = TestDatabase::empty().await;
            let loaded = load_bytes(&database, &pieces.join(&b'\n'), Mode::Merge).await;
            let [status, log, rejected] = database.counts().await;
            let Ok(summary) = loaded else {
                assert_eq!([status, log, rejected], [0, 0, 0], "nothing is written when a load fails");
                return;
            };
            assert_eq!(summary.records, summary.loaded + summary.rejected);
            assert_eq!(summary.rejected, rejected as u64);
            assert_eq!(summary.tables[1].counts.rows, log as u64);
            assert_eq!(summary.rejected, summary.rejected_by_reason.values().sum::<u64>());
            let RowCounts { rows, inserted, updated, unchanged, superseded, .. } = summary.tables[0].counts;
            assert_eq!((rows, inserted), (summary.loaded, status as u64));
            assert_eq!(rows, inserted + updated + unchanged + superseded);
            let silent = "user_status_error_rec where reason is null or detail is null or raw is null or error_rec is null";
            assert_eq!(database.count(silent).await, 0);
        });
        Ok(())
    });
    outcome.unwrap();
}

fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(Value::to_string);
    rows
}
