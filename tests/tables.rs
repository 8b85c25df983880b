//! `/v1/tables`: rows of tables over the API.

use serde_json::{Value, json};

use crate::support::{Serve, TestDatabase, repository, sample, stderr};

#[tokio::test]
async fn rows_of_the_tables_and_of_the_catalogs_are_seen_and_no_others() {
    let database = TestDatabase::empty().await;
    database.load(&[&sample("user_status_sample.json")]);
    let client = database.connect().await;
    let tables = "create table things (id int, share real, name text, at timestamptz, doc jsonb); \
        insert into things values (1, 0.1, 'a', '2022-01-02 03:04:05+00', '{\"a\": 1}'), \
        (2, 'NaN', 'null', null, null), (3, null, E'\u{10ffff}\\n', 'infinity', '[]'); \
        create table secret (id int)";
    client.batch_execute(tables).await.unwrap();
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let status = serve.get("/v1/tables/user_status/rows?limit=3").await.json();
    assert_eq!(status["table"], json!("public.user_status"));
    assert_eq!(status["columns"][0], json!({"name": "userid", "type": "varchar"}));
    assert_eq!(status["rows"].as_array().unwrap().len(), 3);
    assert_eq!((&status["has_more"], &status["rows"][0][3]), (&json!(true), &json!(1655370000)));
    let one = serve.get("/v1/tables/user_status/rows?column=userid&equals=u-1001").await.json();
    assert_eq!((&one["has_more"], &one["rows"][0][0]), (&json!(false), &json!("u-1001")));
    let missing = async |path: &str| {
        let answer = serve.get(path).await;
        (answer.status, answer.json()["code"].clone())
    };
    let not_found = (404, json!("table_not_found"));
    for name in ["things", "nothing", "pg_class", "public.user_status", "a%00b", "x';drop"] {
        assert_eq!(missing(&format!("/v1/tables/{name}/rows")).await, not_found, "{name}");
    }
    let crawled =
        database.stevedore(&["crawl", "postgres", "--include", "things"]).output().unwrap();
    assert!(crawled.status.success(), "{}", stderr(&crawled));
    let name: String = client.query_one("select current_database()", &[]).await.unwrap().get(0);
    let things = format!("/v1/tables/postgres_{name}_public_things/rows");
    let rows = serve.get(&things).await.json();
    let expected = json!([
        [1, 0.1, "a", "2022-01-02 03:04:05+00", "{\"a\": 1}"],
        [2, "NaN", "null", null, null],
        [3, null, "\u{10ffff}\n", "infinity", "[]"]
    ]);
    assert_eq!((&rows["rows"], &rows["has_more"]), (&expected, &json!(false)));
    let found = async |query: &str| -> Value {
        serve.get(&format!("{things}?{query}")).await.json()["rows"].clone()
    };
    assert_eq!(found("column=id&equals=2").await[0][0], json!(2));
    assert_eq!(found("column=at&equals=2022-01-02T03:04:05Z").await[0][0], json!(1));
    assert_eq!(found("column=name&equals=x%27%20or%20true").await, json!([]));
    let wrong = (400, json!("invalid_parameter"));
    for query in [
        "limit=0",
        "limit=1001",
        "column=id",
        "equals=1",
        "column=id&equals=x",
        "column=nothing&equals=1",
        "column=%22&equals=1",
        "column=ctid&equals=1",
        "where=true",
    ] {
        assert_eq!(missing(&format!("{things}?{query}")).await, wrong, "{query}");
    }
    client.batch_execute("drop table things").await.unwrap();
    assert_eq!(missing(&things).await, not_found);
}

#[tokio::test]
async fn an_answer_of_long_rows_ends_early_and_says_so() {
    let database = TestDatabase::empty().await;
    database.load(&[&sample("user_status_sample.json")]);
    let client = database.connect().await;
    let long = "delete from user_status_error_rec; insert into user_status_error_rec (error_rec) \
        select repeat('x', 1 << 20) from generate_series(1, 100)";
    client.batch_execute(long).await.unwrap();
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let rows = serve.get("/v1/tables/user_status_error_rec/rows?limit=1000").await.json();
    // Texts are cut so that a row with one in each of its columns is no longer than an answer.
    let (number, cut) = (rows["rows"].as_array().unwrap().len(), rows["cut"].as_array().unwrap());
    assert!((2..100).contains(&number), "{number} rows");
    assert_eq!((&rows["has_more"], cut.len()), (&json!(true), number));
}
