//! The buffer that reads go through.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

use crate::BufferPool;

/// Borrowed while it holds bytes, given back when the transport has no more.
#[derive(Debug)]
pub(super) struct ReadBuffer {
    buffer: BytesMut,
    /// Bytes at the front that are parsed. A position, since a buffer that is advanced loses its front for good.
    parsed: usize,
}

impl ReadBuffer {
    pub(super) fn new(buffer: BytesMut) -> Self {
        Self { buffer, parsed: 0 }
    }

    /// What is read and not parsed.
    pub(super) fn filled(&self) -> &[u8] {
        &self.buffer[self.parsed..]
    }

    pub(super) fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.parsed..]
    }

    /// Where the bytes begin that are not parsed.
    pub(super) fn position(&self) -> usize {
        self.parsed
    }

    /// Bytes that are parsed and have not been overwritten.
    pub(super) fn parsed(&self, from: usize, to: usize) -> &[u8] {
        &self.buffer[from..to]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parsed == self.buffer.len()
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.parsed += count;
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
            self.buffer = pool.take(size);
        } else if self.parsed > 0 {
            self.buffer.clear();
            self.parsed = 0;
        }
        let result = poll_read_buf(Pin::new(io), cx, &mut self.buffer);
        if result.is_pending() {
            self.release(pool);
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
