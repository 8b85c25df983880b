//! Tables read back: as frames, in the catalog, and through the binary.

use futures::TryStreamExt;
use pipeline::catalog::readback::{read, read_text};
use polars::prelude::{AnyValue, DataFrame, DataType, TimeUnit};
use serde_json::{Value, json};

use crate::support::{TestDatabase, record, sample, stderr, stdout};

/// Every type that our tables use and some others: a row of values, one of strange ones, one of nulls.
const KINDS: &str = "create table kinds (yes boolean, small smallint, id int, big bigint, half real,
        share double precision, name text, code varchar(40), at timestamp, at_zone timestamptz,
        amount numeric, day date, took interval, tag \"char\", doc jsonb, body xml, class regclass,
        bytes bytea, names text[], \"Odd \"\" name\" text);
    insert into kinds values
    (true, -1, 2147483647, 9223372036854775807, 0.1, 0.1, 'x', 'y', '2022-01-02 03:04:05.678901',
        '2022-01-02 03:04:05+00', 12345678901234567890.0123456789, '2022-01-02', '1 day 2 hours', 'c',
        '{\"a\": [1, null]}', '<a>b</a>', 'pg_class', '\\x00ff', '{a,NULL}', 'odd'),
    (false, 32767, -2147483648, -9223372036854775808, 'Infinity', 'NaN',
        U&'\\+10FFFF \"quoted\" ''single'' \\\\ back ' || E'\\n\\r\\t', '', 'infinity', '-infinity', 'NaN',
        'infinity', '-1 year', '', 'null', null, null, '', '{}', 'NULL'),
    (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
        null, null, null)";

fn cells<'a>(frame: &'a DataFrame, column: &str) -> Vec<AnyValue<'a>> {
    frame.column(column).unwrap().as_materialized_series().iter().collect()
}

/// Rows as texts, null as none.
fn texts(frame: &DataFrame) -> Vec<Vec<Option<String>>> {
    let columns: Vec<Vec<_>> = frame
        .columns()
        .iter()
        .map(|column| {
            let cells = column.as_materialized_series().iter();
            cells.map(|cell| cell.get_str().map(str::to_owned)).collect()
        })
        .collect();
    (0..frame.height())
        .map(|at| columns.iter().map(|column| column[at].clone()).collect())
        .collect()
}

#[tokio::test]
async fn every_type_is_read_back_with_nulls_and_any_text() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    client.batch_execute(KINDS).await.unwrap();
    let frame = read(&*client, "select * from kinds -- a comment", &[]).await.unwrap();
    assert_eq!(frame.shape(), (3, 20));
    let micros = DataType::Datetime(TimeUnit::Microseconds, None);
    for (column, expected) in [
        ("yes", DataType::Boolean),
        ("small", DataType::Int32),
        ("id", DataType::Int32),
        ("big", DataType::Int64),
        ("half", DataType::Float32),
        ("share", DataType::Float64),
        ("code", DataType::String),
        ("at", micros.clone()),
        ("at_zone", micros),
        ("amount", DataType::String),
        ("took", DataType::String),
    ] {
        assert_eq!(frame.column(column).unwrap().dtype(), &expected, "{column}");
        assert_eq!(frame.column(column).unwrap().null_count(), 1, "{column}");
    }
    assert_eq!(cells(&frame, "big")[..2], [AnyValue::Int64(i64::MAX), AnyValue::Int64(i64::MIN)]);
    assert_eq!(cells(&frame, "half")[0], AnyValue::Float32(0.1));
    let text = "\u{10ffff} \"quoted\" 'single' \\ back \n\r\t";
    assert_eq!(cells(&frame, "name")[1], AnyValue::String(text));
    let at: Vec<_> = cells(&frame, "at").iter().map(|cell| cell.extract::<i64>()).collect();
    assert_eq!(at, [Some(1_641_092_645_678_901), Some(i64::MAX), None]);
    assert_eq!(cells(&frame, "amount")[0], AnyValue::String("12345678901234567890.0123456789"));
    assert_eq!(cells(&frame, "class")[0], AnyValue::String("pg_class"));
    let twice = read(&*client, "select 1 as a, 2 as a", &[]).await.unwrap_err();
    assert!(twice.with_causes().starts_with("could not make a frame of rows: "), "{twice:?}");
}

#[tokio::test]
async fn what_is_read_back_as_text_is_what_copy_writes() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    client.batch_execute(KINDS).await.unwrap();
    // COPY's own way to write a boolean is the only one that a cast does not have.
    let rows = "select case yes when true then 't' when false then 'f' end, small, id, big, half, \
        share, name, code, at, at_zone, amount, day, took, tag, doc, body, class, bytes, names from kinds";
    let frame = read_text(&*client, rows, &[]).await.unwrap();
    let copy = client.copy_out(&format!("copy ({rows}) to stdout")).await.unwrap();
    let copied: Vec<_> = copy.try_collect().await.unwrap();
    let copied = String::from_utf8(copied.concat()).unwrap();
    let unescaped = |cell: &str| (cell != "\\N").then(|| unescaped(cell));
    let copied: Vec<Vec<_>> =
        copied.lines().map(|line| line.split('\t').map(unescaped).collect()).collect();
    assert_eq!(texts(&frame), copied);
}

/// A text without the escapes of COPY.
fn unescaped(cell: &str) -> String {
    let (mut text, mut chars) = (String::new(), cell.chars());
    while let Some(char) = chars.next() {
        let escaped = if char == '\\' { chars.next() } else { None };
        text.push(match escaped {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(other) => other,
            None => char,
        });
    }
    text
}

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
        insert into \"Odd\".\"a \"\"b\" values (1, E'two\\nlines'), (2, null), (3, 'x'), (10, 'y')";
    client.batch_execute(tables).await.unwrap();
    let shown =
        run(&database, &["show", "Odd.a \"b", "--limit", "2", "--where", "id < 10 -- or so"]);
    let expected = "Odd.a \"b, 2 rows
┌────┬────────────┐
│ id ┆ Text       │
╞════╪════════════╡
│ 1  ┆ two\\nlines │
│ 2  ┆ null       │
└────┴────────────┘
";
    assert_eq!(shown, expected);
    let name: String = client.query_one("select current_database()", &[]).await.unwrap().get(0);
    assert!(run(&database, &["show", &format!("postgres_{name}_Odd_a \"b")]).contains("4 rows"));
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
async fn a_table_is_written_into_a_file_whole_or_not_at_all() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let client = database.connect().await;
    let tables = "create table things (id numeric, name text, doc json); insert into things values \
        (12345678901234567890.5, E'\"quoted\", \\n\u{10ffff}', E'{\\n\"a\": 1}'), (null, null, null), (1, '', '[]')";
    client.batch_execute(tables).await.unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let told = run(&database, &["export", "things", &path("things.csv")]);
    assert!(told.starts_with("exported 3 rows of things to "), "{told}");
    let csv = std::fs::read_to_string(path("things.csv")).unwrap();
    let expected = "id,name,doc\n12345678901234567890.5,\"\"\"quoted\"\", \n\u{10ffff}\",\"{\n\"\"a\"\": 1}\"\n,,\n1,\"\",[]\n";
    assert_eq!(csv, expected);
    let told = run(&database, &["export", "things", &path("things.ndjson")]);
    assert!(told.starts_with("exported 3 rows of things to "), "{told}");
    let lines = std::fs::read_to_string(path("things.ndjson")).unwrap();
    let lines: Vec<_> = lines.lines().collect();
    assert!(lines[0].starts_with(r#"{"id":12345678901234567890.5,"#), "{}", lines[0]);
    let values: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(values[0]["name"], json!("\"quoted\", \n\u{10ffff}"));
    assert_eq!(values[0]["doc"], json!({"a": 1}));
    assert_eq!(values[1], json!({"id": null, "name": null, "doc": null}));
    // A row that cannot be computed ends it midway: the file of before stays.
    let breaks = "create view broken as select 1 / (5000 - n) as x from generate_series(1, 5000) n";
    client.batch_execute(breaks).await.unwrap();
    for name in ["things.csv", "things.ndjson"] {
        let output = database.stevedore(&["export", "broken", &path(name)]).output().unwrap();
        assert!(stderr(&output).contains("division by zero"), "{}", stderr(&output));
    }
    assert_eq!(std::fs::read_to_string(path("things.csv")).unwrap(), expected);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    let output = database.stevedore(&["export", "things", "x.parquet"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
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
    assert_eq!(loads[1]["rejected"], count(json!(2)));
    let shown = run(&database, &["verify", "--load", "2"]);
    assert!(shown.contains("┆ agrees │") && shown.contains("a.ndjson"), "{shown}");
    client
        .batch_execute(
            "delete from user_status_error_rec where load_id = 2 and reason = 'malformed'",
        )
        .await
        .unwrap();
    let (exit, loads) = verify(&["--tables-only"]);
    assert_eq!((exit, &loads[1]["rejected"]["table"]), (Some(1), &json!(1)));
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
