//! Every type, read back.

use super::*;

fn cells<'a>(frame: &'a DataFrame, column: &str) -> Vec<AnyValue<'a>> {
    frame.column(column).unwrap().as_materialized_series().iter().collect()
}

/// A cell as psql prints it; floats and times, which it prints in ways of its own, as their bits.
fn printed(cell: &AnyValue<'_>) -> Option<String> {
    Some(match cell {
        AnyValue::Null => return None,
        AnyValue::Boolean(is) => if *is { "t" } else { "f" }.to_owned(),
        AnyValue::Float32(number) => format!("{:x}", number.to_bits()),
        AnyValue::Float64(number) => format!("{:x}", number.to_bits()),
        AnyValue::Datetime(micros, TimeUnit::Microseconds, None) => micros.to_string(),
        AnyValue::String(text) => (*text).to_owned(),
        number => number.to_string(),
    })
}

/// What psql printed of a column of a type, in the same way.
fn expected(text: &str, data_type: &DataType) -> String {
    match data_type {
        DataType::Float32 => format!("{:x}", text.parse::<f32>().unwrap().to_bits()),
        DataType::Float64 => format!("{:x}", text.parse::<f64>().unwrap().to_bits()),
        DataType::Datetime(..) => micros(text).to_string(),
        _ => text.to_owned(),
    }
}

#[tokio::test]
async fn every_type_is_read_back_with_nulls_and_any_text() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    client.batch_execute(KINDS).await.unwrap();
    let frame = read(&*client, "select * from kinds -- a comment", &[]).await.unwrap();
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
    let text = "\u{10fffd} \"quoted\" 'single' \\ back \n\r\t";
    assert_eq!(cells(&frame, "name")[1], AnyValue::String(text));
    assert_eq!(cells(&frame, "at")[1].extract::<i64>(), Some(i64::MAX));
    assert_eq!(cells(&frame, "at_zone")[1].extract::<i64>(), Some(i64::MIN));
    let rows = database.psql("select * from kinds");
    assert_eq!(frame.height(), rows.len());
    for (at, column) in frame.columns().iter().enumerate() {
        let read: Vec<_> =
            column.as_materialized_series().iter().map(|cell| printed(&cell)).collect();
        let told = rows.iter().map(|row| row[at].as_deref());
        let told: Vec<_> =
            told.map(|cell| cell.map(|text| expected(text, column.dtype()))).collect();
        assert_eq!(read, told, "{}", column.name());
    }
    let twice = read(&*client, "select 1 as a, 2 as a", &[]).await.unwrap_err();
    assert!(twice.with_causes().starts_with("could not make a frame of rows: "), "{twice:?}");
}

#[tokio::test]
async fn what_is_read_back_as_text_is_what_psql_prints() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    client.batch_execute(KINDS).await.unwrap();
    let batches = Batches::open(&*client, "select * from kinds", &[], Keep::Texts).await.unwrap();
    let types: Vec<_> = batches.columns().iter().map(|column| column.data_type.as_str()).collect();
    assert_eq!(types[..4], ["bool", "int2", "int4", "int8"]);
    assert_eq!(types[types.len() - 3..], ["int4[]", "text[]", "text"]);
    let numbers = batches.columns().iter().filter(|column| column.is_number);
    let numbers: Vec<_> = numbers.map(|column| column.name.as_str()).collect();
    let expected = ["small", "id", "big", "half", "share", "amount", "exact", "id_of"];
    assert_eq!(numbers, expected);
    let read = texts(&batches.frame().await.unwrap());
    assert_eq!(read, database.psql("select * from kinds"));
}

#[tokio::test]
async fn as_json_only_booleans_and_numbers_are_no_texts() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    let sql = "select true, 1::smallint, 9223372036854775807, 0.1::real, 1e300::float8, 'NaN'::float8, \
        '-Infinity'::real, 1.50, 'x', null::int, '2022-01-02'::timestamp, '{\"a\": 1}'::jsonb";
    let batches = Batches::open(&*client, sql, &[], Keep::JsonTypes).await;
    // Names that are there twice are no frame, but batches have them.
    let schema = batches.unwrap().schema();
    assert_eq!(schema.fields().len(), 12);
    let sql = format!("select * from ({sql}) as t (a, b, c, d, e, f, g, h, i, j, k, l)");
    let frame = Batches::open(&*client, &sql, &[], Keep::JsonTypes).await.unwrap().frame().await;
    let expected = json!([
        true,
        1,
        i64::MAX,
        0.1,
        1e300,
        "NaN",
        "-Infinity",
        "1.50",
        "x",
        null,
        "2022-01-02 00:00:00",
        "{\"a\": 1}"
    ]);
    assert_eq!(json!(values(&frame.unwrap())), json!([expected]));
}

#[tokio::test]
async fn queries_without_rows_or_columns_and_of_many_rows_are_read_back() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    let none =
        read(&*client, "select 1 as n, 'x' as t, now() as at where false", &[]).await.unwrap();
    assert_eq!(none.shape(), (0, 3));
    assert_eq!(none.column("n").unwrap().dtype(), &DataType::Int32);
    let bare = read(&*client, "select from generate_series(1, 20000)", &[]).await.unwrap();
    assert_eq!(bare.shape(), (20_000, 0));
    let sql = "select n, repeat('x', 1000) as t from generate_series(1, $1::int) n";
    let many = read(&*client, sql, &[&20_000]).await.unwrap();
    assert_eq!(many.shape(), (20_000, 2));
    let sum: i64 = many.column("n").unwrap().as_materialized_series().sum().unwrap();
    assert_eq!(sum, 20_000 * 20_001 / 2);
    let late = "select 1 / (10000 - n) as x from generate_series(1, 20000) n";
    let error = read(&*client, late, &[]).await.unwrap_err().with_causes();
    assert_eq!(error, "could not read rows back: ERROR: division by zero");
}
