//! What must be true of every record.

use polars::prelude::DataType;

use super::Check;
use crate::feed::file::FeedFile;
use crate::feed::plan::{ColumnPlan, RowsOf, Source, TablePlan};
use crate::feed::{Rule, TableName};

impl Check {
    pub(super) fn rules(&mut self, file: &FeedFile, tables: &[TablePlan]) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::with_capacity(file.rule.len());
        for rule in &file.rule {
            let name = rule.name.get_ref();
            if name.is_empty() || rules.iter().any(|other| other.name == *name) {
                self.wrong(
                    &rule.name,
                    format!("expected a name that no other rule has, found `{name}`"),
                );
                continue;
            }
            let table = match &rule.table {
                None => Some(0),
                Some(written) => self.parse(written).and_then(|name: TableName| {
                    let is_it =
                        |table: &TablePlan| table.name == name && table.rows != RowsOf::Rejects;
                    let found = tables.iter().position(is_it);
                    if found.is_none() {
                        let written_name = written.get_ref();
                        self.wrong(written, format!("the feed has no table `{written_name}`"));
                    }
                    found
                }),
            };
            let Some((table, plan)) = table.and_then(|at| Some((at, tables.get(at)?))) else {
                continue;
            };
            let columns: Vec<_> = plan.columns.iter().filter(|column| is_known(column)).collect();
            let columns: Vec<_> =
                columns.iter().map(|column| (column.name.as_str(), &column.data_type)).collect();
            let Some((check, found)) = self.expression(&rule.check, &columns) else {
                continue;
            };
            if found != DataType::Boolean {
                let message =
                    format!("a rule is true or false, and this is a value of type {found}");
                self.wrong(&rule.check, message);
                continue;
            }
            rules.push(Rule { name: name.clone(), table, check });
        }
        rules
    }
}

/// Whether a column has its value before a load begins.
const fn is_known(column: &ColumnPlan) -> bool {
    !matches!(column.source, Source::Stamp(_) | Source::Decoded(_) | Source::Concat)
}
