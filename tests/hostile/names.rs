//! A name leads to its table and to no other, and not into the schemas of the system or our own.

use serde_json::{Value, json};

use crate::support::{Serve, TestDatabase, repository, stderr, stdout};

/// Tables whose names are the same when their quotes are left out, and one of all underscores.
const TABLES: &str = r#"
    create schema "a.b"; create schema a; create schema "A";
    create table "a.b".t (which text); insert into "a.b".t values ('"a.b".t');
    create table a."b.t" (which text); insert into a."b.t" values ('a."b.t"');
    create table "A"."sa""y" (which text); insert into "A"."sa""y" values ('"A"."sa""y"')"#;
/// Each as people write it and as SQL takes it, which is in its row.
const NAMES: [(&str, &str); 3] =
    [(r#""a.b".t"#, r#""a.b".t"#), (r#"a."b.t""#, r#"a."b.t""#), (r#"A.sa"y"#, r#""A"."sa""y""#)];

#[tokio::test]
async fn names_with_dots_lead_to_their_tables() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    client.batch_execute(TABLES).await.unwrap();
    let args = ["crawl", "postgres", "--schema", "a.b", "--schema", "a", "--schema", "A", "--json"];
    let crawled = database.stevedore(&args).output().unwrap();
    assert!(crawled.status.success(), "{}", stderr(&crawled));
    let report: Value = serde_json::from_slice(&crawled.stdout).unwrap();
    assert_eq!(report["tables"].as_array().unwrap().len(), 3, "{report}");
    let catalog = "select name, location from stevedore.catalog_tables where kind = 'postgres'";
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    for table in database.rows(catalog).await {
        let (name, location) =
            (table["name"].as_str().unwrap(), table["location"].as_str().unwrap());
        let path = format!("/v1/tables/{}/rows", name.replace('"', "%22").replace('.', "%2E"));
        let rows = serve.get(&path).await.json();
        // The location is the name as SQL takes it, behind the database's.
        let which = rows["rows"][0][0].as_str().unwrap();
        assert!(location.ends_with(&format!(".{which}")), "{location} {rows}");
        let shown = database.stevedore(&["show", name]).output().unwrap();
        assert!(stdout(&shown).contains(rows["rows"][0][0].as_str().unwrap()), "{name} {shown:?}");
    }
    for (name, which) in NAMES {
        let shown = database.stevedore(&["show", name]).output().unwrap();
        assert!(shown.status.success(), "{name} {}", stderr(&shown));
        assert!(stdout(&shown).starts_with(&format!("{name}, 1 row\n")), "{}", stdout(&shown));
        assert!(stdout(&shown).contains(&format!("│ {which} ")), "{}", stdout(&shown));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rows.csv");
        let args = ["export", name, file.to_str().unwrap()];
        let exported = database.stevedore(&args).output().unwrap();
        assert!(exported.status.success(), "{name} {}", stderr(&exported));
        let rows = std::fs::read_to_string(&file).unwrap();
        assert!(rows.contains(&which.replace('"', "\"\"")), "{name} {rows}");
    }
    for name in ["a.b.t", "\"a.b", "a.", "\"\".t"] {
        let shown = database.stevedore(&["show", name]).output().unwrap();
        assert_eq!(shown.status.code(), Some(1), "{name}");
        assert!(stderr(&shown).contains("in double quotes"), "{name} {}", stderr(&shown));
    }
}

/// Schemas of the system and our own.
const SCHEMAS: [&str; 6] =
    ["pg_catalog", "information_schema", "pg_toast", "pg_temp_1", "stevedore", "stevedore_queue"];

#[tokio::test]
async fn schemas_of_the_system_are_not_crawled() {
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &[], &repository("data"));
    let target = |schema: &str| json!({ "kind": "postgres", "schemas": ["public", schema] });
    let new = json!({ "name": "mine", "target": target("public") });
    assert_eq!(serve.post_json("/v1/crawlers", &new).await.status, 201);
    for schema in SCHEMAS {
        let args = ["crawl", "postgres", "--schema", schema];
        let crawled = database.stevedore(&args).output().unwrap();
        assert_eq!(crawled.status.code(), Some(1), "{schema}");
        assert!(stderr(&crawled).contains("are not read: it belongs to"), "{}", stderr(&crawled));
        let new = json!({ "name": "other", "target": target(schema) });
        let refused = serve.post_json("/v1/crawlers", &new).await;
        assert_eq!(refused.outcome(), (400, "invalid_crawler".to_owned()), "{schema}");
        assert!(refused.json()["detail"].as_str().unwrap().contains(schema), "{refused:?}");
    }
    // As a row may be that was written before they were refused.
    let client = database.connect().await;
    let sql =
        "update stevedore.crawlers set target = jsonb_set(target, '{schemas}', '[\"pg_catalog\"]')";
    client.batch_execute(sql).await.unwrap();
    assert_eq!(serve.post("/v1/crawlers/mine/runs").await.status, 202);
    let crawler = serve.crawled("mine").await;
    assert_eq!(crawler["last_run"]["error"]["code"], "schema_refused", "{crawler}");
    let again = database.stevedore(&["crawl", "run", "mine"]).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
    assert_eq!(database.count("stevedore.catalog_tables").await, 0);
}

#[tokio::test]
async fn tables_of_the_system_are_not_shown() {
    let database = TestDatabase::empty().await;
    let client = database.migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    let file = file.to_str().unwrap();
    for name in [
        "pg_authid",
        "pg_catalog.pg_authid",
        "\"pg_catalog\".\"pg_authid\"",
        "stevedore.jobs",
        "information_schema.tables",
        "pg_toast.pg_toast_1262",
        "stevedore_queue._private_jobs",
    ] {
        for args in [&["show", name][..], &["export", name, file]] {
            let output = database.stevedore(args).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{args:?}");
            assert!(stderr(&output).contains("are not read: it belongs to"), "{}", stderr(&output));
        }
    }
    // As a crawl may have left it that was made before they were refused.
    let sql = "insert into stevedore.catalog_tables \
        (database, name, kind, version, location, classification, sampled, crawler) \
        select 'd', 'roles', 'postgres', 1, current_database() || '.pg_catalog.pg_authid', 'postgres', \
        true, 'c'";
    client.batch_execute(sql).await.unwrap();
    let serve = Serve::start(&database, &["--no-worker"], &repository("data"));
    let refused = serve.get("/v1/tables/roles/rows").await;
    assert_eq!(refused.outcome(), (403, "schema_refused".to_owned()), "{refused:?}");
    let shown = database.stevedore(&["show", "roles"]).output().unwrap();
    assert_eq!(shown.status.code(), Some(1), "{}", stderr(&shown));
}
