//! What jsonb cannot hold.

use super::*;

#[test]
fn what_jsonb_cannot_hold_is_found() {
    for (text, expected) in [
        (r#"{"a":[1,-2.5e3,"x\\u0000",null,true]}"#, Ok(())),
        (r#""\u0000""#, Err(JsonProblem::Nul)),
        (r#"{"\u0000":1}"#, Err(JsonProblem::Nul)),
        (r#""\\\u0000""#, Err(JsonProblem::Nul)),
        (r#"["1e131072"]"#, Ok(())),
        ("[1e131071]", Ok(())),
        ("[1e131072]", Err(JsonProblem::Number)),
        ("1e-16384", Err(JsonProblem::Number)),
    ] {
        assert_eq!(check_json(text), expected, "{text}");
    }
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(check_json(&nested(MAX_DEPTH)), Ok(()));
    assert_eq!(check_json(&nested(MAX_DEPTH + 1)), Err(JsonProblem::Depth));
}
