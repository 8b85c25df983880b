//! Batches of Arrow as frames of Polars, over Arrow's C data interface: no cell is copied on the way
//! but texts' views. Each of the two has Arrow's arrays as its own types, and this is what they share.

use std::ptr;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::record_batch::RecordBatch;
use polars::prelude::{Column, DataFrame, IntoColumn, PolarsResult, Series};
use polars_arrow::array::Array as PolarsArray;
use polars_arrow::ffi::{ArrowArray, ArrowSchema, import_array_from_c, import_field_from_c};

use crate::error::{Error, Result};

/// A batch as a frame.
pub(super) fn import(batch: &RecordBatch) -> Result<DataFrame> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    let columns: Vec<_> =
        columns.map(|(field, array)| column(field.name(), array)).collect::<Result<_>>()?;
    DataFrame::new(batch.num_rows(), columns)
        .map_err(|source| Error::Frame { doing: "make a frame of rows", source })
}

fn column(name: &str, array: &ArrayRef) -> Result<Column> {
    let doing = "hand a column over to Polars";
    let data = without_zone(array).to_data();
    let schema = FFI_ArrowSchema::try_from(data.data_type());
    let schema = schema.map_err(|source| Error::Arrow { doing, source: source.into() })?;
    let array = handed_over(FFI_ArrowArray::new(&data), &schema);
    array
        .and_then(|array| Series::from_arrow(name.into(), array))
        .map(IntoColumn::into_column)
        .map_err(|source| Error::Frame { doing, source })
}

/// Times without their zone: Polars has zones only with all of them built in.
fn without_zone(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let times = array.as_primitive::<TimestampMicrosecondType>().clone();
            std::sync::Arc::new(times.with_timezone_opt(None::<&str>))
        }
        _ => std::sync::Arc::clone(array),
    }
}

// Both libraries define the structures of the interface, whose layout its specification fixes.
const _: () = assert!(size_of::<FFI_ArrowArray>() == size_of::<ArrowArray>());
const _: () = assert!(align_of::<FFI_ArrowArray>() == align_of::<ArrowArray>());
const _: () = assert!(size_of::<FFI_ArrowSchema>() == size_of::<ArrowSchema>());
const _: () = assert!(align_of::<FFI_ArrowSchema>() == align_of::<ArrowSchema>());

/// Hands an array over as the interface has it: the producer writes into a structure of the consumer,
/// which then owns it and calls its `release`.
#[expect(unsafe_code, reason = "the C data interface is one of pointers")]
fn handed_over(
    array: FFI_ArrowArray,
    schema: &FFI_ArrowSchema,
) -> PolarsResult<Box<dyn PolarsArray>> {
    let mut taken = ArrowArray::empty();
    // SAFETY: `FFI_ArrowArray` and `ArrowArray` are both `#[repr(C)]` with the fields of `struct
    // ArrowArray` in the specification, and so are the two of `struct ArrowSchema`: one may be written
    // or read where the other is. `array` is moved into `taken`, whose own value owns nothing, and is
    // released once, when the imported array is dropped; the schema is only read while it is borrowed.
    // Both were just made of the same `ArrayData`, so they are valid and fit each other.
    unsafe {
        ptr::write((&raw mut taken).cast::<FFI_ArrowArray>(), array);
        let field = import_field_from_c(&*ptr::from_ref(schema).cast::<ArrowSchema>())?;
        import_array_from_c(taken, field.dtype)
    }
}
