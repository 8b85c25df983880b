//! Plain, gzip or zstd, told by an object's first bytes.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// How an object's bytes are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    Plain,
    /// gzip, of one or more members.
    Gzip,
    /// Zstandard, of one or more frames.
    Zstd,
}

impl Compression {
    /// What the first bytes of an object tell.
    pub(super) const fn of(beginning: &[u8]) -> Self {
        match beginning {
            [0x1F, 0x8B, ..] => Self::Gzip,
            // A frame, or a skippable frame (RFC 8878, sections 3.1.1 and 3.1.2).
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// Decompresses what a reader gives, whatever it is.
pub enum Decompressed<R: BufRead> {
    /// Bytes that are handed on as they are.
    Plain(R),
    /// gzip, of one or more members.
    Gzip(Box<BufReader<MultiGzDecoder<R>>>),
    /// Zstandard, of one or more frames.
    Zstd(BufReader<zstd::Decoder<'static, R>>),
}

impl<R: BufRead> Decompressed<R> {
    /// Looks at the first bytes of `input`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new(mut input: R) -> io::Result<Self> {
        Ok(match Compression::of(input.fill_buf()?) {
            Compression::Gzip => Self::Gzip(Box::new(buffered(MultiGzDecoder::new(input)))),
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(input)?;
                decoder.window_log_max(WINDOW_LOG_MAX)?;
                Self::Zstd(buffered(decoder))
            }
            Compression::Plain => Self::Plain(input),
        })
    }

    /// What the first bytes told.
    pub const fn compression(&self) -> Compression {
        match self {
            Self::Plain(_) => Compression::Plain,
            Self::Gzip(_) => Compression::Gzip,
            Self::Zstd(_) => Compression::Zstd,
        }
    }
}

/// The largest window of Zstandard that is decompressed, as a power of two: 64 MB, which `--ultra -22`
/// and `--long` exceed. The window is held in memory.
const WINDOW_LOG_MAX: u32 = 26;
/// Bytes that are decompressed at once.
const BUFFER_BYTES: usize = 64 << 10;

fn buffered<R: Read>(decoder: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER_BYTES, decoder)
}

impl<R: BufRead> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(buffer),
            Self::Gzip(input) => input.read(buffer),
            Self::Zstd(input) => input.read(buffer),
        }
    }
}

impl<R: BufRead> BufRead for Decompressed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Plain(input) => input.fill_buf(),
            Self::Gzip(input) => input.fill_buf(),
            Self::Zstd(input) => input.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Self::Plain(input) => input.consume(amount),
            Self::Gzip(input) => input.consume(amount),
            Self::Zstd(input) => input.consume(amount),
        }
    }
}

impl<R: BufRead> fmt::Debug for Decompressed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decompressed({})", self.compression())
    }
}
