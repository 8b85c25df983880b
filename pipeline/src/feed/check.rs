//! A feed file held against its rules and made a [`Feed`]. All that is wrong is said at once.

use std::collections::HashSet;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};
use xxhash_rust::xxh3::xxh3_128;

use super::file::{ColumnFile, ConcatFile, FeedFile, MetadataFile, ModeWord, TableFile};
use super::plan::{ColumnPlan, Decoded, Plan, RowsOf, Source, Stamped, TablePlan};
use super::problem::Problem;
use super::{
    Concat, Feed, Field, Ident, Kind, Mode, Objects, RequestedMode, Storage, TableName, Type,
};

/// Tables of a feed at most.
const MAX_TABLES: usize = 32;
/// Columns of a table at most.
const MAX_COLUMNS: usize = 1000;
/// Columns of a key at most.
const MAX_KEY: usize = 8;

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

/// What was found wrong so far.
#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

/// A column of a table as it was read: none where something is wrong with it.
struct Read {
    field: Field,
    name: Ident,
    data_type: Type,
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
        let name = self.parse::<Ident>(&file.name);
        let objects = self.objects(file.objects.as_ref());
        let Some((root, children)) = file.table.split_first() else {
            self.wrong(&file.name, "the feed has no table: expected a `[[table]]`");
            return None;
        };
        let metadata = self.metadata(&file.metadata);
        let columns = self.root(root, file.ignore_case);
        let key = self.key(file, root, &columns, !children.is_empty());
        let latest_by = file.latest_by.as_ref().and_then(|name| self.required(name, &columns));
        let mut tables = Vec::new();
        let of_root = of_fields(&columns, Source::Record);
        tables.extend(self.table(root, RowsOf::Records, [&of_root[..], &metadata].concat()));
        let keys = of_root.into_iter().filter(|column| key.contains(&column.name));
        let keys = keys.collect::<Vec<_>>();
        let mut fields: Vec<_> = columns.into_iter().map(|column| column.field).collect();
        for child in children {
            let Some((list, entries)) = self.child(child, &fields, file.ignore_case) else {
                continue;
            };
            let rows = RowsOf::Entries { list: fields.len(), parent: 0 };
            fields.push(list);
            tables.extend(self.table(child, rows, [&keys[..], &entries, &metadata].concat()));
        }
        let concat = file.rejects.concat.as_ref();
        let (column, concat) = concat.map(|file| self.concat(file, &fields)).unwrap_or_default();
        tables.extend(self.rejects(file, root, column));
        self.check_tables(file, &tables);
        let ignore_case = file.ignore_case;
        let plan = Plan { tables };
        Some(ordered(Feed {
            name: name?.as_str().to_owned(),
            text: text.to_owned(),
            hash: format!("{:032x}", xxh3_128(text.as_bytes())),
            objects,
            mode: file.mode.unwrap_or(ModeWord::Auto).into(),
            key,
            latest_by,
            ignore_case,
            fields,
            concat,
            plan,
        }))
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

    /// The columns of the first table.
    fn root(&mut self, root: &TableFile, ignore_case: bool) -> Vec<Read> {
        if let Some(each) = &root.each {
            self.wrong(each, "the first table has a row for each record, so it has no `each`");
        }
        self.columns(root, ignore_case)
    }

    fn table(
        &mut self,
        file: &TableFile,
        rows: RowsOf,
        columns: Vec<ColumnPlan>,
    ) -> Option<TablePlan> {
        Some(TablePlan { name: self.parse(&file.name)?, rows, columns })
    }

    fn rejects(
        &mut self,
        file: &FeedFile,
        root: &TableFile,
        concat: Option<ColumnPlan>,
    ) -> Option<TablePlan> {
        let name = match &file.rejects.table {
            Some(name) => self.parse(name)?,
            // What is wrong with the name of the first table is said already.
            None => root
                .name
                .get_ref()
                .parse::<TableName>()
                .ok()?
                .with_suffix("_rejects")
                .map_err(|error| self.wrong(&root.name, error.to_string()))
                .ok()?,
        };
        Some(rejects(name, concat))
    }

    fn metadata(&mut self, file: &MetadataFile) -> Vec<ColumnPlan> {
        let named = [
            (&file.ingested_at, Stamped::IngestedAt),
            (&file.load_id, Stamped::LoadId),
            (&file.object, Stamped::Object),
        ];
        let named = named.into_iter().filter_map(|(name, what)| Some((name.as_ref()?, what)));
        let columns = named
            .filter_map(|(name, what)| Some(ColumnPlan::stamped(self.column_name(name)?, what)));
        columns.collect()
    }

    /// The columns of a table that are read from JSON, in the order in which they are written.
    fn columns(&mut self, table: &TableFile, ignore_case: bool) -> Vec<Read> {
        let mut read: Vec<Read> = Vec::new();
        if table.columns.is_empty() {
            self.wrong(&table.name, "the table has no columns");
        }
        if table.columns.len() > MAX_COLUMNS {
            self.wrong(&table.name, format!("a table has at most {MAX_COLUMNS} columns"));
        }
        for (name, column) in table.columns_in_order() {
            let (ident, data_type) = (self.column_name(name), self.data_type(&column.type_name));
            let (Some(key), Some(ident), Some(data_type)) =
                (self.key_of(name, column), ident, data_type)
            else {
                continue;
            };
            let at = column.path.as_ref().unwrap_or(name);
            if column.non_empty && data_type.storage() != Storage::Text {
                self.wrong(&column.type_name, "only texts can be `non_empty`");
            }
            if read.iter().any(|other| is_same(&other.field.key, &key, ignore_case)) {
                self.wrong(at, format!("`$.{key}` is read into another column already"));
                continue;
            }
            let field = Field {
                key,
                column: ident.as_str().to_owned(),
                kind: Kind::Value(data_type),
                required: column.required,
                non_empty: column.non_empty,
            };
            read.push(Read { field, name: ident, data_type });
        }
        read
    }

    fn data_type(&mut self, name: &Spanned<String>) -> Option<Type> {
        let data_type: Type = self.parse(name)?;
        if data_type.is_read() {
            return Some(data_type);
        }
        self.wrong(name, format!("columns of type `{data_type}` cannot be read from JSON so far"));
        None
    }

    /// The key that a column is read from.
    fn key_of(&mut self, name: &Spanned<String>, column: &ColumnFile) -> Option<String> {
        let Some(path) = &column.path else {
            return Some(name.get_ref().clone());
        };
        match path.get_ref().strip_prefix("$.") {
            Some(key) if is_key(key) => Some(key.to_owned()),
            _ => {
                let message = "expected `$.key`: a key of the record or entry; paths into objects \
                    are not read so far";
                self.wrong(path, message);
                None
            }
        }
    }

    fn key(
        &mut self,
        file: &FeedFile,
        root: &TableFile,
        columns: &[Read],
        has_children: bool,
    ) -> Vec<Ident> {
        if file.key.is_empty() && matches!(file.mode, Some(ModeWord::Merge)) {
            self.wrong(&file.name, "mode `merge` needs a `key`");
        }
        if file.key.is_empty() && has_children {
            self.wrong(
                &root.name,
                "a feed with child tables needs a `key`, which their rows carry",
            );
        }
        if let Some(ninth) = file.key.get(MAX_KEY) {
            self.wrong(ninth, format!("a key has at most {MAX_KEY} columns"));
        }
        let key = file.key.iter().filter_map(|name| self.required(name, columns));
        key.collect()
    }

    /// A column of the root table that every record has a value for.
    fn required(&mut self, name: &Spanned<String>, columns: &[Read]) -> Option<Ident> {
        let found = columns.iter().find(|column| column.name.as_str() == name.get_ref());
        match found {
            Some(Read { field, name, .. }) if field.required => Some(name.clone()),
            Some(_) => {
                let column = name.get_ref();
                self.wrong(name, format!("the column `{column}` must be `required = true`"));
                None
            }
            None => {
                let column = name.get_ref();
                self.wrong(name, format!("the first table has no column `{column}`"));
                None
            }
        }
    }

    /// The list of a child table, and the columns of its entries.
    fn child(
        &mut self,
        table: &TableFile,
        fields: &[Field],
        ignore_case: bool,
    ) -> Option<(Field, Vec<ColumnPlan>)> {
        let Some(each) = &table.each else {
            let message = "a table behind the first has a row for each entry of a list: \
                expected `each = \"$.key[*]\"`";
            self.wrong(&table.name, message);
            return None;
        };
        let columns = self.columns(table, ignore_case);
        let demanding = columns.iter().find(|it| it.field.required || it.field.non_empty);
        if let Some(column) = demanding {
            let name = column.name.as_str();
            let message =
                format!("`{name}`: only columns of the first table can be required so far");
            self.wrong(&table.name, message);
        }
        let key = each.get_ref().strip_prefix("$.").and_then(|path| path.strip_suffix("[*]"));
        let Some(key) = key.filter(|key| is_key(key)) else {
            let message = "expected `$.key[*]`: a list of the record; lists within objects or \
                lists are not read so far";
            self.wrong(each, message);
            return None;
        };
        if fields.iter().any(|field| is_same(&field.key, key, ignore_case)) {
            self.wrong(each, format!("`$.{key}` is read already"));
            return None;
        }
        let entries = of_fields(&columns, Source::Entry);
        let field = Field {
            key: key.to_owned(),
            column: each.get_ref().clone(),
            kind: Kind::List(columns.into_iter().map(|column| column.field).collect()),
            required: table.required,
            non_empty: false,
        };
        Some((field, entries))
    }

    /// The column of the fields in one text, and its fields in their order.
    fn concat(&mut self, file: &ConcatFile, fields: &[Field]) -> (Option<ColumnPlan>, Vec<Concat>) {
        let name = self.column_name(&file.column);
        let column = name.map(|name| ColumnPlan::ours(name, Type::Varchar(None), Source::Concat));
        let mut order: Vec<Concat> = Vec::new();
        for text in &file.fields {
            let Some((label, path)) = text.get_ref().split_once(":$.") else {
                self.wrong(text, "expected `label:$.key`");
                continue;
            };
            let Some(field) = fields.iter().position(|field| field.key == path) else {
                self.wrong(text, format!("no column and no child table is read from `$.{path}`"));
                continue;
            };
            if order.iter().any(|other| other.field == field) {
                self.wrong(text, format!("`$.{path}` is printed already"));
                continue;
            }
            order.push(Concat { label: label.to_owned(), field });
        }
        (column, order)
    }

    /// No table twice, and in no table a column.
    fn check_tables(&mut self, file: &FeedFile, tables: &[TablePlan]) {
        if file.table.len() > MAX_TABLES {
            self.wrong(&file.name, format!("a feed has at most {MAX_TABLES} tables"));
        }
        let mut names = HashSet::new();
        for (at, table) in tables.iter().enumerate() {
            let place = file.table.get(at).map(|table| &table.name);
            let place = place.or(file.rejects.table.as_ref()).unwrap_or(&file.name);
            if !names.insert(&table.name) {
                self.wrong(place, format!("the table `{}` is declared twice", table.name.plain()));
            }
            let mut columns = HashSet::new();
            for column in table.columns.iter().filter(|column| !columns.insert(&column.name)) {
                let (table, column) = (table.name.plain(), column.name.as_str());
                self.wrong(place, format!("the table `{table}` has two columns `{column}`"));
            }
        }
    }
}

/// The columns of fields, each with the place of its field.
fn of_fields(columns: &[Read], source: fn(usize) -> Source) -> Vec<ColumnPlan> {
    let columns = columns.iter().enumerate().map(|(at, column)| ColumnPlan {
        name: column.name.clone(),
        data_type: column.data_type,
        nullable: !column.field.required,
        source: source(at),
    });
    columns.collect()
}

/// Puts the fields into the order in which problems are looked for: that of `concat`, then that of the
/// file.
fn ordered(feed: Feed) -> Feed {
    let is_printed = |at: &usize| feed.concat.iter().any(|printed| printed.field == *at);
    let printed = feed.concat.iter().map(|printed| printed.field);
    let others = (0..feed.fields.len()).filter(|at| !is_printed(at));
    let order: Vec<usize> = printed.chain(others).collect();
    let moved = |from: usize| order.iter().position(|at| *at == from).unwrap_or(from);
    let fields = order.iter().map(|at| feed.fields[*at].clone()).collect();
    let concat = feed.concat.iter().map(|it| Concat { field: moved(it.field), ..it.clone() });
    let concat = concat.collect();
    let mut plan = feed.plan.clone();
    for table in &mut plan.tables {
        if let RowsOf::Entries { list, .. } = &mut table.rows {
            *list = moved(*list);
        }
        for column in &mut table.columns {
            if let Source::Record(field) = &mut column.source {
                *field = moved(*field);
            }
        }
    }
    Feed { fields, concat, plan, ..feed }
}

/// Whether a path's step is a key, and nothing but one.
fn is_key(key: &str) -> bool {
    !key.is_empty()
        && !key.contains(['.', '[', ']', '*', '"', '\\', '\''])
        && !key.contains(char::is_control)
}

fn is_same(one: &str, other: &str, ignore_case: bool) -> bool {
    one == other || ignore_case && one.eq_ignore_ascii_case(other)
}

/// The table of rejected records.
fn rejects(name: TableName, concat: Option<ColumnPlan>) -> TablePlan {
    let stamped = |name, what| ours(name, what, Stamped::data_type, Source::Stamp);
    let decoded = |name, what| ours(name, what, Decoded::data_type, Source::Decoded);
    let columns = [
        decoded("reason", Decoded::Reason),
        decoded("detail", Decoded::Detail),
        decoded("raw", Decoded::Raw),
        stamped("object", Stamped::Object),
        stamped("object_version", Stamped::ObjectVersion),
        decoded("record_no", Decoded::RecordNo),
        decoded("byte_offset", Decoded::ByteOffset),
        decoded("byte_length", Decoded::ByteLength),
        stamped("load_id", Stamped::LoadId),
        stamped("ingested_at", Stamped::IngestedAt),
    ];
    let columns = concat.into_iter().chain(columns).collect();
    TablePlan { name, rows: RowsOf::Rejects, columns }
}

fn ours<T: Copy>(
    name: &'static str,
    what: T,
    data_type: fn(T) -> Type,
    source: fn(T) -> Source,
) -> ColumnPlan {
    ColumnPlan::ours(Ident::ours(name), data_type(what), source(what))
}

impl From<ModeWord> for RequestedMode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::Auto => Self::Auto,
            ModeWord::Append => Self::Fixed(Mode::Append),
            ModeWord::Merge => Self::Fixed(Mode::Merge),
        }
    }
}
