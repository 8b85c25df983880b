//! Which patterns compile, and which are too long.

use super::*;

fn why(text: &str) -> String {
    match Patterns::one(text, Wildcards::WithinNames) {
        Ok(_) => "taken".to_owned(),
        Err(Error::Pattern { reason, .. }) => reason,
        Err(error) => panic!("{error:?}"),
    }
}

fn nested(levels: usize) -> String {
    format!("{}x{}", "{a,".repeat(levels), "}".repeat(levels))
}

fn alternatives(count: usize) -> String {
    format!("{{{}}}", vec!["a"; count].join(","))
}

#[test]
fn a_pattern_at_its_limits_is_taken_and_beyond_them_refused() {
    for (taken, refused, reason) in [
        ("a".repeat(1024), "a".repeat(1025), "1025 bytes, and at most 1024"),
        (nested(8), nested(9), "9 levels of braces, and at most 8"),
        (alternatives(256), alternatives(257), "257 alternatives, and at most 256"),
    ] {
        assert_eq!(why(&taken), "taken");
        assert_eq!(why(&refused), format!("it has {reason} are allowed"));
    }
}

#[test]
fn nothing_that_is_within_the_limits_makes_the_compiler_panic() {
    for part in ["{a,b}", "{**/,*}", "[!a-z]", "**/", "?", "*", "é", "[é-ü]", "{*,{*,{*}}}"] {
        let text = part.repeat(1024 / part.len());
        why(&text);
        why(&format!("{}{}", "{".repeat(7), text));
    }
    for text in ["{", "}", "a}", "[", "[]", "[!", "[a-", "[z-a]", "\\", "{\\", "{[}", "{,}"] {
        why(text);
    }
}

#[test]
fn braces_are_counted_as_the_parser_reads_them() {
    for (text, nesting, alternatives) in [
        ("a,b", 0, 0),
        ("{a,b}", 1, 2),
        ("{a,b}{c,d}", 1, 4),
        ("{a,{b,c}}", 2, 4),
        ("\\{{a}", 1, 1),
        ("[{][]{][!]{]{a}", 1, 1),
        ("}}{a}", 1, 1),
    ] {
        assert_eq!(Braces::of(text), Braces { nesting, alternatives }, "{text}");
    }
}

#[test]
fn a_list_has_a_limit() {
    let list = |count| vec!["a".to_owned(); count];
    assert!(Patterns::compile(&list(256), Wildcards::Anything).is_ok());
    let error = Patterns::compile(&list(257), Wildcards::Anything).unwrap_err();
    assert!(error.to_string().contains("257 patterns, and at most 256"), "{error}");
}

#[test]
fn an_error_shows_only_the_beginning_of_a_pattern() {
    let error = check(&"{".repeat(7200)).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "the pattern {}… cannot be used: it has 7200 bytes, and at most 1024 are allowed",
            "{".repeat(60)
        )
    );
}
