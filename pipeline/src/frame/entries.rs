//! Explodes and unnests a list of entries in one step.
//!
//! Polars explodes by gathering, which for entries with lists in them takes ten times as long as all other
//! work on a record. The entries of a column of decode follow each other already: they are taken as they lie,
//! and only the other columns are repeated.

use std::sync::Arc;

use polars::prelude::{
    AllowedOptimizations, DataFrame, DataType, IdxCa, IdxSize, LazyFrame, PolarsResult, Schema,
    SchemaRef, polars_ensure, polars_err,
};
use polars_arrow::array::{Array, ListArray};

/// The rows of the entries of a list, in order: the fields of the entry, and the other columns of the row that it
/// is in. An empty or null list gives no row; a null entry has nulls, but for what decode has put there.
pub(super) fn unnested(rows: LazyFrame, list: &str) -> LazyFrame {
    let (of_schema, of_frame) = (list.to_owned(), list.to_owned());
    let schema = move |input: &Schema| schema_of_entries(input, &of_schema);
    let entries = move |frame: DataFrame| entries_of(frame, &of_frame);
    rows.map(entries, AllowedOptimizations::empty(), Some(Arc::new(schema)), Some("EXPLODE"))
}

fn schema_of_entries(input: &Schema, list: &str) -> PolarsResult<SchemaRef> {
    let mut schema = input.clone();
    let Some(DataType::List(inner)) = schema.shift_remove(list) else {
        return Err(polars_err!(ComputeError: "{list} is no list"));
    };
    let DataType::Struct(fields) = *inner else {
        return Err(polars_err!(ComputeError: "{list} is no list of entries"));
    };
    for field in fields {
        schema.with_column(field.name, field.dtype);
    }
    Ok(Arc::new(schema))
}

fn entries_of(mut frame: DataFrame, list: &str) -> PolarsResult<DataFrame> {
    let lists = frame.drop_in_place(list)?;
    let lists = lists.list()?.rechunk();
    let array: &ListArray<i64> = lists.downcast_as_array();
    let offsets = array.offsets().as_slice();
    let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
    let mut parents: Vec<IdxSize> = Vec::with_capacity((last - first) as usize);
    for (row, ends) in offsets.windows(2).enumerate() {
        let is_there = ends[0] == ends[1] || array.is_valid(row);
        polars_ensure!(is_there, ComputeError: "a list that is null has entries");
        parents.extend(std::iter::repeat_n(row as IdxSize, (ends[1] - ends[0]) as usize));
    }
    let entries = lists.get_inner().slice(first, (last - first) as usize);
    let height = parents.len();
    let mut columns: Vec<_> = frame.take(&IdxCa::from_vec("".into(), parents))?.into_columns();
    columns.extend(entries.struct_()?.fields_as_series().into_iter().map(Into::into));
    DataFrame::new(height, columns)
}
