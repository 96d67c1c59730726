//! The buffer that reads go through.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

use crate::BufferPool;

/// Borrowed while it holds bytes, given back when the transport has no more.
#[derive(Debug)]
pub(super) struct ReadBuffer {
    buffer: BytesMut,
    /// Bytes at the front that are parsed. A position, since a buffer that is advanced loses its front for good.
    parsed: u32,
    /// Room for another message like the last one, in KiB; 0 where the usual buffer will do.
    expected: u8,
    /// A large message had others behind it, and the transport has not run out of bytes since. Room for one would take the
    /// beginning of the next along, which is then read in more steps.
    crowded: bool,
    /// The last read brought much, or there was none.
    dense: bool,
}

impl ReadBuffer {
    pub(super) fn new(buffer: BytesMut) -> Self {
        Self { buffer, parsed: 0, expected: 0, crowded: false, dense: true }
    }

    /// What is read and not parsed.
    pub(super) fn filled(&self) -> &[u8] {
        &self.buffer[self.position()..]
    }

    pub(super) fn filled_mut(&mut self) -> &mut [u8] {
        let from = self.position();
        &mut self.buffer[from..]
    }

    /// Where the bytes begin that are not parsed.
    pub(super) fn position(&self) -> usize {
        self.parsed as usize
    }

    /// Bytes that are parsed and have not been overwritten.
    pub(super) fn parsed(&self, from: usize, to: usize) -> &[u8] {
        &self.buffer[from..to]
    }

    /// The last `len` bytes that were parsed, and what lies behind them.
    pub(super) fn parsed_last(&self, len: usize) -> &[u8] {
        &self.buffer[self.position() - len..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.position() == self.buffer.len()
    }

    /// Whether there is no buffer, and little to be expected.
    #[inline]
    pub(super) fn is_sparse(&self) -> bool {
        !self.dense && usize::from(self.expected) << 10 <= SCRATCH && self.buffer.capacity() == 0
    }

    /// Whether there is no buffer.
    #[inline]
    pub(super) fn is_unbuffered(&self) -> bool {
        self.buffer.capacity() == 0
    }

    /// Whether there is a buffer without bytes: one who writes first gives it back.
    #[inline]
    pub(super) fn is_spare(&self) -> bool {
        self.is_empty() && self.buffer.capacity() > 0
    }

    /// Takes bytes that were read elsewhere, and whether they were all that was asked for.
    pub(super) fn fill(&mut self, pool: &BufferPool, size: usize, bytes: &[u8], dense: bool) {
        self.buffer = pool.take(size);
        self.buffer.extend_from_slice(bytes);
        self.parsed = 0;
        self.dense = dense;
    }

    pub(super) fn consume(&mut self, count: usize) {
        // Buffers are smaller than 4 GiB.
        self.parsed += count as u32;
    }

    /// Parsed bytes as a message to keep.
    ///
    /// A large one with nothing behind it takes the buffer along, cut to its size. Others are copied: a message must not pin a
    /// buffer that is larger than itself, or that others are read with.
    pub(super) fn take(&mut self, from: usize, to: usize, pool: &BufferPool) -> Bytes {
        let len = to - from;
        let is_alone = self.is_empty() && from <= len / 8;
        if len < LARGE || !is_alone || !pool.lets_go() {
            return Bytes::copy_from_slice(&self.buffer[from..to]);
        }
        let mut whole = Vec::from(mem::take(&mut self.buffer));
        self.parsed = 0;
        whole.truncate(to);
        whole.shrink_to_fit();
        let mut message = Bytes::from(whole);
        message.advance(from);
        message
    }

    /// Takes note of the size of a message that was parsed.
    pub(super) fn note(&mut self, len: usize) {
        self.crowded |= len >= LARGE && !self.is_empty();
        // A little more: a message that is a little longer fits as well, and a read that does not fill the buffer shows that
        // the transport has no more, without another one.
        let room = (len + len / 16 + 64).div_ceil(1 << 10);
        self.expected = u8::try_from(room).ok().filter(|room| *room <= MOST).unwrap_or(0);
    }

    /// Reads into a buffer from the pool, and gives it back when the transport is not ready. Everything read before must
    /// be parsed, and is forgotten.
    pub(super) fn poll_fill(
        &mut self,
        io: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
        pool: &BufferPool,
        size: usize,
    ) -> Poll<io::Result<usize>> {
        if self.buffer.capacity() == 0 {
            let expected = if self.crowded { 0 } else { usize::from(self.expected) << 10 };
            self.buffer = pool.take(size.max(expected));
        } else if self.parsed > 0 {
            self.buffer.clear();
            self.parsed = 0;
        }
        let result = poll_read_buf(Pin::new(io), cx, &mut self.buffer);
        match &result {
            Poll::Pending => {
                self.release(pool);
                self.crowded = false;
            }
            Poll::Ready(count) => {
                self.expected = 0;
                self.dense = count.as_ref().is_ok_and(|count| *count >= SCRATCH);
            }
        }
        result
    }

    /// Gives the buffer back; what it holds is forgotten.
    pub(super) fn release(&mut self, pool: &BufferPool) {
        if self.buffer.capacity() > 0 {
            pool.put(mem::take(&mut self.buffer));
            self.parsed = 0;
        }
    }
}

/// Messages from here on are not copied out of their buffer: that would cost more than another buffer.
pub(super) const LARGE: usize = 8 << 10;
/// The most that a read makes room for, in KiB. A pool keeps no larger buffers.
const MOST: u8 = 128;
/// Bytes that are read to the stack or written from there: more are worth a buffer.
pub(super) const SCRATCH: usize = 2048;
