//! Plain, gzip or zstd, told by an object's first bytes.

use std::io::{self, BufRead, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::{fmt, thread};

use flate2::bufread::MultiGzDecoder;

use super::text_limits::TextLimits;

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

/// The text that a reader's bytes are, decompressed if they are compressed: on a thread of its own, so
/// that its user works meanwhile.
pub struct Decompressed<R> {
    compression: Compression,
    input: Input<R>,
}

enum Input<R> {
    Plain(R),
    Unpacked(Pieces),
}

impl<R: BufRead + Send + 'static> Decompressed<R> {
    /// Looks at the first bytes of `input`. Reading fails when the text exceeds a limit.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new(mut input: R, limits: TextLimits) -> io::Result<Self> {
        let compression = Compression::of(input.fill_buf()?);
        let input = match compression {
            Compression::Plain => Input::Plain(input),
            Compression::Gzip => {
                let (input, budget) = Counted::new(input, limits);
                Input::Unpacked(Pieces::of(MultiGzDecoder::new(input), budget)?)
            }
            Compression::Zstd => {
                let (input, budget) = Counted::new(input, limits);
                let mut decoder = zstd::Decoder::with_buffer(input)?;
                decoder.window_log_max(WINDOW_LOG_MAX)?;
                Input::Unpacked(Pieces::of(decoder, budget)?)
            }
        };
        Ok(Self { compression, input })
    }

    /// What the first bytes told.
    pub const fn compression(&self) -> Compression {
        self.compression
    }
}

/// The largest window of Zstandard that is decompressed, as a power of two: 64 MB, which `--ultra -22`
/// and `--long` exceed. The window is held in memory.
const WINDOW_LOG_MAX: u32 = 26;
/// Bytes that are decompressed at once.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that wait for the reader at most.
const WAITING_PIECES: usize = 2;

/// Counts the stored bytes that a decoder takes.
struct Counted<R> {
    input: R,
    taken: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    fn new(input: R, limits: TextLimits) -> (Self, Budget) {
        let taken = Arc::<AtomicU64>::default();
        let budget = Budget { limits, stored_bytes: Arc::clone(&taken), text_bytes: 0 };
        (Self { input, taken }, budget)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken.fetch_add(amount as u64, Ordering::Relaxed);
        self.input.consume(amount);
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// How much text has come from how many stored bytes, and how much may.
struct Budget {
    limits: TextLimits,
    stored_bytes: Arc<AtomicU64>,
    text_bytes: u64,
}

impl Budget {
    /// Fails when the next piece of text is beyond a limit.
    fn spend(&mut self, piece: &[u8]) -> io::Result<()> {
        self.text_bytes += piece.len() as u64;
        let stored_bytes = self.stored_bytes.load(Ordering::Relaxed);
        self.limits.check(self.text_bytes, stored_bytes).map_err(io::Error::other)
    }
}

/// What another thread decompresses.
struct Pieces {
    pieces: mpsc::Receiver<io::Result<Vec<u8>>>,
    piece: io::Cursor<Vec<u8>>,
    /// The last piece is empty, so that a thread that died is not taken for the end.
    ended: bool,
}

impl Pieces {
    fn of(decoder: impl Read + Send + 'static, budget: Budget) -> io::Result<Self> {
        let (sender, pieces) = mpsc::sync_channel(WAITING_PIECES);
        thread::Builder::new()
            .name("decompress".to_owned())
            .spawn(move || decompress(decoder, budget, &sender))?;
        Ok(Self { pieces, piece: io::Cursor::default(), ended: false })
    }

    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.piece.fill_buf()?.is_empty() && !self.ended {
            let piece = self.pieces.recv().map_err(io::Error::other)??;
            self.ended = piece.is_empty();
            self.piece = io::Cursor::new(piece);
        }
        self.piece.fill_buf()
    }
}

/// Sends the text in pieces, the last one empty, until nobody takes them or there is too much.
fn decompress(
    mut decoder: impl Read,
    mut budget: Budget,
    pieces: &mpsc::SyncSender<io::Result<Vec<u8>>>,
) {
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let read = decoder.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece);
        let is_last = piece.is_empty();
        if let Err(too_much) = budget.spend(&piece) {
            pieces.send(Err(too_much)).ok();
            return;
        }
        // What came before an error is text all the same.
        if (!is_last || read.is_ok()) && pieces.send(Ok(piece)).is_err() {
            return;
        }
        if let Err(error) = read {
            pieces.send(Err(error)).ok();
            return;
        }
        if is_last {
            return;
        }
    }
}

impl<R: BufRead> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Decompressed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match &mut self.input {
            Input::Plain(input) => input.fill_buf(),
            Input::Unpacked(pieces) => pieces.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match &mut self.input {
            Input::Plain(input) => input.consume(amount),
            Input::Unpacked(pieces) => pieces.piece.consume(amount),
        }
    }
}

impl<R> fmt::Debug for Decompressed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decompressed({})", self.compression)
    }
}
