//! The column of the fields of a rejected record in one text.

use super::Check;
use crate::feed::file::ConcatFile;
use crate::feed::plan::{ColumnPlan, RowsOf, Source};
use crate::feed::{Concat, Feed, Field, Kind, Storage, Type};

impl Check {
    /// The column of the fields in one text, and its fields in their order.
    pub(super) fn concat(
        &mut self,
        file: &ConcatFile,
        fields: &[Field],
    ) -> (Option<ColumnPlan>, Vec<Concat>) {
        let name = self.column_name(&file.column);
        let column = name.map(|name| ColumnPlan::ours(name, Type::Varchar(None), Source::Concat));
        let mut order: Vec<Concat> = Vec::new();
        for text in &file.fields {
            let Some((label, path)) = text.get_ref().split_once(":$.") else {
                self.wrong(text, "expected `label:$.key`");
                continue;
            };
            let Some(field) = fields.iter().position(|field| field.key() == Some(path)) else {
                self.wrong(text, format!("no column and no child table is read from `$.{path}`"));
                continue;
            };
            if order.iter().any(|other| other.field == field) {
                self.wrong(text, format!("`$.{path}` is printed already"));
                continue;
            }
            if !is_printable(&fields[field]) {
                let message = format!(
                    "`$.{path}` cannot be printed: only texts, integers and booleans can, and lists of \
                     them without a `position`"
                );
                self.wrong(text, message);
                continue;
            }
            order.push(Concat { label: label.to_owned(), field });
        }
        (column, order)
    }
}

/// Whether a field can be printed: the job that this column comes from had no others.
fn is_printable(field: &Field) -> bool {
    match &field.kind {
        Kind::Value(data_type, _) => {
            matches!(data_type.storage(), Storage::Text | Storage::Integer | Storage::Boolean)
        }
        Kind::List(list) => {
            let is_value = |field: &Field| matches!(field.kind, Kind::Value(..));
            list.position.is_none() && list.fields.iter().all(|it| is_value(it) && is_printable(it))
        }
    }
}

/// Puts the fields into the order in which problems are looked for: that of `concat`, then that of the
/// file.
pub(super) fn ordered(feed: Feed) -> Feed {
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
        if let RowsOf::Entries { list, parent: 0 } = &mut table.rows {
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
