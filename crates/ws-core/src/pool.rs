//! Buffers that connections borrow while bytes are in flight.

use std::{cell::RefCell, fmt, sync::Arc};

use bytes::BytesMut;

/// Where a connection takes its buffers from, and where it returns them.
///
/// A connection holds a buffer only while it has bytes in it, so a pool of a few buffers serves any number of
/// connections. The default pool is per thread: no locks, no sharing between cores.
#[derive(Clone, Default)]
pub struct BufferPool(Inner);

#[derive(Clone, Default)]
enum Inner {
    #[default]
    PerThread,
    Off,
    Own(Arc<dyn Pool>),
}

/// A pool that an application brings along.
pub trait Pool: Send + Sync + 'static {
    /// An empty buffer with room for at least `capacity` bytes.
    fn take(&self, capacity: usize) -> BytesMut;

    /// Takes a buffer back. It is empty; its capacity may have grown.
    fn put(&self, buffer: BytesMut);
}

impl BufferPool {
    /// A few buffers for each thread: the default.
    #[must_use]
    pub fn per_thread() -> Self {
        Self(Inner::PerThread)
    }

    /// No pool: buffers are allocated when needed and freed when drained.
    #[must_use]
    pub fn off() -> Self {
        Self(Inner::Off)
    }

    /// A pool of the application's own.
    pub fn own(pool: impl Pool) -> Self {
        Self(Inner::Own(Arc::new(pool)))
    }

    /// An empty buffer with room for at least `capacity` bytes.
    #[must_use]
    pub fn take(&self, capacity: usize) -> BytesMut {
        match &self.0 {
            Inner::PerThread => THREAD.with_borrow_mut(|shelf| shelf.take(capacity)),
            Inner::Off => BytesMut::with_capacity(capacity),
            Inner::Own(pool) => {
                let mut buffer = pool.take(capacity);
                // What an earlier user left in it must not pass for input.
                buffer.clear();
                buffer
            }
        }
    }

    /// Gives a buffer back; what it holds is forgotten.
    pub fn put(&self, mut buffer: BytesMut) {
        buffer.clear();
        match &self.0 {
            // A connection that is dropped while its thread ends finds no shelf any more: the buffer is freed.
            Inner::PerThread => drop(THREAD.try_with(|shelf| shelf.borrow_mut().put(buffer))),
            Inner::Off => {}
            Inner::Own(pool) => pool.put(buffer),
        }
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Inner::PerThread => "BufferPool::per_thread()",
            Inner::Off => "BufferPool::off()",
            Inner::Own(_) => "BufferPool::own(..)",
        })
    }
}

/// The buffers of one thread, small and large apart so that a small request does not take a large buffer away.
struct Shelf {
    small: Vec<BytesMut>,
    large: Vec<BytesMut>,
}

impl Shelf {
    const fn new() -> Self {
        Self { small: Vec::new(), large: Vec::new() }
    }

    fn take(&mut self, capacity: usize) -> BytesMut {
        let buffers = if capacity < LARGE { &mut self.small } else { &mut self.large };
        // One that is too small does not come back: buffers of other sizes must not take the places of this one.
        while let Some(buffer) = buffers.pop() {
            if buffer.capacity() >= capacity {
                return buffer;
            }
        }
        BytesMut::with_capacity(capacity)
    }

    fn put(&mut self, buffer: BytesMut) {
        let buffers = match buffer.capacity() {
            0..SMALL => return,
            SMALL..LARGE => &mut self.small,
            LARGE..=LARGEST => &mut self.large,
            _ => return,
        };
        if buffers.len() < SHELF {
            buffers.push(buffer);
        }
    }
}

thread_local! {
    static THREAD: RefCell<Shelf> = const { RefCell::new(Shelf::new()) };
}

/// Buffers of a kind that a thread keeps. One read and one write are in flight at a time unless transports stall.
const SHELF: usize = 16;
/// Buffers under this size are not worth keeping.
const SMALL: usize = 256;
/// Where write buffers end and read buffers begin.
const LARGE: usize = 12 << 10;
/// Buffers over this size are freed, so that one large message does not stay in memory.
const LARGEST: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_pool_returns_what_was_put() {
        let pool = BufferPool::per_thread();
        let mut buffer = pool.take(4096);
        buffer.extend_from_slice(b"secret");
        let address = buffer.as_ptr();
        pool.put(buffer);
        let again = pool.take(4096);
        assert_eq!(again.as_ptr(), address);
        assert!(again.is_empty() && again.capacity() >= 4096);
    }

    #[test]
    fn thread_pool_keeps_no_huge_buffer_and_no_more_than_a_few() {
        let mut shelf = Shelf::new();
        shelf.put(BytesMut::with_capacity(1 << 20));
        assert!(shelf.large.is_empty());
        (0..100).for_each(|_| shelf.put(BytesMut::with_capacity(1024)));
        assert_eq!(shelf.small.len(), SHELF);
    }

    #[test]
    fn small_request_leaves_large_buffers_alone() {
        let mut shelf = Shelf::new();
        shelf.put(BytesMut::with_capacity(64 << 10));
        assert!(shelf.take(1024).capacity() < LARGE);
        assert!(shelf.take(16 << 10).capacity() >= 64 << 10);
    }
}
