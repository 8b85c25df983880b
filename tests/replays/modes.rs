//! What replays do to rows that are there: a merge lets older ones lose, and what was replaced stays so.

use super::*;

#[tokio::test]
async fn in_mode_merge_only_rows_that_are_older_are_replaced() {
    let shop = Shop::new(ORDERS).await;
    let rejected =
        order(1, 5, "long") + &order(2, 5, "long") + &order(3, 5, "long") + &order(4, 5, "long");
    shop.load(&shop.write("a.ndjson", &rejected));
    shop.load(
        &shop.write("b.ndjson", order(1, 4, "old") + &order(2, 5, "new") + &order(3, 6, "new")),
    );
    widen(&shop).await;
    let replayed = shop.replay(&["--feed", "orders"]);
    let table = &replayed["tables"][0];
    let counts = ["inserted", "updated", "unchanged", "superseded"]
        .map(|name| table[name].as_i64().unwrap());
    assert_eq!(counts, [1, 1, 0, 2], "{replayed}");
    let codes: Vec<_> =
        shop.orders().await.into_iter().map(|(_, version, code)| (version, code)).collect();
    let expected = [(5, "long"), (5, "new"), (6, "new"), (5, "long")];
    assert_eq!(codes, expected.map(|(version, code)| (version, code.to_owned())));
    shop.verify();
}

#[tokio::test]
async fn in_mode_merge_without_an_order_a_row_that_is_there_stays() {
    let feed = ORDERS.replace("latest_by = \"version\"\n", "");
    let shop = Shop::new(&feed).await;
    shop.load(&shop.write("a.ndjson", order(1, 5, "long") + &order(2, 5, "long")));
    shop.load(&shop.write("b.ndjson", order(1, 4, "new")));
    widen(&shop).await;
    let replayed = shop.replay(&["--feed", "orders"]);
    assert_eq!(
        (&replayed["tables"][0]["inserted"], &replayed["tables"][0]["superseded"]),
        (&1.into(), &1.into())
    );
    assert_eq!(shop.orders().await, [(1, 4, "new".to_owned()), (2, 5, "long".to_owned())]);
    shop.verify();
}

#[tokio::test]
async fn in_mode_replace_a_newer_version_removes_what_replays_of_older_ones_wrote() {
    let feed = ORDERS.replace("\"merge\"", "\"replace\"").replace("latest_by = \"version\"\n", "");
    let shop = Shop::new(&feed).await;
    let object =
        shop.write("a.ndjson", order(1, 1, "NOK") + &order(2, 1, "long") + &order(3, 1, "long"));
    let other = shop.write("b.ndjson", order(4, 1, "long"));
    shop.load(&object);
    shop.load(&other);
    widen(&shop).await;
    assert_eq!(shop.replay(&["1:2", "2:1"])["loaded"], 2);
    assert_eq!(shop.orders().await.len(), 3);
    shop.write("a.ndjson", order(1, 2, "NOK"));
    let replaced = shop.load(&object);
    assert_eq!(replaced["tables"][0]["deleted"], 2, "{replaced}");
    // The row of the other object stays, though one replay wrote both.
    assert_eq!(shop.orders().await, [(1, 2, "NOK".to_owned()), (4, 1, "long".to_owned())]);
    let refused = shop.replay(&["--feed", "orders"]);
    assert_eq!(
        (&refused["records"], &refused["refused_by_reason"]["replaced"]),
        (&0.into(), &1.into()),
        "{refused}"
    );
    assert_eq!(shop.open(1), 1);
    shop.verify();
}

#[tokio::test]
async fn each_reject_has_the_mode_of_its_load() {
    let shop = Shop::new(ORDERS).await;
    let object = shop.write("a.ndjson", order(1, 1, "long"));
    let sql = "create table orders (id bigint, version bigint, code varchar(3), load_id bigint, object text)";
    shop.database.connect().await.batch_execute(sql).await.unwrap();
    let path = object.to_str().unwrap();
    shop.run(&["load", "--no-preflight", "--feed", "orders", "--mode", "append", path]);
    let sql = "alter table orders alter code type text";
    shop.database.connect().await.batch_execute(sql).await.unwrap();
    shop.change_feed(&ORDERS.replace("varchar(3)", "text"));
    let denied = shop.command(&["rejects", "replay", "1:1", "--mode", "merge"]).output().unwrap();
    assert!(stderr(&denied).contains("mode merge needs a unique key"), "{}", stderr(&denied));
    assert_eq!(shop.replay(&["1:1"])["loaded"], 1);
    let modes = shop.database.rows("select mode from stevedore.loads where replay_of = 1").await;
    assert_eq!(modes, [serde_json::json!({"mode": "append"})]);
}

#[tokio::test]
async fn rejects_that_are_too_old_go_with_what_was_done_about_them() {
    let shop = Shop::new(ORDERS).await;
    shop.load(
        &shop.write("a.ndjson", order(1, 1, "long") + &order(2, 1, "long") + &order(3, 1, "long")),
    );
    shop.rejects(&["ignore", "1:1"]);
    shop.replay(&["1:2"]);
    let mut connection = shop.database.connect().await;
    let mut feeds = pipeline::feed::Feeds::default();
    feeds.add_folder(&shop.feeds(), |file| std::fs::read_to_string(file)).unwrap();
    let feed = feeds.get("orders").unwrap();
    let removed = pipeline::load::remove_old_rejects(&mut connection, feed, 0, 2).await.unwrap();
    assert_eq!(removed, 2);
    assert_eq!(shop.database.count("stevedore.handled_rejects").await, 0);
    assert_eq!(shop.open(1) + shop.open(2), 2);
    shop.verify();
}

#[tokio::test]
async fn of_equally_new_rejects_of_one_key_that_of_the_later_load_wins() {
    let shop = Shop::new(ORDERS).await;
    shop.load(&shop.write("a.ndjson", order(1, 1, "first")));
    shop.load(&shop.write("b.ndjson", order(1, 1, "second")));
    widen(&shop).await;
    // In one step, and in two.
    let checked = shop.replay(&["--feed", "orders"]);
    assert_eq!(checked["tables"][0]["superseded"], 1, "{checked}");
    assert_eq!(shop.orders().await, [(1, 1, "second".to_owned())]);
    shop.verify();
}

/// Orders whose lines are those of the newest version.
const WITH_LINES: &str = r#"
name = "orders"
mode = "merge"
key = ["id"]
latest_by = "version"
children = "replace"
[[table]]
name = "orders"
[table.columns]
id = { type = "bigint", required = true }
version = { type = "bigint", required = true }
code = { type = "varchar(3)", required = true }
[[table]]
name = "order_lines"
each = "$.lines[*]"
position = "line"
[table.columns]
sku = { type = "text" }
"#;

#[tokio::test]
async fn the_children_of_a_record_are_replaced_only_if_its_replay_wins() {
    let shop = Shop::new(WITH_LINES).await;
    let line = |id: i64, version: i64, code: &str, sku: &str| {
        let order = order(id, version, code);
        order
            .replace("}\n", &format!(",\"lines\":[{{\"sku\":\"{sku}\"}},{{\"sku\":\"more\"}}]}}\n"))
    };
    let rejected: String = (1..=3).map(|id| line(id, 5, "long", "replayed")).collect();
    shop.load(&shop.write("a.ndjson", rejected));
    shop.load(&shop.write("b.ndjson", line(1, 4, "old", "old") + &line(2, 6, "new", "new")));
    widen(&shop).await;
    let replayed = shop.replay(&["--load", "1"]);
    let counts = |table: usize| {
        ["rows", "inserted", "superseded", "deleted"]
            .map(|name| replayed["tables"][table][name].as_i64().unwrap())
    };
    assert_eq!((counts(0), counts(1)), ([3, 1, 1, 0], [6, 4, 2, 2]), "{replayed}");
    let lines = shop.database.rows("select id, sku from order_lines where line = 1").await;
    let skus: Vec<_> = lines.iter().map(|line| line["sku"].as_str().unwrap()).collect();
    assert_eq!(skus, ["replayed", "new", "replayed"]);
    shop.verify();
}
