//! Tells by an object's content whether it holds JSON, and how.

use std::io;
use std::sync::Arc;

use super::inference::Inference;
use super::shape::Shape;
use crate::error::{Error, Result};
use crate::json::path::JsonPath;
use crate::records::{
    Batches, Compression, CutOptions, Decompressed, Format, TextLimits, read_error,
};
use crate::store::{Object, ObjectReader};

/// Texts of the beginning of an object of which one must be JSON.
const LOOKED_AT: usize = 1000;

/// Beginnings of files of other formats, and what these are.
const OTHERS: [(&[u8], &str); 13] = [
    (b"PAR1", "Parquet"),
    (b"Obj\x01", "Avro"),
    (b"ORC", "ORC"),
    (b"ARROW1", "Arrow"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"BZh", "compressed by bzip2"),
    (b"\xFD7zXZ\0", "compressed by xz"),
    (b"\xFFsNaPpY", "compressed by Snappy"),
    (b"%PDF", "PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"<", "XML or HTML"),
];

/// What an object holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Classified {
    /// JSON.
    Json {
        /// How the records follow each other.
        format: Format,
        /// How the object is compressed.
        compression: Compression,
    },
    /// Something else, or nothing.
    Other {
        /// What it is, or why that cannot be told, as a sentence without its subject.
        reason: String,
    },
}

/// The other format that an object is in, if its first bytes say so.
///
/// # Errors
/// As [`classify`].
pub(crate) async fn other_format(object: &Object) -> Result<Option<&'static str>> {
    let reader = ObjectReader::open_beginning(object, Arc::default());
    let looked_at = object.clone();
    let work = tokio::task::spawn_blocking(move || beginning(reader, &looked_at).map(|it| it.1));
    work.await.map_err(|_| Error::Stopped { object: object.url() })?
}

/// The reader, and what its first bytes say that it is but JSON.
fn beginning(
    mut reader: ObjectReader,
    object: &Object,
) -> Result<(ObjectReader, Option<&'static str>)> {
    let bytes = io::BufRead::fill_buf(&mut reader).map_err(|error| read_error(object, error))?;
    let what = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, what)| *what);
    Ok((reader, what))
}

/// Looks at the beginning of an object; its name does not matter.
///
/// Must be called within a tokio runtime.
///
/// # Errors
/// [`Error::Read`] and [`Error::Changed`], when the object cannot be read. That it is something else
/// than JSON, or damaged, is no error.
pub async fn classify(object: &Object) -> Result<Classified> {
    let reader = ObjectReader::open_beginning(object, Arc::default());
    let looked_at = object.clone();
    let work = tokio::task::spawn_blocking(move || look(reader, &looked_at));
    work.await.map_err(|_| Error::Stopped { object: object.url() })?
}

fn look(reader: ObjectReader, object: &Object) -> Result<Classified> {
    let (reader, what) = beginning(reader, object)?;
    if let Some(what) = what {
        return Ok(other(format!("is {what}")));
    }
    match look_at_records(reader).map_err(|error| read_error(object, error)) {
        Err(Error::NotText { found, .. }) => Ok(other(format!("is not text: {found}"))),
        Err(Error::ExpansionLimit { .. } | Error::TextLimit { .. }) => {
            Ok(other("becomes too much text when it is decompressed".to_owned()))
        }
        Err(Error::Decompress { source, .. }) => Ok(other(format!("is damaged: {source}"))),
        classified => classified,
    }
}

fn look_at_records(reader: ObjectReader) -> io::Result<Classified> {
    let input = Decompressed::new(reader, TextLimits::default())?;
    let compression = input.compression();
    let mut batches = Batches::new(input, CutOptions::default());
    let Some(batch) = batches.next().transpose()? else {
        return Ok(other("holds no records".to_owned()));
    };
    let mut inference = Inference::new(&JsonPath::default());
    inference.read_some(&batch, LOOKED_AT, &mut Shape::default());
    let counts = inference.counts();
    Ok(match batches.format() {
        Some(format) if counts.records + counts.other > 0 => {
            Classified::Json { format, compression }
        }
        _ if counts.malformed == 1 => other("is not JSON: its only record is not".to_owned()),
        _ => other(format!("is not JSON: none of its first {} lines is", counts.malformed)),
    })
}

const fn other(reason: String) -> Classified {
    Classified::Other { reason }
}
