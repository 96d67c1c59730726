//! The tasks that wait on one connection.
//!
//! A transport remembers one task for each direction: the last one that polled it. With a connection that is split into a
//! stream and a sink, two tasks poll its write direction, because reads flush what is queued; and the one that polled
//! first would never hear of it again.

use std::{
    sync::Arc,
    task::{Wake, Waker},
};

/// Who polls: the reading side, which flushes before it waits, or the writing side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiter {
    Reader,
    Writer,
}

impl Waiter {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Reader => Self::Writer,
            Self::Writer => Self::Reader,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Waiters {
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// The waker that was made last to wake two tasks.
    both: Option<Arc<Both>>,
    /// The reader has waited since it last began to read.
    reader_waits: bool,
    /// The reader waits for the write direction, too: what was queued did not go out as a whole.
    reader_flushes: bool,
}

impl Waiters {
    /// The tasks that wait, in the order of [`Waiter`].
    pub(super) fn wakers(&self) -> [Option<Waker>; 2] {
        [self.reader.clone(), self.writer.clone()]
    }

    /// Somebody waits for bytes, or for the end.
    #[inline]
    pub(super) fn waits(&mut self, by: Waiter, waker: &Waker) {
        match by {
            Waiter::Reader => {
                remember(&mut self.reader, waker);
                self.reader_waits = true;
            }
            Waiter::Writer => remember(&mut self.writer, waker),
        }
    }

    /// The reader looks at everything.
    #[inline]
    pub(super) fn reads(&mut self) {
        self.reader_waits = false;
    }

    /// Something was queued, which a reader that waits writes.
    #[inline]
    pub(super) fn queued(&mut self) {
        if self.reader_waits {
            self.wake_reader();
        }
    }

    /// Somebody waits for the write direction.
    pub(super) fn flush_waits(&mut self, by: Waiter, waker: &Waker) {
        match by {
            Waiter::Reader => {
                remember(&mut self.reader, waker);
                self.reader_waits = true;
                self.reader_flushes = true;
            }
            Waiter::Writer => remember(&mut self.writer, waker),
        }
    }

    /// All is written: who waits for that can go on.
    #[inline]
    pub(super) fn written(&mut self, by: Waiter) {
        let reader_flushes = std::mem::take(&mut self.reader_flushes);
        match by {
            Waiter::Reader => self.wake_writer(),
            Waiter::Writer => {
                self.writer = None;
                if reader_flushes {
                    self.wake_reader();
                }
            }
        }
    }

    /// Something changed that one side must look at.
    pub(super) fn wake(&mut self, side: Waiter) {
        match side {
            Waiter::Reader => self.wake_reader(),
            Waiter::Writer => self.wake_writer(),
        }
    }

    /// Something changed that a writer that waits must look at.
    #[inline]
    pub(super) fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    /// Something changed that the reader must look at.
    pub(super) fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// The waker to wait for the write direction with if another task waits, too: it wakes both. The other may be waiting for
    /// the same; or it may have to go on with it, should this one give up.
    pub(super) fn both(&mut self, by: Waiter, waker: &Waker) -> Option<Waker> {
        let other = match by {
            Waiter::Reader => self.writer.as_ref(),
            Waiter::Writer => self.reader.as_ref(),
        };
        let other = other.filter(|other| !other.will_wake(waker))?;
        // Two halves that wait for each other a million times are the same two tasks each time.
        let known = self.both.take().filter(|both| both.is_of(other, waker));
        let both = known.unwrap_or_else(|| Arc::new(Both(other.clone(), waker.clone())));
        self.both = Some(both.clone());
        Some(Waker::from(both))
    }

    /// Nobody waits any more.
    pub(super) fn forget(&mut self) {
        self.both = None;
    }
}

#[inline]
pub(super) fn remember(slot: &mut Option<Waker>, waker: &Waker) {
    match slot {
        Some(known) => known.clone_from(waker),
        None => *slot = Some(waker.clone()),
    }
}

#[derive(Debug)]
struct Both(Waker, Waker);

impl Both {
    fn is_of(&self, one: &Waker, other: &Waker) -> bool {
        let is = |a: &Waker, b: &Waker| self.0.will_wake(a) && self.1.will_wake(b);
        is(one, other) || is(other, one)
    }
}

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake_by_ref();
        self.1.wake_by_ref();
    }
}
