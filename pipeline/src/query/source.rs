//! Rows that have arrived, as connectorx's source, and how their cells become Arrow's.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Field, Int64Type, Schema, TimestampMicrosecondType};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use connectorx::destinations::arrow::ArrowDestinationError;
use connectorx::prelude::{
    ArrowDestination, ArrowTypeSystem, CXQuery, ConnectorXError, DataOrder, Dispatcher,
    PartitionParser, Produce, Source, SourcePartition, TypeConversion,
};
use connectorx::{impl_transport, impl_typesystem};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

/// Microseconds from 1970, where Arrow begins to count, to 2000, where Postgres does.
const MICROS_TO_2000: i64 = 946_684_800_000_000;

/// The zone in which Postgres sends instants.
const UTC: &str = "UTC";

/// Why connectorx could not move rows.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
    #[error(transparent)]
    Connectorx(#[from] ConnectorXError),
    #[error(transparent)]
    Destination(#[from] ArrowDestinationError),
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
}

/// What the cells of a column are, and whether there may be nulls: there always may, as Postgres does
/// not tell of the columns of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cells {
    Boolean(bool),
    Smallint(bool),
    Int(bool),
    Bigint(bool),
    Real(bool),
    Double(bool),
    Timestamp(bool),
    Instant(bool),
    Text(bool),
}

impl Cells {
    /// Those of a type; none of what is cast to text.
    pub(super) const fn of(data_type: &Type) -> Option<Self> {
        Some(match *data_type {
            Type::BOOL => Self::Boolean(true),
            Type::INT2 => Self::Smallint(true),
            Type::INT4 => Self::Int(true),
            Type::INT8 => Self::Bigint(true),
            Type::FLOAT4 => Self::Real(true),
            Type::FLOAT8 => Self::Double(true),
            Type::TIMESTAMP => Self::Timestamp(true),
            Type::TIMESTAMPTZ => Self::Instant(true),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => Self::Text(true),
            _ => return None,
        })
    }

    pub(super) const fn is_time(self) -> bool {
        matches!(self, Self::Timestamp(_) | Self::Instant(_))
    }
}

impl_typesystem! {
    system = Cells,
    mappings = {
        { Boolean             => bool   }
        { Smallint            => i16    }
        { Int                 => i32    }
        { Bigint              => i64    }
        { Real                => f32    }
        { Double              => f64    }
        { Timestamp | Instant => Micros }
        { Text                => String }
    }
}

/// From our cells to Arrow's. Times pass as integers: connectorx's own would be chrono's, which has
/// neither infinity nor all the years that Postgres has.
struct CellsToArrow;

impl_transport!(
    name = CellsToArrow,
    error = ReadError,
    systems = Cells => ArrowTypeSystem,
    route = Rows => ArrowDestination,
    mappings = {
        { Boolean[bool]     => Boolean[bool]     | conversion auto   }
        { Smallint[i16]     => Int32[i32]        | conversion auto   }
        { Int[i32]          => Int32[i32]        | conversion auto   }
        { Bigint[i64]       => Int64[i64]        | conversion auto   }
        { Real[f32]         => Float32[f32]      | conversion auto   }
        { Double[f64]       => Float64[f64]      | conversion auto   }
        { Timestamp[Micros] => Int64[i64]        | conversion option }
        { Instant[Micros]   => Int64[i64]        | conversion none   }
        { Text[String]      => LargeUtf8[String] | conversion auto   }
    }
);

impl TypeConversion<Micros, i64> for CellsToArrow {
    fn convert(Micros(micros): Micros) -> i64 {
        micros
    }
}

/// A column of a source.
#[derive(Debug, Clone)]
pub(super) struct SourceColumn {
    pub(super) name: String,
    pub(super) cells: Cells,
}

/// Moves rows into columns.
pub(super) fn columns(
    columns: &Arc<[SourceColumn]>,
    rows: Vec<Row>,
) -> Result<RecordBatch, ReadError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    if columns.is_empty() {
        // connectorx counts rows by their cells.
        let schema = Arc::new(Schema::empty());
        return Ok(RecordBatch::try_new_with_options(schema, Vec::new(), &options)?);
    }
    // One more, or it would begin another batch behind the last row.
    let mut arrow = ArrowDestination::new_with_batch_size(rows.len() + 1);
    let source = Rows { columns: Arc::clone(columns), rows };
    // The rows are here already; there is one part of them.
    let query = [CXQuery::naked("")];
    Dispatcher::<_, _, CellsToArrow>::new(source, &mut arrow, &query, None).run()?;
    let schema = arrow.arrow_schema();
    let moved = arrow.arrow()?.pop().unwrap_or_else(|| RecordBatch::new_empty(schema));
    let arrays: Vec<_> =
        columns.iter().zip(moved.columns()).map(|(column, array)| timed(column, array)).collect();
    let fields: Vec<_> = columns
        .iter()
        .zip(&arrays)
        .map(|(column, array)| Field::new(&column.name, array.data_type().clone(), true))
        .collect();
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?)
}

/// A column with its integers as the times that they are.
fn timed(column: &SourceColumn, array: &ArrayRef) -> ArrayRef {
    if !column.cells.is_time() {
        return Arc::clone(array);
    }
    let times = array.as_primitive::<Int64Type>().reinterpret_cast::<TimestampMicrosecondType>();
    match column.cells {
        Cells::Instant(_) => Arc::new(times.with_timezone(UTC)),
        _ => Arc::new(times),
    }
}

/// Rows as a source of one part.
struct Rows {
    columns: Arc<[SourceColumn]>,
    rows: Vec<Row>,
}

impl Source for Rows {
    const DATA_ORDERS: &'static [DataOrder] = &[DataOrder::RowMajor];
    type TypeSystem = Cells;
    type Partition = Self;
    type Error = ReadError;

    fn set_data_order(&mut self, _: DataOrder) -> Result<(), ReadError> {
        Ok(())
    }

    fn set_queries<Q: ToString>(&mut self, _: &[CXQuery<Q>]) {}

    fn set_origin_query(&mut self, _: Option<String>) {}

    fn fetch_metadata(&mut self) -> Result<(), ReadError> {
        Ok(())
    }

    fn result_rows(&mut self) -> Result<Option<usize>, ReadError> {
        Ok(Some(self.rows.len()))
    }

    fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    fn schema(&self) -> Vec<Cells> {
        self.columns.iter().map(|column| column.cells).collect()
    }

    fn partition(self) -> Result<Vec<Self>, ReadError> {
        Ok(vec![self])
    }
}

impl SourcePartition for Rows {
    type TypeSystem = Cells;
    type Parser<'a> = RowParser<'a>;
    type Error = ReadError;

    fn result_rows(&mut self) -> Result<(), ReadError> {
        Ok(())
    }

    fn parser(&mut self) -> Result<RowParser<'_>, ReadError> {
        Ok(RowParser { rows: &self.rows, width: self.columns.len(), next: 0 })
    }

    fn nrows(&self) -> usize {
        self.rows.len()
    }

    fn ncols(&self) -> usize {
        self.columns.len()
    }
}

/// Takes the cells out of rows, one row after the other.
struct RowParser<'a> {
    rows: &'a [Row],
    width: usize,
    next: usize,
}

impl<'a> PartitionParser<'a> for RowParser<'a> {
    type TypeSystem = Cells;
    type Error = ReadError;

    fn fetch_next(&mut self) -> Result<(usize, bool), ReadError> {
        Ok((self.rows.len(), true))
    }
}

impl<'r, T: FromSql<'r>> Produce<'r, T> for RowParser<'_> {
    type Error = ReadError;

    fn produce(&'r mut self) -> Result<T, ReadError> {
        let (row, column) = (self.next / self.width, self.next % self.width);
        self.next += 1;
        Ok(self.rows[row].try_get(column)?)
    }
}

/// A timestamp as microseconds since 1970.
struct Micros(i64);

impl<'a> FromSql<'a> for Micros {
    fn from_sql(
        data_type: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let since_2000 = i64::from_sql(data_type, raw)?;
        let is_infinite = matches!(since_2000, i64::MIN | i64::MAX);
        Ok(Self(if is_infinite { since_2000 } else { since_2000.saturating_add(MICROS_TO_2000) }))
    }

    fn accepts(data_type: &Type) -> bool {
        matches!(*data_type, Type::TIMESTAMP | Type::TIMESTAMPTZ)
    }
}
