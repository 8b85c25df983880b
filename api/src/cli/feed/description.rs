//! What a feed declares, in the words of its file.

use pipeline::feed::{
    Children, ColumnPlan, Decoded, Feed, Field, RowsOf, Source, Stamped, Unknown,
};
use serde::Serialize;

/// What a feed declares.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct FeedDescription {
    pub(in crate::cli) feed: String,
    hash: String,
    pub(in crate::cli) objects: Vec<String>,
    pub(in crate::cli) records: String,
    pub(in crate::cli) mode: String,
    pub(in crate::cli) key: Vec<String>,
    pub(in crate::cli) latest_by: Option<String>,
    pub(in crate::cli) children: &'static str,
    pub(in crate::cli) unknown: &'static str,
    pub(in crate::cli) ignore_case: bool,
    pub(in crate::cli) max_rejected: Option<String>,
    /// First the root table, last the rejects table.
    pub(in crate::cli) tables: Vec<TableDescription>,
    pub(in crate::cli) rules: Vec<RuleDescription>,
}

/// A table of a feed.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct TableDescription {
    pub(in crate::cli) table: String,
    /// What becomes a row.
    pub(in crate::cli) rows_of: &'static str,
    /// The list whose entries become rows.
    pub(in crate::cli) each: Option<String>,
    pub(in crate::cli) columns: Vec<ColumnDescription>,
}

/// A column of a table of a feed.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct ColumnDescription {
    pub(in crate::cli) column: String,
    #[serde(rename = "type")]
    pub(in crate::cli) data_type: String,
    /// Where its value comes from: a path from the record, an expression, or words.
    pub(in crate::cli) from: String,
    /// What holds for its values.
    pub(in crate::cli) rules: Vec<String>,
}

/// A rule of a feed.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct RuleDescription {
    pub(in crate::cli) rule: String,
    pub(in crate::cli) table: String,
    pub(in crate::cli) check: String,
}

impl FeedDescription {
    pub(super) fn of(feed: &Feed) -> Self {
        let rules = feed.rules.iter().map(|rule| RuleDescription {
            rule: rule.name.clone(),
            table: feed.plan.tables[rule.table].name.plain(),
            check: rule.check.sql.clone(),
        });
        Self {
            feed: feed.name.clone(),
            hash: feed.hash.clone(),
            objects: feed.objects.patterns().to_vec(),
            records: feed.records.to_string(),
            mode: feed.mode.to_string(),
            key: feed.key.iter().map(|column| column.as_str().to_owned()).collect(),
            latest_by: feed.latest_by.as_ref().map(|column| column.as_str().to_owned()),
            children: match feed.children {
                Children::Append => "append",
                Children::Replace => "replace",
            },
            unknown: match feed.unknown {
                Unknown::Ignore => "ignore",
                Unknown::Reject => "reject",
                Unknown::Rest => "rest",
            },
            ignore_case: feed.ignore_case,
            max_rejected: feed.max_rejected.map(|most| most.to_string()),
            tables: (0..feed.plan.tables.len()).map(|at| table(feed, at)).collect(),
            rules: rules.collect(),
        }
    }
}

impl TableDescription {
    /// What becomes a row, for people.
    pub(in crate::cli) fn rows(&self) -> String {
        match &self.each {
            Some(each) => format!("one row for each of {each}"),
            None => format!("one row for each {}", self.rows_of),
        }
    }
}

fn table(feed: &Feed, at: usize) -> TableDescription {
    let plan = &feed.plan.tables[at];
    TableDescription {
        table: plan.name.plain(),
        rows_of: match plan.rows {
            RowsOf::Records => "record",
            RowsOf::Entries { .. } => "entry of a list",
            RowsOf::Rejects => "rejected record",
        },
        each: feed.each(at).map(str::to_owned),
        columns: plan.columns.iter().map(|it| column(feed, at, it)).collect(),
    }
}

fn column(feed: &Feed, table: usize, column: &ColumnPlan) -> ColumnDescription {
    let field = match column.source {
        Source::Record(field) => feed.fields.get(field),
        Source::Entry(field) => feed.fields_of(table).get(field),
        _ => None,
    };
    ColumnDescription {
        column: column.name.as_str().to_owned(),
        data_type: column.data_type.to_string(),
        from: from(feed, table, column.source, field),
        rules: rules(feed, column, field),
    }
}

/// Where the value of a column comes from.
fn from(feed: &Feed, table: usize, source: Source, field: Option<&Field>) -> String {
    let path = field.map(|field| field.json_path().to_string()).unwrap_or_default();
    match source {
        Source::Record(_) => path,
        Source::Entry(_) => {
            format!("{}{}", feed.each(table).unwrap_or("$"), path.trim_start_matches('$'))
        }
        Source::Position => "number of the entry in its list, from 1".to_owned(),
        Source::Computed(at) => feed.computed.get(at).map(|it| it.sql.clone()).unwrap_or_default(),
        Source::Stamp(stamped) => of_load(stamped).to_owned(),
        Source::Decoded(decoded) => of_record(decoded).to_owned(),
        Source::Concat => "fields of the record in one text".to_owned(),
    }
}

const fn of_load(stamped: Stamped) -> &'static str {
    match stamped {
        Stamped::IngestedAt => "time of the load, UTC",
        Stamped::LoadId => "number of the load",
        Stamped::Object => "URL of the object",
        Stamped::ObjectVersion => "version of the object",
    }
}

const fn of_record(decoded: Decoded) -> &'static str {
    match decoded {
        Decoded::Reason => "why the record is rejected",
        Decoded::Detail => "place in the record, and what was found",
        Decoded::Raw => "text of the record",
        Decoded::RecordNo => "number of the record, from 1",
        Decoded::ByteOffset => "where the record begins",
        Decoded::ByteLength => "length of the record",
        Decoded::RecordId => "object, version and place of the record",
        Decoded::ContentHash => "hash of the record and its children",
        Decoded::Rest => "keys that no path touches",
    }
}

/// What holds for the values of a column.
fn rules(feed: &Feed, column: &ColumnPlan, field: Option<&Field>) -> Vec<String> {
    let is_of_json = field.is_some();
    let rules = [
        (is_of_json && feed.key.contains(&column.name)).then(|| "key".to_owned()),
        field.filter(|it| it.required).map(|_| "required".to_owned()),
        field.filter(|it| it.non_empty).map(|_| "not empty".to_owned()),
        field.and_then(|it| it.default.as_ref()).map(|value| format!("default {value}")),
        (is_of_json && feed.latest_by.as_ref() == Some(&column.name))
            .then(|| "the greatest wins".to_owned()),
    ];
    rules.into_iter().flatten().collect()
}
