//! Compressing the messages of one connection (RFC 7692, 7.2.1).

use std::mem;

use bytes::Bytes;

use super::{
    CompressionLevel, DeflateConfig, DeflatePool,
    codec::{Codec, Shape, TAIL},
    encoder::Encoder,
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
            level: config.level_for(takeover),
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
        let mut lease = self.borrow(self.history.as_slice())?;
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
            let mut lease = self.borrow(&[])?;
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
        let lease = self.borrow(self.history.as_slice())?;
        let mut plain = History::default();
        plain.push(self.history.as_slice(), self.window());
        Some(Streamed {
            lease,
            level: self.effective_level(),
            bits: self.bits,
            plain,
            out: Vec::new(),
            has_tail: false,
            stored: None,
        })
    }

    /// A message that was sent in pieces is complete.
    pub(crate) fn streamed(&mut self, message: &mut Streamed) {
        if self.takeover {
            mem::swap(&mut self.history, &mut message.plain);
        }
    }

    /// A compressor that begins behind this history, which is empty without takeover.
    fn borrow(&self, history: &[u8]) -> Option<Lease> {
        let level = self.effective_level();
        let shape = if Encoder::suits(level) {
            Shape::Fast
        } else {
            let huffman_only = level == CompressionLevel::HUFFMAN_ONLY;
            Shape::Slow { bits: self.bits, memory_level: self.memory_level, huffman_only }
        };
        let mut lease = self.pool.codec(shape)?;
        lease.begin(level, self.bits, history);
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

    /// The bytes by themselves, for large ones. They may wait for long, so they keep no room that they do not need: that is half
    /// of the message as it was.
    pub(crate) fn into_bytes(mut self) -> Bytes {
        let mut bytes = mem::take(&mut self.0.output);
        if bytes.capacity() - bytes.len() > bytes.len() / 8 {
            bytes.shrink_to_fit();
        }
        bytes.into()
    }
}

/// Compresses a message to the output of the codec. Whether it is worth it.
fn compress(codec: &mut Codec, payload: &[u8], takeover: bool) -> bool {
    // With takeover, a message that does not shrink is compressed all the same if it hardly grows, for the next may refer to
    // it; as it is, it would not enter the window. Not if it would grow by more: the peer's limit may count these bytes.
    let slack = if takeover { payload.len() / 1024 + 16 } else { 0 };
    let mut output = mem::take(&mut codec.output);
    output.clear();
    let is_whole = codec.compress(payload, &mut output);
    // 7.2.1: the tail is left out.
    output.truncate(output.len().saturating_sub(TAIL.len()));
    let is_worth_it = output.len() < payload.len() + slack;
    codec.output = output;
    is_whole && is_worth_it
}

/// A message that is compressed piece by piece.
#[derive(Debug)]
pub(crate) struct Streamed {
    lease: Lease,
    level: CompressionLevel,
    bits: u8,
    /// What a piece may refer to: the window of the connection, and of the message up to here.
    plain: History,
    /// What is compressed and not sent.
    out: Vec<u8>,
    /// It ends with the tail of a flush.
    has_tail: bool,
    /// It ends with a stored block, which begins here.
    stored: Option<usize>,
}

impl Streamed {
    /// Compresses the next bytes of the message. Each piece can be decompressed without what follows it.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        let stored = piece.len() + piece.len().div_ceil(STORED) * STORED_HEADER;
        let start = self.out.len();
        let is_whole = self.lease.compress(piece, &mut self.out);
        self.has_tail = is_whole && self.out.len() - start <= stored;
        self.plain.push(piece, 1 << self.bits);
        if self.has_tail {
            self.stored = None;
            return;
        }
        // A piece that does not shrink goes as it is, in blocks of RFC 1951, 3.2.4. The flush before has left the stream at the
        // beginning of a byte. What the compressor made of it is forgotten, and it begins anew behind these bytes.
        self.out.truncate(start);
        self.store(piece);
        self.lease.begin(self.level, self.bits, self.plain.as_slice());
    }

    /// Adds bytes as they are: to the stored block at the end as far as there is room in it, and in others behind it.
    fn store(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let at =
                self.stored.filter(|at| self.out.len() - at < STORED_HEADER + STORED).unwrap_or_else(|| {
                    let at = self.out.len();
                    self.out.extend_from_slice(&[0; STORED_HEADER]);
                    at
                });
            self.stored = Some(at);
            let (block, rest) =
                piece.split_at(piece.len().min(STORED_HEADER + STORED - (self.out.len() - at)));
            self.out.extend_from_slice(block);
            piece = rest;
            let len = (self.out.len() - at - STORED_HEADER) as u16;
            self.out[at + 1..at + 3].copy_from_slice(&len.to_le_bytes());
            self.out[at + 3..at + 5].copy_from_slice(&(!len).to_le_bytes());
        }
    }

    /// Ends the message.
    pub(crate) fn finish(&mut self) {
        if self.has_tail {
            // 7.2.1: the tail is left out.
            self.out.truncate(self.out.len() - TAIL.len());
        } else {
            // The tail of the last flush is sent already, or there was none: an empty block, whose tail is left out.
            self.out.push(0);
        }
        self.has_tail = false;
        self.stored = None;
    }

    /// Whether there is enough to be sent, where fragments have so many bytes. Twice as many of what cannot be compressed, so that
    /// the headers of its blocks come to less than a thousandth.
    pub(crate) fn is_due(&self, fragment: usize) -> bool {
        self.out.len() >= if self.stored.is_some() { fragment.saturating_mul(2) } else { fragment }
    }

    /// What is compressed and not sent.
    pub(crate) fn output(&self) -> &[u8] {
        &self.out
    }

    /// What is compressed is sent.
    pub(crate) fn clear(&mut self) {
        self.out.clear();
        self.has_tail = false;
        self.stored = None;
    }
}

/// Bytes of a stored block, and what stands before them (RFC 1951, 3.2.4).
const STORED: usize = 0xFFFF;
const STORED_HEADER: usize = 5;
/// The windows that zlib can compress with.
const MIN: u8 = 9;
const MAX: u8 = 15;
