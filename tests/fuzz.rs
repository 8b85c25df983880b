//! The targets of the fuzzer (`fuzz/`), tried without it.

use proptest::prelude::*;

#[path = "../fuzz/src/cut.rs"]
mod cut;

/// Texts of every format, some of them damaged already.
const SEEDS: [&str; 10] = [
    "{\"a\":1}\n{\"b\":[2,{\"c\":\"\u{e9}\\n\"}]}\r\n\n{\"d\":null}",
    "[{\"a\":1},\n {\"b\":\"],[\"},\n {\"c\":[{}]}\n]",
    "{\n  \"a\": 1\n}\n{\n  \"b\": [2]\n}\n",
    "{\"x\":[{\"b\":[0]}],\"a\":{\"b\":[{\"r\":1},{\"r\":\"]\"}],\"c\":[]},\"z\":0}",
    "{\"a\":{\"b\":[1,2]}}\n{\"a\":{\"b\":[]}}\r\n{\"a\":{\"b\":null}}\n",
    "{\n  \"a\": {\n    \"b\": [\n      {\"r\": 1},\n      {\"r\": 2}\n    ]\n  },\n  \"c\": [\n      {\"r\": 3}\n  ]\n}",
    "{\"\\u0061\":{\"b\":[[1],[[2]]]}}{\"a\":{\"b\":[-1.5e3,true,\"x\"]}}",
    "[1,2][3]\n[4]",
    "\u{feff}[ ]",
    "{\"a\":{\"b\":[{\"r\":[1},\n{\"r\":2}],\"d\":[\n{\"no\":3}]}}",
];

/// One change of a text.
fn change() -> impl Strategy<Value = (prop::sample::Index, u8, u8, prop::sample::Index)> {
    let byte = prop_oneof![prop::sample::select(&b"{}[],:\"\\ \n\r01e-.tfn\xff"[..]), any::<u8>()];
    (any::<prop::sample::Index>(), 0..4_u8, byte, any::<prop::sample::Index>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn cutting_keeps_its_promises_for_any_bytes(
        how in any::<u8>(),
        seed in prop::sample::select(&SEEDS[..]),
        changes in prop::collection::vec(change(), 0..6),
    ) {
        let mut text = seed.as_bytes().to_vec();
        for (at, how, byte, other) in changes {
            let at = at.index(text.len() + 1);
            let end = text.len().min(at + 1);
            match how {
                0 => text.insert(at, byte),
                1 => drop(text.splice(at..end, [byte])),
                2 => drop(text.drain(at..end)),
                // Part of the text, again.
                _ => {
                    let from = other.index(text.len() + 1);
                    let again = text[from..text.len().min(from + 20)].to_vec();
                    drop(text.splice(at..at, again));
                }
            }
        }
        cut::check(&[&[how], &text[..]].concat());
    }
}
