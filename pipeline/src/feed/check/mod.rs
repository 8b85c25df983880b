//! A feed file held against its rules and made a [`Feed`]. All that is wrong is said at once.

mod child;
mod column;
mod concat;
mod default;
mod key;
mod rule;
mod tables;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};
use xxhash_rust::xxh3::xxh3_128;

use super::file::{ChildrenWord, FeedFile, MetadataFile, ModeWord, UnknownWord};
use super::plan::{ColumnPlan, Decoded, Plan, RowsOf, Stamped};
use super::problem::Problem;
use super::{
    Children, Expression, Feed, Field, Ident, Kind, Mode, Objects, RequestedMode, Unknown,
};
use crate::json::records_path::RecordsPath;
use crate::max_rejected::MaxRejected;

/// Reads a feed file; else everything that is wrong with it.
pub(super) fn read(text: &str) -> Result<Feed, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.into_iter().map(Problem::from).collect());
    }
    let file = FeedFile::deserialize(Deserializer::from(table));
    let file = file.map_err(|error| vec![Problem::from(error)])?;
    let mut check = Check::default();
    let feed = check.feed(&file, text);
    match feed {
        Some(feed) if check.problems.is_empty() => Ok(feed),
        _ => Err(check.problems),
    }
}

/// What was found wrong so far, and what is read whatever else is wrong.
#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
    ignore_case: bool,
    computed: Vec<Expression>,
    /// The lists whose entries an expression may reject.
    with_expressions: Vec<String>,
}

/// What is read of a table: the fields of what its rows are, and its own columns.
struct Scope {
    rows: RowsOf,
    /// The keys before each list that leads to it; none for the first table.
    lists: Vec<Vec<String>>,
    position: Option<Ident>,
    fields: Vec<Field>,
    columns: Vec<ColumnPlan>,
}

impl Check {
    /// Notes what is wrong with a value.
    fn wrong<T>(&mut self, at: &Spanned<T>, message: impl Into<String>) {
        self.problems.push(Problem { span: at.span(), message: message.into() });
    }

    /// The value of a text, or a note of what is wrong with it.
    fn parse<T>(&mut self, text: &Spanned<String>) -> Option<T>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        text.get_ref().parse().map_err(|error: T::Err| self.wrong(text, error.to_string())).ok()
    }

    /// The name of a column that a feed may have.
    fn column_name(&mut self, name: &Spanned<String>) -> Option<Ident> {
        if name.get_ref().starts_with('$') {
            self.wrong(name, "a column's name does not begin with `$`");
            return None;
        }
        self.parse(name)
    }

    fn feed(&mut self, file: &FeedFile, text: &str) -> Option<Feed> {
        self.ignore_case = file.ignore_case;
        let name = self.parse::<Ident>(&file.name);
        if file.table.is_empty() {
            self.wrong(&file.name, "the feed has no table: expected a `[[table]]`");
            return None;
        }
        let objects = self.objects(file.objects.as_ref());
        let records = self.records(file);
        let max_rejected = self.max_rejected(file);
        let metadata = self.metadata(&file.metadata);
        let record_id = file.record_id.as_ref().and_then(|name| self.column_name(name));
        let scopes = self.scopes(file);
        let key = self.key(file, &scopes[0]);
        let latest_by = file.latest_by.as_ref().and_then(|name| self.latest_by(name, &scopes[0]));
        self.modes(file);
        let mut tables = self.tables(file, &scopes, &key, record_id.as_ref(), &metadata);
        let fields = joined(scopes);
        let concat = file.rejects.concat.as_ref();
        let (column, concat) = concat.map(|file| self.concat(file, &fields)).unwrap_or_default();
        tables.extend(self.rejects(file, column));
        self.check_tables(file, &tables);
        let rules = self.rules(file, &tables);
        let feed = Feed {
            name: name?.as_str().to_owned(),
            text: text.to_owned(),
            hash: format!("{:032x}", xxh3_128(text.as_bytes())),
            objects,
            records: records?,
            mode: file.mode.unwrap_or(ModeWord::Auto).into(),
            max_rejected,
            key,
            record_id,
            latest_by,
            children: file.children.as_ref().map_or(Children::Append, |it| (*it.get_ref()).into()),
            unknown: file.unknown.into(),
            ignore_case: file.ignore_case,
            fields,
            computed: std::mem::take(&mut self.computed),
            rules,
            concat,
            plan: Plan { tables },
        };
        Some(concat::ordered(feed))
    }

    /// The objects that the feed is for: those of its patterns, each of which is checked by itself.
    fn objects(&mut self, file: Option<&Spanned<Vec<Spanned<String>>>>) -> Objects {
        let Some(file) = file else { return Objects::default() };
        let patterns = file.get_ref();
        if patterns.is_empty() {
            self.wrong(file, "expected a pattern of keys, such as \"orders/**\"");
        }
        for pattern in patterns {
            if let Err(error) = Objects::compile([pattern.get_ref().clone()].into()) {
                self.wrong(pattern, error.to_string());
            }
        }
        let patterns = patterns.iter().map(|pattern| pattern.get_ref().clone()).collect();
        Objects::compile(patterns).unwrap_or_else(|error| {
            self.wrong(file, error.to_string());
            Objects::default()
        })
    }

    /// Where the records are in a document.
    fn records(&mut self, file: &FeedFile) -> Option<RecordsPath> {
        match &file.records {
            Some(text) => self.parse(text),
            None => Some(RecordsPath::default()),
        }
    }

    fn max_rejected(&mut self, file: &FeedFile) -> Option<MaxRejected> {
        let value = file.max_rejected.as_ref()?;
        let text = match value.get_ref() {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        text.parse().map_err(|error: String| self.wrong(value, error)).ok()
    }

    /// What a mode needs that the file may lack.
    fn modes(&mut self, file: &FeedFile) {
        let needs_load_id = matches!(file.mode, Some(ModeWord::Replace));
        if needs_load_id && file.metadata.load_id.is_none() {
            let message = "mode `replace` needs `load_id` in `[metadata]`: by it the rows of earlier \
                versions are found";
            self.wrong(&file.name, message);
        }
        let Some(children) = &file.children else {
            return;
        };
        if *children.get_ref() == ChildrenWord::Replace && file.key.is_empty() {
            self.wrong(
                children,
                "`children = \"replace\"` needs a `key`, by which rows are merged",
            );
        }
    }

    fn metadata(&mut self, file: &MetadataFile) -> Vec<ColumnPlan> {
        let stamps = [
            (&file.ingested_at, Stamped::IngestedAt),
            (&file.load_id, Stamped::LoadId),
            (&file.object, Stamped::Object),
        ];
        let mut columns = Vec::new();
        for (name, what) in stamps {
            let name = name.as_ref().and_then(|name| self.column_name(name));
            columns.extend(name.map(|name| ColumnPlan::stamped(name, what)));
        }
        let hash = file.content_hash.as_ref().and_then(|name| self.column_name(name));
        columns.extend(hash.map(|name| ColumnPlan::decoded(name, Decoded::ContentHash)));
        columns
    }
}

/// The fields of the record, with those of the entries of each list in it.
fn joined(mut scopes: Vec<Scope>) -> Vec<Field> {
    // A child stands behind its parent.
    while let Some(Scope { rows, fields, .. }) = scopes.pop() {
        let RowsOf::Entries { list, parent } = rows else {
            return fields;
        };
        let field = scopes.get_mut(parent).and_then(|parent| parent.fields.get_mut(list));
        if let Some(Field { kind: Kind::List(list), .. }) = field {
            list.fields = fields;
        }
    }
    Vec::new()
}

impl From<ModeWord> for RequestedMode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::Auto => Self::Auto,
            ModeWord::Append => Self::Fixed(Mode::Append),
            ModeWord::Merge => Self::Fixed(Mode::Merge),
            ModeWord::Replace => Self::Fixed(Mode::Replace),
        }
    }
}

impl From<ChildrenWord> for Children {
    fn from(word: ChildrenWord) -> Self {
        match word {
            ChildrenWord::Append => Self::Append,
            ChildrenWord::Replace => Self::Replace,
        }
    }
}

impl From<UnknownWord> for Unknown {
    fn from(word: UnknownWord) -> Self {
        match word {
            UnknownWord::Ignore => Self::Ignore,
            UnknownWord::Reject => Self::Reject,
            UnknownWord::Rest => Self::Rest,
        }
    }
}
