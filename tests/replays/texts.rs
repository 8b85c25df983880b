//! The texts of rejects: those that their table does not hold as they stood are read again.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// Records with a text of any length.
const NOTES: &str = r#"
name = "orders"
mode = "append"
record_id = "record_id"
[[table]]
name = "orders"
[table.columns]
id = { type = "bigint", required = true }
note = { type = "varchar(5)", required = true }
"#;

/// The same with longer texts.
fn wider() -> String {
    NOTES.replace("varchar(5)", "text")
}

async fn widen(shop: &Shop) {
    shop.change_feed(&wider());
    let sql = "alter table orders alter note type text";
    shop.database.connect().await.batch_execute(sql).await.unwrap();
}

/// Objects of a hundred thousand characters a record, and a short one.
fn long() -> String {
    let note = "é".repeat(50_000);
    format!(
        "{{\"id\":1,\"note\":\"{note}\"}}\n{{\"id\":2,\"note\":\"short\"}}\n{{\"id\":3,\"note\":\"{note}!\"}}\n"
    )
}

async fn notes(shop: &Shop) -> Vec<Value> {
    shop.database.rows("select id, length(note) as length, record_id from orders").await
}

#[tokio::test]
async fn texts_of_more_than_64_kib_are_read_from_the_version_that_was_loaded() {
    for is_packed in [false, true] {
        let shop = Shop::new(NOTES).await;
        let object = match is_packed {
            false => shop.write("a.ndjson", long()),
            true => {
                let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
                packed.write_all(long().as_bytes()).unwrap();
                shop.write("a.ndjson.gz", packed.finish().unwrap())
            }
        };
        shop.load(&object);
        widen(&shop).await;
        let replayed = shop.replay(&["--feed", "orders"]);
        assert_eq!(
            (&replayed["loaded"], &replayed["refused"]),
            (&2.into(), &0.into()),
            "{replayed}"
        );
        let there = notes(&shop).await;
        assert_eq!((&there[0]["length"], &there[2]["length"]), (&50_000.into(), &50_001.into()));
        assert_eq!(shop.database.count("(select distinct record_id from orders) as ids").await, 3);
        shop.verify();
    }
}

#[tokio::test]
async fn a_record_has_the_id_that_its_load_would_have_given_it() {
    let shop = Shop::new(NOTES).await;
    let object =
        shop.write("a.ndjson", "{\"id\":1,\"note\":\"too long\"}\n{\"id\":2,\"note\":\"s\"}\n");
    shop.load(&object);
    widen(&shop).await;
    shop.replay(&["1:1"]);
    let replayed = notes(&shop).await;
    shop.database.connect().await.batch_execute("delete from orders").await.unwrap();
    shop.run(&["load", "--reload", "--feed", "orders", object.to_str().unwrap()]);
    assert_eq!(notes(&shop).await, replayed);
}

#[tokio::test]
async fn a_long_text_whose_version_is_gone_is_refused() {
    let shop = Shop::new(NOTES).await;
    let object = shop.write("a.ndjson", long());
    shop.load(&object);
    widen(&shop).await;
    for is_there in [true, false] {
        match is_there {
            true => drop(shop.write("a.ndjson", long() + "\n")),
            false => std::fs::remove_file(&object).unwrap(),
        }
        let replayed = shop.replay(&["--feed", "orders"]);
        assert_eq!(
            (&replayed["records"], &replayed["refused"]),
            (&0.into(), &2.into()),
            "{replayed}"
        );
        let refused = &replayed["first_refused"][0];
        assert_eq!(
            (&refused["record_no"], &refused["reason"]),
            (&1.into(), &"version_gone".into())
        );
    }
    assert_eq!(shop.open(1), 2);
    // Of those that may be long, some are too long.
    let replayed = shop.replay(&["--feed", "orders", "--max-record-bytes", "100000"]);
    assert_eq!(replayed["refused_by_reason"]["too_large"], 2);
    shop.verify();
}

#[tokio::test]
async fn bytes_that_postgres_cannot_hold_are_put_back() {
    let shop = Shop::new(NOTES).await;
    let lines = b"{\"id\":1,\"note\":\"\xFF\"}\n{\"id\":2,\"note\":\"\\\\xFF \xFF\"}\n{\"id\":\"\\\\xFF\",\"note\":\"\"}\n";
    let object = shop.write("a.ndjson", lines);
    shop.load(&object);
    let replayed = shop.replay(&["--feed", "orders"]);
    assert_eq!((&replayed["rejected"], &replayed["refused"]), (&3.into(), &0.into()), "{replayed}");
    let of = async |load: i64| {
        let rejects = "select record_no, reason, detail, raw, byte_length from orders_rejects";
        shop.database.rows(&format!("{rejects} where load_id = {load}")).await
    };
    assert_eq!(of(1).await, of(2).await);
    // Only the one whose text leaves doubt needs the object.
    std::fs::remove_file(&object).unwrap();
    let replayed = shop.replay(&["--load", "2"]);
    assert_eq!((&replayed["rejected"], &replayed["refused"]), (&2.into(), &1.into()), "{replayed}");
    assert_eq!(replayed["first_refused"][0]["record_no"], 2);
}

#[tokio::test]
async fn a_long_text_of_an_object_that_expands_too_much_is_not_read() {
    let shop = Shop::new(NOTES).await;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(long().as_bytes()).unwrap();
    shop.load(&shop.write("a.ndjson.gz", packed.finish().unwrap()));
    let replay = ["rejects", "replay", "--feed", "orders"];
    for (limit, said) in
        [("--max-text-bytes", "is longer than 1000 bytes"), ("--max-expansion", "")]
    {
        let output = shop.command(&[&replay[..], &[limit, "1000"]].concat()).output().unwrap();
        assert!(stderr(&output).contains(said), "{limit}: {}", stderr(&output));
        // The first 64 MiB of a text may expand as much as they do.
        assert_eq!(output.status.success(), said.is_empty(), "{limit}");
    }
}
