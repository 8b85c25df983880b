//! The targets of the fuzzer (`fuzz/`), tried without it.

use proptest::prelude::*;

#[path = "../fuzz/src/cut.rs"]
mod cut;
#[path = "../fuzz/src/decode.rs"]
mod decode;
#[path = "../fuzz/src/feed_file.rs"]
mod feed_file;

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

/// Where, how, a byte, and where else.
type Change = (prop::sample::Index, u8, u8, prop::sample::Index);

/// One change of a text.
fn change() -> impl Strategy<Value = Change> {
    let byte = prop_oneof![prop::sample::select(&b"{}[],:\"\\ \n\r01e-.tfn\xff"[..]), any::<u8>()];
    (any::<prop::sample::Index>(), 0..4_u8, byte, any::<prop::sample::Index>())
}

/// Applies changes to a text.
fn changed(text: &[u8], changes: Vec<Change>) -> Vec<u8> {
    let mut text = text.to_vec();
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
    text
}

/// Records and feed files that are right, to be damaged.
fn right(records: bool) -> Vec<&'static str> {
    let records_of = [
        include_str!("../data/examples/orders.ndjson"),
        include_str!("../data/examples/github_events.ndjson"),
        include_str!("../data/user_status_sample.ndjson"),
        r#"{"a":"1e5","b":-0.1,"c":1,"d":"2024-02-29","e":1,"f":"2024-02-29 01:02:03.4","g":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","h":"AP8=","i":"00ff","j":[{}],"k":["x",null],"l":[1.25],"m":"7","o":{"p":"abc"},"q":["x","yy"]}"#,
    ];
    let feeds = [
        include_str!("../feeds/user_status.toml"),
        include_str!("../feeds/examples/orders.toml"),
        include_str!("../feeds/examples/readings.toml"),
        include_str!("../fuzz/src/types.toml"),
    ];
    (if records { records_of } else { feeds }).to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_record_of_any_bytes_is_a_row_or_a_reject(
        how in any::<u8>(),
        text in prop::sample::select(right(true)),
        changes in prop::collection::vec(change(), 0..6),
    ) {
        decode::check(&[&[how], &changed(text.as_bytes(), changes)[..]].concat());
    }

    #[test]
    fn any_text_is_a_feed_or_errors_that_say_where(
        text in prop::sample::select(right(false)),
        changes in prop::collection::vec(change(), 0..6),
    ) {
        feed_file::check(&changed(text.as_bytes(), changes));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn cutting_keeps_its_promises_for_any_bytes(
        how in any::<u8>(),
        seed in prop::sample::select(&SEEDS[..]),
        changes in prop::collection::vec(change(), 0..6),
    ) {
        let text = changed(seed.as_bytes(), changes);
        cut::check(&[&[how], &text[..]].concat());
    }
}
