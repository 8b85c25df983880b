//! The objects' crawler and its catalog, through the binary.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::{Serve, TestDatabase, sample, stdout};

/// Crawls a folder as the bucket `microservice-hw`.
fn crawl(database: &TestDatabase, folder: &Path, args: &[&str]) -> Value {
    let bucket = format!("microservice-hw={}", folder.display());
    let mut command = database.stevedore(&["crawl", "objects", "microservice-hw", "--json"]);
    let output = command.args(args).env("STEVEDORE_BUCKET", bucket).output().unwrap();
    assert!(output.status.success(), "{}", crate::support::stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

fn catalog(database: &TestDatabase, args: &[&str]) -> String {
    let output = database.stevedore(&["catalog"]).args(args).output().unwrap();
    assert!(output.status.success(), "{}", crate::support::stderr(&output));
    stdout(&output)
}

#[tokio::test]
async fn the_sample_has_the_columns_of_the_old_catalog() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let lines = std::fs::read_to_string(sample("user_status_sample.ndjson")).unwrap();
    let plain: String = lines
        .lines()
        .filter(|line| !line.contains("country"))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(folder.path().join("user_status_001.json"), plain).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "no JSON").unwrap();
    let report = crawl(&database, folder.path(), &[]);
    assert_eq!((&report["objects"], &report["records"]), (&json!(2), &json!(9)));
    assert_eq!(report["skipped_because"]["notes.txt"], "none of its 1 texts is a JSON object");
    assert_eq!(report["tables"][0]["name"], "user_status_001");
    let tree = catalog(&database, &["show", "user_status_001"]);
    let file = folder.path().canonicalize().unwrap().join("user_status_001.json");
    let expected = "root
 |-- userId: string (nullable = false)
 |-- createdAt: string (nullable = false)
 |-- lastVisitedAt: int (nullable = true)
 |-- status: string (nullable = false)
 |-- statusLogs: array (nullable = true)
 |    |-- element: struct (containsNull = true)
 |    |    |-- updatedOn: string (nullable = true)
 |    |    |-- status: string (nullable = true)
 |-- isBlacklisted: boolean (nullable = false)
";
    assert_eq!(tree, format!("1 object: file://{}\n{expected}", file.display()));
}

#[tokio::test]
async fn only_what_is_new_or_changed_is_read_and_only_changes_are_versions() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.json", r#"{"id":1,"name":"x","city":"y"}"#);
    let first = crawl(&database, folder.path(), &[]);
    assert_eq!((&first["tables"][0]["version"], &first["unchanged"]), (&json!(1), &json!(0)));
    write("b.json", r#"{"id":2,"name":"z","city":null}"#);
    let second = crawl(&database, folder.path(), &[]);
    assert_eq!((&second["unchanged"], &second["records"]), (&json!(1), &json!(1)));
    let nullable = json!([{"change": "nullability_changed", "name": "city", "nullable": true}]);
    assert_eq!(
        (&second["tables"][0]["version"], &second["tables"][0]["changes"]),
        (&json!(2), &nullable)
    );
    let third = crawl(&database, folder.path(), &[]);
    assert_eq!((&third["unchanged"], &third["tables"][0]["is_new"]), (&json!(2), &json!(false)));
    let diff = catalog(&database, &["diff", "table_microservice_hw", "1", "2"]);
    assert_eq!(serde_json::from_str::<Value>(&diff).unwrap(), nullable[0]);
    std::fs::remove_file(folder.path().join("a.json")).unwrap();
    std::fs::remove_file(folder.path().join("b.json")).unwrap();
    let gone = crawl(&database, folder.path(), &[]);
    assert_eq!(
        (&gone["gone"], &gone["deprecated"]),
        (&json!(2), &json!(["table_microservice_hw"]))
    );
    assert!(catalog(&database, &["list"]).contains("deprecated"));
}

#[tokio::test]
async fn columns_that_changed_are_taken_added_or_only_told_as_the_policy_says() {
    for (policy, version, columns, changes, held_back) in [
        ("update", 2, ["id:double", "name:string", "more:boolean"].as_slice(), 3, 0),
        ("add-columns", 2, &["id:int", "city:string", "name:string", "more:boolean"], 1, 2),
        ("log", 1, &["id:int", "city:string", "name:string"], 0, 3),
    ] {
        let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
        let write = |text: &str| std::fs::write(folder.path().join("a.json"), text).unwrap();
        write(r#"{"id":1,"city":"x","name":"y"}"#);
        let args = ["--on-change", policy];
        crawl(&database, folder.path(), &args);
        write(r#"{"ID":1.5,"name":"y","more":true}"#);
        let report = crawl(&database, folder.path(), &args);
        let table = &report["tables"][0];
        let count = |what: &str| table[what].as_array().unwrap().len();
        assert_eq!((count("changes"), count("held_back")), (changes, held_back), "{policy}");
        assert_eq!(table["version"], version, "{policy}");
        let sql = "select lower(c ->> 'name') || ':' || (c ->> 'data_type') as c \
            from stevedore.catalog_versions v join stevedore.catalog_tables t using (table_id, version), \
            jsonb_array_elements(columns) with ordinality as e (c, at) order by at";
        let rows = database.connect().await.query(sql, &[]).await.unwrap();
        let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(found, columns, "{policy}");
    }
}

#[tokio::test]
async fn tables_that_are_gone_are_deprecated_deleted_or_only_named_as_the_policy_says() {
    for (policy, told, state) in [
        ("deprecate", "deprecated", Some("deprecated")),
        ("delete", "deleted", None),
        ("log", "missing", Some("active")),
    ] {
        let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("a.json"), r#"{"id":1}"#).unwrap();
        crawl(&database, folder.path(), &[]);
        std::fs::remove_file(folder.path().join("a.json")).unwrap();
        let report = crawl(&database, folder.path(), &["--on-delete", policy]);
        for list in ["deprecated", "deleted", "missing"] {
            let expected = if list == told { json!(["a"]) } else { json!([]) };
            assert_eq!(report[list], expected, "{policy}");
        }
        let states = database.rows("select state from stevedore.catalog_tables").await;
        let expected: Vec<_> = state.map(|state| json!({ "state": state })).into_iter().collect();
        assert_eq!(states, expected, "{policy}");
    }
}

#[tokio::test]
async fn a_crawler_that_is_to_read_otherwise_reads_again_and_keys_are_chosen_by_patterns() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("a/1.json", r#"{"items":[{"x":1},{"x":2}]}"#);
    write("a/_meta.json", r#"{"about":"a"}"#);
    write("b/2.json", r#"{"y":[1]}"#);
    let keys = ["--include", "a/*", "--exclude", "**/_*"];
    let first = crawl(&database, folder.path(), &keys);
    assert_eq!((&first["objects"], &first["records"]), (&json!(1), &json!(1)));
    let paths = [&keys[..], &["--json-path", "$.none[*]", "--json-path", "$.items[*]"]].concat();
    let again = crawl(&database, folder.path(), &paths);
    assert_eq!((&again["unchanged"], &again["records"]), (&json!(0), &json!(2)));
    assert_eq!(catalog(&database, &["show", "a_1_items"]).lines().count(), 3);
    let bucket = format!("microservice-hw={}", folder.path().display());
    let mut rerun =
        database.stevedore(&["crawl", "run", "microservice-hw $.none[*] $.items[*]", "--json"]);
    let output = rerun.env("STEVEDORE_BUCKET", &bucket).output().unwrap();
    let same: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&same["objects"], &same["unchanged"]), (&json!(1), &json!(1)));
    let unknown = database.stevedore(&["crawl", "run", "none"]).output().unwrap();
    let said = crate::support::stderr(&unknown);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said.contains("caused by: there is no crawler none\nhint: "), "{said}");
    let listed = stdout(&database.stevedore(&["crawl", "list"]).output().unwrap());
    assert!(listed.contains("microservice-hw") && listed.contains("succeeded"), "{listed}");
}

#[tokio::test]
async fn hostile_and_odd_objects_are_tables_or_a_clear_line_each() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let gzip = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&b"{\"id\":1}\n".repeat(1000)).unwrap();
        encoder.finish().unwrap()
    };
    let keys: Vec<String> = (0..5_000).map(|at| format!(r#""k{at}":{at}"#)).collect();
    let deep = format!(r#"{{"deep":{}1{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    write(
        "types/a.json",
        b"{\"v\":1}\n{\"v\":\"x\"}\n{\"v\":[true]}\n{\"v\":{\"w\":null}}\n{\"v\":null}",
    );
    write("keys/a.json", format!(r#"{{"many":{{{}}}}}"#, keys.join(",")).as_bytes());
    write("deep/a.json", deep.as_bytes());
    write("nul/a.json", br#"{"n\u0000l":"a\u0000b"}"#);
    let skipped = [
        ("empty.json", b"".to_vec(), "it holds no records"),
        ("numbers.json", b"1\n2\n".to_vec(), "none of its 2 texts is a JSON object"),
        ("fields.json", b"{}".to_vec(), ""),
        ("cut.json.gz", gzip[..gzip.len() / 2].to_vec(), "could not decompress"),
        ("image.json", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "it is a PNG image"),
        ("table.json", b"PAR1\x15\x04\x15".to_vec(), "it is Parquet"),
        ("page.json", b"<html></html>".to_vec(), "it is XML or HTML"),
        ("rows.csv", b"id,name\n1,a\n".to_vec(), "none of its 2 texts is a JSON object"),
        ("latin.json", b"\xe4\xf6\xfc\n".to_vec(), ""),
    ];
    skipped.iter().for_each(|(name, bytes, _)| write(name, bytes));
    let report = crawl(&database, folder.path(), &[]);
    for (name, _, expected) in skipped.iter().filter(|(name, ..)| *name != "fields.json") {
        let why = report["skipped_because"][name].as_str().unwrap_or_default();
        assert!(why.contains(expected) && !why.is_empty() && !why.contains('\n'), "{name}: {why}");
    }
    assert_eq!(report["skipped"], skipped.len() - 1, "{report}");
    let tree = |folder: &str| catalog(&database, &["show", &format!("a_{folder}")]);
    let choice = "v: choice<int,string,array<boolean>,struct<w:void>> (nullable = true)";
    assert!(tree("types").contains(choice), "{}", tree("types"));
    assert!(tree("keys").contains("many: map ("), "{}", tree("keys"));
    assert!(tree("deep").contains("deep: array"), "{}", tree("deep").len());
    assert!(tree("nul").contains(r"n\u0000l: string"), "{}", tree("nul"));
    let other = folder.path().join("none");
    let missing =
        database.stevedore(&["crawl", "objects", other.to_str().unwrap()]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1), "{}", crate::support::stderr(&missing));
}

#[tokio::test]
async fn a_crawl_that_was_killed_goes_on_where_it_was() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    for at in 0..50 {
        std::fs::write(folder.path().join(format!("{at}.json")), format!(r#"{{"id":{at}}}"#))
            .unwrap();
    }
    crawl(&database, folder.path(), &[]);
    // As if it had been killed before the last ten objects and before the tables were written.
    let undo = "delete from stevedore.catalog_objects where key like '4%.json'; \
        delete from stevedore.catalog_tables; update stevedore.crawlers set state = 'running'";
    database.connect().await.batch_execute(undo).await.unwrap();
    let again = crawl(&database, folder.path(), &[]);
    assert_eq!((&again["unchanged"], &again["records"]), (&json!(39), &json!(11)));
    assert_eq!(database.count("stevedore.catalog_tables where objects = 50").await, 1);
}

#[tokio::test]
async fn the_catalog_is_served() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let write = |text: &str| std::fs::write(folder.path().join("a.json"), text).unwrap();
    write(r#"{"id":1}"#);
    crawl(&database, folder.path(), &[]);
    write(r#"{"id":1.5}"#);
    crawl(&database, folder.path(), &[]);
    let serve = Serve::start(&database, &["--no-worker"], folder.path());
    let tables = serve.get("/v1/catalog/tables").await.json();
    assert_eq!(tables["tables"][0]["name"], "a");
    let path = "/v1/catalog/tables/a";
    assert_eq!(serve.get(path).await.json()["columns"][0]["data_type"], "double");
    let diff = serve.get(&format!("{path}/diff?from=1&to=2")).await.json();
    let retyped = json!({"change": "type_changed", "name": "id", "from": "int", "to": "double"});
    assert_eq!(diff["changes"], json!([retyped]));
    let missing = serve.get(&format!("{path}/diff?from=1&to=3")).await;
    assert_eq!(missing.outcome(), (404, "version_not_found".to_owned()));
    let records = serve.get(&format!("{path}/records")).await;
    assert_eq!(records.outcome(), (404, "bucket_not_found".to_owned()));
    let missing = serve.get("/v1/catalog/tables/none").await;
    assert_eq!(missing.outcome(), (404, "table_not_found".to_owned()));
}
