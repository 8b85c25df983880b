//! What the cutter of records promises for any bytes.

use pipeline::feed::Reason;
use pipeline::records::{Batches, CutOptions, Format};
use serde_json::{Deserializer, Value};

/// Where the records are, and the same place as a JSON pointer.
const PATHS: [(&str, &str); 3] = [("$", ""), ("$[*]", ""), ("$.a.b[*]", "/a/b")];
/// The formats that may be asked for, and detection.
const FORMATS: [Option<Format>; 4] =
    [None, Some(Format::Ndjson), Some(Format::Array), Some(Format::Concatenated)];

/// A record: where it begins, its text, and why cutting has found it bad.
type Cut = (usize, Vec<u8>, Option<Reason>);

/// Cuts a text in every way and checks what comes of it. The first byte of `data` says how; the rest is the
/// text.
pub fn check(data: &[u8]) {
    let Some((&how, text)) = data.split_first() else { return };
    let how = usize::from(how);
    let (path, pointer) = PATHS[how % 3];
    let options = CutOptions {
        format: FORMATS[how / 3 % 4],
        records: path.parse().expect("a path"),
        ..CutOptions::default()
    };
    let whole = cut(text, &options);
    let pieces = CutOptions { batch_bytes: 1 + how / 12, ..options.clone() };
    assert_eq!(cut(text, &pieces), whole, "the text in pieces has the same records");
    // Where a record that is too long ends may depend on the pieces.
    drop(cut(text, &CutOptions { max_record_bytes: 8, ..pieces }));
    if let Some(expected) = read_whole(text, options.format, path, pointer) {
        let found: Option<Vec<_>> = whole.as_ref().map(|cuts| cuts.iter().map(value).collect());
        assert_eq!(found, Some(expected), "the records are those of a reader of the whole");
    }
}

/// The records of a text; None if cutting fails.
fn cut(text: &[u8], options: &CutOptions) -> Option<Vec<Cut>> {
    let (mut cuts, mut end) = (Vec::new(), 0);
    for batch in Batches::new(text, options.clone()) {
        let batch = batch.ok()?;
        assert_eq!(batch.first_record_no, cuts.len() as u64 + 1, "records are numbered");
        for record in &batch.records {
            let start = record.byte_offset as usize;
            assert!(start >= end, "records are in order and do not overlap");
            end = start + record.byte_length as usize;
            let kept = batch.text_of(record);
            assert!(text[start..end].starts_with(kept), "a record is the text of its place");
            let fault = record.fault.map(|fault| fault.reason);
            let is_whole = kept.len() == end - start;
            assert!(is_whole || fault.is_some(), "a record that is not whole is rejected");
            cuts.push((start, kept.to_vec(), fault));
        }
    }
    Some(cuts)
}

/// The value of a record that cutting has found nothing wrong with.
fn value((_, text, fault): &Cut) -> Option<Value> {
    fault.is_none().then(|| serde_json::from_slice(text).ok()).flatten()
}

/// The records of a text that serde_json reads; None where it cannot, or would read another thing.
fn read_whole(
    text: &[u8],
    format: Option<Format>,
    path: &str,
    pointer: &str,
) -> Option<Vec<Option<Value>>> {
    let text = std::str::from_utf8(text).ok()?;
    let records: Vec<Value> = match (path, format) {
        ("$", Some(Format::Ndjson)) => {
            let lines = text.split('\n').filter(|line| !line.trim_matches(is_blank).is_empty());
            lines.map(serde_json::from_str).collect::<Result<_, _>>().ok()?
        }
        ("$", Some(Format::Array)) => serde_json::from_str(text).ok()?,
        ("$", Some(Format::Concatenated)) => {
            let objects: Vec<_> = documents(text)?;
            objects.iter().all(Value::is_object).then_some(objects)?
        }
        ("$", None) => return None,
        (_, Some(Format::Array | Format::Concatenated)) => {
            let documents = documents(text)?;
            // The last of two keys wins for a reader of the whole.
            let members: usize = documents.iter().map(members).sum();
            let arrays = documents.into_iter().map(|document| match document.pointer(pointer) {
                Some(Value::Array(records)) => Some(records.clone()),
                _ => None,
            });
            let arrays: Vec<_> = arrays.collect::<Option<_>>()?;
            (members == colons(text)).then(|| arrays.concat())?
        }
        _ => return None,
    };
    Some(records.into_iter().map(Some).collect())
}

fn documents(text: &str) -> Option<Vec<Value>> {
    Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().ok()
}

const fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\r' | '\n')
}

/// The members of all objects of a value.
fn members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        Value::Array(items) => items.iter().map(members).sum(),
        _ => 0,
    }
}

/// The colons outside of strings.
fn colons(text: &str) -> usize {
    let (mut colons, mut in_string, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            b'"' if !escaped => in_string = !in_string,
            b':' if !in_string => colons += 1,
            _ => {}
        }
        escaped = in_string && byte == b'\\' && !escaped;
    }
    colons
}
