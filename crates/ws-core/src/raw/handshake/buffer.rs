//! A buffer on loan from a pool.

use std::{
    mem,
    ops::{Deref, DerefMut},
};

use bytes::BytesMut;

use crate::BufferPool;

/// A buffer that goes back to its pool when it is dropped, with the future that held it for example.
#[derive(Debug)]
pub(super) struct Pooled<'p> {
    buffer: BytesMut,
    pool: &'p BufferPool,
}

impl<'p> Pooled<'p> {
    pub(super) fn take(pool: &'p BufferPool, size: usize) -> Self {
        Self { buffer: pool.take(size), pool }
    }

    /// Makes sure that there is room for a byte, in steps of four times the size up to `most` bytes.
    ///
    /// A larger buffer comes from the pool as well: growing this one would take it from the heap.
    pub(super) fn ensure_room(&mut self, most: usize) {
        if self.buffer.len() < self.buffer.capacity() {
            return;
        }
        let size = self.buffer.len().saturating_mul(4).min(most).max(self.buffer.len() + 1);
        let mut larger = self.pool.take(size);
        larger.extend_from_slice(&self.buffer);
        self.pool.put(mem::replace(&mut self.buffer, larger));
    }

    /// Drops bytes from the front. They are moved over, since a buffer that is advanced loses its front for good.
    pub(super) fn consume(&mut self, count: usize) {
        let rest = self.buffer.len() - count;
        self.buffer.copy_within(count.., 0);
        self.buffer.truncate(rest);
    }

    /// Keeps the buffer if there is something in it.
    pub(super) fn into_read_buf(mut self) -> BytesMut {
        if self.buffer.is_empty() { BytesMut::new() } else { mem::take(&mut self.buffer) }
    }
}

impl Deref for Pooled<'_> {
    type Target = BytesMut;

    fn deref(&self) -> &BytesMut {
        &self.buffer
    }
}

impl DerefMut for Pooled<'_> {
    fn deref_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }
}

impl Drop for Pooled<'_> {
    fn drop(&mut self) {
        if self.buffer.capacity() > 0 {
            self.pool.put(mem::take(&mut self.buffer));
        }
    }
}

/// An honest head fits, with its cookies. Buffers of one size can stand in for each other, those of connections too; a pool
/// that has small ones on top would throw them away to get at the others.
pub(super) const BUFFER_SIZE: usize = 4 << 10;
/// Smaller ones are not worth the way to the pool.
pub(super) const MIN_BUFFER_SIZE: usize = 256;
