//! Compressing the messages of one connection (RFC 7692, 7.2.1).

use std::mem;

use bytes::Bytes;
use zlib_rs::DeflateFlush;

use super::{
    CompressionLevel, DeflateConfig, DeflatePool,
    codec::{Codec, Shape},
    history::History,
    pool::Lease,
};
use crate::PreparedMessage;

/// Compresses messages, one after the other, and keeps what the next may refer to.
///
/// It holds a compressor only while a message is sent in pieces; between messages it holds the window with context takeover,
/// and nothing without. What enters the window is sent: a message whose compressed form is not used leaves no trace.
#[derive(Debug)]
pub(crate) struct Compressor {
    bits: u8,
    /// No window that a compressor can use was agreed on: nothing may be referred to.
    blind: bool,
    memory_level: u8,
    takeover: bool,
    threshold: usize,
    level: CompressionLevel,
    pool: DeflatePool,
    history: History,
}

impl Compressor {
    /// `bits` is the largest window that the peer takes.
    pub(super) fn new(bits: u8, takeover: bool, config: &DeflateConfig) -> Self {
        // 7.1.2: a window of 8 bits can be agreed on, but zlib has none.
        let (blind, bits) = (bits < MIN, bits.clamp(MIN, MAX));
        Self {
            bits,
            blind,
            memory_level: config.memory_level_for(bits),
            takeover: takeover && !blind,
            threshold: config.threshold_for(takeover),
            level: config.level,
            pool: config.pool.clone(),
            history: History::default(),
        }
    }

    pub(crate) fn set_level(&mut self, level: CompressionLevel) {
        self.level = level;
    }

    /// Whether a message of this length is worth to be compressed.
    pub(crate) fn is_worth(&self, len: usize) -> bool {
        len > 0 && len >= self.threshold && self.level != CompressionLevel::NONE
    }

    /// Compresses a whole message. `None` if it is better sent as it is.
    pub(crate) fn message(&mut self, payload: &[u8]) -> Option<Compressed> {
        let mut lease = self.borrow(self.takeover)?;
        if !compress(&mut lease, payload, self.takeover) {
            return None;
        }
        self.sent(payload);
        Some(Compressed(lease))
    }

    /// The frame of a message that is compressed once for many connections. `None` if it is better sent as it is.
    pub(crate) fn prepared(&mut self, message: &PreparedMessage) -> Option<Bytes> {
        let payload = message.payload();
        // It refers to nothing before it, so that it suits every connection with such a window.
        let frame = message.compressed((self.bits, self.effective_level()), || {
            let mut lease = self.borrow(false)?;
            Some(compress(&mut lease, payload, false).then(|| Compressed(lease).into_bytes()))
        })?;
        self.sent(payload);
        Some(frame)
    }

    /// Begins a message that is sent in pieces. `None` if it has to be sent as it is.
    pub(crate) fn begin(&self) -> Option<Streamed> {
        if self.level == CompressionLevel::NONE {
            return None;
        }
        let lease = self.borrow(self.takeover)?;
        Some(Streamed {
            lease,
            plain: History::default(),
            size: self.window(),
            dirty: false,
            out: Vec::new(),
        })
    }

    /// A message that was sent in pieces is complete.
    pub(crate) fn streamed(&mut self, message: &Streamed) {
        self.sent(message.plain.as_slice());
    }

    fn borrow(&self, with_history: bool) -> Option<Lease> {
        let level = self.effective_level();
        let huffman_only = level == CompressionLevel::HUFFMAN_ONLY;
        let mut lease =
            self.pool.codec(Shape { bits: self.bits, memory_level: self.memory_level, huffman_only })?;
        lease.begin(level, if with_history { self.history.as_slice() } else { &[] });
        Some(lease)
    }

    fn effective_level(&self) -> CompressionLevel {
        if self.blind { CompressionLevel::HUFFMAN_ONLY } else { self.level }
    }

    /// The peer will have these bytes in its window.
    fn sent(&mut self, payload: &[u8]) {
        if self.takeover {
            self.history.push(payload, self.window());
        }
    }

    fn window(&self) -> usize {
        1 << self.bits
    }
}

/// A compressed message, as it goes into its frame.
#[derive(Debug)]
pub(crate) struct Compressed(Lease);

impl Compressed {
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0.output
    }

    /// The bytes by themselves, for large ones.
    pub(crate) fn into_bytes(mut self) -> Bytes {
        mem::take(&mut self.0.output).into()
    }
}

/// Compresses a message to the output of the codec. Whether it is worth it.
fn compress(codec: &mut Codec, payload: &[u8], takeover: bool) -> bool {
    // With takeover, a message that does not shrink is compressed all the same if it hardly grows, for the next may refer to
    // it; as it is, it would not enter the window. Not if it would grow by more: the peer's limit may count these bytes.
    let slack = if takeover { payload.len() / 1024 + 16 } else { 0 };
    let limit = payload.len() + slack + TAIL.len();
    let mut output = mem::take(&mut codec.output);
    output.clear();
    let fits = codec.compress(payload, DeflateFlush::SyncFlush, &mut output, limit);
    let is_whole = fits && output.ends_with(&TAIL);
    // 7.2.1: the tail is left out.
    output.truncate(output.len().saturating_sub(TAIL.len()));
    codec.output = output;
    is_whole
}

/// A message that is compressed piece by piece.
#[derive(Debug)]
pub(crate) struct Streamed {
    lease: Lease,
    /// What was compressed, for the window of the next message.
    plain: History,
    size: usize,
    /// Something was compressed since the last flush.
    dirty: bool,
    /// What is compressed and not sent.
    out: Vec<u8>,
}

/// How much of what was compressed must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flush {
    /// As it comes.
    None,
    /// All of it.
    Sync,
    /// All of it, and the message ends.
    Finish,
}

impl Streamed {
    /// Compresses the next bytes of the message.
    pub(crate) fn push(&mut self, piece: &[u8], flush: Flush) {
        self.plain.push(piece, self.size);
        self.dirty |= !piece.is_empty();
        let mode = match flush {
            Flush::None => DeflateFlush::NoFlush,
            Flush::Sync | Flush::Finish => DeflateFlush::SyncFlush,
        };
        if self.dirty {
            let whole = self.lease.compress(piece, mode, &mut self.out, usize::MAX);
            debug_assert!(whole, "without a limit everything fits");
        }
        if flush == Flush::Finish {
            if self.dirty {
                // 7.2.1: the tail is left out.
                self.out.truncate(self.out.len().saturating_sub(TAIL.len()));
            } else {
                // The tail of the last flush is sent already: an empty block, whose tail is left out.
                self.out.push(0);
            }
        }
        if flush != Flush::None {
            self.dirty = false;
        }
    }

    /// Whether there is something that no flush has put out.
    #[cfg(feature = "io")]
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty || !self.out.is_empty()
    }

    /// What is compressed and not sent.
    pub(crate) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }
}

/// What every flush ends with: the rest of an empty block (7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];
/// The windows that zlib can compress with.
const MIN: u8 = 9;
const MAX: u8 = 15;
