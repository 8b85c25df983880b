//! Paths as they are written, and where others stop being one.

use super::JsonPath;

#[test]
fn a_path_is_read_as_it_is_written() {
    for text in ["$", "$[*]", "$.a.b[*]", "$.a[*].b[*][*]", "$['']", "$['a.b'].c", "$['\\'\\\\']"] {
        assert_eq!(text.parse::<JsonPath>().unwrap().to_string(), text);
    }
    assert_eq!("$[\"a'\\\"\"].b".parse::<JsonPath>().unwrap().to_string(), "$['a\\'\"'].b");
    assert_eq!("$['a'][*]".parse::<JsonPath>().unwrap().to_string(), "$.a[*]");
}

#[test]
fn what_is_no_path_is_said_where() {
    for (text, expected) in [
        ("", "not a path at character 1: expected `$`"),
        ("a.b", "not a path at character 1: expected `$`"),
        ("$a", "not a path at character 2: expected `.name`, `['name']` or `[*]`"),
        ("$.a[0]", "not a path at character 4: expected `.name`, `['name']` or `[*]`"),
        ("$['a", "not a path at character 5: expected `']`"),
        ("$['a'b]", "not a path at character 5: expected `]` behind the quote"),
    ] {
        assert_eq!(text.parse::<JsonPath>().unwrap_err().to_string(), expected, "{text}");
    }
    let error = "$..a".parse::<JsonPath>().unwrap_err();
    assert_eq!(error.at, 2);
    assert!("$[*]".repeat(2).parse::<JsonPath>().is_err());
    assert!(format!("${}", "[*]".repeat(33)).parse::<JsonPath>().is_err());
    let error = format!("$.{}", "a".repeat(1023)).parse::<JsonPath>().unwrap_err();
    assert_eq!(error.to_string(), "not a path at character 1025: expected at most 1024 bytes");
}
