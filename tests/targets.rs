//! Tables that users have: fit ones are written to as they are, others are refused with a remedy.

use pipeline::error::Error;
use pipeline::sink::Mode;
use serde_json::json;

use crate::support::{OLD_TABLES, TestDatabase, load_text, record, stderr};

/// The problem and the remedy of a load into tables that some SQL has changed.
async fn refused(change: &str, mode: Mode) -> String {
    let database = TestDatabase::with_old_tables().await;
    database.connect().await.batch_execute(change).await.unwrap();
    match load_text(&database, &record("u", 1, "s"), mode).await {
        Err(Error::Target { table, problem, remedy, .. }) => {
            format!("{table}: {problem} | {remedy}")
        }
        other => panic!("{change}: {other:?}"),
    }
}

#[tokio::test]
async fn a_table_that_does_not_fit_is_refused_with_the_command_that_helps() {
    let key = "alter table user_status add primary key (userid)";
    let cases = [
        (
            "",
            Mode::Merge,
            "user_status: mode merge needs a unique key on userid | alter table user_status add primary key (userid), or load with --mode append",
        ),
        (
            key,
            Mode::Append,
            "user_status: every record is to be a row, and there is a unique key on userid | drop that key from user_status, or load with --mode merge",
        ),
        (
            "alter table user_status drop column status",
            Mode::Append,
            "user_status: it has no column status | alter table user_status add column status varchar",
        ),
        (
            "alter table user_status_log alter status type int using 1",
            Mode::Append,
            "user_status_log: its column status is of type integer, not varchar | alter table user_status_log alter column status type varchar using status::varchar",
        ),
        (
            "alter table user_status add column tenant text not null",
            Mode::Append,
            "user_status: its column tenant must not be null, and the feed may have no value for it | alter table user_status alter column tenant drop not null",
        ),
        (
            "alter table user_status_log alter updatedon set not null",
            Mode::Append,
            "user_status_log: its column updatedon must not be null, and the feed may have no value for it | alter table user_status_log alter column updatedon drop not null",
        ),
        (
            "alter table user_status_error_rec alter error_rec type varchar(80)",
            Mode::Append,
            "user_status_error_rec: its column error_rec is too narrow to keep every rejected record | alter table user_status_error_rec alter column error_rec type varchar",
        ),
        (
            "alter table user_status drop column status, add column status varchar generated always as (userid) stored",
            Mode::Append,
            "user_status: its column status is generated | alter table user_status alter column status drop expression",
        ),
    ];
    for (change, mode, expected) in cases {
        assert_eq!(refused(change, mode).await, expected);
    }
}

#[tokio::test]
async fn keys_and_kinds_of_tables_that_cannot_work_are_found_before_the_first_row() {
    let key = "alter table user_status add primary key (userid)";
    let cases = [
        (
            "create unique index on user_status (userid, ingested_at)".to_owned(),
            Mode::Append,
            "user_status: every record is to be a row, and there is a unique key on ingested_at, userid | drop that key from user_status, or load with --mode merge",
        ),
        (
            format!("{key}; create unique index on user_status_log (userid, updatedon)"),
            Mode::Merge,
            "user_status_log: every record is to be a row, and there is a unique key on updatedon, userid | drop that key from user_status_log",
        ),
        (
            format!("{key}; create unique index on user_status (createdat)"),
            Mode::Merge,
            "user_status: mode merge takes no unique key but userid, and there is one on createdat | drop that key from user_status",
        ),
        (
            format!("{key}; create unique index on user_status (status) include (userid)"),
            Mode::Merge,
            "user_status: mode merge takes no unique key but userid, and there is one on status | drop that key from user_status",
        ),
        (
            "create unique index on user_status_log (lower(userid)) where status is null"
                .to_owned(),
            Mode::Append,
            "user_status_log: every record is to be a row, and there is a unique key on status, userid | drop that key from user_status_log",
        ),
        (
            "alter table user_status_error_rec alter error_rec type varchar(10)".to_owned(),
            Mode::Append,
            "user_status_error_rec: its column error_rec is too narrow to keep every rejected record | alter table user_status_error_rec alter column error_rec type varchar",
        ),
        (
            "create index on user_status_error_rec (error_rec)".to_owned(),
            Mode::Append,
            "user_status_error_rec: its column error_rec is indexed, and no index holds every text | drop the index on user_status_error_rec (error_rec)",
        ),
        (
            "alter table user_status_log rename to log; create view user_status_log as table log"
                .to_owned(),
            Mode::Append,
            "user_status_log: it is no table | rename user_status_log and run `stevedore migrate`",
        ),
    ];
    for (change, mode, expected) in cases {
        assert_eq!(refused(&change, mode).await, expected);
    }
}

#[tokio::test]
async fn values_that_narrower_columns_cannot_hold_are_rejected_records() {
    let database = TestDatabase::with_old_tables().await;
    let narrow =
        "alter table user_status alter userid type varchar(3), alter lastvisitedat type smallint;
        alter table user_status_log alter userid type varchar(2), alter status type varchar(4)";
    database.connect().await.batch_execute(narrow).await.unwrap();
    let lines = [
        record("éé", 32_767, "full"),
        record("abc", 1, "s"),
        record("a", 32_768, "s"),
        record("b", 1, "fulls"),
    ];
    let summary = load_text(&database, &lines.join("\n"), Mode::Append).await.unwrap();
    assert_eq!((summary.loaded, summary.rejected_by_reason["out_of_range"]), (1, 3));
    assert_eq!(
        database.rows("select userid, lastvisitedat from user_status").await,
        [json!({"userid": "éé", "lastvisitedat": 32_767})]
    );
}

#[tokio::test]
async fn indexes_are_no_obstacle_and_what_they_cannot_hold_is_rejected() {
    let database = TestDatabase::with_old_tables().await;
    let indexes = "create index on user_status (lower(status)); create index on user_status_log (userid) include (status);
        alter table user_status_error_rec add column reason text; create index on user_status_error_rec (reason);
        create unique index on user_status (userid) include (status); create index on user_status using hash (createdat)";
    database.connect().await.batch_execute(indexes).await.unwrap();
    let long: String = (0..2000_u32)
        .map(|at| char::from(b'a' + (at.wrapping_mul(2_654_435_761) >> 24) as u8 % 26))
        .collect();
    let lines = [record("a", 1, "s"), record("b", 1, &long), record("c", 1, &long.repeat(2))];
    let summary = load_text(&database, &lines.join("\n"), Mode::Merge).await.unwrap();
    // Of the log, key and status share an index, so that each has half of it.
    assert_eq!(
        (summary.loaded, &summary.rejected_by_reason),
        (1, &[("out_of_range".to_owned(), 2)].into())
    );
}

#[tokio::test]
async fn columns_of_the_users_own_are_left_alone() {
    let database = TestDatabase::with_old_tables().await;
    let own = "alter table user_status add column note text default 'mine', add column id bigint generated always as identity primary key;
        create table keep (like user_status_log); insert into user_status (userid) values ('old')";
    database.connect().await.batch_execute(own).await.unwrap();
    load_text(&database, &record("u", 1, "s"), Mode::Append).await.unwrap();
    let rows = database.rows("select userid, note from user_status").await;
    assert_eq!(
        rows,
        [json!({"userid": "old", "note": "mine"}), json!({"userid": "u", "note": "mine"})]
    );
}

#[tokio::test]
async fn rows_that_a_trigger_swallows_fail_the_load() {
    let database = TestDatabase::with_old_tables().await;
    let swallow = "create function swallow() returns trigger language plpgsql as 'begin return null; end';
        create trigger swallow before insert on user_status_log for each row execute function swallow()";
    database.connect().await.batch_execute(swallow).await.unwrap();
    let error = load_text(&database, &record("u", 1, "s"), Mode::Append).await.unwrap_err();
    assert!(matches!(&error, Error::CountMismatch { .. }), "{error:?}");
    assert_eq!(database.counts().await, [0, 0, 0]);
    let failed =
        database.rows("select state, error is not null as said from stevedore.loads").await;
    assert_eq!(failed, [json!({"state": "failed", "said": true})]);
}

#[tokio::test]
async fn a_role_named_like_the_ledger_finds_the_tables_of_the_public_schema() {
    let database = TestDatabase::empty().await;
    let role = "do $$ begin create role stevedore login superuser; exception when others then null; end $$";
    database.connect().await.batch_execute(role).await.unwrap();
    database.connect().await.batch_execute(OLD_TABLES).await.unwrap();
    let url = database.url.replace("postgres@", "stevedore@");
    let sample = crate::support::sample("user_status_sample.json");
    let mut command =
        crate::support::stevedore(&["load", "--mode", "append", "--database-url", &url, &sample]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(database.count("public.user_status").await, 7);
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused() {
    let admin = TestDatabase::empty().await;
    let create =
        "create database latin encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0";
    admin.connect().await.batch_execute(create).await.unwrap();
    let name = admin.url.split(['/', '?']).nth(3).unwrap();
    let database = TestDatabase { url: admin.url.replace(&format!("/{name}?"), "/latin?") };
    let error = load_text(&database, &record("u", 1, "s"), Mode::Merge).await.unwrap_err();
    assert!(error.to_string().contains("encoding LATIN1"), "{error}");
}

#[tokio::test]
async fn a_dry_run_is_held_against_the_tables_as_they_are() {
    let database = TestDatabase::with_old_tables().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("late.ndjson");
    std::fs::write(&path, record("u", 2_147_483_648, "s")).unwrap();
    let path = path.to_str().unwrap();
    let summary = database.load(&["--dry-run", "--mode", "append", path]).remove(0);
    assert_eq!(summary["rejected_by_reason"], json!({"out_of_range": 1}));
    assert_eq!(
        database.load(&["--mode", "append", path])[0]["rejected_by_reason"],
        json!({"out_of_range": 1})
    );
}
