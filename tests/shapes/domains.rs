//! Columns of domains with checks: only the database can evaluate these, and values that do not fit are rejects.

use std::num::NonZeroUsize;

use pipeline::error::Error;
use pipeline::load::{Connections, LoadOptions, load};
use serde_json::{Value, json};

use super::{feed, load_version};
use crate::support::{TestDatabase, object_of, options};

const DOMAINS: &str = "
    create domain positive as integer check (value > 0);
    create domain email as varchar(20) check (value like '%@%');
    create domain work_email as email constraint at_work check (value !~ 'home' and VALUE <> 'VALUE@x');
    create domain known as text check (value is not null);
    create domain recent as timestamptz check (value >= '2024-01-01 00:00:00+00');
    create domain price as numeric(8,2) check (value % 0.5 = 0);
    create domain settings as jsonb check (value ? 'a');
    create domain sorted as text collate \"C\" check (value < 'a');
    create domain bytes as bytea check (octet_length(value) = 2);";

async fn rejects(database: &TestDatabase) -> Vec<(Value, Value)> {
    let mut rows = database.rows("select record_no, reason, detail, raw from t_rejects").await;
    rows.sort_by_key(|row| row["record_no"].as_i64());
    assert!(rows.iter().all(|row| row["reason"] == "out_of_range"), "{rows:?}");
    assert!(rows.iter().all(|row| row["raw"].as_str().unwrap().starts_with('{')), "{rows:?}");
    rows.into_iter().map(|row| (row["record_no"].clone(), row["detail"].clone())).collect()
}

#[tokio::test]
async fn values_that_the_check_of_a_domain_refuses_are_rejects_that_name_the_domain() {
    let database = TestDatabase::empty().await;
    database.psql(&format!(
        "{DOMAINS} create table t (n positive, email work_email, name known, at recent, price price, \
         settings settings, sorted sorted, bytes bytes)"
    ));
    let feed = feed(
        r#"
        name = "t"
        mode = "append"
        [[table]]
        name = "t"
        [table.columns]
        n = { type = "integer" }
        email = { type = "text" }
        name = { type = "text" }
        at = { type = "timestamptz" }
        price = { type = "numeric" }
        settings = { type = "jsonb" }
        sorted = { type = "text" }
        bytes = { type = "bytea", encoding = "hex" }
        "#,
    );
    let text = r#"
        {"n":1,"email":"a@b","name":"x","at":"2024-01-01T01:00:00+01:00","price":1.5,"settings":{"a":1},"sorted":"Z","bytes":"00ff"}
        {"n":0,"name":"x"}
        {"email":"ab","name":"x"}
        {"email":"home@b","name":"x"}
        {"email":"VALUE@x","name":"x"}
        {"n":2}
        {"at":"2023-12-31T23:59:59Z","name":"x"}
        {"price":1.25,"name":"x"}
        {"settings":{"b":1},"name":"x"}
        {"sorted":"b","name":"x"}
        {"bytes":"00","name":"x"}
        {"name":"x"}"#;
    let summary = load_version(&database, &feed, "t", text).await.unwrap();
    assert_eq!((summary.loaded, summary.rejected), (2, 10));
    let rejects = rejects(&database).await;
    let places =
        rejects.iter().map(|(_, detail)| detail.as_str().unwrap().split(':').next().unwrap());
    assert_eq!(
        places.collect::<Vec<_>>(),
        [
            "/n",
            "/email",
            "/email",
            "/email",
            "/name",
            "/at",
            "/price",
            "/settings",
            "/sorted",
            "/bytes"
        ]
    );
    assert_eq!(rejects[0].1, "/n: expected a value of the domain positive: (VALUE > 0), found 0");
    assert_eq!(
        rejects[4].1,
        "/name: expected a value of the domain known: (VALUE IS NOT NULL), found null"
    );
    assert!(rejects[2].1.as_str().unwrap().ends_with("found home@b"));
}

/// Orders of which each has items, and these have discounts, into tables with domains.
async fn nested(mode: &str) -> (TestDatabase, std::sync::Arc<pipeline::feed::Feed>) {
    let database = TestDatabase::empty().await;
    database.psql(&format!(
        "{DOMAINS} create table t (id positive {}); \
         create table items (id positive, line int, sku email); \
         create table discounts (id positive, line int, discount_no int, price price)",
        if mode == "merge" { "primary key" } else { "" }
    ));
    let feed = feed(&format!(
        r#"
        name = "t"
        mode = "{mode}"
        key = ["id"]
        [[table]]
        name = "t"
        [table.columns]
        id = {{ type = "bigint", required = true }}
        [[table]]
        name = "items"
        each = "$.items[*]"
        position = "line"
        required = true
        [table.columns]
        sku = {{ path = "$['s/k'].u", type = "text" }}
        [[table]]
        name = "discounts"
        each = "$.items[*].discounts[*]"
        position = "discount_no"
        [table.columns]
        price = {{ type = "numeric" }}
        "#
    ));
    (database, feed)
}

const NESTED: &str = r#"
    {"id":1,"items":[{"s/k":{"u":"a@b"},"discounts":[{"price":1.5},{"price":0.5}]},{"s/k":{"u":"c@d"}}]}
    {"id":2,"items":[{"s/k":{"u":"a@b"}},null,{"s/k":{"u":"ab"}},{"s/k":{"u":"cd"}}]}
    {"id":3,"items":[{"s/k":{"u":"a@b"}},{"discounts":[{"price":1},{"price":0.25}]}]}
    {"id":-4,"items":[]}
    {"id":5,"items":[{"s/k":{"u":1}}]}
    {"id":6,"items":[{}]}"#;

#[tokio::test]
async fn one_entry_that_a_domain_refuses_rejects_its_record() {
    for mode in ["append", "merge"] {
        let (database, feed) = nested(mode).await;
        let summary = load_version(&database, &feed, "t", NESTED).await.unwrap();
        assert_eq!((summary.loaded, summary.rejected), (2, 4), "{mode}");
        let email = "a value of the domain email: ((VALUE)::text ~~ '%@%'::text)";
        let price = "a value of the domain price: ((VALUE % 0.5) = (0)::numeric)";
        assert_eq!(
            rejects(&database).await,
            [
                (json!(2), json!(format!("/items/2/s~1k/u: expected {email}, found ab"))),
                (
                    json!(3),
                    json!(format!("/items/1/discounts/1/price: expected {price}, found 0.25"))
                ),
                (
                    json!(4),
                    json!("/id: expected a value of the domain positive: (VALUE > 0), found -4")
                ),
                (json!(5), json!(format!("/items/0/s~1k/u: expected {email}, found 1"))),
            ]
        );
        let items = database.rows("select id, line, sku from items order by id, line").await;
        assert_eq!(items.len(), 3, "{mode} {items:?}");
        assert_eq!(database.count("discounts").await, 2, "{mode}");
    }
}

#[tokio::test]
async fn parts_and_dry_runs_ask_the_database_about_domains_too() {
    let (database, feed) = nested("append").await;
    let text = format!("{}\n", NESTED.trim()).repeat(50);
    let mut connection = database.migrated().await;
    let object = object_of(text.as_bytes()).await;
    let single = options(feed.mode);
    let dry =
        pipeline::load::dry_run(&object, &feed, Some(&mut connection), &single).await.unwrap();
    assert_eq!((dry.loaded, dry.rejected), (100, 200));
    let in_parts = LoadOptions {
        connections: Connections { wanted: NonZeroUsize::new(2), part_bytes: 2000 },
        ..single
    };
    let summary = load(&object, &feed, &mut connection, &in_parts).await.unwrap();
    assert_eq!((summary.loaded, summary.rejected), (100, 200));
    assert_eq!(database.count("items").await, 150);
}

#[tokio::test]
async fn a_check_that_fails_instead_of_being_false_fails_the_load() {
    let database = TestDatabase::empty().await;
    database.psql("create domain odd as text check (value::int > 0); create table t (v odd)");
    let feed = feed(
        "name = \"t\"\nmode = \"append\"\n[[table]]\nname = \"t\"\n[table.columns]\nv = { type = \"text\" }\n",
    );
    match load_version(&database, &feed, "t", r#"{"v":"1"} {"v":"x"}"#).await {
        Err(error @ Error::Database { .. }) => {
            let text = error.with_causes();
            assert!(text.contains("evaluate the checks of the domain odd"), "{text}");
            assert!(text.contains("invalid input syntax for type integer"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(database.count("t").await, 0);
}
