//! A file that rows are written into.

use std::fs::File;
use std::io::{BufWriter, Write};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::{FileFormat, WriteError};

/// Parquet keeps a group of rows in memory until it is whole: one ends when it takes so much there.
const ROW_GROUP_BYTES: usize = 16 << 20;

/// A file while it is written.
pub(super) enum Sheet {
    Text(BufWriter<File>),
    Parquet(Box<ArrowWriter<File>>),
}

impl Sheet {
    /// Begins an empty file; only Parquet needs the schema.
    pub(super) fn begin(
        format: FileFormat,
        file: File,
        schema: SchemaRef,
    ) -> Result<Self, WriteError> {
        if format != FileFormat::Parquet {
            return Ok(Self::Text(BufWriter::new(file)));
        }
        if schema.fields().is_empty() {
            return Err("Parquet has no rows without columns".into());
        }
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("stevedore ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        Ok(Self::Parquet(Box::new(ArrowWriter::try_new(file, schema, Some(properties))?)))
    }

    /// Adds text, of which Parquet has none.
    pub(super) fn lines(&mut self, text: &[u8]) -> Result<(), WriteError> {
        match self {
            Self::Text(file) => Ok(file.write_all(text)?),
            Self::Parquet(_) => Ok(()),
        }
    }

    /// Adds rows, of which text has none.
    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let Self::Parquet(file) = self else { return Ok(()) };
        file.write(batch)?;
        if file.memory_size() >= ROW_GROUP_BYTES {
            file.flush()?;
        }
        Ok(())
    }

    /// Writes what was held back.
    pub(super) fn end(self) -> Result<File, WriteError> {
        Ok(match self {
            Self::Text(file) => file.into_inner().map_err(|error| error.into_error())?,
            Self::Parquet(file) => file.into_inner()?,
        })
    }
}
