//! A feed held against the columns of what it is to load.

use crate::decode::Limits;
use crate::feed::{Feed, Field, Kind, Limit, Storage};
use crate::infer::column::Column;
use crate::infer::types::DataType;
use crate::side_by_side::side_by_side;

/// What stands where there is nothing.
const NOTHING: &str = "-";

/// What a feed makes of columns: a line for each of its fields, then one for each column that it
/// does not have.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    pub(super) lines: Vec<Line>,
}

/// A field of the feed beside the column of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) field: String,
    /// What the feed and its target take.
    pub(super) takes: String,
    /// The type that was found.
    pub(super) found: String,
    pub(super) verdict: Verdict,
}

/// Whether values that were found can be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of them.
    Fits,
    /// Some of them, or nobody can tell.
    InPart,
    /// None of them.
    Never,
    /// The feed needs a value, and no record has one.
    Missing,
    /// The feed does not have the field.
    New,
}

impl Verdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::InPart => "fits in part",
            Self::Never => "never fits",
            Self::Missing => "missing",
            Self::New => "new",
        }
    }

    /// Whether records of which this is true are rejected.
    pub(super) const fn rejects_all(self) -> bool {
        matches!(self, Self::Never | Self::Missing)
    }
}

impl Fit {
    /// Whether every record is rejected, if the columns tell the truth.
    pub(super) fn rejects_all(&self) -> bool {
        self.lines.iter().any(|line| line.verdict.rejects_all())
    }

    /// What differs, side by side.
    pub(super) fn differences(&self, source: &str) -> String {
        let differs = self.lines.iter().filter(|line| line.verdict != Verdict::Fits);
        let rows: Vec<_> = differs
            .map(|line| {
                let Line { field, takes, found, verdict } = line;
                [field.clone(), takes.clone(), found.clone(), verdict.as_str().to_owned()]
            })
            .collect();
        side_by_side(["field", "the feed takes", source, ""], &rows)
    }
}

/// Holds a feed, and what its targets can hold, against columns.
pub(super) fn check_compatibility(feed: &Feed, columns: &[Column], limits: &Limits) -> Fit {
    let fields = feed.fields.iter().zip(&limits.tables[0]);
    let mut lines: Vec<_> = fields
        .filter(|(field, _)| !field.path.is_empty())
        .map(|(field, limit)| match field.key() {
            Some(key) => line(field, limit, find(columns, key)),
            None => line_within(field, limit, columns),
        })
        .collect();
    let new = columns.iter().filter(|column| !has(&feed.fields, &column.name));
    lines.extend(new.map(|column| new_line(column.name.clone(), &column.data_type)));
    for field in &feed.fields {
        let (Kind::List(list), Some(key)) = (&field.kind, field.key()) else {
            continue;
        };
        let found = find(columns, key).map(|column| &column.data_type);
        if let Some(DataType::Array(element)) = found
            && let DataType::Struct(found) = element.as_ref()
        {
            let new = found.iter().filter(|(name, _)| !has(&list.fields, name));
            lines.extend(new.map(|(name, kind)| new_line(format!("{key}.{name}"), kind)));
        }
    }
    Fit { lines }
}

/// Whether a key of this name is read, or something within it, or all keys are.
fn has(fields: &[Field], name: &str) -> bool {
    fields.iter().any(|field| match field.path.first() {
        Some(key) => key.eq_ignore_ascii_case(name),
        None => true,
    })
}

fn find<'a>(columns: &'a [Column], name: &str) -> Option<&'a Column> {
    columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
}

/// The line of a field within objects, of which only the type is known.
fn line_within(field: &Field, limit: &Limit, columns: &[Column]) -> Line {
    let [first, keys @ ..] = field.path.as_slice() else {
        return line(field, limit, None);
    };
    let top = find(columns, first).map(|column| &column.data_type);
    let step = |within: Option<&'_ DataType>, key: &String| match within {
        Some(DataType::Struct(fields)) => fields
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, kind)| kind.clone()),
        _ => None,
    };
    let is_open = |kind: &DataType| !matches!(kind, DataType::Struct(_));
    let mut found = top.cloned();
    for key in keys {
        // Within a map, or what is sometimes an object, anything may stand.
        if found.as_ref().is_some_and(is_open) {
            return Line { verdict: Verdict::Fits, ..line(field, limit, None) };
        }
        found = step(found.as_ref(), key);
    }
    let verdict = match &found {
        None | Some(DataType::Void) if is_demanded(field) => Verdict::Missing,
        Some(DataType::Void | DataType::Choice(_) | DataType::Json) | None => Verdict::Fits,
        Some(found) if takes_kind(&field.kind, kind_of(found)) => Verdict::Fits,
        Some(_) => Verdict::Never,
    };
    let found = found.map_or(NOTHING.to_owned(), |found| found.to_string());
    Line { field: field.name(), takes: takes(field, limit), found, verdict }
}

/// Whether a record without a value for a field is rejected.
fn is_demanded(field: &Field) -> bool {
    field.required && field.default.is_none()
}

fn new_line(field: String, found: &DataType) -> Line {
    Line { field, takes: NOTHING.to_owned(), found: found.to_string(), verdict: Verdict::New }
}

fn line(field: &Field, limit: &Limit, column: Option<&Column>) -> Line {
    let found = column.map_or(NOTHING.to_owned(), found);
    let verdict = match column.filter(|column| column.present > column.nulls) {
        Some(column) => verdict(field, limit, column),
        None if is_demanded(field) => Verdict::Missing,
        None => Verdict::Fits,
    };
    Line { field: field.name(), takes: takes(field, limit), found, verdict }
}

fn takes(field: &Field, limit: &Limit) -> String {
    let kind = match &field.kind {
        Kind::Value(data_type, _) => {
            let expected = data_type.expected();
            expected.split_once(' ').map_or(expected, |(_, kind)| kind).to_owned()
        }
        Kind::List(list) => {
            let names: Vec<_> = list.fields.iter().map(Field::name).collect();
            format!("array of {{{}}}", names.join(", "))
        }
    };
    match limit {
        Limit::Range(least, most) => format!("{kind} from {least} to {most}"),
        Limit::Text { characters, .. } if *characters < usize::MAX => {
            format!("{kind} of at most {characters} characters")
        }
        _ => kind,
    }
}

/// The type, and for those that have bounds within which.
fn found(column: &Column) -> String {
    let name = &column.data_type;
    match (name, &column.min, &column.max) {
        (DataType::Int | DataType::Bigint | DataType::Decimal, Some(min), Some(max)) => {
            format!("{name} from {min} to {max}")
        }
        _ => name.to_string(),
    }
}

fn verdict(field: &Field, limit: &Limit, column: &Column) -> Verdict {
    match (&column.data_type, &field.kind) {
        (DataType::Choice(_), kind) => {
            let fitting = column.kinds.keys().filter(|word| takes_kind(kind, word)).count();
            match (fitting, column.kinds.len()) {
                (0, _) => Verdict::Never,
                (some, all) if some < all => Verdict::InPart,
                _ => Verdict::Fits,
            }
        }
        (DataType::Json, _) => Verdict::InPart,
        (DataType::Array(element), Kind::List(list)) => entries(&list.fields, element, column),
        // What is a double may have been written as an integer.
        (DataType::Double, kind) if takes_kind(kind, "integer") && !takes_kind(kind, "float") => {
            Verdict::InPart
        }
        (found, kind) if !takes_kind(kind, kind_of(found)) => Verdict::Never,
        (DataType::String, _) => length(field, limit, column),
        (_, Kind::Value(data_type, _)) if data_type.storage() == Storage::Integer => {
            within(limit, column)
        }
        _ => Verdict::Fits,
    }
}

/// Whether a field takes values of a kind, as [`Column::kinds`] calls them.
fn takes_kind(kind: &Kind, word: &str) -> bool {
    match kind {
        Kind::Value(data_type, reading) => match (word, data_type.element().storage()) {
            ("integer", Storage::Micros) => reading.unit.is_some(),
            ("string", Storage::Integer | Storage::Float) => reading.from_strings,
            ("string", Storage::Text) if reading.from_strings => true,
            _ => data_type.takes(word),
        },
        Kind::List(_) => word == "array",
    }
}

const fn kind_of(found: &DataType) -> &'static str {
    match found {
        DataType::Boolean => "boolean",
        DataType::Int | DataType::Bigint | DataType::Decimal => "integer",
        DataType::Double => "float",
        DataType::Array(_) => "array",
        DataType::Struct(_) | DataType::Map(_) => "object",
        DataType::String | DataType::Date | DataType::Timestamp => "string",
        DataType::Void | DataType::Json | DataType::Choice(_) => "json",
    }
}

/// A list fits if its entries are objects, or null.
fn entries(entry: &[Field], element: &DataType, column: &Column) -> Verdict {
    let takes = |(name, found): &(String, DataType)| {
        let field = entry
            .iter()
            .find(|field| field.key().is_some_and(|key| key.eq_ignore_ascii_case(name)));
        let all = match found {
            DataType::Choice(types) => types.as_slice(),
            one => std::slice::from_ref(one),
        };
        let is_taken = |found: &DataType| {
            *found == DataType::Void
                || field.is_none_or(|field| takes_kind(&field.kind, kind_of(found)))
        };
        all.iter().all(is_taken)
    };
    match element {
        DataType::Void | DataType::Map(_) => Verdict::Fits,
        DataType::Struct(fields) if fields.iter().all(takes) => Verdict::Fits,
        DataType::Struct(_) | DataType::Choice(_) | DataType::Json => Verdict::InPart,
        // An empty list has no entries that do not fit.
        _ if column.min_length == Some(0) => Verdict::InPart,
        _ => Verdict::Never,
    }
}

fn within(limit: &Limit, column: &Column) -> Verdict {
    let (least, most) = match limit {
        Limit::Range(least, most) => (*least, *most),
        _ => (i64::MIN, i64::MAX),
    };
    let bound = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<i128>().ok());
    let (Some(min), Some(max)) = (bound(&column.min), bound(&column.max)) else {
        return Verdict::Fits;
    };
    match (i128::from(least), i128::from(most)) {
        (least, most) if max < least || min > most => Verdict::Never,
        (least, most) if min < least || max > most => Verdict::InPart,
        _ => Verdict::Fits,
    }
}

fn length(field: &Field, limit: &Limit, column: &Column) -> Verdict {
    let most = match limit {
        Limit::Text { characters, .. } => *characters as u64,
        _ => u64::MAX,
    };
    match (column.min_length, column.max_length) {
        (_, Some(0)) if field.non_empty => Verdict::Never,
        (Some(min), _) if min > most => Verdict::Never,
        (_, Some(max)) if max > most => Verdict::InPart,
        _ => Verdict::Fits,
    }
}

#[cfg(test)]
mod tests;
