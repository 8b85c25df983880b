//! Tables read back: as frames, in the catalog, and through the binary.

mod types;

use pipeline::query::{Batches, Keep, read, texts, values};
use polars::prelude::{AnyValue, DataFrame, DataType, TimeUnit};
use serde_json::{Value, json};

use crate::support::{KINDS, TestDatabase, micros, record, sample, stderr, stdout};

fn run(database: &TestDatabase, args: &[&str]) -> String {
    let output = database.stevedore(args).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

#[tokio::test]
async fn the_tables_of_a_load_are_catalogued_with_their_versions() {
    let database = TestDatabase::empty().await;
    database.load(&[&sample("user_status_sample.json")]);
    let client = database.connect().await;
    client
        .batch_execute("analyze; create table other (n numeric(10, 0), t timestamptz)")
        .await
        .unwrap();
    let name: String = client.query_one("select current_database()", &[]).await.unwrap().get(0);
    let crawl = |args: &[&str]| -> Value {
        serde_json::from_str(&run(&database, &[&["crawl", "postgres", "--json"], args].concat()))
            .unwrap()
    };
    let report = crawl(&["--include", "user_*", "--include", "public.oth??"]);
    let names: Vec<_> =
        report["tables"].as_array().unwrap().iter().map(|table| &table["name"]).collect();
    let full = |table: &str| format!("postgres_{name}_public_{table}");
    let expected = ["other", "user_status", "user_status_error_rec", "user_status_log"].map(full);
    assert_eq!(names, expected.each_ref().map(|name| json!(name)).each_ref());
    let tree = run(&database, &["catalog", "show", &full("user_status")]);
    let expected = "root
 |-- userid: string (nullable = false)
 |-- createdat: string (nullable = true)
 |-- status: string (nullable = true)
 |-- lastvisitedat: bigint (nullable = true)
 |-- isblacklisted: boolean (nullable = true)
 |-- ingested_at: timestamp (nullable = true)
";
    assert_eq!(tree, expected);
    let rows = database
        .rows("select kind, classification, location, records, bytes > 0 as sized, columns -> 0 as first \
            from stevedore.catalog_tables join stevedore.catalog_versions using (table_id, version) \
            where name like '%_user_status'")
        .await;
    assert_eq!(rows[0]["location"], json!(format!("{name}.public.user_status")));
    assert_eq!(
        (&rows[0]["kind"], &rows[0]["classification"]),
        (&json!("postgres"), &json!("postgres"))
    );
    assert_eq!((&rows[0]["records"], &rows[0]["sized"]), (&json!(7), &json!(true)));
    let first = &rows[0]["first"];
    assert_eq!(
        (&first["key"], &first["declared"], &first["present"]),
        (&json!("primary"), &json!("character varying"), &json!(7))
    );
    client
        .batch_execute("alter table user_status add column country text; drop table other")
        .await
        .unwrap();
    let report = crawl(&[]);
    let country = json!([{"change": "added", "name": "country", "data_type": "string"}]);
    assert_eq!(
        (&report["tables"][0]["version"], &report["tables"][0]["changes"]),
        (&json!(2), &country)
    );
    assert_eq!(report["tables"][1]["is_new"], json!(false));
    assert_eq!(report["deprecated"], json!([full("other")]));
}

#[tokio::test]
async fn rows_of_any_table_are_shown() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    let tables = "create schema \"Odd\"; create table \"Odd\".\"a \"\"b\" (id int, \"Text\" text); \
        insert into \"Odd\".\"a \"\"b\" values (1, E'two\\nlines'), (2, null), (3, 'null'), (10, 'y')";
    client.batch_execute(tables).await.unwrap();
    let shown =
        run(&database, &["show", "Odd.a \"b", "--limit", "3", "--where", "id < 10 -- or so"]);
    let expected = "Odd.a \"b, 3 rows
┌──────┬────────────┐
│ id   ┆ Text       │
│ int4 ┆ text       │
╞══════╪════════════╡
│    1 ┆ two\\nlines │
│    2 ┆ null       │
│    3 ┆ \"null\"     │
└──────┴────────────┘
";
    assert_eq!(shown, expected);
    let shown = run(&database, &["show", "Odd.a \"b", "--limit", "1"]);
    assert!(shown.starts_with("Odd.a \"b, first 1 row\n"), "{shown}");
    let name: String = client.query_one("select current_database()", &[]).await.unwrap().get(0);
    run(&database, &["crawl", "postgres", "--schema", "Odd"]);
    assert!(run(&database, &["show", &format!("postgres_{name}_Odd_a \"b")]).contains("4 rows"));
    let equals = ["show", "Odd.a \"b", "--where", "\"Text\" = 'y'", "--log", "error"];
    assert!(run(&database, &equals).starts_with("Odd.a \"b, 1 row\n"));
    let output = database.stevedore(&["show", "nothing"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("the database has no table nothing"), "{}", stderr(&output));
    client.batch_execute("create sequence counter").await.unwrap();
    let writes = ["show", "Odd.a \"b", "--where", "nextval('counter') > 0"];
    let output = database.stevedore(&writes).output().unwrap();
    assert!(stderr(&output).contains("read-only transaction"), "{}", stderr(&output));
    let breaks = ["show", "Odd.a \"b", "--where", "true); drop schema \"Odd\" cascade; select (1"];
    assert_eq!(database.stevedore(&breaks).output().unwrap().status.code(), Some(1));
    assert_eq!(database.count("\"Odd\".\"a \"\"b\"").await, 4);
}

#[tokio::test]
async fn what_is_lost_or_added_is_found_by_verify() {
    let (database, folder) = (TestDatabase::with_old_tables().await, tempfile::tempdir().unwrap());
    let file = folder.path().join("a.ndjson");
    let file = file.to_str().unwrap();
    let verify = |args: &[&str]| -> (Option<i32>, Vec<Value>) {
        let output = database.stevedore(&["verify", "--json"]).args(args).output().unwrap();
        let lines = stdout(&output);
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.code(), lines)
    };
    assert_eq!(verify(&[]), (Some(0), vec![]));
    let client = database.connect().await;
    // The other kind of time.
    let alter = "alter table user_status_log alter ingested_at type timestamptz";
    client.batch_execute(alter).await.unwrap();
    database.load(&[&sample("user_status_sample.json"), "--mode", "append"]);
    std::fs::write(file, record("u-1", 5, "ACTIVE") + "\n{\"userId\": null}\nno JSON\n").unwrap();
    database.load(&[file, "--mode", "append"]);
    let (exit, loads) = verify(&[]);
    assert_eq!((exit, loads.len()), (Some(0), 2), "{loads:?}");
    let count = |table: Value| json!({"ledger": 2, "table": table, "object": 2, "at_most": false});
    assert_eq!(loads[1]["tables"][2]["rows"], count(json!(2)));
    let shown = run(&database, &["verify", "--load", "2"]);
    assert!(shown.contains("┆ agrees │") && shown.contains("a.ndjson"), "{shown}");
    client
        .batch_execute(
            "delete from user_status_error_rec where load_id = 2 and reason = 'malformed'",
        )
        .await
        .unwrap();
    let (exit, loads) = verify(&["--tables-only"]);
    assert_eq!((exit, &loads[1]["tables"][2]["rows"]["table"]), (Some(1), &json!(1)));
    assert_eq!(verify(&["--load", "1"]).0, Some(0));
    let output = database.stevedore(&["verify", "--load", "2"]).output().unwrap();
    assert!(stdout(&output).contains("2, table 1"), "{}", stdout(&output));
    client.batch_execute("delete from user_status_log where userid = 'u-1001'").await.unwrap();
    assert_eq!(verify(&["--load", "1"]).0, Some(1));
    std::fs::remove_file(file).unwrap();
    let output = database.stevedore(&["verify", "--load", "2"]).output().unwrap();
    assert!(stderr(&output).contains("is gone, and could not be read"), "{}", stderr(&output));
    assert_eq!(verify(&["--load", "99"]), (Some(1), vec![]));
}

#[tokio::test]
async fn of_merged_loads_rows_may_have_been_replaced_but_not_added() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    for (name, visited) in [("a.json", 1), ("b.json", 2)] {
        let path = folder.path().join(name);
        let records = [record("u-1", visited, "ACTIVE"), record("u-1", 0, "OLD")].join("\n");
        std::fs::write(&path, records).unwrap();
        database.load(&[path.to_str().unwrap()]);
    }
    let shown = run(&database, &["verify"]);
    assert!(shown.contains("1, table 0") && !shown.contains("differs"), "{shown}");
    let client = database.connect().await;
    let adds = "alter table user_status drop constraint user_status_pkey; \
        insert into user_status select * from user_status";
    client.batch_execute(adds).await.unwrap();
    let output = database.stevedore(&["verify", "--tables-only"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("1, table 2"), "{}", stdout(&output));
}
