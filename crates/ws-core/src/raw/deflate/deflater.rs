//! Compressing what one end of a connection sends (RFC 7692, 7.2.1).

use bytes::Bytes;

use super::super::Frame;
use crate::{
    CompressionLevel, DeflateConfig, NegotiatedDeflate, Role,
    deflate::{Compressor, Streamed},
    frame::{Opcode, ReservedBits},
};

/// Compresses the messages that one end of a connection sends.
///
/// What it gives has to be sent, in that order: with context takeover, later messages refer to it. Messages that it gives
/// `None` for, or that do not pass through it, go as they are, without RSV1.
///
/// Between messages it holds the window with context takeover, and nothing without; the compressor comes from
/// [the pool](DeflateConfig::pool).
///
/// ```
/// use ws_core::{
///     DeflateConfig, NegotiatedDeflate, Role,
///     raw::deflate::{Deflater, Inflater},
/// };
///
/// let (negotiated, config) = (NegotiatedDeflate::new(), DeflateConfig::new());
/// let mut deflater = Deflater::new(Role::Server, &negotiated, &config);
/// let mut inflater = Inflater::new(Role::Client, &negotiated, &config);
///
/// let text = "again and again ".repeat(20);
/// let compressed = deflater.compress(text.as_bytes()).ok_or("not worth it")?;
/// assert!(compressed.len() < text.len() / 5);
/// assert_eq!(inflater.decompress(&compressed, 1 << 20)?, text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Deflater(Compressor);

impl Deflater {
    /// A compressor for what an endpoint of this role sends, with what both [agreed](super::negotiated) on.
    #[must_use]
    pub fn new(role: Role, negotiated: &NegotiatedDeflate, config: &DeflateConfig) -> Self {
        Self(negotiated.compressor(role, config))
    }

    /// How hard to try from now on. With [`CompressionLevel::NONE`] nothing is compressed.
    pub fn set_level(&mut self, level: CompressionLevel) {
        self.0.set_level(level);
    }

    /// Compresses the payload of a whole message, which goes out with RSV1 in its first frame.
    ///
    /// `None` if the message is better sent as it is: it is below the [threshold](DeflateConfig::threshold), it does not
    /// shrink, or every compressor of the [pool](crate::DeflatePool::max_compressors) is in use. With context takeover a
    /// message that grows by a few bytes is compressed nevertheless, for the next may refer to it.
    pub fn compress(&mut self, payload: &[u8]) -> Option<Bytes> {
        if !self.0.is_worth(payload.len()) {
            return None;
        }
        // By themselves: the buffer of the compressor has room for much more.
        Some(Bytes::copy_from_slice(self.0.message(payload)?.as_slice()))
    }

    /// Compresses a message that is one frame, and sets RSV1.
    ///
    /// The frame is not masked then, whether it was or not: a client calls [`Frame::sent_by`] afterwards. Frames that are
    /// not a whole message come back as they are, and so do those that are better sent so: control frames, fragments,
    /// frames with RSV1 set, and what [`compress`](Self::compress) gives `None` for.
    pub fn compress_frame(&mut self, frame: Frame) -> Frame {
        let header = *frame.header();
        let is_message = header.fin && matches!(header.opcode, Opcode::TEXT | Opcode::BINARY);
        // Before it is unmasked, which takes a copy.
        if !is_message
            || header.reserved.contains(ReservedBits::RSV1)
            || !self.0.is_worth(frame.payload().len())
        {
            return frame;
        }
        let compressed = self.compress(frame.unmasked().payload());
        let Some(payload) = compressed else { return frame };
        Frame::new(header.opcode, payload).with_reserved(header.reserved.union(ReservedBits::RSV1))
    }

    /// Begins a message that is compressed in pieces, whatever its length will be.
    ///
    /// `None` if it has to go as it is: every compressor of the pool is in use, or the level is
    /// [`CompressionLevel::NONE`].
    pub fn begin(&mut self) -> Option<DeflatingMessage<'_>> {
        let message = self.0.begin()?;
        Some(DeflatingMessage { compressor: &mut self.0, message })
    }
}

/// A message that is compressed in pieces; [`Deflater::begin`] makes it.
///
/// The pieces are the payloads of fragments, or of one frame when they are put together. Dropped before it is
/// [finished](Self::finish), it is a message without an end; if any of it was sent, no other can follow.
///
/// ```
/// use ws_core::{
///     DeflateConfig, NegotiatedDeflate, Role,
///     raw::deflate::{Deflater, Inflater},
/// };
///
/// let (negotiated, config) = (NegotiatedDeflate::new(), DeflateConfig::new());
/// let mut deflater = Deflater::new(Role::Server, &negotiated, &config);
/// let mut message = deflater.begin().ok_or("no compressor is free")?;
/// let pieces = [message.push(b"piece "), message.push(b"by piece"), message.finish()];
///
/// let mut inflater = Inflater::new(Role::Client, &negotiated, &config);
/// assert_eq!(inflater.decompress(&pieces.concat(), 100)?, "piece by piece");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct DeflatingMessage<'d> {
    compressor: &'d mut Compressor,
    message: Streamed,
}

impl DeflatingMessage<'_> {
    /// Compresses the next bytes. The receiver can decompress all of them without what follows.
    ///
    /// That takes a few bytes a piece: pieces should be some KiB. Nothing becomes nothing.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> Bytes {
        self.message.push(piece);
        self.take()
    }

    /// Ends the message: with what stands in its last frame, one byte.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        self.message.finish();
        self.compressor.streamed(&mut self.message);
        self.take()
    }

    fn take(&mut self) -> Bytes {
        let output = Bytes::copy_from_slice(self.message.output());
        self.message.clear();
        output
    }
}
