//! Bundles load what single loads do, whatever the objects.

use super::*;

/// A line of an object.
#[derive(Debug, Clone)]
enum Line {
    /// A user, a visit: few of each, so that many are equal.
    Valid(u8, i64),
    /// One with a field that the feed does not have.
    Odd(u8),
    NoStatus,
    Malformed,
}

/// What becomes of the lines.
#[derive(Debug, Clone, Copy)]
enum Packing {
    Plain,
    Array,
    Gzip,
    /// A gzip whose end is missing.
    Cut,
    NotText,
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        6 => (0_u8..6, 0_i64..3).prop_map(|(user, visit)| Line::Valid(user, visit)),
        1 => (0_u8..6).prop_map(Line::Odd),
        1 => Just(Line::NoStatus),
        1 => Just(Line::Malformed),
    ]
}

fn packing() -> impl Strategy<Value = Packing> {
    prop_oneof![
        6 => Just(Packing::Plain),
        1 => Just(Packing::Array),
        2 => Just(Packing::Gzip),
        1 => Just(Packing::Cut),
        1 => Just(Packing::NotText),
    ]
}

/// Objects, how many of them are bundled, and how many bundles are loaded at the same time.
fn objects() -> impl Strategy<Value = (Vec<(Vec<Line>, Packing)>, usize, usize)> {
    (vec((vec(line(), 0..8), packing()), 1..16), 1_usize..8, 1_usize..4)
}

/// The status tells which record it was.
fn text(object: usize, lines: &[Line]) -> Vec<String> {
    let of_line =
        |(at, line): (usize, &Line)| match line {
            Line::Valid(user, visit) => {
                record(&format!("u-{user}"), *visit, &format!("s-{object}-{at}"))
            }
            Line::Odd(user) => record(&format!("u-{user}"), 1, &format!("s-{object}-{at}"))
                .replacen('{', r#"{"odd":1,"#, 1),
            Line::NoStatus => record("u-0", 1, ""),
            Line::Malformed => r#"{"userId":"#.to_owned(),
        };
    lines.iter().enumerate().map(of_line).collect()
}

fn packed(lines: &[String], packing: Packing) -> Vec<u8> {
    let gzip = || {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    match packing {
        Packing::Plain => lines.join("\n").into_bytes(),
        Packing::Array => format!("[{}]", lines.join(",\n")).into_bytes(),
        Packing::Gzip => gzip(),
        Packing::Cut => gzip()[..12].to_vec(),
        Packing::NotText => vec![0xFF, 0xFE, 0, 0, 1, 2, 3],
    }
}

fn write(folder: &Path, objects: &[(Vec<Line>, Packing)]) {
    for (at, (lines, packing)) in objects.iter().enumerate() {
        let path = folder.join(format!("{at:02}.json"));
        std::fs::write(path, packed(&text(at, lines), *packing)).unwrap();
    }
}

async fn new_database(mode: Mode) -> TestDatabase {
    match mode {
        Mode::Merge => TestDatabase::empty().await,
        Mode::Append | Mode::Replace => TestDatabase::with_old_tables().await,
    }
}

async fn load_one_by_one(objects: &[Listed], database: &TestDatabase, mode: Mode) -> Vec<Value> {
    let mut connection = database.migrated().await;
    let mut ended = Vec::new();
    for object in objects {
        let object = object.begin().await.unwrap();
        ended.push(came_to(load(&object, &USER_STATUS, &mut connection, &options(mode)).await));
    }
    ended
}

/// All that is in a database, but for instants and numbers of loads, and what became of the loads one by
/// one, which in a bundle are superseded by each other sooner.
async fn contents(database: &TestDatabase) -> Vec<Vec<Value>> {
    let mut contents = Vec::new();
    for query in [
        "select userid, createdat, status, lastvisitedat, isblacklisted from user_status",
        "select userid, updatedon, status from user_status_log",
        "select error_rec, r.reason, detail, raw, object, object_version, record_no, byte_offset,
            byte_length, l.key from user_status_error_rec r left join stevedore.loads l using (load_id)",
        "select feed, bucket, key, version, state, mode, reload, format, compression, bytes, records,
            loaded, rejected, rejected_by_reason, unknown_fields, error, error_code, job_id,
            origin from stevedore.loads",
        "select key, \"table\", rows, inserted + updated + unchanged + superseded as became
            from stevedore.load_tables join stevedore.loads using (load_id)",
        // Loads are numbered in the order of their objects.
        "select key, row_number() over (order by load_id) from stevedore.loads where state = 'loaded'",
    ] {
        contents.push(database.rows(query).await);
    }
    contents
}

async fn assert_same(objects: &[(Vec<Line>, Packing)], size: usize, at_once: usize, mode: Mode) {
    let folder = TempDir::new().unwrap();
    write(folder.path(), objects);
    let objects = in_folder(&folder).await;
    let (alone, bundled) = (new_database(mode).await, new_database(mode).await);
    let expected = load_one_by_one(&objects, &alone, mode).await;
    assert_eq!(load_in_bundles(&objects, &bundled, mode, size, at_once).await, expected);
    // Of objects none of which could be read there are no tables.
    create_tables(&*alone.connect().await, &USER_STATUS, RequestedMode::Auto).await.unwrap();
    create_tables(&*bundled.connect().await, &USER_STATUS, RequestedMode::Auto).await.unwrap();
    assert_eq!(contents(&bundled).await, contents(&alone).await);
    let loads = verify(&bundled.connect().await, &USER_STATUS, None).await.unwrap();
    assert!(loads.iter().all(|load| load.agrees()), "{loads:?}");
}

fn for_any_objects(mode: Mode) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&objects(), |(objects, size, at_once)| {
        runtime.block_on(assert_same(&objects, size, at_once, mode));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn merging_bundles_is_as_merging_one_object_after_the_other() {
    for_any_objects(Mode::Merge);
}

#[test]
fn appending_bundles_is_as_appending_one_object_after_the_other() {
    for_any_objects(Mode::Append);
}

#[tokio::test]
async fn looking_objects_up_reads_no_other_loads_of_their_feed() {
    let (database, folder) = (TestDatabase::empty().await, TempDir::new().unwrap());
    for at in 0..1000 {
        let path = folder.path().join(format!("{at}.ndjson"));
        std::fs::write(path, record(&at.to_string(), 1, "ACTIVE")).unwrap();
    }
    database.load(&[folder.path().to_str().unwrap()]);
    assert_eq!(database.count("stevedore.loads").await, 1000);
    // Of a ledger that has no statistics yet, too.
    let read = "select idx_tup_read from pg_stat_user_indexes where indexrelname = 'loads_of_feed'";
    assert_eq!(database.psql(read), [[Some("0".to_owned())]]);
}
