//! Orders with items and discounts: what lands, and what a merge makes of it.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use pipeline::load::{Failpoint, LoadOptions, Summary};
use pipeline::sink::RowCounts;
use serde_json::{Value, json};

use super::{example, feed, load_version, load_version_with};
use crate::support::{TestDatabase, options, repository};

#[tokio::test]
async fn orders_land_in_three_tables_with_what_their_feed_declares() {
    let database = TestDatabase::empty().await;
    let text = std::fs::read_to_string(repository("data/examples/orders.ndjson")).unwrap();
    let summary = load_version(&database, &example("orders.toml"), "orders_1", &text).await;
    let error = summary.unwrap_err().to_string();
    assert!(error.contains("3 of the 6"), "{error}");
    let with_more = example("orders.toml").text.replace("\"20%\"", "\"50%\"");
    let feed = feed(&with_more);
    let summary = load_version(&database, &feed, "orders_1", &text).await.unwrap();
    assert_eq!((summary.records, summary.loaded, summary.rejected), (6, 3, 3));
    let orders = database
        .rows(
            "select right(order_id::text, 2) as id, updated_at at time zone 'UTC' as at, total, city, \
             currency, tags, meta, total_cents, extra, length(content_hash) as hash, object, load_id \
             from orders order by order_id",
        )
        .await;
    assert_eq!(
        orders[0],
        json!({"id": "01", "at": "2026-03-01T09:15:00", "total": 129.90, "city": "Bern",
            "currency": "EUR", "tags": ["gift", "express"], "meta": {"channel": "web"},
            "total_cents": 12990, "extra": {"note": "leave at the door"}, "hash": 16,
            "object": summary.object, "load_id": summary.load_id})
    );
    assert_eq!(
        (&orders[1]["at"], &orders[1]["currency"]),
        (&json!("2026-03-01T09:00:00"), &json!("CHF"))
    );
    assert_eq!((&orders[2]["city"], &orders[2]["extra"]), (&Value::Null, &Value::Null));
    let items =
        "select right(order_id::text, 2) as id, line, sku, qty from order_items order by 1, 2";
    assert_eq!(
        database.rows(items).await,
        [
            json!({"id": "01", "line": 1, "sku": "LAMP-1", "qty": 2}),
            json!({"id": "01", "line": 2, "sku": "BULB-E27", "qty": 4}),
            json!({"id": "02", "line": 1, "sku": "CUP-3", "qty": 1}),
            json!({"id": "05", "line": 1, "sku": "MUG", "qty": 3}),
        ]
    );
    let discounts = "select right(order_id::text, 2) as id, line, discount_no, code, amount \
        from item_discounts order by 1, 2, 3";
    assert_eq!(
        database.rows(discounts).await,
        [
            json!({"id": "01", "line": 1, "discount_no": 1, "code": "SPRING", "amount": 5.00}),
            json!({"id": "02", "line": 1, "discount_no": 1, "code": "CLUB", "amount": 1.50}),
            json!({"id": "02", "line": 1, "discount_no": 2, "code": "SECOND", "amount": 0.25}),
        ]
    );
    assert_eq!(
        database.rows("select record_no, reason, detail from orders_rejects order by 1").await,
        [
            json!({"record_no": 3, "reason": "rule", "detail": "total_is_positive: expected total > 0"}),
            json!({"record_no": 4, "reason": "null_field",
                "detail": "/items/1/sku: expected a value, found nothing"}),
            json!({"record_no": 6, "reason": "wrong_type", "detail": "/updatedAt: expected a date and \
                time with an offset (2024-02-29T12:30:00Z), found \"2026-03-01 13:00\""}),
        ]
    );
    let keys = "select conrelid::regclass::text as table, pg_get_constraintdef(oid) as key \
        from pg_constraint where contype = 'p' and conrelid::regclass::text in \
        ('orders', 'order_items', 'item_discounts') order by 1";
    assert_eq!(
        database.rows(keys).await,
        [
            json!({"table": "item_discounts", "key": "PRIMARY KEY (order_id, line, discount_no)"}),
            json!({"table": "order_items", "key": "PRIMARY KEY (order_id, line)"}),
            json!({"table": "orders", "key": "PRIMARY KEY (order_id)"}),
        ]
    );
}

/// An order of this number, version, total, and these items, each with as many discounts.
fn order(number: u32, minute: u32, total: &str, items: &[(&str, usize)]) -> String {
    let items = items.iter().map(|(sku, discounts)| {
        let discounts =
            (0..*discounts).map(|at| json!({"code": format!("{sku}-{at}"), "amount": at}));
        json!({"sku": sku, "qty": 1, "discounts": discounts.collect::<Vec<_>>()})
    });
    let items = serde_json::to_string(&items.collect::<Vec<_>>()).unwrap();
    format!(
        r#"{{"id":"00000000-0000-0000-0000-{number:012}","updatedAt":"2026-01-01T00:{minute:02}:00Z","total":{total},"status":"s","items":{items}}}"#
    )
}

fn counts(summary: &Summary) -> Vec<RowCounts> {
    summary.tables[..3].iter().map(|table| table.counts).collect()
}

#[tokio::test]
async fn a_merge_replaces_the_children_of_the_orders_that_changed() {
    let (database, feed) = (TestDatabase::empty().await, example("orders.toml"));
    let first = [
        order(1, 1, "10", &[("a", 1), ("b", 2)]),
        order(2, 1, "20", &[("c", 0)]),
        order(3, 5, "30", &[("d", 1)]),
        order(4, 1, "40", &[]),
    ];
    let loaded = load_version(&database, &feed, "o", &first.join("\n")).await.unwrap();
    assert_eq!(counts(&loaded)[1], RowCounts::inserted(4));
    assert_eq!(counts(&loaded)[2], RowCounts::inserted(4));
    let second = [
        order(1, 2, "10", &[("b", 1)]),           // an item is gone
        order(2, 1, "20", &[("c", 0)]),           // did not change
        order(3, 4, "31", &[("x", 1), ("y", 1)]), // is older
        order(4, 3, "40", &[("z", 0)]),           // is beaten by the next
        order(4, 4, "40", &[("n", 3)]),
        order(5, 1, "50", &[("e", 1)]), // is new
    ];
    let merged = load_version(&database, &feed, "o2", &second.join("\n")).await.unwrap();
    let [orders, items, discounts] = counts(&merged)[..] else { panic!("{merged:?}") };
    let expected =
        RowCounts { rows: 6, inserted: 1, updated: 2, unchanged: 1, superseded: 2, deleted: 0 };
    assert_eq!(orders, expected);
    let expected =
        RowCounts { rows: 7, inserted: 3, updated: 0, unchanged: 1, superseded: 3, deleted: 2 };
    assert_eq!(items, expected);
    let expected =
        RowCounts { rows: 7, inserted: 5, updated: 0, unchanged: 0, superseded: 2, deleted: 3 };
    assert_eq!(discounts, expected);
    let lines = "select right(order_id::text, 1) || ' ' || line || ' ' || sku as v from order_items order by 1";
    let lines = database.rows(lines).await.into_iter().map(|row| row["v"].clone());
    assert_eq!(lines.collect::<Vec<_>>(), ["1 1 b", "2 1 c", "3 1 d", "4 1 n", "5 1 e"]);
    let codes = "select string_agg(code, ' ' order by code) as v from item_discounts";
    assert_eq!(database.rows(codes).await[0]["v"], "b-0 d-0 e-0 n-0 n-1 n-2");
    let orphans = "select count(*) as n from item_discounts d left join order_items i \
        using (order_id, line) left join orders o using (order_id) where o is null or i is null";
    assert_eq!(database.rows(orphans).await[0]["n"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_that_replace_the_children_of_one_key_at_once_leave_those_of_the_winner() {
    let (database, feed) = (TestDatabase::empty().await, example("orders.toml"));
    // Each version of an order has as many items as its minute, and its minute as their name.
    let version = |minute: u32| -> String {
        let sku = minute.to_string();
        let items = vec![(&*sku, 1); minute as usize];
        (0..40).map(|number| order(number, minute, "10", &items) + "\n").collect()
    };
    load_version(&database, &feed, "first", &version(1)).await.unwrap();
    for round in 0..4 {
        let (older, newer) = (2 + 2 * round, 3 + 2 * round);
        let texts = [version(newer), version(older)];
        let keys = [format!("newer-{round}"), format!("older-{round}")];
        let (one, other) = tokio::join!(
            load_version(&database, &feed, &keys[0], &texts[0]),
            load_version(&database, &feed, &keys[1], &texts[1]),
        );
        let [one, other] = [one.unwrap(), other.unwrap()];
        assert_eq!((one.loaded, other.loaded), (40, 40));
        let odd = "select o.order_id, extract(minute from updated_at)::int as minute, \
                count(i.sku) as items, count(d.code) as discounts, max(i.sku) as sku \
            from orders o left join order_items i using (order_id) \
            left join item_discounts d using (order_id, line) group by 1, 2";
        for row in database.rows(odd).await {
            let expected = json!([newer, newer, newer, newer.to_string()]);
            assert_eq!(
                json!([row["minute"], row["items"], row["discounts"], row["sku"]]),
                expected
            );
        }
    }
}

/// Twenty orders of two items each, as lines.
fn twenty() -> String {
    (1..=20).map(|number| order(number, 1, "10", &[("a", 1), ("b", 2)]) + "\n").collect()
}

#[tokio::test]
async fn orders_that_come_again_unchanged_are_counted_with_their_children() {
    let (database, feed) = (TestDatabase::empty().await, example("orders.toml"));
    load_version(&database, &feed, "first", &twenty()).await.unwrap();
    // One order changed, and one comes twice: the later one is unchanged, the earlier superseded.
    let changed = order(3, 2, "11", &[("c", 1)]);
    let again = twenty().replace(&order(3, 1, "10", &[("a", 1), ("b", 2)]), &changed);
    let again = again + &order(4, 1, "10", &[("a", 1), ("b", 2)]);
    let merged = load_version(&database, &feed, "again", &again).await.unwrap();
    let [orders, items, discounts] = counts(&merged)[..] else { panic!("{merged:?}") };
    let none = RowCounts::default();
    assert_eq!(orders, RowCounts { rows: 21, updated: 1, unchanged: 19, superseded: 1, ..none });
    let expected =
        RowCounts { rows: 41, inserted: 1, unchanged: 38, superseded: 2, deleted: 2, ..none };
    assert_eq!(items, expected);
    let expected =
        RowCounts { rows: 61, inserted: 1, unchanged: 57, superseded: 3, deleted: 3, ..none };
    assert_eq!(discounts, expected);
}

#[tokio::test]
async fn an_unchanged_order_competes_with_others_of_its_key() {
    let (database, feed) = (TestDatabase::empty().await, example("orders.toml"));
    load_version(&database, &feed, "first", &twenty()).await.unwrap();
    let same = |number| order(number, 1, "10", &[("a", 1), ("b", 2)]);
    let other = |number, minute| order(number, minute, "11", &[("c", 1), ("d", 1), ("e", 1)]);
    // Of each key the later one wins, unless it is older.
    let competing = [
        [same(4), other(4, 1)],
        [other(5, 1), same(5)],
        [same(6), other(6, 0)],
        [other(7, 2), same(7)],
        [same(8), same(8)],
    ];
    let merged = load_version(&database, &feed, "again", &competing.concat().join("\n")).await;
    let [orders, items, discounts] = counts(&merged.unwrap())[..] else { panic!() };
    let none = RowCounts::default();
    assert_eq!(orders, RowCounts { rows: 10, updated: 2, unchanged: 3, superseded: 5, ..none });
    let expected =
        RowCounts { rows: 24, inserted: 6, unchanged: 6, superseded: 12, deleted: 4, ..none };
    assert_eq!(items, expected);
    assert_eq!((discounts.unchanged, discounts.deleted), (9, 6));
    let changed = "select string_agg(distinct right(order_id::text, 1), ' ') as v from order_items \
        where sku in ('c', 'd', 'e')";
    assert_eq!(database.rows(changed).await[0]["v"], "4 7");
    let lines = "select count(*) as n from order_items";
    assert_eq!(database.rows(lines).await[0]["n"], 18 * 2 + 2 * 3);
}

#[tokio::test]
async fn an_order_that_another_changes_while_it_is_taken_to_be_unchanged_gets_its_children() {
    static URL: OnceLock<String> = OnceLock::new();
    static IS_CHANGED: AtomicBool = AtomicBool::new(false);
    let (database, feed) = (TestDatabase::empty().await, example("orders.toml"));
    load_version(&database, &feed, "first", &twenty()).await.unwrap();
    URL.set(database.url.clone()).unwrap();
    let options = LoadOptions {
        hit: |point| {
            if point == Failpoint::ChildrenCopied && !IS_CHANGED.swap(true, Ordering::SeqCst) {
                let of_one = "where order_id::text like '%07'";
                let sql = format!(
                    "update orders set content_hash = '' {of_one}; \
                     update order_items set sku = 'other' {of_one}; delete from item_discounts {of_one}"
                );
                let psql =
                    Command::new("psql").args(["-qX", URL.get().unwrap(), "-c", &sql]).status();
                assert!(psql.unwrap().success());
            }
        },
        ..options(feed.mode)
    };
    let merged = load_version_with(&database, &feed, "again", &twenty(), &options).await.unwrap();
    assert!(IS_CHANGED.load(Ordering::SeqCst));
    assert_eq!((merged.records, merged.loaded), (20, 20));
    let [orders, items, discounts] = counts(&merged)[..] else { panic!("{merged:?}") };
    let none = RowCounts::default();
    assert_eq!(orders, RowCounts { rows: 20, updated: 1, unchanged: 19, ..none });
    let expected = RowCounts { rows: 40, inserted: 2, unchanged: 38, deleted: 2, ..none };
    assert_eq!(items, expected);
    assert_eq!(discounts, RowCounts { rows: 60, inserted: 3, unchanged: 57, ..none });
    let odd = "select count(*) as n from order_items where sku not in ('a', 'b')";
    assert_eq!(database.rows(odd).await[0]["n"], 0);
}
