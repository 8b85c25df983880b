//! Reads texts from the version of the object that was loaded.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use bytes::Bytes;

use super::open::OpenReject;
use crate::error::{Error, Result};
use crate::records::{Compression, Decompressed, TextLimits, read_error};
use crate::store::{Object, ObjectReader, verify_version};

/// The texts of rejects of one load, in the order of their places.
pub(super) async fn read_again(
    object: &Object,
    rejects: &[OpenReject],
    limits: TextLimits,
) -> Result<Vec<Bytes>> {
    let is_plain = rejects.first().is_some_and(|it| it.source.compression == Compression::Plain);
    let texts = if is_plain {
        let mut texts = Vec::with_capacity(rejects.len());
        for reject in rejects {
            let end = (reject.byte_offset + reject.byte_length).min(object.size);
            let start = reject.byte_offset.min(end);
            let (reader, _arrival) = ObjectReader::open_within(object, start..end);
            let length = reject.byte_length;
            texts.extend(on_a_thread(object, move || Ok(vec![take(reader, length)?])).await?);
        }
        texts
    } else {
        let places: Vec<_> = rejects.iter().map(|it| (it.byte_offset, it.byte_length)).collect();
        let reader = ObjectReader::open(object, Arc::default());
        on_a_thread(object, move || unpack(reader, &places, limits)).await?
    };
    verify_version(object).await?;
    Ok(texts)
}

/// The texts at these places of the text that an object is when it is unpacked.
fn unpack(
    reader: ObjectReader,
    places: &[(u64, u64)],
    limits: TextLimits,
) -> io::Result<Vec<Bytes>> {
    let mut text = Decompressed::new(reader, limits)?;
    let (mut at, mut texts) = (0, Vec::with_capacity(places.len()));
    for (offset, length) in places {
        io::copy(&mut text.by_ref().take(offset.saturating_sub(at)), &mut io::sink())?;
        texts.push(take(text.by_ref(), *length)?);
        at = offset + length;
    }
    Ok(texts)
}

fn take(text: impl BufRead, length: u64) -> io::Result<Bytes> {
    let mut taken = Vec::new();
    text.take(length).read_to_end(&mut taken)?;
    if taken.len() as u64 == length {
        Ok(taken.into())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

async fn on_a_thread(
    object: &Object,
    read: impl FnOnce() -> io::Result<Vec<Bytes>> + Send + 'static,
) -> Result<Vec<Bytes>> {
    let texts = tokio::task::spawn_blocking(read).await;
    let texts = texts.map_err(|_| Error::Stopped { object: object.url() })?;
    texts.map_err(|error| read_error(object, error))
}
