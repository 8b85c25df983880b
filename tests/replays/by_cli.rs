//! `stevedore rejects`: by number and by filter, edited and as they stand.

use super::*;
use crate::support::stdout;

#[tokio::test]
async fn a_reject_that_is_edited_is_loaded_once() {
    let shop = Shop::new(ORDERS).await;
    let object =
        shop.write("a.ndjson", order(1, 1, "NOK") + &order(2, 1, "too long") + &order(3, 1, "SEK"));
    shop.load(&object);
    assert_eq!((shop.open(1), shop.states().await), (1, vec![state(1, 2, "open")]));
    let text = shop.folder.path().join("text.json");
    std::fs::write(&text, order(2, 1, "EUR")).unwrap();
    let edited = ["1:2", "--note", "as the shop says", "--text", text.to_str().unwrap()];
    let checked = shop.replay(&[&edited[..], &["--dry-run"]].concat());
    assert_eq!((&checked["state"], &checked["loaded"]), (&"dry_run".into(), &1.into()));
    assert_eq!(shop.states().await, [state(1, 2, "open")]);

    let replayed = shop.replay(&edited);
    assert_eq!((&replayed["loaded"], &replayed["rejected"]), (&1.into(), &0.into()), "{replayed}");
    assert_eq!(replayed["load_ids"], serde_json::json!([2]));
    assert_eq!(shop.orders().await[1], (2, 1, "EUR".to_owned()));
    let row = shop.database.rows("select load_id, object from orders where id = 2").await;
    let known = format!("file://{}", object.display());
    assert_eq!((&row[0]["load_id"], row[0]["object"].as_str()), (&2.into(), Some(&*known)));

    let again = shop.replay(&edited);
    assert_eq!((&again["records"], &again["refused"]), (&0.into(), &1.into()));
    assert_eq!(again["first_refused"][0]["detail"], "the load 2 has replayed it");
    let shown = shop.rejects(&["show", "1:2"]);
    for (name, value) in [
        ("state", "replayed"),
        ("note", "as the shop says"),
        ("handled_by", "postgres"),
        ("edited_text", &*order(2, 1, "EUR")),
    ] {
        assert_eq!(shown[name], value, "{name}: {shown}");
    }
    assert_eq!((&shown["replay_load_id"], shop.open(1)), (&2.into(), 0));
    // The load of the object is still the load of the object.
    assert_eq!(shop.load(&object)["state"], "already_loaded");
    shop.verify();
    shop.run(&["verify"]);
}

#[tokio::test]
async fn all_that_match_are_loaded_after_the_feed_was_changed() {
    let shop = Shop::new(ORDERS).await;
    let bad = order(1, 1, "NOK,SEK") + &order(2, 0, "EUR") + "{\"id\": 3\n";
    shop.load(&shop.write("a.ndjson", &bad));
    shop.load(&shop.write("b.ndjson", order(4, 1, "four")));
    widen(&shop).await;
    let replayed = shop.replay(&["--feed", "orders", "--reason", "out_of_range"]);
    assert_eq!((&replayed["loaded"], &replayed["loads"]), (&2.into(), &2.into()), "{replayed}");
    assert_eq!(shop.orders().await.len(), 2);
    let expected = [
        state(1, 1, "replayed"),
        state(1, 2, "open"),
        state(1, 3, "open"),
        state(2, 1, "replayed"),
    ];
    assert_eq!(shop.states().await, expected);
    for (filter, count) in
        [("--rule=version_is_positive", 1), ("--rule=another", 0), ("--load=2", 0)]
    {
        let checked = shop.replay(&[filter, "--dry-run", "--feed", "orders"]);
        assert_eq!(checked["records"], count, "{filter}");
    }
    shop.verify();
}

#[tokio::test]
async fn what_fails_again_is_a_new_reject_that_names_its_origin() {
    let shop = Shop::new(ORDERS).await;
    shop.load(
        &shop.write("a.ndjson", order(1, 1, "fine") + &order(2, 1, "NOK") + &order(3, 1, "long")),
    );
    let replayed = shop.replay(&["--feed", "orders"]);
    assert_eq!(
        (&replayed["rejected"], &replayed["rejected_by_reason"]["out_of_range"]),
        (&2.into(), &2.into())
    );
    let expected = [
        state(1, 1, "replayed"),
        state(1, 3, "replayed"),
        state(2, 1, "open"),
        state(2, 3, "open"),
    ];
    assert_eq!(shop.states().await, expected);
    let (old, new) = (shop.rejects(&["show", "1:3"]), shop.rejects(&["show", "2:3"]));
    for name in
        ["object", "object_version", "byte_offset", "byte_length", "raw", "reason", "detail"]
    {
        assert_eq!(old[name], new[name], "{name}");
    }
    assert_eq!((&new["replay_of"], &old["replay_of"]), (&1.into(), &Value::Null));
    assert_eq!((shop.open(1), shop.open(2)), (0, 2));
    // One that was edited in vain keeps its edited text.
    let text = shop.folder.path().join("text.json");
    std::fs::write(&text, order(3, 1, "still too long")).unwrap();
    let edited = shop.replay(&["2:3", "--text", text.to_str().unwrap()]);
    assert_eq!(edited["rejected"], 1);
    assert_eq!(shop.rejects(&["show", "3:3"])["raw"], order(3, 1, "still too long").trim_end());
    let third = shop.replay(&["--load", "3", "--dry-run"]);
    assert_eq!((&third["records"], &third["rejected"]), (&1.into(), &1.into()), "{third}");
    shop.verify();
}

#[tokio::test]
async fn rejects_that_are_ignored_are_not_replayed() {
    let shop = Shop::new(ORDERS).await;
    shop.load(
        &shop.write("a.ndjson", order(1, 1, "long") + &order(2, 0, "NOK") + &order(3, 1, "long")),
    );
    let ignored =
        shop.rejects(&["ignore", "--feed", "orders", "--reason", "rule", "--note", "a test"]);
    assert_eq!(ignored["ignored"], 1);
    assert_eq!(shop.rejects(&["ignore", "1:2", "1:3"])["ignored"], 1);
    let shown = shop.rejects(&["show", "1:2"]);
    assert_eq!((&shown["state"], &shown["note"]), (&"ignored".into(), &"a test".into()));
    let replayed = shop.replay(&["1:1", "1:2", "1:9"]);
    assert_eq!(replayed["refused_by_reason"], serde_json::json!({"handled": 1, "not_found": 1}));
    assert_eq!((&replayed["records"], shop.open(1)), (&1.into(), 0));
    let open = shop.run(&["rejects", "list", "--state", "ignored"]);
    assert!(stdout(&open).contains("1:3") && !stdout(&open).contains("1:1"), "{}", stdout(&open));
    shop.verify();
    // Whoever takes a row of the ledger away is found.
    let gone = "delete from stevedore.handled_rejects where record_no = 1";
    shop.database.connect().await.batch_execute(gone).await.unwrap();
    let output = shop.command(&["verify", "--tables-only"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused() {
    let shop = Shop::new(ORDERS).await;
    shop.load(&shop.write("a.ndjson", order(1, 1, "long") + &order(2, 1, "long")));
    let text = shop.folder.path().join("text.json");
    std::fs::write(&text, "{}").unwrap();
    let text = text.to_str().unwrap();
    for (args, code, said) in [
        (&["rejects", "replay"][..], 2, "required arguments"),
        (&["rejects", "replay", "1:1", "--reason", "rule"], 2, "cannot be used with"),
        (&["rejects", "replay", "one"], 2, "expected LOAD:RECORD"),
        (&["rejects", "replay", "--feed", "orders", "--text", text], 2, "required arguments"),
        (&["rejects", "replay", "1:1", "1:2", "--text", text], 2, "the text of one reject"),
        (&["rejects", "replay", "9:1"], 1, "there is no load 9"),
        (&["rejects", "replay", "--feed", "another"], 1, "there is no feed another"),
        (&["rejects", "show", "1:3"], 1, "there is no reject 1:3"),
    ] {
        let output = shop.command(args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    }
    assert_eq!(shop.open(1), 2);
}

#[tokio::test]
async fn ten_thousand_rejects_are_replayed_in_steps_of_bounded_size() {
    let shop = Shop::new(ORDERS).await;
    let lines: String = (0..10_000).map(|id| order(id, 1, "long")).collect();
    shop.load(&shop.write("a.ndjson", &lines));
    widen(&shop).await;
    let replayed = shop.replay(&["--load", "1"]);
    assert_eq!(
        (&replayed["loaded"], &replayed["loads"]),
        (&10_000.into(), &10.into()),
        "{replayed}"
    );
    let largest = "select max(records) as most, sum(loaded) as loaded from stevedore.loads where replay_of = 1";
    let largest = shop.database.rows(largest).await;
    assert_eq!((&largest[0]["most"], &largest[0]["loaded"]), (&1000.into(), &10_000.into()));
    assert_eq!((shop.open(1), shop.database.count("orders").await), (0, 10_000));
    shop.verify();
}

#[tokio::test]
async fn rejects_are_picked_by_all_that_is_given() {
    let shop = Shop::new(ORDERS).await;
    let (a, b) = ("a.ndjson", "b.ndjson");
    shop.load(&shop.write(a, order(1, 1, "long") + &order(2, 0, "NOK")));
    shop.load(&shop.write(b, order(3, 1, "long")));
    let object = format!("file://{}", shop.objects().join(b).display());
    let filters = [
        (vec!["--feed", "orders"], 3),
        (vec!["--feed", "orders", "--load", "1"], 2),
        (vec!["--object", &object], 1),
        (vec!["--load", "1", "--reason", "out_of_range"], 1),
        (vec!["--load", "1", "--rule", "version_is_positive"], 1),
        (vec!["--load", "2", "--rule", "version_is_positive"], 0),
    ];
    for (filter, count) in &filters {
        let args = [&["rejects", "list", "--json", "--state", "open"], &filter[..]].concat();
        assert_eq!(json_lines(&shop.run(&args)).len(), *count, "{filter:?}");
        let args = [&["rejects", "replay", "--json", "--dry-run"], &filter[..]].concat();
        let records = json_lines(&shop.run(&args))
            .iter()
            .map(|it| it["records"].as_u64().unwrap())
            .sum::<u64>();
        assert_eq!(records, *count as u64, "{filter:?}");
    }
    let listed = json_lines(&shop.run(&["rejects", "list", "--json", "--limit", "2"]));
    assert_eq!(listed.len(), 2);
    for (filter, count) in filters.iter().rev() {
        let args = [&["rejects", "ignore", "--json", "--note", "why"], &filter[..]].concat();
        let of =
            |done: &[Value]| done.iter().map(|it| it["ignored"].as_u64().unwrap()).sum::<u64>();
        let before = shop.states().await.iter().filter(|it| it.2 == "open").count();
        let ignored = of(&json_lines(&shop.run(&args)));
        let after = shop.states().await.iter().filter(|it| it.2 == "open").count();
        assert!(ignored <= *count as u64 && before - after == ignored as usize, "{filter:?}");
    }
    assert_eq!((shop.open(1), shop.open(2)), (0, 0));
}

#[tokio::test]
async fn rejects_that_are_replayed_as_they_stand_are_rejected_for_the_same_reasons() {
    let database = TestDatabase::empty().await;
    database.load(&[&crate::support::sample("user_status_dirty.ndjson")]);
    let replayed =
        database.stevedore(&["rejects", "replay", "--load", "1", "--json"]).output().unwrap();
    assert!(replayed.status.success(), "{}", stderr(&replayed));
    let replayed = json_lines(&replayed).remove(0);
    assert_eq!(
        (&replayed["records"], &replayed["rejected"]),
        (&12.into(), &12.into()),
        "{replayed}"
    );
    let of = async |load: i64| {
        let columns = "reason, detail, raw, object, object_version, record_no, byte_offset, byte_length, error_rec";
        let sql = format!("select {columns} from user_status_error_rec where load_id = {load}");
        database.rows(&sql).await
    };
    assert_eq!(of(1).await, of(2).await);
}

#[tokio::test]
async fn a_step_has_some_megabytes_of_text_at_most() {
    let shop = Shop::new(ORDERS).await;
    let lines: String = (0..150).map(|id| order(id, 1, &"x".repeat(60_000))).collect();
    shop.load(&shop.write("a.ndjson", &lines));
    let replayed = shop.replay(&["--load", "1"]);
    assert_eq!((&replayed["records"], &replayed["loads"]), (&150.into(), &3.into()), "{replayed}");
    let most = "select max(bytes) as most from stevedore.loads where replay_of = 1";
    assert!(shop.database.rows(most).await[0]["most"].as_u64().unwrap() <= 4 << 20);
}

#[tokio::test]
async fn people_are_told_what_was_done_in_words() {
    let shop = Shop::new(ORDERS).await;
    shop.load(&shop.write("a.ndjson", order(1, 1, "long") + &order(2, 0, "NOK")));
    let said = |args: &[&str]| stdout(&shop.run(args));
    let list = said(&["rejects", "list"]);
    assert!(list.contains("1:1") && list.contains("out_of_range"), "{list}");
    let show = said(&["rejects", "show", "1:1"]);
    assert!(show.starts_with("reject 1:1: open\n") && show.contains("\"code\":\"long\""), "{show}");
    let checked = said(&["rejects", "replay", "1:1", "1:3", "--dry-run"]);
    for line in [
        "1 reject of the feed orders checked: nothing was written",
        "0 loaded, 1 rejected again (out_of_range 1), 1 refused",
        "refused 1:3 (not_found): there is no such reject of the feed",
    ] {
        assert!(checked.lines().any(|it| it == line), "{checked}");
    }
    assert_eq!(said(&["rejects", "ignore", "1:2"]), "1 reject of the feed orders ignored\n");
    let replayed = said(&["rejects", "replay", "--feed", "orders"]);
    assert!(replayed.starts_with("1 reject of the feed orders replayed\n"), "{replayed}");
    let show = said(&["rejects", "show", "2:1"]);
    assert!(show.contains("replay of:      1:1"), "{show}");
}

#[tokio::test]
async fn the_rights_of_the_service_are_enough_to_replay_and_to_ignore() {
    let database = TestDatabase::empty().await;
    let service = crate::rights::with_rights(&database, "replayer", "--grant-serve").await;
    service.load(&[&crate::support::sample("user_status_dirty.ndjson")]);
    for (verb, reason) in [("replay", "malformed"), ("ignore", "null_field")] {
        let args = ["rejects", verb, "--load", "1", "--reason", reason];
        let output = service.stevedore(&args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    }
    let handled = "select load_id, record_no, state, handled_by from stevedore.handled_rejects";
    let handled = database.rows(handled).await;
    let states = ["replayed", "ignored"].map(|state| handled.iter().any(|it| it["state"] == state));
    assert_eq!((states, &handled[0]["handled_by"]), ([true, true], &"replayer".into()));
    let forbidden = [
        "update stevedore.handled_rejects set state = 'ignored'",
        "delete from stevedore.reject_counts",
    ];
    crate::rights::assert_forbidden(&service, &forbidden).await;
}
