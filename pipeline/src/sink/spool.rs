//! Keeps encoded rows until their table's turn: in memory up to a bound, then in a temporary file.

use std::collections::VecDeque;
use std::io::{self, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use crate::error::{Error, Result};

/// Bytes of rows that a spool keeps in memory.
const MEMORY_BYTES: usize = 8 << 20;
/// Bytes that are read from the file at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Rows in the order in which they were pushed: those in the file, then those in memory.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    memory: VecDeque<Bytes>,
    memory_bytes: usize,
    file: Option<File>,
}

impl Spool {
    /// An empty spool whose file, should it need one, has no name and is gone with us.
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder, memory: VecDeque::new(), memory_bytes: 0, file: None }
    }

    pub(super) async fn push(&mut self, rows: Bytes) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.memory_bytes += rows.len();
        self.memory.push_back(rows);
        if self.memory_bytes > MEMORY_BYTES {
            return self.flush_to_file().await.map_err(|source| self.failed(source));
        }
        Ok(())
    }

    async fn flush_to_file(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let folder = self.folder.clone();
                let file = tokio::task::spawn_blocking(|| tempfile::tempfile_in(folder)).await??;
                self.file.insert(File::from_std(file))
            }
        };
        for rows in self.memory.drain(..) {
            file.write_all(&rows).await?;
        }
        self.memory_bytes = 0;
        // A write of tokio's is only known to have succeeded when it is flushed.
        file.flush().await
    }

    /// Turns from pushing to reading.
    pub(super) async fn rewind(&mut self) -> Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.seek(SeekFrom::Start(0)).await.map(drop).map_err(|source| self.failed(source))
    }

    /// The next rows; `None` when there are no more.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        if let Some(file) = &mut self.file {
            let mut chunk = Vec::with_capacity(CHUNK_BYTES);
            let read = file.take(CHUNK_BYTES as u64).read_to_end(&mut chunk).await;
            if read.map_err(|source| self.failed(source))? > 0 {
                return Ok(Some(chunk.into()));
            }
            self.file = None;
        }
        Ok(self.memory.pop_front())
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Spool { folder: self.folder.clone(), source }
    }
}
