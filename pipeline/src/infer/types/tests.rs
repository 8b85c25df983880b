use proptest::prelude::*;

use super::DataType;

fn any_type() -> impl Strategy<Value = DataType> {
    let plain = prop_oneof![
        Just(DataType::Void),
        Just(DataType::Boolean),
        Just(DataType::Int),
        Just(DataType::Bigint),
        Just(DataType::Decimal),
        Just(DataType::Date),
        Just(DataType::Timestamp),
        Just(DataType::Double),
        Just(DataType::String),
        Just(DataType::Json),
    ];
    plain.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|element| DataType::Array(Box::new(element))),
            inner.clone().prop_map(|value| DataType::Map(Box::new(value))),
            prop::collection::vec(inner.clone(), 0..4).prop_map(DataType::Choice),
            prop::collection::vec(("[a-zA-Z0-9_` :,<>é]{0,6}", inner), 0..4)
                .prop_map(DataType::Struct),
        ]
    })
}

proptest! {
    #[test]
    fn a_type_is_read_as_it_was_written(data_type in any_type()) {
        prop_assert_eq!(data_type.to_string().parse(), Ok(data_type));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-z<>,:`() é]{0,30}") {
        text.parse::<DataType>().ok();
    }
}

#[test]
fn names_are_quoted_unless_they_are_plain() {
    let fields = ["a_1", "1a", "", "a b", "a`b", "é"].map(|name| (name.to_owned(), DataType::Int));
    let text = DataType::Struct(fields.into()).to_string();
    assert_eq!(text, "struct<a_1:int,`1a`:int,``:int,`a b`:int,`a``b`:int,`é`:int>");
}

#[test]
fn other_names_of_the_same_types_are_read() {
    let read = |text: &str| text.parse::<DataType>().unwrap().to_string();
    assert_eq!(read(" Array < LONG > "), "array<bigint>");
    assert_eq!(read("map<string, struct<a : integer>>"), "map<string,struct<a:int>>");
    assert_eq!(read("decimal( 38, 0 )"), "decimal(38,0)");
    assert_eq!(read("choice<null,float>"), "choice<void,double>");
}

#[test]
fn what_is_no_type_is_said_where() {
    let error = |text: &str| text.parse::<DataType>().unwrap_err().to_string();
    for (text, expected) in [
        ("", "not a type at character 1: expected the name of a type"),
        ("array<strng>", "not a type at character 7: expected the name of a type"),
        ("array<int", "not a type at character 10: expected `>`"),
        ("int int", "not a type at character 5: expected nothing more after the type"),
        ("map<int,int>", "not a type at character 5: expected string as the type of keys"),
        ("struct<a int>", "not a type at character 10: expected `:`"),
        ("struct<`a:int>", "not a type at character 9: expected a backtick behind the name"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
    assert!(error(&"array<".repeat(100_000)).ends_with("at most 100 types within each other"));
}
