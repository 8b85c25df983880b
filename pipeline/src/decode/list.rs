//! A column of lists of entries being built.

use polars::prelude::PolarsResult;
use polars_arrow::array::{Array, ListArray, PrimitiveArray, StructArray};
use polars_arrow::bitmap::MutableBitmap;
use polars_arrow::datatypes::{ArrowDataType, Field as ArrowField};
use polars_arrow::offset::OffsetsBuffer;

use super::builder::{Builder, Extents};
use super::record::Reader;
use super::slot::Slot;
use super::texts::Text;
use crate::feed::List;

/// A column of lists of entries being built.
#[derive(Debug)]
pub(super) struct ListBuilder {
    table: usize,
    lists: Extents,
    /// Whether each entry is not null.
    entries: MutableBitmap,
    names: Vec<String>,
    children: Vec<Builder>,
    /// The column with the numbers of the entries, if there is one, and those.
    position: Option<(String, Vec<i64>)>,
}

impl ListBuilder {
    pub(super) fn new(list: &List, rows: usize, entries: &[usize]) -> Self {
        let expected = entries[list.table];
        let children = list.fields.iter().map(|field| Builder::of(field, expected, entries));
        Self {
            table: list.table,
            lists: Extents::with_capacity(rows),
            entries: MutableBitmap::with_capacity(expected),
            names: list.fields.iter().map(|field| field.column.clone()).collect(),
            children: children.collect(),
            position: list.position.clone().map(|name| (name, Vec::with_capacity(expected))),
        }
    }

    pub(super) fn begin(&mut self, text: &Text) {
        self.children.iter_mut().for_each(|child| child.begin(text));
    }

    pub(super) fn count_entries(&self, counts: &mut [usize]) {
        counts[self.table] += self.entries.len();
        self.children.iter().for_each(|child| child.count_entries(counts));
    }

    pub(super) fn push(&mut self, reader: &Reader<'_>, slot: Slot) {
        let is_list = match slot {
            Slot::List(run) => {
                let entries = reader.entries(self.table, run);
                // A null entry has its number all the same, so it is no null of the column.
                let is_numbered = self.position.is_some();
                for entry in entries {
                    self.entries.push(entry.is_there || is_numbered);
                }
                for (at, child) in self.children.iter_mut().enumerate() {
                    child.push(reader, entries.iter().map(|entry| reader.slot_of(*entry, at)));
                }
                if let Some((_, numbers)) = &mut self.position {
                    numbers.extend(1..=entries.len() as i64);
                }
                true
            }
            _ => false,
        };
        self.lists.push(self.entries.len(), is_list);
    }

    pub(super) fn finish(mut self) -> PolarsResult<Box<dyn Array>> {
        let height = self.entries.len();
        let children = self.children.into_iter().map(Builder::finish);
        let mut values = children.collect::<PolarsResult<Vec<_>>>()?;
        if let Some((name, numbers)) = self.position {
            self.names.push(name);
            values.push(PrimitiveArray::from_vec(numbers).boxed());
        }
        let fields = self.names.iter().zip(&values).map(|(name, array)| {
            ArrowField::new(name.as_str().into(), array.dtype().clone(), true)
        });
        let dtype = ArrowDataType::Struct(fields.collect());
        let entries = StructArray::try_new(dtype.clone(), height, values, self.entries.into())?;
        let offsets = OffsetsBuffer::try_from(self.lists.offsets)?;
        let dtype = ListArray::<i64>::default_datatype(dtype);
        let are_there = self.lists.are_there.into();
        Ok(ListArray::try_new(dtype, offsets, entries.boxed(), are_there)?.boxed())
    }
}
