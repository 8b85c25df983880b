//! Replays that are killed, that meet, or whose commit is not answered: each reject is loaded once.

use super::*;
use crate::crash::wait_at;
use crate::lost_commit::proxy_that_loses;
use crate::support::TestDatabase;

/// Orders with a table of their lines, appended: what is loaded twice is there twice.
const LINES: &str = r#"
name = "orders"
mode = "append"
key = ["id"]
[[table]]
name = "orders"
[table.columns]
id = { type = "bigint", required = true }
version = { type = "bigint", required = true }
code = { type = "varchar(3)", required = true }
[[table]]
name = "order_lines"
each = "$.lines[*]"
[table.columns]
sku = { type = "text" }
"#;

/// A shop with five rejects of which four are valid by now.
async fn with_rejects(feed: &str) -> Shop {
    let shop = Shop::new(feed).await;
    let line = |id: i64| {
        format!("{{\"id\":{id},\"version\":1,\"code\":\"long\",\"lines\":[{{\"sku\":\"a\"}}]}}\n")
    };
    let lines: String = (1..=4).map(line).collect();
    shop.load(&shop.write("a.ndjson", lines + "{\"id\":5\n"));
    shop.change_feed(&feed.replace("varchar(3)", "text"));
    let widen = "alter table orders alter code type text";
    shop.database.connect().await.batch_execute(widen).await.unwrap();
    shop
}

async fn assert_once(shop: &Shop, what: &str) {
    assert_eq!(shop.database.count("orders").await, 4, "{what}");
    assert_eq!(shop.database.count("stevedore.handled_rejects").await, 5, "{what}");
    let replays = "stevedore.loads where replay_of = 1";
    assert_eq!(shop.database.count(replays).await, 1, "{what}");
    assert_eq!(shop.open(1), 0, "{what}");
    shop.verify();
}

async fn killed_at(point: &str, feed: &str) {
    let shop = with_rejects(feed).await;
    let mut replay = wait_at(shop.command(&["rejects", "replay", "--load", "1"]), point);
    replay.kill().unwrap();
    replay.wait().unwrap();
    let again = shop.replay(&["--load", "1"]);
    let records = if point == "committed" { 0 } else { 5 };
    assert_eq!(again["records"], records, "{point}: {again}");
    assert_once(&shop, point).await;
}

#[tokio::test]
async fn a_replay_that_is_killed_anywhere_is_whole_after_the_next_run() {
    for point in [
        "rejects_claimed",
        "children_copied",
        "rejects_copied",
        "root_copied",
        "recorded",
        "committed",
    ] {
        killed_at(point, LINES).await;
    }
}

#[tokio::test]
async fn a_replay_in_mode_merge_that_is_killed_anywhere_is_whole_after_the_next_run() {
    for point in
        ["rejects_claimed", "rejects_copied", "root_copied", "merged", "recorded", "committed"]
    {
        killed_at(point, ORDERS).await;
    }
}

#[tokio::test]
async fn replays_that_meet_load_each_reject_once() {
    let shop = with_rejects(LINES).await;
    let mut first = wait_at(shop.command(&["rejects", "replay", "--load", "1"]), "recorded");
    let others: Vec<_> = (0..3)
        .map(|_| {
            let mut command = shop.command(&["rejects", "replay", "--load", "1", "--json"]);
            command.stdout(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    // They wait for the claim of the first one, which is not committed.
    let waiting =
        "pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    while shop.database.count(waiting).await < 3 {
        tokio::task::yield_now().await;
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let records = |output: Output| json_lines(&output).remove(0)["records"].as_i64().unwrap();
    let sum: i64 = others.into_iter().map(|it| records(it.wait_with_output().unwrap())).sum();
    assert_eq!(sum, 5);
    assert_once(&shop, "at once").await;
}

#[tokio::test]
async fn a_replay_whose_commit_is_not_answered_says_what_became_of_it() {
    for commits in [true, false] {
        let shop = with_rejects(LINES).await;
        // The first one is that of reading the page, if that is told to the server; only writes matter here.
        let (url, proxy) = proxy_that_loses(&shop.database, 1, commits).await;
        let through = TestDatabase { url };
        let mut command =
            shop.command_at(&through, &["rejects", "replay", "--load", "1", "--json"]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        proxy.abort();
        assert_eq!(output.status.success(), commits, "{}", stderr(&output));
        if commits {
            assert_eq!(json_lines(&output).remove(0)["loaded"], 4);
        }
        let again = shop.replay(&["--load", "1"]);
        assert_eq!(again["records"], if commits { 0 } else { 5 }, "{again}");
        assert_once(&shop, "not answered").await;
    }
}
