//! What waits for one session: messages in a bounded queue, and a close frame beside it.

mod fifo;

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use ws_core::CloseFrame;

pub(crate) use self::fifo::Fifo;
use crate::{Cause, Overflow, envelope::Outgoing};

/// How much may wait for one session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// What came of a message for one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits.
    Queued,
    /// It waits, and so many before it were dropped for it.
    Displaced(usize),
    /// It waits in the place of an earlier one with its key.
    Replaced,
    /// It was dropped.
    Dropped,
    /// There was no room, and the session is closed for that.
    Disconnected,
    /// The session is closing or gone.
    Closed,
    /// There is no room now. It was not taken, and not counted as dropped.
    Full,
}

/// That a session is to be closed, and how.
#[derive(Clone, Debug)]
pub(crate) struct Close {
    pub(crate) frame: Option<CloseFrame>,
    pub(crate) cause: Cause,
    /// Whether what waits goes out before the close frame.
    pub(crate) flush: bool,
    /// Whether the connection is dropped without a closing handshake.
    pub(crate) abort: bool,
}

/// The queue of one session. Every method takes the lock for a few steps and wakes nobody while it holds it.
///
/// The close frame stands outside the queue, so that a full one does not keep it from coming. A session that nothing waits
/// for holds no buffer: the first message has its place here.
pub(crate) struct Outbox(Mutex<State>);

#[derive(Default)]
struct State {
    queue: Fifo,
    /// The queued ones and those that the transport has not taken.
    bytes: usize,
    /// Of the bytes, those that metrics know of.
    #[cfg(feature = "metrics")]
    told_bytes: usize,
    in_flight: u32,
    /// How many in the queue have a key.
    keyed: u32,
    dropped: u64,
    /// Of those, how many the session's own task does not know of.
    untold: u32,
    phase: Phase,
    waker: Option<Waker>,
    /// Whether the task of the session is to be woken for messages, and not for a close frame alone.
    wants: bool,
    /// Whether the transport takes no more for now.
    blocked: bool,
    /// The task is to look at the deadlines of the session.
    rearm: bool,
    #[expect(clippy::box_collection, reason = "few wait ever, and every session has room for them")]
    waiters: Option<Box<Vec<Waker>>>,
}

#[derive(Default)]
enum Phase {
    #[default]
    Open,
    /// Boxed: few sessions close at a time.
    Closing(Box<Close>),
    Closed,
}

/// What is next for the task of a session.
pub(crate) enum Next {
    Message(Arc<Outgoing>),
    Close(Close),
    /// Nothing, and the waker is left.
    Nothing,
}

/// What others did to a session.
pub(crate) struct News {
    /// How many messages were dropped since the last time.
    pub(crate) dropped: u32,
    /// Its deadlines have changed.
    pub(crate) rearm: bool,
    /// It is to be closed.
    pub(crate) is_closing: bool,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics; if it did, the state would be as good after it as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The side of those who send.

    /// Puts a message into the queue, or does with it what the policy says.
    pub(crate) fn push(&self, message: &Arc<Outgoing>, bounds: Bounds, overflow: &Overflow) -> Pushed {
        let mut state = self.lock();
        let pushed = state.push(message, bounds, overflow);
        let waker = match pushed {
            Pushed::Queued | Pushed::Displaced(_) if state.wants => state.waker.take(),
            Pushed::Disconnected => state.waker.take(),
            _ => None,
        };
        let waiters = if pushed == Pushed::Disconnected { state.waiters.take() } else { None };
        release(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        wake_all(waiters);
        pushed
    }

    /// As [`push`](Self::push); where there is no room, leaves a waker for when there is.
    pub(crate) fn push_or_wait(&self, message: &Arc<Outgoing>, bounds: Bounds, waker: &Waker) -> Pushed {
        let mut state = self.lock();
        let pushed = state.push(message, bounds, &Overflow::Wait(std::time::Duration::ZERO));
        if pushed == Pushed::Full {
            let waiters = state.waiters.get_or_insert_default();
            if !waiters.iter().any(|known| known.will_wake(waker)) {
                waiters.push(waker.clone());
            }
        }
        let task = if pushed == Pushed::Queued && state.wants { state.waker.take() } else { None };
        release(state);
        if let Some(task) = task {
            task.wake();
        }
        pushed
    }

    /// Nobody waits with this waker any more. It is woken, since somebody else of its task may.
    pub(crate) fn forget_waiter(&self, waker: &Waker) {
        let mut state = self.lock();
        let waiters = state.waiters.as_deref_mut();
        let found = waiters.and_then(|waiters| {
            let at = waiters.iter().position(|known| known.will_wake(waker))?;
            Some(waiters.swap_remove(at))
        });
        drop(state);
        if let Some(waker) = found {
            waker.wake();
        }
    }

    /// Puts several messages into the queue, all or none of them.
    pub(crate) fn push_all(&self, messages: &[Arc<Outgoing>], bounds: Bounds) -> Pushed {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Open) {
            return Pushed::Closed;
        }
        let bytes: usize = messages.iter().map(|message| message.size).sum();
        if state.waiting() + messages.len() > bounds.messages || state.bytes + bytes > bounds.bytes {
            return Pushed::Full;
        }
        for message in messages {
            state.put(message.clone());
        }
        let waker = if state.wants && !messages.is_empty() { state.waker.take() } else { None };
        release(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Pushed::Queued
    }

    /// Asks for the end. The first to ask says the close frame; later ones can only make it faster. Gives whether this was
    /// the first.
    pub(crate) fn close(&self, close: Close) -> bool {
        let mut state = self.lock();
        let is_first = matches!(state.phase, Phase::Open);
        let dropped = if close.flush { Fifo::default() } else { state.clear() };
        match &mut state.phase {
            Phase::Open => state.phase = Phase::Closing(Box::new(close)),
            Phase::Closing(first) => {
                first.flush &= close.flush;
                first.abort |= close.abort;
            }
            Phase::Closed => {}
        }
        let (waker, waiters) = (state.waker.take(), state.waiters.take());
        release(state);
        drop(dropped);
        if let Some(waker) = waker {
            waker.wake();
        }
        wake_all(waiters);
        is_first
    }

    /// Has the task look at the deadlines of the session.
    pub(crate) fn rearm(&self) {
        let mut state = self.lock();
        state.rearm = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.lock().phase, Phase::Open)
    }

    /// Messages and bytes that wait or are not taken by the transport.
    pub(crate) fn queued(&self) -> (usize, usize) {
        let state = self.lock();
        (state.waiting(), state.bytes)
    }

    /// A message that waited outside for room has none.
    pub(crate) fn count_dropped(&self) {
        self.lock().count_dropped(1);
    }

    /// How many were dropped ever.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    // The side of the session's task.

    /// What to write next. `waker` is woken for more.
    pub(crate) fn next(&self, waker: &Waker) -> Next {
        let mut state = self.lock();
        state.blocked = false;
        if let Phase::Closing(close) = &state.phase {
            if !close.flush || close.abort || state.queue.is_empty() {
                return Next::Close((**close).clone());
            }
        }
        match state.queue.pop() {
            Some(message) => {
                state.keyed -= u32::from(message.key.is_some());
                state.in_flight += 1;
                Next::Message(message)
            }
            None => {
                let before = state.park(waker, true);
                drop(state);
                drop(before);
                Next::Nothing
            }
        }
    }

    /// The transport takes no more: `waker` is woken for a close frame alone, which is given if there is one already that
    /// waits for nothing.
    pub(crate) fn park(&self, waker: &Waker) -> Option<Close> {
        let mut state = self.lock();
        state.blocked = true;
        let close = match &state.phase {
            Phase::Closing(close) if !close.flush || close.abort => Some((**close).clone()),
            _ => None,
        };
        let before = state.park(waker, false);
        drop(state);
        drop(before);
        close
    }

    /// The close frame that was asked for.
    pub(crate) fn closing(&self) -> Option<Close> {
        match &self.lock().phase {
            Phase::Closing(close) => Some((**close).clone()),
            Phase::Open | Phase::Closed => None,
        }
    }

    /// The transport has taken so many messages with so many bytes.
    pub(crate) fn sent(&self, messages: usize, bytes: usize) {
        let mut state = self.lock();
        state.in_flight -= messages as u32;
        state.bytes -= bytes;
        let waiters = state.waiters.take();
        release(state);
        wake_all(waiters);
    }

    /// Nothing can be sent any more. Gives the close frame that was asked for.
    pub(crate) fn end(&self) -> Option<Close> {
        let mut state = self.lock();
        let queue = state.clear();
        state.bytes = 0;
        state.in_flight = 0;
        let phase = mem::replace(&mut state.phase, Phase::Closed);
        let (waker, waiters) = (state.waker.take(), state.waiters.take());
        release(state);
        drop((queue, waker));
        wake_all(waiters);
        match phase {
            Phase::Closing(close) => Some(*close),
            Phase::Open | Phase::Closed => None,
        }
    }

    /// What others did since the last time.
    pub(crate) fn take_news(&self) -> News {
        let mut state = self.lock();
        News {
            dropped: mem::take(&mut state.untold),
            rearm: mem::take(&mut state.rearm),
            is_closing: matches!(state.phase, Phase::Closing(_)),
        }
    }
}

impl State {
    fn push(&mut self, message: &Arc<Outgoing>, bounds: Bounds, overflow: &Overflow) -> Pushed {
        if !matches!(self.phase, Phase::Open) {
            return Pushed::Closed;
        }
        if message.volatile && self.blocked {
            return self.drop_one();
        }
        if self.replace(message, bounds) {
            return Pushed::Replaced;
        }
        let mut displaced = 0;
        while !self.fits(message.size, bounds) {
            match overflow {
                Overflow::DropNewest => return self.drop_one(),
                Overflow::DropOldest => {
                    // Nothing is dropped for a message that has no room even then.
                    if displaced == 0 && !self.would_fit(message.size, bounds) {
                        return self.drop_one();
                    }
                    // One with the same key is outdated, wherever it stands.
                    let earlier = message.key.as_deref().and_then(|key| self.queue.remove_key(key));
                    let Some(oldest) = earlier.or_else(|| self.queue.pop_droppable()) else {
                        return self.drop_one();
                    };
                    self.bytes -= oldest.size;
                    self.keyed -= u32::from(oldest.key.is_some());
                    displaced += 1;
                }
                Overflow::Disconnect(frame) => {
                    self.clear();
                    self.drop_one();
                    self.phase = Phase::Closing(Box::new(Close {
                        frame: Some(frame.clone()),
                        cause: Cause::Slow,
                        flush: false,
                        abort: false,
                    }));
                    return Pushed::Disconnected;
                }
                Overflow::Wait(_) if message.volatile => return self.drop_one(),
                Overflow::Wait(_) => return Pushed::Full,
            }
        }
        self.put(message.clone());
        if displaced == 0 {
            return Pushed::Queued;
        }
        self.count_dropped(displaced);
        Pushed::Displaced(displaced)
    }

    /// Puts a message into the place of an earlier one with its key. One that is so much larger that it has no room there takes its
    /// chance as any other.
    fn replace(&mut self, message: &Arc<Outgoing>, bounds: Bounds) -> bool {
        let Some(key) = message.key.as_deref().filter(|_| self.keyed > 0) else { return false };
        let is_alone = self.waiting() == 1;
        let Some(earlier) = self.queue.find_key(key) else { return false };
        let bytes = self.bytes - earlier.size + message.size;
        let fits = bytes <= bounds.bytes || message.size <= earlier.size || is_alone;
        if fits {
            self.bytes = bytes;
            *earlier = message.clone();
        }
        fits
    }

    fn put(&mut self, message: Arc<Outgoing>) {
        self.bytes += message.size;
        self.keyed += u32::from(message.key.is_some());
        self.queue.push(message);
    }

    /// A message larger than the bound may wait alone: otherwise it could never be sent.
    fn fits(&self, size: usize, bounds: Bounds) -> bool {
        let waiting = self.waiting();
        waiting == 0 || (waiting < bounds.messages && self.bytes + size <= bounds.bytes)
    }

    /// Whether there is room for so much once as much is dropped as is needed and may be.
    fn would_fit(&self, size: usize, bounds: Bounds) -> bool {
        let (mut waiting, mut bytes) = (self.waiting(), self.bytes);
        self.queue.iter().filter(|message| !message.kept).any(|message| {
            waiting -= 1;
            bytes -= message.size;
            waiting == 0 || (waiting < bounds.messages && bytes + size <= bounds.bytes)
        })
    }

    fn waiting(&self) -> usize {
        self.queue.len() + self.in_flight as usize
    }

    fn drop_one(&mut self) -> Pushed {
        self.count_dropped(1);
        Pushed::Dropped
    }

    fn count_dropped(&mut self, count: usize) {
        self.dropped += count as u64;
        self.untold = self.untold.saturating_add(count as u32);
    }

    /// Drops what waits, and counts it.
    fn clear(&mut self) -> Fifo {
        let queue = mem::take(&mut self.queue);
        self.bytes -= queue.iter().map(|message| message.size).sum::<usize>();
        self.keyed = 0;
        self.count_dropped(queue.len());
        queue
    }

    /// How the bytes have changed, once that is much: a queue that is emptied as it is filled is nothing to tell.
    #[cfg(feature = "metrics")]
    fn untold_bytes(&mut self) -> f64 {
        let (bytes, told) = (self.bytes, self.told_bytes);
        if bytes != 0 && bytes.abs_diff(told) < TELL_BYTES {
            return 0.0;
        }
        self.told_bytes = bytes;
        bytes as f64 - told as f64
    }

    fn park(&mut self, waker: &Waker, wants: bool) -> Option<Waker> {
        self.wants = wants;
        match &self.waker {
            Some(known) if known.will_wake(waker) => None,
            _ => self.waker.replace(waker.clone()),
        }
    }
}

/// Gives the lock back, and tells metrics what they do not know.
fn release(#[cfg_attr(not(feature = "metrics"), expect(unused_mut))] mut state: MutexGuard<'_, State>) {
    #[cfg(feature = "metrics")]
    let change = state.untold_bytes();
    drop(state);
    #[cfg(feature = "metrics")]
    crate::observe::queued_bytes(change);
}

#[expect(clippy::box_collection, reason = "as they are kept")]
fn wake_all(waiters: Option<Box<Vec<Waker>>>) {
    waiters.into_iter().flat_map(|waiters| *waiters).for_each(Waker::wake);
}

#[cfg(feature = "metrics")]
const TELL_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests;
