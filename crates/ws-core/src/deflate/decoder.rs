//! A decompressor with its window (RFC 1951), which holds the peer to the window that was negotiated.

use std::mem;

use miniz_oxide::inflate::{
    TINFLStatus,
    core::{
        DecompressorOxide, decompress,
        inflate_flags::{TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF},
    },
};
use zlib_rs::{Inflate, InflateFlush, Status};

use super::history::History;

/// Decodes DEFLATE streams, one at a time, chunk by chunk, into a buffer of its own.
pub(super) enum Decoder {
    Wide(Wide),
    Narrow(Narrow),
}

/// zlib, for windows of 15 bits: all that the format can refer to, so there is nothing to enforce.
pub(super) struct Wide {
    inflate: Inflate,
    out: Box<[u8]>,
    /// The chunk at hand is the front of `out`.
    len: usize,
    /// What was put out before the chunk at hand.
    window: History,
}

/// For smaller windows. zlib would let a stream refer to everything that one call puts out, so that it would depend on how
/// the bytes were cut whether a stream is refused. Here the output buffer is the window: a ring of just its size.
pub(super) struct Narrow {
    core: Box<DecompressorOxide>,
    ring: Box<[u8]>,
    /// The chunk at hand lies from `start` to `end`, and never across the end of the ring.
    start: usize,
    end: usize,
    /// How much of the ring was ever put out.
    filled: usize,
}

/// What a step of decoding came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Bytes taken from the input.
    pub(super) taken: usize,
    /// Bytes put out.
    pub(super) given: usize,
    /// The stream has ended: its final block did.
    pub(super) ended: bool,
}

/// The input cannot be decompressed: it is not DEFLATE, or refers to what is beyond the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Invalid;

impl Decoder {
    /// A decoder for a window of 8 to 15 bits.
    pub(super) fn new(bits: u8) -> Self {
        if bits < WIDE {
            return Self::Narrow(Narrow::new(1 << bits.max(MIN)));
        }
        let (inflate, out) = (Inflate::new(false, WIDE), zeroed(CHUNK));
        Self::Wide(Wide { inflate, out, len: 0, window: History::default() })
    }

    /// Whether it was made for a window of just so many bits.
    pub(super) fn fits(&self, bits: u8) -> bool {
        match self {
            Self::Wide(_) => bits >= WIDE,
            Self::Narrow(narrow) => bits < WIDE && narrow.ring.len() == 1 << bits.max(MIN),
        }
    }

    /// Whether it only stands in for one that was made for its window.
    pub(super) fn is_stopgap(&self) -> bool {
        matches!(self, Self::Narrow(narrow) if narrow.ring.len() == 1 << WIDE)
    }

    /// Begins a stream. With context takeover it may refer to the history, which is taken until the [end](Self::end).
    pub(super) fn begin(&mut self, history: Option<&mut History>) {
        match self {
            Self::Wide(wide) => {
                wide.window.clear();
                if let Some(history) = history {
                    mem::swap(&mut wide.window, history);
                }
                wide.inflate.reset(false);
                if !wide.window.as_slice().is_empty() {
                    let set = wide.inflate.set_dictionary(wide.window.as_slice());
                    debug_assert!(set.is_ok(), "a stream that has just begun takes a dictionary");
                }
                wide.len = 0;
            }
            Self::Narrow(narrow) => narrow.begin(history.map_or(&[], |history| history.as_slice())),
        }
    }

    /// Gives the history to the next stream of this connection.
    pub(super) fn end(&mut self, history: &mut History) {
        match self {
            Self::Wide(wide) => {
                wide.window.push(&wide.out[..wide.len], 1 << WIDE);
                mem::swap(&mut wide.window, history);
            }
            Self::Narrow(Narrow { ring, end, filled, .. }) => {
                let size = ring.len();
                history.clear();
                if *filled == size {
                    history.push(&ring[*end..], size);
                }
                history.push(&ring[..*end], size);
            }
        }
    }

    /// Begins another stream behind one that has ended, with the same window.
    ///
    /// zlib forgets its window then, and takes long to be given it again; a peer that ends streams over and over could make
    /// that all that we do. The ring keeps it. Gives the decoder back that is not needed any more.
    pub(super) fn restart(&mut self) -> Option<Box<Self>> {
        match self {
            Self::Wide(wide) => {
                wide.window.push(&wide.out[..wide.len], 1 << WIDE);
                let mut narrow = Narrow::new(1 << WIDE);
                narrow.begin(wide.window.as_slice());
                Some(Box::new(mem::replace(self, Self::Narrow(narrow))))
            }
            Self::Narrow(narrow) => {
                narrow.core.init();
                None
            }
        }
    }

    /// Forgets the chunk at hand and begins the next.
    pub(super) fn next_chunk(&mut self) {
        match self {
            Self::Wide(wide) => {
                wide.window.push(&wide.out[..wide.len], 1 << WIDE);
                wide.len = 0;
            }
            Self::Narrow(narrow) => {
                narrow.end %= narrow.ring.len();
                narrow.start = narrow.end;
            }
        }
    }

    /// The chunk at hand.
    pub(super) fn chunk(&self) -> &[u8] {
        match self {
            Self::Wide(wide) => &wide.out[..wide.len],
            Self::Narrow(narrow) => &narrow.ring[narrow.start..narrow.end],
        }
    }

    /// Whether nothing more fits into the chunk at hand.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Wide(wide) => wide.len == wide.out.len(),
            Self::Narrow(narrow) => narrow.end == narrow.ring.len(),
        }
    }

    /// How many bytes of the input to decode at once, so that it is known how long a call takes.
    ///
    /// A block of less than two bytes takes the ring microseconds to begin; zlib has the tables of such blocks at hand.
    pub(super) fn bite(&self) -> usize {
        match self {
            Self::Wide(_) => usize::MAX,
            Self::Narrow(_) => BITE,
        }
    }

    /// Decodes into the chunk at hand until the input ends, the chunk is full, or the stream has ended. What comes before the
    /// fault of an invalid input is in the chunk as well.
    pub(super) fn step(&mut self, input: &[u8]) -> Result<Step, Invalid> {
        match self {
            Self::Wide(wide) => wide.step(input),
            Self::Narrow(narrow) => narrow.step(input),
        }
    }
}

impl Wide {
    fn step(&mut self, input: &[u8]) -> Result<Step, Invalid> {
        let (total_in, total_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, &mut self.out[self.len..], InflateFlush::NoFlush);
        let taken = (self.inflate.total_in() - total_in) as usize;
        let given = (self.inflate.total_out() - total_out) as usize;
        self.len += given;
        let ended = match status {
            Ok(Status::StreamEnd) => true,
            Ok(Status::Ok | Status::BufError) => false,
            Err(_) => return Err(Invalid),
        };
        Ok(Step { taken, given, ended })
    }
}

impl Narrow {
    fn new(size: usize) -> Self {
        Self { core: Box::default(), ring: zeroed(size), start: 0, end: 0, filled: 0 }
    }

    fn begin(&mut self, history: &[u8]) {
        let history = &history[history.len().saturating_sub(self.ring.len())..];
        self.core.init();
        self.ring[..history.len()].copy_from_slice(history);
        self.filled = history.len();
        self.end = history.len() % self.ring.len();
        self.start = self.end;
    }

    fn step(&mut self, input: &[u8]) -> Result<Step, Invalid> {
        // Until the ring was full once, what lies behind `end` is nothing that was put out: it must not be referred to.
        let flags = if self.filled == self.ring.len() {
            TINFL_FLAG_HAS_MORE_INPUT
        } else {
            TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
        };
        let (status, taken, given) = decompress(&mut self.core, input, &mut self.ring, self.end, flags);
        self.end += given;
        self.filled = self.ring.len().min(self.filled + given);
        let ended = match status {
            TINFLStatus::Done => true,
            TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => false,
            _ => return Err(Invalid),
        };
        Ok(Step { taken, given, ended })
    }
}

fn zeroed(len: usize) -> Box<[u8]> {
    vec![0; len].into_boxed_slice()
}

/// The largest window of DEFLATE.
const WIDE: u8 = 15;
/// The smallest that can be negotiated (RFC 7692, 7.1.2).
const MIN: u8 = 8;
/// Two or three milliseconds at the worst, and nothing that ordinary data would notice.
const BITE: usize = 1 << 10;
/// Bytes that zlib puts out at once.
const CHUNK: usize = 16 << 10;
