//! Buffers that connections borrow while bytes are in flight.

use std::{
    cell::{Cell, RefCell},
    fmt,
    sync::Arc,
};

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

    /// A pool of the application's own. Every buffer comes back to it, where one of the other pools may become the message that was
    /// read into it.
    pub fn own(pool: impl Pool) -> Self {
        Self(Inner::Own(Arc::new(pool)))
    }

    /// An empty buffer with room for at least `capacity` bytes.
    #[must_use]
    #[inline]
    pub fn take(&self, capacity: usize) -> BytesMut {
        match &self.0 {
            Inner::PerThread => take_from_thread(capacity),
            Inner::Off => BytesMut::with_capacity(capacity),
            Inner::Own(pool) => {
                let mut buffer = pool.take(capacity);
                // What an earlier user left in it must not pass for input.
                buffer.clear();
                buffer
            }
        }
    }

    /// Whether a buffer need not come back: one of ours may become a message. A pool of an application's own may count on it.
    #[cfg(feature = "io")]
    pub(crate) fn lets_go(&self) -> bool {
        !matches!(self.0, Inner::Own(_))
    }

    /// Gives a buffer back; what it holds is forgotten.
    #[inline]
    pub fn put(&self, mut buffer: BytesMut) {
        buffer.clear();
        match &self.0 {
            Inner::PerThread => put_to_thread(buffer),
            Inner::Off => {}
            Inner::Own(pool) => pool.put(buffer),
        }
    }
}

#[cfg(feature = "io")]
impl BufferPool {
    /// A connection has ended. Of the buffers that nobody has needed since the one before, some are freed: what a burst has
    /// left behind does not stay.
    pub(crate) fn connection_ended(&self) {
        if let Inner::PerThread = self.0 {
            let _ = THREAD.try_with(|thread| thread.shelf.borrow_mut().trim());
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

/// One read and one write are in flight at a time, in most programs: their buffers lie at hand, the others on a shelf.
#[inline]
fn take_from_thread(capacity: usize) -> BytesMut {
    match THREAD.with(|thread| thread.hand(capacity).take()) {
        Some(buffer) if buffer.capacity() >= capacity => buffer,
        // One that is too small does not come back: buffers of other sizes must not take the places of this one.
        other => take_from_shelf(other, capacity),
    }
}

#[cold]
fn take_from_shelf(_too_small: Option<BytesMut>, capacity: usize) -> BytesMut {
    THREAD.with(|thread| thread.shelf.borrow_mut().take(capacity))
}

#[inline]
fn put_to_thread(buffer: BytesMut) {
    if !(SMALL..=LARGEST).contains(&buffer.capacity()) {
        return;
    }
    // A connection that is dropped while its thread ends finds no shelf any more: the buffer is freed.
    let _ = THREAD.try_with(|thread| {
        let hand = thread.hand(buffer.capacity());
        match hand.take() {
            None => hand.set(Some(buffer)),
            Some(other) => thread.put_beside(hand, other, buffer),
        }
    });
}

/// The buffers of one thread.
struct Thread {
    small: Cell<Option<BytesMut>>,
    large: Cell<Option<BytesMut>>,
    shelf: RefCell<Shelf>,
}

impl Thread {
    const fn new() -> Self {
        Self { small: Cell::new(None), large: Cell::new(None), shelf: RefCell::new(Shelf::new()) }
    }

    fn hand(&self, size: usize) -> &Cell<Option<BytesMut>> {
        if size < LARGE { &self.small } else { &self.large }
    }

    /// Keeps the larger one at hand. One that is smaller is freed: every connection that an HTTP server hands over brings
    /// such a buffer, and whoever wants the larger size would find those in its way.
    #[cold]
    fn put_beside(&self, hand: &Cell<Option<BytesMut>>, at_hand: BytesMut, buffer: BytesMut) {
        let (larger, other) = match at_hand.capacity() >= buffer.capacity() {
            true => (at_hand, buffer),
            false => (buffer, at_hand),
        };
        if other.capacity() == larger.capacity() {
            self.shelf.borrow_mut().put(other);
        }
        hand.set(Some(larger));
    }
}

/// Small and large buffers apart, so that a small request does not take a large buffer away.
struct Shelf {
    small: Vec<BytesMut>,
    large: Vec<BytesMut>,
    /// Since it was trimmed.
    is_used: bool,
}

impl Shelf {
    const fn new() -> Self {
        Self { small: Vec::new(), large: Vec::new(), is_used: false }
    }

    fn take(&mut self, capacity: usize) -> BytesMut {
        self.is_used = true;
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
        let buffers = if buffer.capacity() < LARGE { &mut self.small } else { &mut self.large };
        if buffers.len() < SHELF {
            buffers.push(buffer);
        }
        self.is_used = true;
    }

    #[cfg(feature = "io")]
    fn trim(&mut self) {
        if !std::mem::take(&mut self.is_used) {
            drop((self.small.pop(), self.large.pop()));
        }
    }
}

thread_local! {
    static THREAD: Thread = const { Thread::new() };
}

/// Buffers of a kind that a thread keeps beside the one at hand, for transports that stall.
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
        let pool = BufferPool::per_thread();
        pool.put(BytesMut::with_capacity(1 << 20));
        (0..100).for_each(|_| pool.put(BytesMut::with_capacity(1024)));
        THREAD.with(|thread| {
            assert!(thread.large.take().is_none());
            assert!(thread.small.take().is_some());
            assert_eq!(thread.shelf.borrow().small.len(), SHELF);
        });
    }

    #[test]
    fn smaller_buffer_takes_no_place_of_one_that_lies_at_hand() {
        let pool = BufferPool::per_thread();
        let kept = BytesMut::with_capacity(32 << 10);
        let address = kept.as_ptr();
        pool.put(kept);
        // What an HTTP server hands over with each connection.
        (0..100).for_each(|_| pool.put(BytesMut::with_capacity(16 << 10)));
        THREAD.with(|thread| assert!(thread.shelf.borrow().large.is_empty()));
        assert_eq!(pool.take(32 << 10).as_ptr(), address);
    }

    #[cfg(feature = "io")]
    #[test]
    fn shelf_that_nobody_uses_empties_as_connections_end() {
        let pool = BufferPool::per_thread();
        let fill =
            || [1024, 32 << 10].map(|size| (0..4).for_each(|_| pool.put(BytesMut::with_capacity(size))));
        let kept =
            || THREAD.with(|thread| thread.shelf.borrow().small.len() + thread.shelf.borrow().large.len());
        fill();
        assert_eq!(kept(), 6);
        pool.connection_ended();
        assert_eq!(kept(), 6, "they were used a moment ago");
        (0..3).for_each(|_| pool.connection_ended());
        assert_eq!(kept(), 0);
        // Those at hand stay.
        THREAD.with(|thread| assert!(thread.small.take().is_some() && thread.large.take().is_some()));
    }

    #[test]
    fn small_request_leaves_large_buffers_alone() {
        let pool = BufferPool::per_thread();
        (0..2).for_each(|_| pool.put(BytesMut::with_capacity(64 << 10)));
        (0..2).for_each(|_| assert!(pool.take(1024).capacity() < LARGE));
        (0..2).for_each(|_| assert!(pool.take(16 << 10).capacity() >= 64 << 10));
    }
}
