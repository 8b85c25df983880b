//! A query that is prepared so that each of its columns comes as Arrow has it, or as text.

use std::sync::Arc;

use tokio_postgres::{GenericClient, Statement};

use super::source::{Cells, SourceColumn};
use super::{Keep, QueryColumn, failed};
use crate::error::Result;

/// A query, its columns as they come, and as Postgres has them.
pub(super) struct Prepared {
    pub(super) statement: Statement,
    pub(super) columns: Arc<[SourceColumn]>,
    pub(super) described: Vec<QueryColumn>,
    /// Characters behind which texts are cut, if they are: what is cut has one character more.
    pub(super) cut_after: Option<usize>,
}

impl Prepared {
    /// Prepares a query; `cut_after` tells for so many columns behind how many characters the database
    /// cuts texts before it sends them.
    pub(super) async fn new(
        client: &impl GenericClient,
        query: &str,
        keep: Keep,
        cut_after: Option<fn(usize) -> usize>,
    ) -> Result<Self> {
        let mut statement = client.prepare(query).await.map_err(failed)?;
        let columns = statement.columns().iter();
        let described: Vec<_> =
            columns.map(|column| QueryColumn::new(column.name(), column.type_())).collect();
        let cut_after = cut_after.map(|cut_after| cut_after(described.len()));
        let casts = statement.columns().iter().map(|column| {
            let is_cut = cut_after.is_some() && Keep::Texts.keeps(column.type_());
            is_cut || !keep.keeps(column.type_())
        });
        let casts: Vec<_> = casts.collect();
        if casts.contains(&true) {
            let query = with_casts(query, &casts, cut_after);
            statement = client.prepare(&query).await.map_err(failed)?;
        }
        let columns = described.iter().zip(statement.columns()).map(|(described, column)| {
            // What is none of them was cast.
            let cells = Cells::of(column.type_()).unwrap_or(Cells::Text(true));
            SourceColumn { name: described.name.clone(), cells }
        });
        let columns = columns.collect();
        Ok(Self { statement, columns, described, cut_after })
    }
}

/// The query with some of its columns as the text that Postgres writes, by their places: names may be
/// there twice. Not by casts, of which some types have their own: `inet` one that adds a mask. A row of
/// nulls is not null. The query ends in a line break, as it may end in a comment.
fn with_casts(query: &str, casts: &[bool], cut_after: Option<usize>) -> String {
    let names: Vec<_> = (0..casts.len()).map(|at| format!("c{at}")).collect();
    let text = |name: &str| match cut_after {
        Some(characters) => format!("left(format('%s', {name}), {})", characters + 1),
        None => format!("format('%s', {name})"),
    };
    let select = names.iter().zip(casts).map(|(name, is_cast)| match is_cast {
        true => format!("case num_nulls({name}) when 0 then {} end", text(name)),
        false => name.clone(),
    });
    let select: Vec<_> = select.collect();
    format!("select {} from ({query}\n) as rows ({})", select.join(", "), names.join(", "))
}
