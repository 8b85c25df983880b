//! The feed held against the catalog before a load.

use std::path::PathBuf;

use pipeline::database::migrate;
use pipeline::sink::{RequestedMode, create_tables};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    OLD_TABLES, Serve, TestDatabase, USER_STATUS, json_lines, record, stderr, stdout, stevedore,
};

const CRAWLED: &str = "select name, objects, records, sampled, crawler like 'sample/%' as by_us \
     from stevedore.catalog_tables";

fn good(records: i64) -> String {
    (0..records).map(|at| record(&format!("u{at}"), at, "ACTIVE") + "\n").collect()
}

/// Records without a status.
fn without_status(records: i64) -> String {
    good(records).replace("\"status\":\"ACTIVE\",\"statusLogs\"", "\"statusLogs\"")
}

/// A folder of a known name, in one that is nobody else's.
struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn root(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap().join("exports")
    }

    fn path(&self, name: &str) -> String {
        self.root().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Crawls it as a user would.
    fn crawl(&self, database: &TestDatabase) {
        let output = database.stevedore(&["crawl", "objects"]).arg(self.root()).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
}

/// Loads what must not be loaded: what is said, and the summary.
fn refused(database: &TestDatabase, args: &[&str]) -> (String, Value) {
    let output = database.stevedore(&["load", "--json"]).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    (stderr(&output), json_lines(&output).remove(0))
}

#[tokio::test]
async fn a_bucket_is_crawled_by_a_sample_on_its_first_use_and_not_again() {
    let database = TestDatabase::empty().await;
    let folder = Folder::with(&[("a.json", &good(3)), ("b.json", &good(4)), ("notes.txt", "none")]);
    let [first] = &database.load(&[&folder.path("a.json")])[..] else { panic!() };
    assert_eq!((&first["loaded"], &first["warnings"]), (&json!(3), &json!([])));
    let table = json!({"name": "a", "objects": 1, "records": 3, "sampled": false,
        "by_us": true});
    assert_eq!(database.rows(CRAWLED).await, std::slice::from_ref(&table));
    let runs = "select last_run from stevedore.crawlers";
    let ran = database.rows(runs).await;
    database.load(&[&folder.path("b.json")]);
    assert_eq!(database.rows(CRAWLED).await, [table]);
    assert_eq!(database.rows(runs).await, ran);
    assert_eq!(database.count("stevedore.catalog_objects").await, 1);
}

#[tokio::test]
async fn the_bucket_of_several_files_is_the_folder_that_holds_them() {
    let database = TestDatabase::empty().await;
    let folder =
        Folder::with(&[("1/a.json", &good(2)), ("2/b.json", &good(2)), ("c.json", &good(2))]);
    database.load(&[&folder.path("1"), &folder.path("2")]);
    let table = json!({"name": "table_exports", "objects": 2, "records": 4, "sampled": false,
        "by_us": true});
    assert_eq!(database.rows(CRAWLED).await, [table]);
}

#[tokio::test]
async fn folders_of_one_name_are_tables_of_two_names() {
    let database = TestDatabase::empty().await;
    let folders = [Folder::with(&[("a.json", &good(2))]), Folder::with(&[("a.json", &good(3))])];
    for folder in &folders {
        database.load(&[&folder.path("a.json")]);
    }
    let names = database.rows("select name, records from stevedore.catalog_tables").await;
    let expected = [("a", 2), ("a_exports", 3)];
    assert_eq!(names, expected.map(|(name, records)| json!({"name": name, "records": records})));
}

#[tokio::test]
async fn new_fields_are_warnings_for_programs_and_people() {
    let database = TestDatabase::empty().await;
    let more = good(2).replace("{\"userId\"", "{\"country\":\"PT\",\"userId\"");
    let folder = Folder::with(&[("a.json", &(good(2) + &more)), ("b.json", &good(1))]);
    let a = database.load(&[&folder.path("a.json")]).remove(0);
    let detail = "string in 2 of 4 records of a, version 1; the feed does not have it";
    let warning = json!({"field": "country", "kind": "new_field", "detail": detail});
    assert_eq!((&a["warnings"], &a["loaded"]), (&json!([warning]), &json!(4)));
    assert_eq!(a["unknown_fields"], json!({"country": 2}));
    // Of the table, whose other objects have it.
    let b = database.stevedore(&["load", &folder.path("b.json")]).output().unwrap();
    let line = format!("warning: country: {detail}\n");
    assert!(stdout(&b).contains(&line), "{}", stdout(&b));
    let again = database.stevedore(&["load", "--reload", &folder.path("a.json")]).output();
    let again = stdout(&again.unwrap());
    assert!(again.contains("warning: unknown fields: country 2\n"), "{again}");
    assert!(!again.contains(&line), "{again}");
    // Not in the table yet.
    folder.write("c.json", &good(1).replace("\"by\"", "").replace('{', "{\"city\":1,"));
    let c = database.load(&[&folder.path("c.json")]).remove(0);
    let fields: Vec<_> =
        c["warnings"].as_array().unwrap().iter().map(|warning| &warning["field"]).collect();
    assert_eq!(fields, ["country", "city", "statusLogs.city"]);
    let dry = database.load(&["--dry-run", &folder.path("c.json")]).remove(0);
    assert_eq!(dry["warnings"], c["warnings"]);
}

#[tokio::test]
async fn a_field_that_no_record_has_is_an_error_before_the_first_row() {
    let database = TestDatabase::empty().await;
    let folder = Folder::with(&[("a.json", &without_status(3))]);
    let file = folder.path("a.json");
    let (said, summary) = refused(&database, &[&file]);
    let expected = format!(
        "caused by: every record of file://{file} would be rejected by the feed user_status:
  field   the feed takes  a, version 1
  status  string          -             missing
hint: "
    );
    assert!(said.contains(&expected), "{said}");
    assert!(said.contains("--no-preflight"), "{said}");
    assert_eq!(summary["state"], "failed");
    assert_eq!(database.counts().await, [0, 0, 0]);
    let ledger = "select state, error_code from stevedore.loads";
    let failed = json!({"state": "failed", "error_code": "schema_mismatch"});
    assert_eq!(database.rows(ledger).await, [failed]);
    let loaded = database.load(&["--no-preflight", &file]).remove(0);
    assert_eq!(
        (&loaded["rejected_by_reason"], &loaded["warnings"][0]["kind"]),
        (&json!({"null_field": 3}), &json!("all_rejected"))
    );
    // What is loaded is loaded.
    assert_eq!(database.load(&[&file])[0]["state"], "already_loaded");
    refused(&database, &["--reload", &file]);
    assert_eq!(database.counts().await, [0, 0, 3]);
}

#[tokio::test]
async fn a_type_that_never_fits_is_an_error_before_the_first_row() {
    let database = TestDatabase::empty().await;
    let texts = good(3).replace("\"lastVisitedAt\":", "\"lastVisitedAt\":\"x\",\"of\":");
    let folder = Folder::with(&[("a.json", &texts)]);
    let file = folder.path("a.json");
    let expected = "
  field          the feed takes  a, version 1
  lastVisitedAt  integer         string        never fits
  of             -               int           new
";
    // Of a dry run, which writes nothing, the object itself is asked.
    let (said, _) = refused(&database, &["--dry-run", &file]);
    assert!(said.contains("  lastVisitedAt  integer         string      never fits\n"), "{said}");
    let (said, _) = refused(&database, &[&file]);
    assert!(said.contains(expected), "{said}");
    let mut command = database.stevedore(&["load", "--json", &file]);
    let loaded = command.env("STEVEDORE_NO_PREFLIGHT", "1").output().unwrap();
    let loaded = json_lines(&loaded).remove(0);
    assert_eq!(loaded["rejected_by_reason"], json!({"wrong_type": 3}));
    // Some values fit: no error, since they can be loaded.
    folder.write("a.json", &(texts + &good(3)));
    folder.crawl(&database);
    let mixed = database.load(&[&file]).remove(0);
    assert_eq!((&mixed["loaded"], &mixed["rejected"]), (&json!(3), &json!(3)));
    let detail = "choice<int,string> in a, version 2; the feed takes integer";
    let warning = json!({"field": "lastVisitedAt", "kind": "type_mismatch", "detail": detail});
    assert_eq!(mixed["warnings"][0], warning);
}

#[tokio::test]
async fn a_target_that_no_record_fits_is_an_error_before_the_first_row() {
    let database = TestDatabase::empty().await;
    database.connect().await.batch_execute(OLD_TABLES).await.unwrap();
    let millis = good(3).replace("\"lastVisitedAt\":", "\"lastVisitedAt\":165537000000");
    let folder = Folder::with(&[("a.json", &millis)]);
    let (said, _) = refused(&database, &["--mode", "append", &folder.path("a.json")]);
    let expected = "  lastVisitedAt  integer from -2147483648 to 2147483647  \
        bigint from 1655370000000 to 1655370000002  never fits\n";
    assert!(said.contains(expected), "{said}");
    let widen = "alter table user_status alter column lastvisitedat type bigint";
    database.connect().await.batch_execute(widen).await.unwrap();
    database.load(&["--mode", "append", &folder.path("a.json")]);
    assert_eq!(database.counts().await, [3, 3, 0]);
}

#[tokio::test]
async fn a_target_that_does_not_fit_is_shown_beside_the_feed() {
    let database = TestDatabase::empty().await;
    let unfit = OLD_TABLES
        .replace("lastvisitedat int,", "lastvisitedat date,")
        .replace("createdat varchar, ", "")
        .replace("isblacklisted boolean,", "isblacklisted boolean, region text not null,");
    database.connect().await.batch_execute(&unfit).await.unwrap();
    let folder = Folder::with(&[("a.json", &good(3))]);
    let (said, _) = refused(&database, &["--mode", "append", &folder.path("a.json")]);
    let expected = "
  column         the feed writes  the table has
  createdat      varchar          -
  lastvisitedat  bigint           date
  region         -                text not null
hint: ";
    assert!(said.contains(expected), "{said}");
}

#[tokio::test]
async fn single_bad_objects_and_records_are_rows() {
    let database = TestDatabase::empty().await;
    let files =
        [("good.json", good(3)), ("bad.json", without_status(3)), ("odd.json", without_status(1))];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let folder = Folder::with(&files);
    database.load(&[&folder.path("good.json")]);
    let bad = database.load(&[&folder.path("bad.json")]).remove(0);
    assert_eq!(
        (&bad["rejected"], &bad["warnings"][0]["kind"]),
        (&json!(3), &json!("all_rejected"))
    );
    let alone = TestDatabase::empty().await;
    let odd = alone.load(&[&folder.path("odd.json")]).remove(0);
    let detail = "odd, version 1 has no value for it";
    let warning = json!({"field": "status", "kind": "missing_field", "detail": detail});
    assert_eq!((&odd["rejected"], &odd["warnings"][0]), (&json!(1), &warning));
    let detail = "every record was rejected, 1 of 1: null_field 1";
    let all = json!({"kind": "all_rejected", "detail": detail});
    assert_eq!((&odd["warnings"][1], &odd["warnings"][2]), (&all, &Value::Null));
}

#[tokio::test]
async fn a_catalog_that_is_out_of_date_keeps_nothing_from_being_loaded() {
    let database = TestDatabase::empty().await;
    let folder = Folder::with(&[("a.json", &without_status(3))]);
    let file = folder.path("a.json");
    refused(&database, &[&file]);
    folder.write("b.json", &good(3));
    let b = database.load(&[&folder.path("b.json")]).remove(0);
    assert_eq!((&b["loaded"], &b["warnings"][0]["kind"]), (&json!(3), &json!("missing_field")));
    // The sample has learned from it: the next one is like its table.
    folder.write("c.json", &good(4));
    let c = database.load(&[&folder.path("c.json")]).remove(0);
    assert_eq!((&c["loaded"], &c["warnings"]), (&json!(4), &json!([])));
    // A crawl that somebody has asked for takes the table over, and is not changed by loads.
    let other = TestDatabase::empty().await;
    std::fs::remove_file(folder.path("b.json")).unwrap();
    std::fs::remove_file(folder.path("c.json")).unwrap();
    folder.crawl(&other);
    let by_crawl = other.rows(CRAWLED).await;
    refused(&other, &[&file]);
    folder.write("b.json", &good(3));
    assert_eq!(other.load(&[&folder.path("b.json")])[0]["loaded"], 3);
    assert_eq!(other.rows(CRAWLED).await, by_crawl);
}

#[tokio::test]
async fn a_dry_run_needs_no_database_to_hold_the_feed_against_the_object() {
    let folder = Folder::with(&[("a.json", &without_status(2)), ("empty.json", &"{}\n".repeat(9))]);
    let run = |name| {
        let mut command = stevedore(&["load", "--dry-run", "--data-dir", "/nowhere/at/all"]);
        command.arg(folder.path(name)).output().unwrap()
    };
    let output = run("a.json");
    assert_eq!(output.status.code(), Some(1));
    let expected = "\n  status  string          -           missing\n";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    // Records without any field say nothing of fields.
    assert!(run("empty.json").status.success());
}

#[tokio::test]
async fn who_may_not_see_the_catalog_loads_without_it() {
    let database = TestDatabase::empty().await;
    let mut owner = database.connect().await;
    migrate(&mut owner).await.unwrap();
    create_tables(&*owner, &USER_STATUS, RequestedMode::Auto).await.unwrap();
    owner.batch_execute("create role reader login").await.unwrap();
    let granted = database.stevedore(&["migrate", "--grant-load", "reader"]).output().unwrap();
    assert!(granted.status.success(), "{}", stderr(&granted));
    let role = TestDatabase { url: database.url.replace("postgres@", "reader@") };
    let folder = Folder::with(&[("a.json", &without_status(3)), ("b.json", &without_status(4))]);
    // It may read the catalog and not write it, so no sample is taken.
    assert_eq!(role.load(&[&folder.path("a.json")])[0]["rejected"], 3);
    assert_eq!(database.count("stevedore.crawlers").await, 0);
    folder.crawl(&database);
    let (said, _) = refused(&role, &[&folder.path("b.json")]);
    assert!(said.contains("missing"), "{said}");
    owner.batch_execute("revoke select on stevedore.crawlers from reader").await.unwrap();
    let output = role.stevedore(&["load", "--json", &folder.path("b.json")]).output().unwrap();
    assert_eq!((stderr(&output).as_str(), &json_lines(&output)[0]["rejected"]), ("", &json!(4)));
}

#[tokio::test]
async fn jobs_are_held_against_the_catalog_unless_they_say_otherwise() {
    let database = TestDatabase::empty().await;
    let bad = without_status(3);
    let folder =
        Folder::with(&[("bad/a.json", &bad), ("bad/b.json", &bad), ("good/c.json", &good(2))]);
    let serve = Serve::start(&database, &[], &folder.root());
    let ask = async |request: Value| {
        serve.ended(&serve.post_json("/v1/jobs", &request).await.json()).await
    };
    let failed = ask(json!({"bucket": "bucket", "key": "bad/a.json"})).await;
    assert_eq!((&failed["state"], &failed["catalog"]), (&json!("failed"), &json!(true)));
    let error = &failed["error"];
    assert_eq!((&error["code"], &error["retryable"]), (&json!("schema_mismatch"), &json!(false)));
    let detail = "every record of bucket/bad/a.json would be rejected by the feed user_status:
  field   the feed takes  table_bucket, version 1
  status  string          -                        missing";
    assert_eq!(error["detail"], detail);
    // A sample of the folder.
    let table = json!({"name": "table_bucket", "objects": 2, "records": 6, "sampled": false,
        "by_us": true});
    assert_eq!(database.rows(CRAWLED).await, [table]);
    let many = ask(json!({"bucket": "bucket", "prefix": "bad/", "catalog": false})).await;
    assert_eq!((&many["state"], &many["rejected"]), (&json!("succeeded"), &json!(6)));
    let good = ask(json!({"bucket": "bucket", "key": "good/c.json"})).await;
    assert_eq!((&good["state"], &good["loaded"]), (&json!("succeeded"), &json!(2)));
    assert_eq!(database.counts().await, [2, 2, 6]);
}

#[tokio::test]
async fn a_worker_may_do_without_the_catalog() {
    let database = TestDatabase::empty().await;
    let folder = Folder::with(&[("a.json", &without_status(3))]);
    let serve = Serve::start(&database, &["--no-preflight"], &folder.root());
    let job = serve.ended(&serve.load("a.json").await).await;
    assert_eq!((&job["state"], &job["rejected"]), (&json!("succeeded"), &json!(3)));
    assert_eq!(database.count("stevedore.crawlers").await, 0);
}
