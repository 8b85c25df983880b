//! Which JSON each type takes, and what columns of existing tables cannot hold.

use std::sync::Arc;

use pipeline::feed::Feed;
use serde_json::{Value, json};

use super::{feed, load_version};
use crate::support::TestDatabase;

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
