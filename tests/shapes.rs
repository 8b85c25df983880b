//! Any shape of records: what a feed declares is what lands, whatever the types, lists and modes.

use std::sync::{Arc, LazyLock};

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pipeline::error::Error;
use pipeline::feed::Feed;
use pipeline::load::{Summary, load};
use pipeline::sink::RowCounts;
use pipeline::store::Bucket;
use serde_json::{Value, json};

use crate::support::{TestDatabase, options, repository};

/// Loads a text as a version of an object, in the mode of the feed.
async fn load_version(
    database: &TestDatabase,
    feed: &Arc<Feed>,
    key: &str,
    text: &str,
) -> Result<Summary, Error> {
    /// Each object that is put has another version.
    static STORE: LazyLock<Arc<InMemory>> = LazyLock::new(Arc::default);
    let key = format!("{}/{key}", database.url.replace(|char: char| !char.is_alphanumeric(), "-"));
    STORE.put(&key.as_str().into(), PutPayload::from(text.to_owned())).await.unwrap();
    let object = Bucket::new("memory://", STORE.clone()).locate(&key).await.unwrap();
    let mut connection = database.migrated().await;
    load(&object, feed, &mut connection, &options(feed.mode)).await
}

fn example(name: &str) -> Arc<Feed> {
    let file = repository("feeds/examples").join(name);
    Feed::read(name, &std::fs::read_to_string(file).unwrap()).unwrap()
}

fn feed(text: &str) -> Arc<Feed> {
    Feed::read("feed.toml", text).unwrap()
}

/// A feed of one table with one column.
fn of_column(column: &str) -> Arc<Feed> {
    feed(&format!(
        "name = \"t\"\nmode = \"append\"\n[[table]]\nname = \"t\"\ncolumns.v = {column}\n"
    ))
}

/// What lands of values of a column, and why the others are rejected.
async fn landed(column: &str, values: &[&str]) -> (Vec<Value>, Vec<(Value, Value)>) {
    let database = TestDatabase::empty().await;
    let lines: Vec<_> = values.iter().map(|value| format!("{{\"v\":{value}}}")).collect();
    load_version(&database, &of_column(column), "t", &lines.join("\n")).await.unwrap();
    let connection = database.connect().await;
    connection.batch_execute("set timezone = 'UTC'").await.unwrap();
    let rows = connection.query("select v::text from t order by ctid", &[]).await.unwrap();
    let rejects = "select reason, detail from t_rejects order by record_no";
    let rejects = connection.query(rejects, &[]).await.unwrap();
    let rows = rows.iter().map(|row| row.get::<_, Option<String>>(0).into()).collect();
    let rejects =
        rejects.iter().map(|row| (row.get::<_, &str>(0).into(), row.get::<_, &str>(1).into()));
    (rows, rejects.collect())
}

#[tokio::test]
async fn each_type_takes_the_json_that_the_contract_says() {
    let null = Value::Null;
    for (column, taken, rejected) in [
        (
            "{ type = \"numeric\" }",
            vec![
                ("12.50", json!("12.50")),
                ("-0.001", json!("-0.001")),
                ("1.5e3", json!("1500")),
                ("12345678901234567890.123456789", json!("12345678901234567890.123456789")),
                ("null", null.clone()),
            ],
            vec![("\"1\"", "wrong_type"), ("1e200000", "out_of_range"), ("true", "wrong_type")],
        ),
        (
            "{ type = \"numeric(6,2)\", accept = [\"string\"] }",
            vec![
                ("\"1.5\"", json!("1.50")),
                ("9999.99", json!("9999.99")),
                ("1.500", json!("1.50")),
            ],
            vec![("10000", "out_of_range"), ("1.005", "out_of_range"), ("\"x\"", "wrong_type")],
        ),
        (
            "{ type = \"double precision\" }",
            vec![("1.5", json!("1.5")), ("-1e300", json!("-1e+300")), ("3", json!("3"))],
            vec![("1e400", "out_of_range"), ("\"1\"", "wrong_type")],
        ),
        (
            "{ type = \"real\" }",
            vec![("1.5", json!("1.5")), ("0.1", json!("0.1"))],
            vec![("1e39", "out_of_range")],
        ),
        (
            "{ type = \"smallint\", accept = [\"string\"] }",
            vec![("32767", json!("32767")), ("\"-5\"", json!("-5"))],
            vec![("32768", "out_of_range"), ("1.0", "wrong_type"), ("\"1e2\"", "wrong_type")],
        ),
        (
            "{ type = \"date\" }",
            vec![("\"2024-02-29\"", json!("2024-02-29")), ("\"0001-01-01\"", json!("0001-01-01"))],
            vec![("\"2023-02-29\"", "wrong_type"), ("20240229", "wrong_type")],
        ),
        (
            "{ type = \"timestamp\" }",
            vec![("\"2024-02-29T12:30:00.5\"", json!("2024-02-29 12:30:00.5"))],
            vec![("\"2024-02-29T12:30:00Z\"", "wrong_type"), ("1709210000", "wrong_type")],
        ),
        (
            "{ type = \"timestamp\", unit = \"ms\" }",
            vec![
                ("1709210000123", json!("2024-02-29 12:33:20.123")),
                ("-1", json!("1969-12-31 23:59:59.999")),
            ],
            vec![("1.5", "wrong_type"), ("9223372036854775807", "out_of_range")],
        ),
        (
            "{ type = \"uuid\" }",
            vec![(
                "\"6BA7B810-9DAD-11d1-80b4-00c04fd430c8\"",
                json!("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            )],
            vec![("\"6ba7b8109dad11d180b400c04fd430c8\"", "wrong_type")],
        ),
        (
            "{ type = \"bytea\", encoding = \"base64\" }",
            vec![("\"AP8=\"", json!("\\x00ff")), ("\"\"", json!("\\x"))],
            vec![("\"?\"", "wrong_type")],
        ),
        (
            "{ type = \"bytea\", encoding = \"hex\" }",
            vec![("\"00Ff\"", json!("\\x00ff"))],
            vec![("\"0\"", "wrong_type")],
        ),
        (
            "{ type = \"jsonb\" }",
            vec![
                ("{\"a\": [1, null, \"x\"]}", json!("{\"a\": [1, null, \"x\"]}")),
                ("1.50", json!("1.50")),
                ("\"t\"", json!("\"t\"")),
                ("null", null.clone()),
            ],
            vec![("\"\\u0000\"", "nul_character"), ("[1e131072]", "out_of_range")],
        ),
        (
            "{ type = \"text[]\" }",
            vec![
                ("[\"a\", null, \"b,c\", 1]", json!("{a,NULL,\"b,c\",1}")),
                ("[]", json!("{}")),
                ("null", null.clone()),
            ],
            vec![("\"a\"", "wrong_type"), ("[[1]]", "wrong_type")],
        ),
        (
            "{ type = \"numeric(4,1)[]\" }",
            vec![("[1.5, 2]", json!("{1.5,2.0}"))],
            vec![("[1.5, 1000]", "out_of_range")],
        ),
        (
            "{ type = \"timestamptz[]\" }",
            vec![("[\"2024-02-29T12:30:00+02:00\"]", json!("{\"2024-02-29 10:30:00+00\"}"))],
            vec![("[\"2024-02-29\"]", "wrong_type")],
        ),
        (
            "{ type = \"boolean[]\" }",
            vec![("[true,null,false]", json!("{t,NULL,f}"))],
            vec![("[0]", "wrong_type")],
        ),
        (
            "{ type = \"varchar(3)\", default = \"EUR\" }",
            vec![("\"ab\"", json!("ab")), ("12", json!("12")), ("null", null.clone())],
            vec![("\"abcd\"", "out_of_range"), ("\"\\u0000\"", "nul_character")],
        ),
    ] {
        let all = taken.iter().map(|(value, _)| *value).chain(rejected.iter().map(|it| it.0));
        let (rows, rejects) = landed(column, &all.collect::<Vec<_>>()).await;
        assert_eq!(rows, taken.into_iter().map(|it| it.1).collect::<Vec<_>>(), "{column}");
        let reasons: Vec<_> = rejects.iter().map(|it| it.0.as_str().unwrap()).collect();
        assert_eq!(
            reasons,
            rejected.iter().map(|it| it.1).collect::<Vec<_>>(),
            "{column} {rejects:?}"
        );
    }
}

#[tokio::test]
async fn the_place_of_a_bad_value_is_told_through_objects_lists_and_arrays() {
    let (_, rejects) = landed("{ type = \"integer[]\" }", &["[1, \"x\"]"]).await;
    assert_eq!(rejects[0].1, "/v/1: expected an integer, found string");
    let (_, rejects) = landed("{ path = \"$.a.b\", type = \"date\" }", &["1"]).await;
    assert!(rejects.is_empty(), "{rejects:?}");
    let feed = of_column("{ path = \"$.a['b~/c']\", type = \"date\" }");
    let database = TestDatabase::empty().await;
    load_version(&database, &feed, "t", r#"{"a":{"b~/c":1}} {"a":[]} {"a":null}"#).await.unwrap();
    let rejects = database.rows("select detail from t_rejects order by record_no").await;
    let details: Vec<_> = rejects.iter().map(|row| row["detail"].as_str().unwrap()).collect();
    let expected = [
        "/a/b~0~1c: expected a date, YYYY-MM-DD, found number 1",
        "/a: expected an object, found array",
    ];
    assert_eq!(details.len(), 2);
    assert_eq!(details[1], expected[1]);
    assert!(details[0].starts_with("/a/b~0~1c: expected a date"), "{details:?}");
}

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

#[tokio::test]
async fn the_rows_of_a_new_version_replace_those_of_the_earlier_ones() {
    let database = TestDatabase::empty().await;
    let feed = feed(
        r#"
        name = "visits"
        mode = "replace"
        record_id = "id"
        [metadata]
        load_id = "load_id"
        [[table]]
        name = "visits"
        columns.v = { type = "integer", required = true }
        [[table]]
        name = "pages"
        each = "$.pages[*]"
        columns.url = { path = "$", type = "text" }
        "#,
    );
    let version = async |key: &str, text: &str| {
        let loaded = load_version(&database, &feed, key, text).await.unwrap();
        loaded
            .tables
            .iter()
            .map(|table| (table.counts.inserted, table.counts.deleted))
            .collect::<Vec<_>>()
    };
    let none = (0, 0);
    assert_eq!(version("a", r#"{"v":1,"pages":["x","y"]}{"v":2}"#).await, [(2, 0), (2, 0), none]);
    assert_eq!(version("b", r#"{"v":3,"pages":["z"]}"#).await, [(1, 0), (1, 0), none]);
    let longer = r#"{"v":4,"pages":["x"]} {"v":"no"} "#;
    assert_eq!(version("a", longer).await, [(1, 2), (1, 2), (1, 0)]);
    assert_eq!(version("a", r#"{"v":5}"#).await, [(1, 1), (0, 1), none]);
    let rows = database.rows("select v from visits order by v").await;
    assert_eq!(rows, [json!({"v": 3}), json!({"v": 5})]);
    // The ids of rows are those of their records, and children carry them.
    let joined = "select count(*) as n from visits join pages using (id)";
    assert_eq!(database.rows(joined).await[0]["n"], 1);
    let connection = database.migrated().await;
    let verified = pipeline::verify::verify(&connection, &feed, None).await.unwrap();
    assert!(verified.iter().all(pipeline::verify::Verified::agrees), "{verified:?}");
}

#[tokio::test]
async fn columns_of_existing_tables_reject_what_they_cannot_hold() {
    let database = TestDatabase::empty().await;
    database.psql(
        "create extension citext; create type mood as enum ('sad', 'happy'); \
         create domain short as varchar(2); create domain known as short not null; \
         create table t (mood mood, name citext, code known, n int, amount numeric(5,1), at timestamptz, j json)",
    );
    let feed = feed(
        r#"
        name = "t"
        mode = "append"
        [[table]]
        name = "t"
        [table.columns]
        mood = { type = "text" }
        name = { type = "text" }
        code = { type = "text", required = true }
        n = { type = "bigint" }
        amount = { type = "numeric" }
        at = { type = "timestamptz" }
        j = { type = "jsonb" }
        "#,
    );
    let text = r#"
        {"mood":"sad","name":"A","code":"ab","n":1,"amount":1234.5,"at":"2026-01-01T00:00:00Z","j":{"a":1}}
        {"mood":"angry","code":"a"}
        {"code":"abc"}
        {"code":"a","n":3000000000}
        {"code":"a","amount":12345.5}
        {"code":"a","amount":1.25}"#;
    let summary = load_version(&database, &feed, "t", text).await.unwrap();
    assert_eq!((summary.loaded, summary.rejected), (1, 5));
    assert_eq!(summary.rejected_by_reason["out_of_range"], 5);
    let details =
        database.rows("select record_no, detail from t_rejects where record_no = 2").await;
    assert_eq!(details[0]["detail"], "/mood: expected one of sad, happy, found angry");
    assert_eq!(database.rows("select name = 'a' as same from t").await[0]["same"], true);
}

#[tokio::test]
async fn events_keep_what_all_have_in_columns_and_the_rest_as_it_is() {
    let database = TestDatabase::empty().await;
    let text = std::fs::read_to_string(repository("data/examples/github_events.ndjson")).unwrap();
    let feed = example("github_events.toml");
    let summary = load_version(&database, &feed, "e", &text).await.unwrap();
    assert_eq!((summary.loaded, summary.rejected), (3, 2));
    let commits = "select left(sha, 4) as sha, commit_no, added, committed_at at time zone 'UTC' as at, \
        sender from github_commits join github_events using (event_id)";
    assert_eq!(
        database.rows(commits).await,
        [
            json!({"sha": "1a2b", "commit_no": 2, "added": [], "at": "2026-03-01T09:25:00", "sender": "ada"}),
            json!({"sha": "6dcb", "commit_no": 1, "added": ["README.md"],
                "at": "2026-03-01T09:20:30", "sender": "ada"}),
        ]
    );
    let whole = database.rows("select event from github_events where issue_number = 7").await;
    assert_eq!(whole[0]["event"]["issue"]["labels"], json!([{"name": "bug"}]));
    let rejects =
        database.rows("select detail from github_events_rejects order by record_no").await;
    let details: Vec<_> = rejects.iter().map(|row| row["detail"].as_str().unwrap()).collect();
    assert!(
        details.contains(&"/commits/0: sha_is_whole: expected length(sha) = 40"),
        "{details:?}"
    );
}

#[tokio::test]
async fn records_at_a_path_of_a_document_are_loaded() {
    let database = TestDatabase::empty().await;
    let text = std::fs::read_to_string(repository("data/examples/readings.json")).unwrap();
    let feed = example("readings.toml");
    let summary = load_version(&database, &feed, "r", &text).await.unwrap();
    assert_eq!((summary.loaded, summary.rejected), (3, 2));
    let readings =
        "select station, taken_at at time zone 'UTC' as at, celsius, fahrenheit from readings";
    assert_eq!(
        database.rows(readings).await,
        [
            json!({"station": "Davos", "at": "2026-03-01T09:00:00", "celsius": -4.50, "fahrenheit": 23.9}),
            json!({"station": "Davos", "at": "2026-03-01T10:00:00", "celsius": -3.25, "fahrenheit": 26.2}),
            json!({"station": "Säntis", "at": "2026-03-01T09:00:00", "celsius": null, "fahrenheit": null}),
        ]
    );
    let rejects = database.rows("select reason, detail from readings_rejects").await;
    assert_eq!(
        rejects,
        [
            json!({"reason": "empty_text", "detail": "/station: expected text, found ''"}),
            json!({"reason": "rule",
                "detail": "humidity_is_a_percentage: expected humidity between 0 and 100"}),
        ]
    );
}
