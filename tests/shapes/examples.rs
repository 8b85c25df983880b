//! The other examples of feeds, with their data.

use serde_json::json;

use super::{example, load_version};
use crate::support::{TestDatabase, repository};

#[tokio::test]
async fn events_keep_what_all_have_in_columns_and_the_rest_as_it_is() {
    let database = TestDatabase::empty().await;
    let text = std::fs::read_to_string(repository("data/examples/github_events.ndjson")).unwrap();
    let feed = example("github_events.toml");
    let summary = load_version(&database, &feed, "e", &text).await.unwrap();
    assert_eq!((summary.loaded, summary.rejected), (3, 2));
    let commits = "select left(sha, 4) as sha, commit_no, added, committed_at at time zone 'UTC' as at, \
        sender from github_commits join github_events using (event_id)";
    assert_eq!(
        database.rows(commits).await,
        [
            json!({"sha": "1a2b", "commit_no": 2, "added": [], "at": "2026-03-01T09:25:00", "sender": "ada"}),
            json!({"sha": "6dcb", "commit_no": 1, "added": ["README.md"],
                "at": "2026-03-01T09:20:30", "sender": "ada"}),
        ]
    );
    let whole = database.rows("select event from github_events where issue_number = 7").await;
    assert_eq!(whole[0]["event"]["issue"]["labels"], json!([{"name": "bug"}]));
    let rejects =
        database.rows("select detail from github_events_rejects order by record_no").await;
    let details: Vec<_> = rejects.iter().map(|row| row["detail"].as_str().unwrap()).collect();
    assert!(
        details.contains(&"/commits/0: sha_is_whole: expected length(sha) = 40"),
        "{details:?}"
    );
}

#[tokio::test]
async fn records_at_a_path_of_a_document_are_loaded() {
    let database = TestDatabase::empty().await;
    let text = std::fs::read_to_string(repository("data/examples/readings.json")).unwrap();
    let feed = example("readings.toml");
    let summary = load_version(&database, &feed, "r", &text).await.unwrap();
    assert_eq!((summary.loaded, summary.rejected), (3, 2));
    let readings =
        "select station, taken_at at time zone 'UTC' as at, celsius, fahrenheit from readings";
    assert_eq!(
        database.rows(readings).await,
        [
            json!({"station": "Davos", "at": "2026-03-01T09:00:00", "celsius": -4.50, "fahrenheit": 23.9}),
            json!({"station": "Davos", "at": "2026-03-01T10:00:00", "celsius": -3.25, "fahrenheit": 26.2}),
            json!({"station": "Säntis", "at": "2026-03-01T09:00:00", "celsius": null, "fahrenheit": null}),
        ]
    );
    let rejects = database.rows("select reason, detail from readings_rejects").await;
    assert_eq!(
        rejects,
        [
            json!({"reason": "empty_text", "detail": "/station: expected text, found ''"}),
            json!({"reason": "rule",
                "detail": "humidity_is_a_percentage: expected humidity between 0 and 100"}),
        ]
    );
}
