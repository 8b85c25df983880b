//! What a place of a shape becomes: a column and its type, columns, or a child table.

use std::collections::HashSet;

use crate::infer::shape::{Digits, Floats, Forms, Node, Objects};

/// Digits over which a number that has an exponent is no `numeric`, but what it is written for.
const SENSIBLE_DIGITS: u32 = 40;
/// Digits before the point that a double can have.
const DOUBLE_WHOLE: u32 = 308;
/// Digits behind the point that a double can have.
const DOUBLE_SCALE: u32 = 320;
/// Digits before the point that a `numeric` can have.
const NUMERIC_WHOLE: u32 = 131_072;
/// Digits behind the point that a `numeric` can have.
const NUMERIC_SCALE: u32 = 16_383;
/// Keys from which an object may be a map, if few objects have each.
const MAP_KEYS: usize = 16;
/// The share of its objects that has a key of a map at most, as one of so many.
const MAP_RARITY: u64 = 4;

/// What a place becomes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'a> {
    /// A column of this type.
    Scalar(&'static str),
    /// A column of arrays of this type.
    Array(&'static str),
    /// Columns.
    Struct(&'a Objects),
    /// A child table.
    List(&'a Objects),
    /// A column of `jsonb`.
    Json,
    /// Nothing: no type takes some of its texts.
    LeftOut,
}

/// Tells what a place becomes, and what is doubtful about it.
pub(super) fn classify(node: &Node) -> (Kind<'_>, Option<String>) {
    let (kind, remark) = kind(node);
    match kind {
        Kind::Struct(_) | Kind::List(_) => (kind, remark),
        _ if holds_nul(node) => {
            let why = "some of its texts hold U+0000, which Postgres cannot store";
            (Kind::LeftOut, Some(why.to_owned()))
        }
        _ => (kind, remark),
    }
}

fn kind(node: &Node) -> (Kind<'_>, Option<String>) {
    let json = |remark: String| (Kind::Json, Some(remark));
    let [booleans, numbers, strings, arrays, objects, deep] = counts(node);
    if deep > 0 {
        return json("nested too deep to be looked into".to_owned());
    }
    match [booleans, numbers, strings, arrays, objects].map(|count| count > 0) {
        [false, false, false, false, false] => {
            json(format!("only null was seen, {}", times(node.nulls)))
        }
        [true, false, false, false, false] => (Kind::Scalar("boolean"), None),
        [false, true, false, false, false] => number(node),
        [false, false, true, false, false] => string(node),
        [false, false, false, true, false] => array(node),
        [false, false, false, false, true] => object(node),
        _ => json(conflict(node)),
    }
}

/// Booleans, numbers, strings, arrays, objects, and what was not looked into.
fn counts(node: &Node) -> [u64; 6] {
    let kinds = node.kinds().map(|(_, count)| count);
    let [booleans, integers, floats, strings, arrays, objects, deep] = kinds;
    [booleans, integers + floats, strings, arrays, objects, deep]
}

/// How many values of each kind contradict each other.
fn conflict(node: &Node) -> String {
    let kinds = node.kinds().into_iter().filter(|(_, count)| *count > 0);
    let kinds = kinds.map(|(kind, count)| format!("{kind} {}", grouped(count)));
    format!("values of several types: {}", kinds.collect::<Vec<_>>().join(", "))
}

fn number(node: &Node) -> (Kind<'_>, Option<String>) {
    match (&node.integers, &node.floats) {
        (_, Some(floats)) => fraction(floats),
        (Some(all), None) if i64::try_from(all.min).is_ok() && i64::try_from(all.max).is_ok() => {
            (Kind::Scalar("bigint"), None)
        }
        (Some(all), None) => {
            let widest = all.min.unsigned_abs().max(all.max.unsigned_abs());
            let digits = widest.to_string().len();
            (Kind::Scalar("numeric"), Some(format!("integers of up to {digits} digits")))
        }
        (None, None) => (Kind::Json, None),
    }
}

/// Every digit is kept, unless a number was written for its magnitude.
fn fraction(floats: &Floats) -> (Kind<'static>, Option<String>) {
    let Digits { whole, scale, has_exponent } = floats.digits;
    let is_sensible = whole <= SENSIBLE_DIGITS && scale <= SENSIBLE_DIGITS;
    if !has_exponent || is_sensible {
        if whole <= NUMERIC_WHOLE && scale <= NUMERIC_SCALE {
            return (Kind::Scalar("numeric"), None);
        }
    } else if whole <= DOUBLE_WHOLE && scale <= DOUBLE_SCALE {
        let remark = format!("exponents, of up to {} digits", grouped(whole.max(scale).into()));
        return (Kind::Scalar("double precision"), Some(remark));
    } else if whole <= NUMERIC_WHOLE && scale <= NUMERIC_SCALE {
        let remark = format!("numbers of {} digits", grouped(whole.max(scale).into()));
        return (Kind::Scalar("numeric"), Some(remark));
    }
    (Kind::Scalar("text"), Some("some numbers are too large for numeric".to_owned()))
}

fn string(node: &Node) -> (Kind<'_>, Option<String>) {
    let forms = node.strings.as_ref().map(|strings| strings.forms).unwrap_or_default();
    let plain = |data_type| (Kind::Scalar(data_type), None);
    match forms {
        Forms::UUID => plain("uuid"),
        Forms::DATE => plain("date"),
        Forms::TIMESTAMP_WITH_OFFSET => plain("timestamptz"),
        Forms::TIMESTAMP => {
            let remark = "times without an offset; if they are UTC: type = \"timestamptz\", assume = \"UTC\"";
            (Kind::Scalar("text"), Some(remark.to_owned()))
        }
        _ => plain("text"),
    }
}

fn array(node: &Node) -> (Kind<'_>, Option<String>) {
    let json = |remark: &str| (Kind::Json, Some(remark.to_owned()));
    let Some(arrays) = &node.arrays else {
        return json("no values");
    };
    let element = &arrays.element;
    match kind(element) {
        _ if arrays.max_length == 0 => json("only empty arrays were seen"),
        (Kind::Scalar(data_type), remark) => (Kind::Array(data_type), remark),
        (Kind::Struct(objects), remark) => (Kind::List(objects), remark),
        (Kind::Array(_) | Kind::List(_), _) => json("arrays of arrays"),
        (Kind::Json, Some(remark)) => {
            (Kind::Json, Some(format!("arrays; of their elements: {remark}")))
        }
        (Kind::Json | Kind::LeftOut, _) => json("arrays of objects of any kind"),
    }
}

fn object(node: &Node) -> (Kind<'_>, Option<String>) {
    let Some(objects) = &node.objects else {
        return (Kind::Json, None);
    };
    let keys = objects.fields.len();
    let remark = if let Some(map) = &objects.map {
        let keys = grouped(map.keys.estimate());
        format!("about {keys} keys in {} objects: a map", grouped(objects.count))
    } else if keys == 0 {
        "only empty objects were seen".to_owned()
    } else if is_map(objects) {
        let count = grouped(objects.count);
        format!("{keys} keys in {count} objects, few objects have the same: a map")
    } else {
        return (Kind::Struct(objects), None);
    };
    (Kind::Json, Some(remark))
}

/// Whether there are many keys, few objects have each of them, and all have values of one kind.
fn is_map(objects: &Objects) -> bool {
    let keys = objects.fields.len();
    let values: u64 = objects.fields.iter().map(|field| field.node.count()).sum();
    let is_rare = values.saturating_mul(MAP_RARITY) <= objects.count.saturating_mul(keys as u64);
    keys >= MAP_KEYS && is_rare && are_of_one_kind(objects)
}

/// Whether the values of all keys are of one type, and objects among them have mostly the same keys.
fn are_of_one_kind(objects: &Objects) -> bool {
    let nodes: Vec<&Node> = objects.fields.iter().map(|field| &field.node).collect();
    let types = |node: &Node| counts(node).map(|count| count > 0);
    let first = nodes.iter().copied().map(types).find(|types| types.contains(&true));
    let is_alike = |node: &Node| !types(node).contains(&true) || Some(types(node)) == first;
    if !nodes.iter().copied().all(is_alike) {
        return false;
    }
    let mut inner = HashSet::new();
    let most = nodes.iter().filter_map(|node| node.objects.as_ref()).map(|objects| {
        inner.extend(objects.fields.iter().map(|field| &field.name));
        objects.fields.len()
    });
    let most = most.max().unwrap_or(0);
    inner.len() <= 2 * most
}

/// Whether a text or a key in a value holds U+0000.
pub(super) fn holds_nul(node: &Node) -> bool {
    let in_array = node.arrays.as_ref().is_some_and(|arrays| holds_nul(&arrays.element));
    let in_object = node.objects.as_ref().is_some_and(|objects| {
        let in_map = objects.map.as_ref().is_some_and(|map| map.has_nul || holds_nul(&map.value));
        let in_field = |name: &str, node| name.contains('\0') || holds_nul(node);
        in_map || objects.fields.iter().any(|field| in_field(&field.name, &field.node))
    });
    node.strings.as_ref().is_some_and(|strings| strings.has_nul) || in_array || in_object
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{} times", grouped(count)) }
}

/// A number with commas between its thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
