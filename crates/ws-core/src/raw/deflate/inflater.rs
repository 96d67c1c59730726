//! Decompressing what one end of a connection receives (RFC 7692, 7.2.2).

use std::mem;

use bytes::Bytes;

use super::super::Frame;
use crate::{
    DeflateConfig, NegotiatedDeflate, ProtocolError, Role, Violation, deflate,
    frame::{Opcode, ReservedBits},
};

/// Decompresses the messages that one end of a connection receives.
///
/// Every compressed message has to pass through it, in order: with context takeover, later messages refer to it. The peer is
/// held to the window and the takeover that were negotiated, to the byte.
///
/// Decompressing takes a **limit** always. A few bytes can become a thousand times as many, so what the wire carries bounds
/// nothing. Memory follows what has come out so far, at the most one chunk of 32 KiB beyond the limit.
///
/// A violation is final: every later call fails with it. Its [close code](Violation::close_code) is for the caller to send.
///
/// ```
/// use ws_core::{DeflateConfig, NegotiatedDeflate, ProtocolError, Role, Violation, raw::deflate::Inflater};
///
/// let mut inflater = Inflater::new(Role::Server, &NegotiatedDeflate::new(), &DeflateConfig::new());
/// // The messages of RFC 7692, 7.2.3: the second refers to the first.
/// assert_eq!(inflater.decompress(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], 5)?, "Hello");
/// assert_eq!(inflater.decompress(&[0xf2, 0x00, 0x11, 0x00, 0x00], 5)?, "Hello");
///
/// let wrong = inflater.decompress(b"not compressed", 1024);
/// assert_eq!(wrong, Err(Violation::Protocol(ProtocolError::InvalidDeflate)));
/// # Ok::<(), Violation>(())
/// ```
#[derive(Debug)]
pub struct Inflater {
    inner: deflate::Inflater,
    /// Bytes of the message at hand that have come out.
    total: u64,
    /// The chunk that was given out last was the end of its message.
    done: bool,
    failed: Option<Violation>,
}

impl Inflater {
    /// A decompressor for what an endpoint of this role receives, with what both [agreed](super::negotiated) on.
    #[must_use]
    pub fn new(role: Role, negotiated: &NegotiatedDeflate, config: &DeflateConfig) -> Self {
        Self { inner: negotiated.inflater(role, config), total: 0, done: false, failed: None }
    }

    /// Decompresses the payload of a whole message, put together from its fragments; it becomes `limit` bytes at the most.
    ///
    /// Text is not checked: [`Utf8Bytes::try_from`](crate::Utf8Bytes) does that.
    ///
    /// # Errors
    /// [`ProtocolError::InvalidDeflate`], which is 1007, and [`Violation::TooBig`], which is 1009.
    pub fn decompress(&mut self, payload: &[u8], limit: u64) -> Result<Bytes, Violation> {
        let mut input = payload;
        let mut output = Vec::new();
        while let Some(chunk) = self.next_chunk(&mut input, true, limit)? {
            let len = output.len() + chunk.len();
            if len > output.capacity() {
                // Twice what there was, but not more than the limit, which is not below what has come out.
                let most = usize::try_from(limit).unwrap_or(usize::MAX);
                let room = len.max(output.capacity().saturating_mul(2)).min(most);
                output.reserve_exact(room - output.len());
            }
            output.extend_from_slice(chunk);
        }
        Ok(output.into())
    }

    /// Decompresses a message that is one frame, and clears RSV1; the payload becomes `limit` bytes at the most.
    ///
    /// The mask is taken off, and other reserved bits stay. Frames without RSV1 come back as they are, and so do first
    /// fragments: those have to be put together with the others first.
    ///
    /// # Errors
    /// As for [`decompress`](Self::decompress), and [`ProtocolError::ReservedBits`] for RSV1 in a control frame or in a
    /// continuation frame (RFC 7692, 6.1), if no [`FrameChecker`](super::super::FrameChecker) has refused that before.
    pub fn decompress_frame(&mut self, frame: Frame, limit: u64) -> Result<Frame, Violation> {
        let header = *frame.header();
        if !header.reserved.contains(ReservedBits::RSV1) {
            return Ok(frame);
        }
        // 6.1: never in a control frame, and only in the first frame of a message.
        if !matches!(header.opcode, Opcode::TEXT | Opcode::BINARY) {
            return Err(self.fail(ProtocolError::ReservedBits));
        }
        if !header.fin {
            return Ok(frame);
        }
        let payload = self.decompress(frame.into_unmasked().payload(), limit)?;
        Ok(Frame::new(header.opcode, payload).with_reserved(header.reserved.difference(ReservedBits::RSV1)))
    }

    /// Decompresses a message piece by piece: takes bytes from the front of `input`, and gives the next chunk that they
    /// become, 32 KiB at the most.
    ///
    /// Call it until it gives `None`. Then all of the input is taken: the next piece of the message can follow, or, if
    /// `is_last` said that there is none, the next message. The limit counts what the whole message becomes.
    ///
    /// ```
    /// use ws_core::{DeflateConfig, NegotiatedDeflate, Role, Violation, raw::deflate::Inflater};
    ///
    /// let mut inflater = Inflater::new(Role::Client, &NegotiatedDeflate::new(), &DeflateConfig::new());
    /// let mut text = Vec::new();
    /// let pieces: [(&[u8], bool); 2] = [(&[0xf2, 0x48, 0xcd], false), (&[0xc9, 0xc9, 0x07, 0x00], true)];
    /// for (mut input, is_last) in pieces {
    ///     while let Some(chunk) = inflater.next_chunk(&mut input, is_last, 1 << 20)? {
    ///         text.extend_from_slice(chunk);
    ///     }
    /// }
    /// assert_eq!(text, b"Hello");
    /// # Ok::<(), Violation>(())
    /// ```
    ///
    /// # Errors
    /// As for [`decompress`](Self::decompress).
    pub fn next_chunk(
        &mut self,
        input: &mut &[u8],
        is_last: bool,
        limit: u64,
    ) -> Result<Option<&[u8]>, Violation> {
        if let Some(violation) = self.failed {
            return Err(violation);
        }
        if mem::take(&mut self.done) {
            self.end();
            // Input behind the end is the next message's, although nobody asked whether there was more of the last.
            if input.is_empty() {
                return Ok(None);
            }
        }
        loop {
            if input.is_empty() && !is_last && !self.inner.is_full() {
                return Ok(None);
            }
            let progress = self.inner.inflate(input, is_last);
            let len = self.inner.output().len();
            self.total = self.total.saturating_add(len as u64);
            // Chunk by chunk: a chunk over the limit is not given out.
            if self.total > limit {
                return Err(self.fail(Violation::TooBig { limit }));
            }
            let Ok(progress) = progress else {
                return Err(self.fail(ProtocolError::InvalidDeflate));
            };
            *input = &input[progress.taken..];
            if len > 0 {
                self.done = progress.done;
                return Ok(Some(self.inner.output()));
            }
            if progress.done {
                self.end();
                return Ok(None);
            }
        }
    }

    fn end(&mut self) {
        self.inner.end();
        self.total = 0;
    }

    fn fail(&mut self, violation: impl Into<Violation>) -> Violation {
        *self.failed.insert(violation.into())
    }
}
