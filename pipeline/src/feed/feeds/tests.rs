use super::*;

fn feed(name: &str, objects: &str) -> Arc<Feed> {
    Feed::read(&format!("{name}.toml"), &text(name, objects)).unwrap()
}

fn text(name: &str, objects: &str) -> String {
    format!(
        "name = \"{name}\"\n{objects}\nkey = [\"id\"]\n[[table]]\nname = \"{name}\"\n\
         columns.id = {{ type = \"bigint\", required = true }}\n"
    )
}

fn feeds(all: &[(&str, &str)]) -> Feeds {
    let mut feeds = Feeds::default();
    all.iter().for_each(|(name, objects)| feeds.add(feed(name, objects)));
    feeds
}

fn routed(feeds: &Feeds, key: &str) -> String {
    match feeds.route(key, |objects| objects.contain_key(key)) {
        Ok(feed) => feed.name.clone(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_object_goes_through_the_feed_that_is_for_it_else_through_the_one_for_any() {
    let feeds = feeds(&[("orders", "objects = [\"orders/**\"]"), ("rest", "")]);
    assert_eq!(routed(&feeds, "orders/1.json"), "orders");
    assert_eq!(routed(&feeds, "visits/1.json"), "rest");
    assert!(feeds.only().is_none());
}

#[test]
fn it_is_an_error_with_the_choices_if_no_feed_or_several_could_be_meant() {
    let orders = ("orders", "objects = [\"o/**\"]");
    let old = ("old", "objects = [\"o/old/**\"]");
    let shown = routed(&feeds(&[orders, old]), "o/old/1.json");
    assert!(shown.contains("o/old/1.json") && shown.contains("old, orders"), "{shown}");
    let shown = routed(&feeds(&[orders, old]), "x.json");
    assert!(shown.contains("no feed is without `objects`"), "{shown}");
    let shown = routed(&feeds(&[("one", ""), ("two", "")]), "x.json");
    assert!(shown.contains("several feeds are without `objects`: one, two"), "{shown}");
}

#[test]
fn a_folder_replaces_feeds_by_name_and_its_sub_folders_and_other_files_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    std::fs::create_dir(folder.path().join("sub.toml")).unwrap();
    for file in ["notes.md", ".hidden.toml", "sub.toml/x.toml"] {
        write(file, "no feed");
    }
    write("a.toml", &text("visits", ""));
    write("b.toml", &text("user_status", ""));
    let mut feeds = Feeds::built_in().unwrap();
    feeds.add_folder(folder.path(), |file| std::fs::read_to_string(file)).unwrap();
    assert_eq!(feeds.iter().count(), 2);
    assert_eq!(feeds.get("user_status").unwrap().text, text("user_status", ""));
}

#[test]
fn all_files_of_a_folder_say_what_is_wrong_with_them() {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("a.toml", text("visits", "")),
        ("b.toml", text("visits", "")),
        ("c.toml", text("other", "objects = [\"{\"]")),
        ("d.toml", "name".to_owned()),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    std::fs::write(folder.path().join("e.toml"), b"\xff").unwrap();
    let read = |file: &Path| std::fs::read_to_string(file);
    let shown = Feeds::default().add_folder(folder.path(), read).unwrap_err().to_string();
    for expected in ["a.toml and ", "c.toml:2:12\n", "d.toml:1:", "e.toml: stream did not"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let missing = folder.path().join("missing");
    let shown = Feeds::default().add_folder(&missing, read).unwrap_err().to_string();
    assert!(shown.contains("No such file"), "{shown}");
}
