//! The rights of `sql/grants.sql`: enough to load, and for nothing else.

use pipeline::database::migrate;
use pipeline::feed::USER_STATUS;
use pipeline::sink::{Mode, create_tables};
use tokio_postgres::error::SqlState;

use crate::support::{TestDatabase, load_text, repository, sample, stderr};

/// A database whose tables are there, and the same as a role that has been granted the rights of
/// `sql/grants.sql` and no others.
async fn with_role(database: &TestDatabase, role: &str) -> TestDatabase {
    let mut owner = database.connect().await;
    migrate(&mut owner).await.unwrap();
    create_tables(&*owner, &USER_STATUS).await.unwrap();
    let grants = std::fs::read_to_string(repository("sql/grants.sql")).unwrap();
    let name = database.url.split(['/', '?']).nth(3).unwrap();
    let grants = grants.replace(":\"role\"", role).replace(":\"DBNAME\"", name);
    owner.batch_execute(&format!("create role {role} login; {grants}")).await.unwrap();
    TestDatabase { url: database.url.replace("postgres@", &format!("{role}@")) }
}

/// It loads, and can do nothing to what is loaded.
async fn assert_may_only_load(etl: &TestDatabase, mode: Mode) {
    let connection = etl.connect().await;
    for forbidden in [
        "update stevedore.loads set records = 0",
        "delete from stevedore.loads",
        "drop table stevedore.loads",
        "drop table user_status",
        "drop table user_status_log",
        "delete from user_status",
        "update user_status_error_rec set error_rec = ''",
        "create table stevedore.mine ()",
    ] {
        let error = connection.batch_execute(forbidden).await.expect_err(forbidden);
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{mode}: {forbidden}");
    }
}

#[tokio::test]
async fn the_rights_of_the_grants_are_enough_to_merge_and_for_nothing_else() {
    let database = TestDatabase::empty().await;
    let etl = with_role(&database, "etl").await;
    etl.load(&[&sample("user_status_merge_1.ndjson")]);
    // The role may not read the log, so the tables cannot be shown: a remark, and no failure.
    let second = sample("user_status_merge_2.ndjson");
    let output = etl.stevedore(&["load", &second]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("note: the tables cannot be shown: "), "{}", stderr(&output));
    assert_eq!(database.counts().await, [4, 7, 0]);
    assert_may_only_load(&etl, Mode::Merge).await;
}

#[tokio::test]
async fn the_rights_of_the_grants_are_enough_to_append_and_for_nothing_else() {
    let database = TestDatabase::with_old_tables().await;
    let etl = with_role(&database, "\"Old ETL\"").await;
    let etl = TestDatabase { url: etl.url.replace("\"Old ETL\"", "Old%20ETL") };
    load_text(&etl, "{}", Mode::Append).await.unwrap();
    etl.load(&["--mode", "append", &sample("user_status_sample.json")]);
    assert_eq!(database.counts().await, [7, 13, 4]);
    assert_may_only_load(&etl, Mode::Append).await;
}
