use super::{Group, Member, group};

fn member(key: &str, names: &str) -> Member {
    let names = names.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Member { key: key.to_owned(), names, path: "$".to_owned() }
}

fn shown(groups: &[Group]) -> Vec<String> {
    let shown =
        |group: &Group| format!("{} {} {}", group.table, group.location, group.keys.join(","));
    groups.iter().map(shown).collect()
}

#[test]
fn alike_objects_are_one_table_of_the_bucket() {
    let members = [
        member("logs/2026/b.json", "id name status at"),
        member("logs/2025/a.json", "ID name status at extra"),
        member("logs/empty.json", ""),
    ];
    let expected = ["table_my_bucket_1 logs/ logs/2025/a.json,logs/2026/b.json"];
    assert_eq!(shown(&group("My-Bucket.1", &members)), expected);
    assert_eq!(group("b", &[]), []);
}

#[test]
fn different_objects_are_tables_of_their_folders() {
    let members = [
        member("users/a.json", "id name"),
        member("orders/2026/a.json", "id amount currency"),
        member("orders/2025/a.json", "id amount currency"),
        member("users/b.json", "ip agent"),
        member("c.json", "x"),
    ];
    let expected = [
        "c c.json c.json",
        "table_b_orders orders/ orders/2025/a.json,orders/2026/a.json",
        "a users/a.json users/a.json",
        "b users/b.json users/b.json",
    ];
    assert_eq!(shown(&group("b", &members)), expected);
}

#[test]
fn a_row_of_alike_objects_is_one_group_in_any_order() {
    let mut members = vec![
        member("1", "a b c d e f g"),
        member("2", "b c d e f g h"),
        member("3", "c d e f g h i"),
        member("4", "p q"),
    ];
    let expected = group("b", &members);
    assert_eq!(expected.len(), 2);
    for _ in 0..members.len() {
        members.rotate_left(1);
        assert_eq!(group("b", &members), expected);
    }
}

#[test]
fn thousands_of_objects_are_grouped_at_once() {
    let members: Vec<_> = (0..10_000)
        .map(|n| member(&format!("k{n}"), &format!("a b c d e f g x{}", n % 50)))
        .collect();
    assert_eq!(group("b", &members).len(), 1);
}

#[test]
fn a_table_of_one_object_is_called_after_it() {
    for (key, expected) in [
        ("orders.ndjson.gz", "orders"),
        ("2026/Order-Items.v2.json", "order_items_v2"),
        ("orders/2026-01-31.json", "orders_2026_01_31"),
        ("7.json", "my_bucket_7"),
        (".json", "my_bucket__json"),
    ] {
        assert_eq!(group("My-Bucket", &[member(key, "id")])[0].table, expected, "{key}");
    }
    let long = format!("{}.json", "a".repeat(80));
    assert_eq!(group("b", &[member(&long, "id")])[0].table, "a".repeat(63));
}

#[test]
fn objects_of_one_name_are_told_apart_by_their_folders() {
    let members = ["a/x.json", "b/x.json", "c/b/x.json"];
    let members: Vec<_> = members.iter().map(|key| member(key, &format!("of_{key}"))).collect();
    let tables: Vec<_> = group("bucket", &members).into_iter().map(|group| group.table).collect();
    assert_eq!(tables, ["x_a", "x_b", "x_2"]);
}

#[test]
fn records_at_a_path_are_a_table_of_their_own() {
    let at_path = |path: &str| Member { path: path.to_owned(), ..member("orders.json", "id") };
    let members = [at_path("$"), at_path("$.data.lineItems[*]"), at_path("$[*]")];
    let tables: Vec<_> = group("b", &members).into_iter().map(|group| group.table).collect();
    assert_eq!(tables.len(), 3);
    assert!(tables.contains(&"orders_lineitems".to_owned()), "{tables:?}");
}
