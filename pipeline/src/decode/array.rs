//! A column of arrays of values being built.

use polars::prelude::PolarsResult;
use polars_arrow::array::{Array, ListArray};
use polars_arrow::offset::OffsetsBuffer;

use super::builder::{Builder, Extents};
use super::record::Reader;
use super::slot::Slot;
use super::texts::Text;
use crate::feed::Type;

/// A column of arrays of values being built.
#[derive(Debug)]
pub(super) struct ArrayBuilder {
    arrays: Extents,
    count: usize,
    elements: Box<Builder>,
}

impl ArrayBuilder {
    pub(super) fn new(element: &Type, rows: usize) -> Self {
        Self {
            arrays: Extents::with_capacity(rows),
            count: 0,
            elements: Box::new(Builder::of_values(element, rows)),
        }
    }

    pub(super) fn begin(&mut self, text: &Text) {
        self.elements.begin(text);
    }

    pub(super) fn push(&mut self, reader: &Reader<'_>, slot: Slot) {
        let is_array = match slot {
            Slot::Items(run) => {
                let items = reader.items(run);
                self.count += items.len();
                self.elements.push(reader, items.iter().copied());
                true
            }
            _ => false,
        };
        self.arrays.push(self.count, is_array);
    }

    pub(super) fn finish(self) -> PolarsResult<Box<dyn Array>> {
        let elements = self.elements.finish()?;
        let offsets = OffsetsBuffer::try_from(self.arrays.offsets)?;
        let dtype = ListArray::<i64>::default_datatype(elements.dtype().clone());
        let are_there = self.arrays.are_there.into();
        Ok(ListArray::try_new(dtype, offsets, elements, are_there)?.boxed())
    }
}
