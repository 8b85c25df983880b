//! The objects' crawler and its catalog, through the binary.

use std::path::Path;

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
async fn the_sample_is_the_table_of_the_old_catalog() {
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
    assert_eq!(report["tables"][0]["name"], "table_microservice_hw");
    let tree = catalog(&database, &["show", "table_microservice_hw"]);
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
    assert_eq!(tree, expected);
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
    assert_eq!(tables["tables"][0]["name"], "table_microservice_hw");
    let path = "/v1/catalog/tables/table_microservice_hw";
    assert_eq!(serve.get(path).await.json()["columns"][0]["data_type"], "double");
    let diff = serve.get(&format!("{path}/diff?from=1&to=2")).await.json();
    let retyped = json!({"change": "type_changed", "name": "id", "from": "int", "to": "double"});
    assert_eq!(diff["changes"], json!([retyped]));
    let missing = serve.get(&format!("{path}/diff?from=1&to=3")).await;
    assert_eq!(missing.outcome(), (404, "version_not_found".to_owned()));
    let missing = serve.get("/v1/catalog/tables/none").await;
    assert_eq!(missing.outcome(), (404, "table_not_found".to_owned()));
}
