//! Tables as files.

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pipeline::database::Database;
use pipeline::export::{FileFormat, Unload, unload};
use serde_json::{Value, json};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::Notify;
use tokio_postgres::config::Host;

use crate::support::{KINDS, TestDatabase, micros, stderr, stdout};

fn run(database: &TestDatabase, args: &[&str]) -> String {
    let output = database.stevedore(args).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

fn batches(file: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

/// A cell as psql prints it; floats and times, which it prints in ways of its own, as their bits.
fn printed(array: &dyn Array, at: usize) -> Option<String> {
    if array.is_null(at) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => if array.as_boolean().value(at) { "t" } else { "f" }.to_owned(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(at).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(at).to_string(),
        DataType::Float32 => {
            format!("{:x}", array.as_primitive::<Float32Type>().value(at).to_bits())
        }
        DataType::Float64 => {
            format!("{:x}", array.as_primitive::<Float64Type>().value(at).to_bits())
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().value(at).to_string()
        }
        DataType::Utf8 => array.as_string::<i32>().value(at).to_owned(),
        other => panic!("no column of ours is {other}"),
    })
}

/// What psql printed of a column of a type, in the same way.
fn expected(text: &str, data_type: &DataType) -> String {
    match data_type {
        DataType::Float32 => format!("{:x}", text.parse::<f32>().unwrap().to_bits()),
        DataType::Float64 => format!("{:x}", text.parse::<f64>().unwrap().to_bits()),
        DataType::Timestamp(..) => micros(text).to_string(),
        _ => text.to_owned(),
    }
}

#[tokio::test]
async fn a_parquet_file_holds_what_psql_prints() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    database.connect().await.batch_execute(KINDS).await.unwrap();
    let file = folder.path().join("kinds.parquet");
    let told = run(&database, &["export", "kinds", file.to_str().unwrap()]);
    assert!(told.starts_with("exported 3 rows of kinds to "), "{told}");
    let read = batches(&file);
    let (read, schema) = (&read[0], read[0].schema());
    let typed = |column: &str| schema.field_with_name(column).unwrap().data_type().clone();
    assert_eq!(typed("at"), DataType::Timestamp(TimeUnit::Microsecond, None));
    assert_eq!(typed("at_zone"), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    let rows = database.psql("select * from kinds");
    assert_eq!(read.num_rows(), rows.len());
    for (at, array) in read.columns().iter().enumerate() {
        for (number, row) in rows.iter().enumerate() {
            let told = row[at].as_deref().map(|text| expected(text, array.data_type()));
            assert_eq!(printed(array, number), told, "{}", schema.field(at).name());
        }
    }
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
    for name in ["things.csv", "things.ndjson", "things.parquet"] {
        let output = database.stevedore(&["export", "broken", &path(name)]).output().unwrap();
        assert!(stderr(&output).contains("division by zero"), "{}", stderr(&output));
    }
    assert_eq!(std::fs::read_to_string(path("things.csv")).unwrap(), expected);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn tables_without_rows_or_columns_and_views_are_written() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let tables = "create table empty (id int, at timestamptz); create table bare (); \
        insert into bare default values; insert into bare default values; \
        create view seen as select n, n * 2 as double from generate_series(1, 3) n; \
        create table split (id int) partition by range (id); \
        create table low partition of split for values from (0) to (10); \
        create table high partition of split for values from (10) to (20); \
        insert into split values (1), (11)";
    database.connect().await.batch_execute(tables).await.unwrap();
    let path = |name: &str| folder.path().join(name);
    for (table, rows, columns) in [("empty", 0, 2), ("seen", 3, 2), ("split", 2, 1)] {
        for ending in ["parquet", "csv", "ndjson"] {
            let file = path(&format!("{table}.{ending}"));
            let told = run(&database, &["export", table, file.to_str().unwrap()]);
            assert!(told.starts_with(&format!("exported {rows} rows of {table} to ")), "{told}");
        }
        let file = File::open(path(&format!("{table}.parquet"))).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        assert_eq!(reader.schema().fields().len(), columns, "{table}");
        assert_eq!(reader.metadata().file_metadata().num_rows(), rows, "{table}");
    }
    assert_eq!(std::fs::read_to_string(path("empty.csv")).unwrap(), "id,at\n");
    assert_eq!(std::fs::read_to_string(path("seen.csv")).unwrap(), "n,double\n1,2\n2,4\n3,6\n");
    run(&database, &["export", "bare", path("bare.ndjson").to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(path("bare.ndjson")).unwrap(), "{}\n{}\n");
    let file = path("bare.parquet");
    let output = database.stevedore(&["export", "bare", file.to_str().unwrap()]).output().unwrap();
    let told = stderr(&output);
    assert!(told.contains("Parquet has no rows without columns"), "{told}");
    assert!(!file.exists());
}

#[tokio::test]
async fn a_file_of_another_ending_is_refused_with_those_that_there_are() {
    let database = TestDatabase::empty().await;
    for file in ["x.xlsx", "parquet", "x"] {
        let output = database.stevedore(&["export", "things", file]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let told = stderr(&output);
        assert!(told.contains("ends in .parquet, .csv or .ndjson"), "{told}");
    }
    database.connect().await.batch_execute("create table things ()").await.unwrap();
    let output = database.stevedore(&["export", "things", "/no/such/x.parquet"]).output();
    let told = stderr(&output.unwrap());
    assert!(told.contains("could not write /no/such/x.parquet"), "{told}");
}

/// A table of 20,000 rows in about 1,400 blocks.
const LARGE: &str = "create table large as \
    select n as id, repeat('x', 500) as text from generate_series(1, 20000) n";

/// Hands connections on to a server, but the second one only when it is told to.
struct Relay {
    url: String,
    accepted: Arc<AtomicUsize>,
    second_came: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Relay {
    async fn start(database: &TestDatabase) -> Self {
        let config = Database::new(&database.url).unwrap().config().clone();
        let Host::Unix(folder) = &config.get_hosts()[0] else { panic!("the server has a socket") };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let socket = folder.join(format!(".s.PGSQL.{port}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = config.get_dbname().unwrap();
        let user = config.get_user().unwrap();
        let port = listener.local_addr().unwrap().port();
        let relay = Self {
            url: format!("postgresql://{user}@127.0.0.1:{port}/{name}?sslmode=disable"),
            accepted: Arc::default(),
            second_came: Arc::default(),
            go_on: Arc::default(),
        };
        let accepted = Arc::clone(&relay.accepted);
        let (second_came, go_on) = (Arc::clone(&relay.second_came), Arc::clone(&relay.go_on));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if accepted.fetch_add(1, Ordering::SeqCst) == 1 {
                    second_came.notify_one();
                    go_on.notified().await;
                }
                let mut server = UnixStream::connect(&socket).await.unwrap();
                tokio::spawn(async move {
                    tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
                });
            }
        });
        relay
    }
}

#[tokio::test]
async fn all_parts_of_a_file_are_one_state_of_a_table_that_is_written_to() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let client = database.connect().await;
    client.batch_execute(LARGE).await.unwrap();
    for (name, format) in [("l.parquet", FileFormat::Parquet), ("l.csv", FileFormat::Csv)] {
        let before = client.query_one("select count(*), sum(id) from large", &[]).await.unwrap();
        let before: (i64, i64) = (before.get(0), before.get(1));
        let relay = Relay::start(&database).await;
        let (url, file) = (relay.url.clone(), folder.path().join(name));
        let exporting = tokio::spawn(async move {
            let options = Unload {
                table: "large",
                format,
                parallel: NonZeroUsize::new(4).unwrap(),
                written: Arc::new(AtomicU64::new(0)),
            };
            unload(&Database::new(&url).unwrap(), &options, &file).await.unwrap()
        });
        relay.second_came.notified().await;
        let writes = "insert into large select n, 'new' from generate_series(1, 500) n; \
            delete from large where id % 7 = 0; update large set id = -id where id % 5 = 0";
        client.batch_execute(writes).await.unwrap();
        relay.go_on.notify_one();
        assert_eq!(exporting.await.unwrap(), before.0 as u64);
        assert_eq!(relay.accepted.load(Ordering::SeqCst), 4);
        let sum: i64 = if format == FileFormat::Parquet {
            let read = batches(&folder.path().join(name));
            let ids = read.iter().map(|batch| batch.column(0).as_primitive::<Int32Type>().clone());
            ids.flat_map(|ids| ids.values().to_vec()).map(i64::from).sum()
        } else {
            let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
            let lines = text.lines().skip(1);
            lines.map(|line| line.split(',').next().unwrap().parse::<i64>().unwrap()).sum()
        };
        assert_eq!(sum, before.1, "{name}");
    }
}

#[tokio::test]
async fn rows_of_one_part_are_in_the_tables_order() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    database.connect().await.batch_execute(LARGE).await.unwrap();
    let file = folder.path().join("large.parquet");
    run(&database, &["export", "large", file.to_str().unwrap(), "--parallel", "1"]);
    let ids: Vec<i32> = batches(&file)
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int32Type>().values().to_vec())
        .collect();
    assert_eq!(ids, (1..=20_000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_read_in_as_many_parts_as_are_asked_for() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    database.connect().await.batch_execute(LARGE).await.unwrap();
    let mut connections = Vec::new();
    for parallel in ["1", "3"] {
        let relay = Relay::start(&database).await;
        relay.go_on.notify_one();
        let file = folder.path().join(format!("{parallel}.csv"));
        let args = ["export", "large", file.to_str().unwrap(), "--parallel", parallel];
        run(&TestDatabase { url: relay.url.clone() }, &args);
        assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 20_001);
        connections.push(relay.accepted.load(Ordering::SeqCst));
    }
    // Each further part has a connection of its own.
    assert_eq!(connections[1] - connections[0], 2, "{connections:?}");
}
