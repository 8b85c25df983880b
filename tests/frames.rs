//! A few records in, whole frames out.

use pipeline::decode::{Decoder, Limits};
use pipeline::frame::{Stamp, child, explain, parent, rejected, valid};
use pipeline::records::{Batches, CutOptions};
use polars::prelude::*;

use crate::support::USER_STATUS as FEED;

const RECORDS: &str = r#"
{"userId":"a","createdAt":"2022-01-01","lastVisitedAt":1,"status":"ACTIVE","statusLogs":[{"updatedOn":"x","status":"y"},null,{}],"isBlacklisted":false}
{"userId":"b","createdAt":true,"lastVisitedAt":-2,"status":" ","statusLogs":[],"isBlacklisted":true}
{"userId":null,"createdAt":"2022-01-01","lastVisitedAt":3,"status":"","statusLogs":[{"updatedOn":1.50,"status":null},null],"isBlacklisted":true}
{"userId":"d","createdAt":"2022-01-01","lastVisitedAt":4,"status":"","statusLogs":[],"isBlacklisted":false}
"#;

fn records() -> LazyFrame {
    let batch = Batches::new(RECORDS.as_bytes(), CutOptions::default()).next().unwrap().unwrap();
    Decoder::new(&FEED, &Limits::of_fresh_tables(&FEED)).decode(&batch).unwrap().lazy()
}

fn stamp() -> Stamp {
    Stamp {
        ingested_at_micros: 1_640_995_200_000_000,
        load_id: 7,
        object: "o".to_owned(),
        object_version: "v".to_owned(),
    }
}

fn ingested_at(rows: usize) -> Column {
    let micros = Series::new("ingested_at".into(), vec![1_640_995_200_000_000_i64; rows]);
    micros.cast(&DataType::Datetime(TimeUnit::Microseconds, None)).unwrap().into()
}

fn assert_frame(frame: LazyFrame, mut expected: DataFrame) {
    expected.with_column(ingested_at(expected.height())).unwrap();
    let frame = frame.collect().unwrap();
    assert_eq!(frame.schema(), expected.schema());
    for (found, expected) in frame.columns().iter().zip(expected.columns()) {
        assert!(found.equals_missing(expected), "{found:?} {expected:?}");
    }
}

#[test]
fn valid_keeps_the_records_that_rejected_leaves() {
    let numbers = |frame: LazyFrame, name: &str| {
        let frame = frame.select([col(name)]).collect().unwrap();
        frame.column(name).unwrap().i64().unwrap().to_vec()
    };
    assert_eq!(numbers(valid(records(), &FEED), "$record_no"), [Some(1), Some(2)]);
    assert_eq!(numbers(rejected(records(), &FEED, &stamp()), "record_no"), [Some(3), Some(4)]);
}

#[test]
fn the_root_table_has_a_row_for_each_valid_record() {
    let expected = df!(
        "userid" => ["a", "b"],
        "createdat" => ["2022-01-01", "true"],
        "status" => ["ACTIVE", " "],
        "lastvisitedat" => [1_i64, -2],
        "isblacklisted" => [false, true],
        "$record_no" => [1_i64, 2],
    );
    assert_frame(parent(records(), &FEED, &stamp()), expected.unwrap());
}

#[test]
fn a_child_table_has_a_row_for_each_entry_in_order() {
    let expected = df!(
        "userid" => ["a", "a", "a"],
        "updatedon" => [Some("x"), None, None],
        "status" => [Some("y"), None, None],
    );
    assert_frame(child(records(), &FEED, 1, &stamp()), expected.unwrap());
}

#[test]
fn rejected_has_a_row_for_each_other_record() {
    let lines: Vec<_> = RECORDS.lines().collect();
    let offset = |line: usize| lines[..line].iter().map(|line| line.len() as i64 + 1).sum::<i64>();
    let expected = df!(
        "error_rec" => [
            "userid:null,createdAt:2022-01-01,lastVisitedAt:3,status:,statusLogs:[{1.50, null}, null],isBlacklisted:true",
            "userid:d,createdAt:2022-01-01,lastVisitedAt:4,status:,statusLogs:[],isBlacklisted:false",
        ],
        "reason" => ["null_field", "empty_text"],
        "detail" => ["/userId: expected a value, found null", "/status: expected text, found ''"],
        "raw" => [lines[3], lines[4]],
        "object" => ["o", "o"],
        "object_version" => ["v", "v"],
        "record_no" => [3_i64, 4],
        "byte_offset" => [offset(3), offset(4)],
        "byte_length" => [lines[3].len() as i64, lines[4].len() as i64],
        "load_id" => [7_i64, 7],
    );
    assert_frame(rejected(records(), &FEED, &stamp()), expected.unwrap());
}

#[test]
fn the_plans_of_all_frames_can_be_explained() {
    let plans = explain(&FEED).unwrap();
    let names: Vec<_> = plans.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["valid", "user_status", "user_status_log", "user_status_error_rec"]);
    for (operator, plan) in ["FILTER", "FILTER", "EXPLODE", "FILTER"].into_iter().zip(plans) {
        assert!(plan.1.contains(operator), "{} {}", plan.0, plan.1);
    }
}
