//! Which names are quoted, and which are none.

use super::*;

#[test]
fn names_are_quoted_where_sql_needs_it() {
    for (name, sql) in [
        ("plain_1", "plain_1"),
        ("_x", "_x"),
        ("1st", "\"1st\""),
        ("Mixed", "\"Mixed\""),
        ("order", "\"order\""),
        ("a b", "\"a b\""),
        ("x\"; drop table y; --", "\"x\"\"; drop table y; --\""),
        ("naïve", "\"naïve\""),
    ] {
        assert_eq!(name.parse::<Ident>().unwrap().to_string(), sql);
    }
}

#[test]
fn names_that_postgres_would_cut_or_refuse_are_none() {
    assert!("x".repeat(63).parse::<Ident>().is_ok());
    for name in [String::new(), "é".repeat(32), "a\0b".to_owned()] {
        assert!(name.parse::<Ident>().is_err(), "{name:?}");
    }
}
