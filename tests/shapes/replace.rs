//! Mode replace: the rows of a new version in place of those of the earlier ones.

use pipeline::error::Error;
use pipeline::sink::Mode;
use serde_json::json;

use super::{feed, load_version};
use crate::support::{TestDatabase, load_text, record};

#[tokio::test]
async fn the_rows_of_a_new_version_replace_those_of_the_earlier_ones() {
    let database = TestDatabase::empty().await;
    let feed = feed(
        r#"
        name = "visits"
        mode = "replace"
        record_id = "id"
        [metadata]
        load_id = "load_id"
        [[table]]
        name = "visits"
        columns.v = { type = "integer", required = true }
        [[table]]
        name = "pages"
        each = "$.pages[*]"
        columns.url = { path = "$", type = "text" }
        "#,
    );
    let version = async |key: &str, text: &str| {
        let loaded = load_version(&database, &feed, key, text).await.unwrap();
        loaded
            .tables
            .iter()
            .map(|table| (table.counts.inserted, table.counts.deleted))
            .collect::<Vec<_>>()
    };
    let none = (0, 0);
    assert_eq!(version("a", r#"{"v":1,"pages":["x","y"]}{"v":2}"#).await, [(2, 0), (2, 0), none]);
    assert_eq!(version("b", r#"{"v":3,"pages":["z"]}"#).await, [(1, 0), (1, 0), none]);
    let longer = r#"{"v":4,"pages":["x"]} {"v":"no"} "#;
    assert_eq!(version("a", longer).await, [(1, 2), (1, 2), (1, 0)]);
    assert_eq!(version("a", r#"{"v":5}"#).await, [(1, 1), (0, 1), none]);
    let rows = database.rows("select v from visits order by v").await;
    assert_eq!(rows, [json!({"v": 3}), json!({"v": 5})]);
    // The ids of rows are those of their records, and children carry them.
    let joined = "select count(*) as n from visits join pages using (id)";
    assert_eq!(database.rows(joined).await[0]["n"], 1);
    let connection = database.migrated().await;
    let verified = pipeline::verify::verify(&connection, &feed, None).await.unwrap();
    assert!(verified.iter().all(pipeline::verify::Verified::agrees), "{verified:?}");
}

#[tokio::test]
async fn a_feed_that_does_not_write_the_number_of_the_load_cannot_replace() {
    let database = TestDatabase::empty().await;
    let refused = load_text(&database, &record("a", 1, "s"), Mode::Replace).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("which the feed user_status does not write"), "{text}");
    let Error::Target { remedy, .. } = refused else { panic!("{text}") };
    assert!(remedy.starts_with("declare `load_id` in the [metadata] of the feed"), "{remedy}");
    assert_eq!(database.count("pg_class where relname = 'user_status'").await, 0);
}
