//! Merge: one row for each user, whatever the order in which objects arrive.

use pipeline::sink::Mode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{TestDatabase, load_text, record, sample};

const ROWS: &str = "select userid, lastvisitedat, status from user_status";
const LEDGER: &str = "select load_id, rows, inserted, updated, superseded \
    from stevedore.load_tables where \"table\" = 'user_status'";

fn row(user: &str, visited: i64, status: &str) -> Value {
    json!({"userid": user, "lastvisitedat": visited, "status": status})
}

#[tokio::test]
async fn the_greatest_visit_wins_and_the_ledger_counts_what_became_of_each_record() {
    let (one, other) = (sample("user_status_merge_1.ndjson"), sample("user_status_merge_2.ndjson"));
    let expected = || {
        sorted([
            row("m-1", 100, "later of equals"),
            row("m-2", 250, "newest"),
            row("m-3", 300, "only here"),
            row("m-4", 400, "new"),
        ])
    };
    let counts = |id, loaded, inserted, updated, superseded| json!({"load_id": id, "rows": loaded, "inserted": inserted, "updated": updated, "superseded": superseded});
    let database = TestDatabase::empty().await;
    database.load(&[&one]);
    database.load(&[&other]);
    assert_eq!(database.rows(&format!("{ROWS} order by userid")).await, expected());
    assert_eq!(database.rows(LEDGER).await, [counts(1, 4, 3, 0, 1), counts(2, 3, 1, 1, 1)]);
    assert_eq!(database.count("user_status_log").await, 7);
    // In a bundle a record that another object's beats was never a row.
    let database = TestDatabase::empty().await;
    database.load(&[&one, &other]);
    assert_eq!(database.rows(&format!("{ROWS} order by userid")).await, expected());
    assert_eq!(database.rows(LEDGER).await, [counts(1, 4, 2, 0, 2), counts(2, 3, 2, 0, 1)]);
    assert_eq!(database.count("user_status_log").await, 7);
}

const COUNTS: &str = "select load_id, rows, inserted, updated, unchanged, superseded \
    from stevedore.load_tables where \"table\" = 'user_status'";

fn counted(load_id: i64, rows: u64, [inserted, updated, unchanged, superseded]: [u64; 4]) -> Value {
    json!({"load_id": load_id, "rows": rows, "inserted": inserted, "updated": updated,
        "unchanged": unchanged, "superseded": superseded})
}

#[tokio::test]
async fn rows_that_would_not_change_are_left_alone() {
    let database = TestDatabase::empty().await;
    let day = |changed: &str| {
        [record("a", 1, "s"), record("b", 2, changed), record("c", 3, "s")].join("\n")
    };
    load_text(&database, &day("s"), Mode::Merge).await.unwrap();
    let places = "select userid, ctid::text, ingested_at from user_status where userid <> 'b'";
    let before = database.rows(places).await;
    // The record of `a` comes twice, and an older one of `c`.
    let second = [day("t"), record("a", 1, "s"), record("c", 0, "old")].join("\n");
    load_text(&database, &second, Mode::Merge).await.unwrap();
    assert_eq!(database.rows(places).await, before);
    assert_eq!(database.rows(ROWS).await[1], row("b", 2, "t"));
    let expected = [counted(1, 3, [3, 0, 0, 0]), counted(2, 5, [0, 1, 2, 2])];
    assert_eq!(database.rows(COUNTS).await, expected);
    // Their entries are history all the same.
    assert_eq!(database.count("user_status_log").await, 8);
    // The same in a bundle: each object has its own counts.
    let folder = TempDir::new().unwrap();
    let paths = [("1.json", day("t")), ("2.json", day("u"))].map(|(name, text)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    });
    database.load(&[&paths[0], &paths[1]]);
    let expected = [counted(3, 3, [0, 0, 0, 3]), counted(4, 3, [0, 1, 2, 0])];
    assert_eq!(database.rows(COUNTS).await[2..], expected);
}

#[tokio::test]
async fn a_partitioned_table_is_merged_into() {
    let database = TestDatabase::empty().await;
    let tables = "create table user_status (userid varchar primary key, createdat varchar, status varchar,
        lastvisitedat bigint, isblacklisted boolean, ingested_at timestamp) partition by hash (userid);
        create table user_status_0 partition of user_status for values with (modulus 2, remainder 0);
        create table user_status_1 partition of user_status for values with (modulus 2, remainder 1)";
    database.connect().await.batch_execute(tables).await.unwrap();
    let users = |visited: i64, users: std::ops::Range<u32>| {
        let records = users.map(|user| record(&format!("u-{user}"), visited, "s"));
        records.collect::<Vec<_>>().join("\n")
    };
    load_text(&database, &users(1, 0..10), Mode::Merge).await.unwrap();
    let second = [users(1, 0..4), users(2, 4..8), users(0, 8..10), users(1, 10..13)].join("\n");
    load_text(&database, &second, Mode::Merge).await.unwrap();
    let expected = [counted(1, 10, [10, 0, 0, 0]), counted(2, 13, [3, 4, 4, 2])];
    assert_eq!(database.rows(COUNTS).await, expected);
    assert_eq!(database.count("user_status where lastvisitedat = 2").await, 4);
    assert_eq!(database.count("user_status").await, 13);
}

#[tokio::test]
async fn of_equal_visits_the_later_load_wins() {
    let database = TestDatabase::empty().await;
    for status in ["first", "second"] {
        load_text(&database, &record("u", 1, status), Mode::Merge).await.unwrap();
    }
    assert_eq!(database.rows(ROWS).await, [row("u", 1, "second")]);
}

#[tokio::test]
async fn a_row_without_a_visit_gives_way_to_any_other() {
    let database = TestDatabase::empty().await;
    let connection = database.migrated().await;
    pipeline::sink::create_tables(&*connection, &crate::support::USER_STATUS, Mode::Merge.into())
        .await
        .unwrap();
    connection.batch_execute("insert into user_status (userid) values ('u')").await.unwrap();
    load_text(&database, &record("u", -5, "known"), Mode::Merge).await.unwrap();
    assert_eq!(database.rows(ROWS).await, [row("u", -5, "known")]);
}

/// Objects of (user, visit); visits of a user are distinct, so that no two records are equal.
fn objects() -> impl Strategy<Value = (Vec<Vec<(u8, i64)>>, Vec<usize>)> {
    let visits = vec((0_u8..5, 0_i64..1000), 1..30).prop_map(|mut visits| {
        visits.sort();
        visits.dedup();
        visits
    });
    let shuffled = visits.prop_flat_map(|visits| Just(visits).prop_shuffle());
    (shuffled, 1_usize..5).prop_flat_map(|(visits, parts)| {
        let size = visits.len().div_ceil(parts);
        let objects: Vec<_> = visits.chunks(size).map(<[_]>::to_vec).collect();
        let order: Vec<_> = (0..objects.len()).collect();
        (Just(objects), Just(order).prop_shuffle())
    })
}

#[test]
fn the_order_in_which_objects_arrive_makes_no_difference() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner =
        TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&objects(), |(objects, order)| {
        runtime.block_on(async {
            let in_order = loaded(&objects, &(0..objects.len()).collect::<Vec<_>>()).await;
            let shuffled = loaded(&objects, &order).await;
            assert_eq!(in_order, shuffled);
            let mut greatest = std::collections::BTreeMap::new();
            for (user, visit) in objects.concat() {
                let known = greatest.entry(user).or_insert(visit);
                *known = visit.max(*known);
            }
            let expected = greatest
                .iter()
                .map(|(user, visit)| row(&format!("u-{user}"), *visit, &format!("s-{visit}")));
            assert_eq!(in_order, sorted(expected));
        });
        Ok(())
    });
    outcome.unwrap();
}

/// The rows after loading the objects in an order.
async fn loaded(objects: &[Vec<(u8, i64)>], order: &[usize]) -> Vec<Value> {
    let database = TestDatabase::empty().await;
    for at in order {
        let lines = objects[*at]
            .iter()
            .map(|(user, visit)| record(&format!("u-{user}"), *visit, &format!("s-{visit}")));
        load_text(&database, &lines.collect::<Vec<_>>().join("\n"), Mode::Merge).await.unwrap();
    }
    database.rows(ROWS).await
}

fn sorted(rows: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|row| [row["userid"].to_string(), row.to_string()]);
    rows
}

#[tokio::test]
async fn loads_that_meet_at_the_same_users_all_finish() {
    let database = TestDatabase::empty().await;
    database.migrated().await;
    let folder = TempDir::new().unwrap();
    let mut loads = Vec::new();
    for load in 0..4 {
        let path = folder.path().join(format!("{load}.ndjson"));
        // Each in another order, so that they would wait for each other's rows in a ring.
        let users = (0..2000).map(|user| (user * 7 + load * 500) % 2000);
        let lines: Vec<_> = users.map(|user| record(&format!("u-{user}"), load, "s")).collect();
        std::fs::write(&path, lines.join("\n")).unwrap();
        loads
            .push(database.stevedore(&["load", "--json", path.to_str().unwrap()]).spawn().unwrap());
    }
    assert!(loads.iter_mut().all(|load| load.wait().unwrap().success()));
    assert_eq!(
        database
            .rows("select count(*), min(lastvisitedat), max(lastvisitedat) from user_status")
            .await,
        [json!({"count": 2000, "min": 3, "max": 3})]
    );
}

#[tokio::test]
async fn few_records_are_looked_up_and_the_rest_of_the_table_is_not_read() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    assert!(database.stevedore(&["migrate"]).output().unwrap().status.success());
    let fill = "alter table user_status set (autovacuum_enabled = false);
        insert into user_status select 'old' || n, '2022-01-01', 'ACTIVE', 1, false, now() from generate_series(1, 20000) n";
    database.connect().await.batch_execute(fill).await.unwrap();
    let path = folder.path().join("few.ndjson");
    let records = [record("old1", 2, "ACTIVE"), record("new", 1, "ACTIVE")];
    std::fs::write(&path, records.join("\n")).unwrap();
    // Each adds what it has read when it ends.
    let read = "select seq_tup_read from pg_stat_user_tables where relname = 'user_status'";
    let before = database.psql(read);
    database.load(&[path.to_str().unwrap()]);
    let [before, after] = [before, database.psql(read)]
        .map(|rows| rows[0][0].as_deref().unwrap().parse::<i64>().unwrap());
    // The first row tells that the table is not empty.
    assert!(after - before < 10, "{before} and {after} rows");
    assert_eq!(database.count("user_status where lastvisitedat = 2").await, 1);
}
