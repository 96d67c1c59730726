//! Deadlines and keep-alive: when they are due, and the one timer that waits for them.

use std::{
    fmt,
    future::Future as _,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::waiters::{Waiter, Waiters, remember};
use crate::{config::Timing, proto::Heartbeat};

/// The times of one connection. Only those that have a deadline, keep-alive or an end have any.
#[derive(Default)]
pub(super) struct Timers {
    pub(super) timing: Timing,
    /// Until when a read may wait.
    pub(super) read: Option<Instant>,
    /// Until when a write may wait.
    pub(super) write: Option<Instant>,
    /// Until when the message that has begun to arrive must be complete.
    pub(super) message: Option<Instant>,
    /// Until when the end of the connection must be done.
    pub(super) close: Option<Instant>,
    pub(super) heartbeat: Option<Heartbeat>,
    /// A ping is due, and waits for room in the queue or for the queue to be written.
    pub(super) ping: Ping,
    /// What the reader and the writer wait for.
    due: [Option<Instant>; 2],
    /// Whom the timer wakes, if it was set by one side alone.
    set_by: Option<Waker>,
    /// Made when somebody waits, and re-armed only when it goes off or is late: traffic moves deadlines, not the timer.
    sleep: Option<Pin<Box<Sleep>>>,
}

/// How far a keep-alive ping has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ping {
    /// There is none, or the transport has it.
    #[default]
    Gone,
    /// It is in the queue.
    Queued,
    /// The queue had no room for it.
    Due,
}

impl Timers {
    pub(super) fn new(timing: Timing) -> Self {
        Self { timing, ..Self::default() }
    }

    /// Whether the timer waits for this side, until `due` or a time before it.
    pub(super) fn is_set(&mut self, by: Waiter, due: Option<Instant>, waker: &Waker) -> bool {
        let is_set = due.is_none_or(|due| {
            let in_time = |sleep: &Sleep| sleep.deadline() <= due && !sleep.is_elapsed();
            self.sleep.as_deref().is_some_and(in_time)
                && self.set_by.as_ref().is_some_and(|set_by| set_by.will_wake(waker))
        });
        if is_set {
            self.due[by as usize] = due;
        }
        is_set
    }

    /// Waits until `due` on behalf of one side, and wakes the other side when its time has come.
    pub(super) fn poll_sleep(
        &mut self,
        by: Waiter,
        due: Option<Instant>,
        waiters: &mut Waiters,
        waker: &Waker,
    ) -> Poll<()> {
        self.due[by as usize] = due;
        let both = waiters.both(by, waker);
        let mut cx = Context::from_waker(both.as_ref().unwrap_or(waker));
        loop {
            let Some(next) = self.due.into_iter().flatten().min() else { return Poll::Pending };
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(next)));
            if next < sleep.deadline() || sleep.is_elapsed() {
                sleep.as_mut().reset(next);
            }
            let went_off = sleep.as_mut().poll(&mut cx).is_ready();
            match both {
                None => remember(&mut self.set_by, waker),
                Some(_) => self.set_by = None,
            }
            if !went_off {
                return Poll::Pending;
            }
            let now = sleep.deadline();
            let mine = &mut self.due[by as usize];
            if mine.take_if(|due| *due <= now).is_some() {
                return Poll::Ready(());
            }
            let theirs = &mut self.due[by.other() as usize];
            if theirs.take_if(|due| *due <= now).is_some() {
                waiters.wake(by.other());
            }
        }
    }

    /// The time for the next message begins with its first byte.
    pub(super) fn message_is_complete(&mut self) {
        self.message = None;
    }

    /// The end is there; nothing has to be waited for any more, and nobody to be woken. What else there is takes no memory of
    /// its own.
    pub(super) fn stop(&mut self) {
        self.sleep = None;
        self.set_by = None;
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("read", &self.read).field("write", &self.write).finish_non_exhaustive()
    }
}

/// The earlier of two times, either of which may never come.
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
