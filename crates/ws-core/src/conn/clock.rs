//! What the clock has a say in: deadlines, keep-alive, the end of a closing handshake.

use std::{
    io,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{
    Conn,
    ending::Stage,
    step::{Step, Want},
    timers::{Ping, Timers, earlier},
    waiters::Waiter,
};
use crate::{
    Error, ErrorKind, ProtocolError, Violation,
    proto::{Heartbeat, later},
};

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Looks at the clock before the transport is read: only for what the application itself may take too long over.
    pub(super) fn check_clock(&mut self, want: &Want<'_, '_>) -> Option<Step> {
        self.0.timers.as_ref()?;
        if let Some(step) = self.check_read_deadline(want) {
            return Some(step);
        }
        if self.is_message_overdue() && matches!(want, Want::Bytes(_)) {
            self.fail(ProtocolError::MessageTooSlow.into());
        }
        None
    }

    /// Looks at the clock when the transport has nothing more for now, or gives without end. What the peer sent in time is
    /// read then, however late the application was. Whether there is something to do before it waits.
    pub(super) fn check_peer(&mut self) -> bool {
        if self.0.ending.stage() != Stage::Open {
            return false;
        }
        if self.is_message_overdue() {
            self.fail(ProtocolError::MessageTooSlow.into());
            return true;
        }
        if self.0.protocol.closing().sent().is_some() {
            // Only the peer's close frame is awaited, and the close timeout bounds that.
            return false;
        }
        let has_room = self.has_room();
        let Some(timers) = self.0.timers.as_deref_mut() else { return false };
        let Some(keep_alive) = timers.timing.keep_alive else { return false };
        let now = now();
        let heartbeat = timers.heartbeat.get_or_insert_with(|| Heartbeat::new(keep_alive, now.into_std()));
        let was_asked = heartbeat.is_asked();
        if timers.ping == Ping::Due && has_room {
            // There was no room for it until now.
            heartbeat.moved(now.into_std());
            timers.ping = Ping::Queued;
        } else if heartbeat.is_dead(now.into_std()) {
            self.lose(Some(io::Error::new(io::ErrorKind::TimedOut, "the peer gave no sign of life")));
            return true;
        } else if !heartbeat.is_ping_due(now.into_std()) {
            return false;
        } else if !was_asked {
            // The first without an answer is the one that counts, from when it leaves.
            timers.ping = if has_room { Ping::Queued } else { Ping::Due };
        }
        // A peer that sends and does not read must not make pings pile up; its silence counts all the same.
        if !has_room {
            return false;
        }
        let ping = self.0.control.shared(&self.0.waiters).probe(now.into_std());
        // It fails only where writing does, and the next write tells.
        let _ = self.start_send(ping);
        true
    }

    /// Whether the message that has begun to arrive should be complete by now.
    fn is_message_overdue(&mut self) -> bool {
        let Some(timers) = self.0.timers.as_deref_mut() else { return false };
        let Some(timeout) = timers.timing.message_timeout else { return false };
        if !self.0.protocol.receiver().is_inside() || self.0.protocol.closing().sent().is_some() {
            timers.message = None;
            return false;
        }
        let now = now();
        now >= *timers.message.get_or_insert_with(|| after(now, timeout))
    }

    pub(super) fn check_read_deadline(&self, want: &Want<'_, '_>) -> Option<Step> {
        let due = self.0.timers.as_ref()?.read.filter(|_| !matches!(want, Want::End))?;
        (now() >= due).then_some(Step::TimedOut)
    }

    /// Waits, after the transport had nothing more, for requests and for what becomes due. Ready when there is something
    /// to do first.
    #[inline(always)]
    pub(super) fn poll_parked(&mut self, cx: &Context<'_>, by: Waiter, want: &Want<'_, '_>) -> Poll<()> {
        if self.0.control.get().is_none() && self.0.timers.is_none() && !self.0.message.is_charged() {
            return Poll::Pending;
        }
        self.poll_due(cx, by, want)
    }

    #[inline(never)]
    fn poll_due(&mut self, cx: &Context<'_>, by: Waiter, want: &Want<'_, '_>) -> Poll<()> {
        if !self.0.control.park(by, cx.waker(), self.has_room()) {
            return Poll::Ready(());
        }
        if self.0.ending.stage() == Stage::Open && self.0.message.is_evicted(cx.waker()) {
            self.fail(Violation::OutOfBudget);
            return Poll::Ready(());
        }
        if self.is_timer_set(by, want, cx.waker()) {
            return Poll::Pending;
        }
        if self.check_peer() {
            return Poll::Ready(());
        }
        let Some(timers) = self.0.timers.as_deref_mut() else { return Poll::Pending };
        let is_open = self.0.ending.stage() == Stage::Open && self.0.protocol.closing().sent().is_none();
        let heartbeat = timers.heartbeat.as_ref().filter(|_| is_open);
        let heartbeat = heartbeat.map(|heartbeat| Instant::from_std(heartbeat.due()));
        let read = timers.read.filter(|_| !matches!(want, Want::End));
        let message = timers.message.filter(|_| is_open);
        let due = [read, message, timers.close, heartbeat].into_iter().fold(None, earlier);
        timers.poll_sleep(by, due, &mut self.0.waiters, cx.waker())
    }
}

impl<S> Conn<S> {
    /// Whether the timer is set already, to nothing later than what is due, and has not gone off. Then nothing is due yet,
    /// and there is no need to look at the clock.
    fn is_timer_set(&mut self, by: Waiter, want: &Want<'_, '_>, waker: &Waker) -> bool {
        let is_between_messages = self.0.ending.stage() == Stage::Open
            && self.0.protocol.closing().sent().is_none()
            && !self.0.protocol.receiver().is_inside();
        let Some(timers) = self.0.timers.as_deref_mut().filter(|_| is_between_messages) else { return false };
        let heartbeat = match (&timers.heartbeat, timers.timing.keep_alive) {
            (Some(heartbeat), Some(_)) if timers.ping != Ping::Due => {
                Some(Instant::from_std(heartbeat.due()))
            }
            (_, Some(_)) => return false,
            (_, None) => None,
        };
        let read = timers.read.filter(|_| !matches!(want, Want::End));
        timers.is_set(by, earlier(read, heartbeat), waker)
    }

    /// Whether the end of the connection takes longer than the close timeout, which runs from the first look.
    pub(super) fn is_close_overdue(&mut self) -> bool {
        let timeout = self.0.settings.close_timeout();
        let timers = self.0.timers.get_or_insert_default();
        let now = now();
        now >= *timers.close.get_or_insert_with(|| after(now, timeout))
    }

    /// Whether a write may still wait.
    pub(super) fn check_write_deadline(&self) -> Result<(), Error> {
        match self.0.timers.as_ref().and_then(|timers| timers.write) {
            Some(due) if now() >= due => Err(Error::new(ErrorKind::TimedOut)),
            _ => Ok(()),
        }
    }

    /// Waits for the write deadline, after the transport did not take all; and for what a `Control` asks for.
    pub(super) fn poll_write_parked(&mut self, cx: &Context<'_>) -> Poll<()> {
        if !self.0.control.park(Waiter::Writer, cx.waker(), self.has_room()) {
            return Poll::Ready(());
        }
        let Some(timers) = self.0.timers.as_deref_mut() else { return Poll::Pending };
        timers.poll_sleep(
            Waiter::Writer,
            earlier(timers.write, timers.close),
            &mut self.0.waiters,
            cx.waker(),
        )
    }

    /// The transport took some of the queue, or all of it.
    pub(super) fn queue_moved(&mut self, all: bool) {
        let Some(timers) = self.0.timers.as_deref_mut().filter(|timers| timers.ping != Ping::Gone) else {
            return;
        };
        if let Some(heartbeat) = &mut timers.heartbeat {
            heartbeat.moved(now().into_std());
        }
        if all && timers.ping == Ping::Queued {
            timers.ping = Ping::Gone;
        }
    }

    /// Bytes arrived.
    #[inline]
    pub(super) fn peer_is_alive(&mut self) {
        if let Some(heartbeat) = self.0.timers.as_mut().and_then(|timers| timers.heartbeat.as_mut()) {
            heartbeat.heard();
        }
    }

    pub(super) fn pong_arrived(&self, payload: &Bytes) {
        if let Some(shared) = self.0.control.get() {
            shared.pong(payload, now().into_std());
        }
    }

    pub(super) fn set_deadline(
        &mut self,
        deadline: Option<std::time::Instant>,
        set: impl FnOnce(&mut Timers, Option<Instant>),
    ) {
        if deadline.is_some() || self.0.timers.is_some() {
            set(self.0.timers.get_or_insert_default(), deadline.map(Instant::from_std));
        }
    }
}

/// The clock of the runtime, which tests may stop.
#[expect(clippy::disallowed_methods, reason = "the connection is where time comes in")]
pub(super) fn now() -> Instant {
    Instant::now()
}

fn after(now: Instant, by: Duration) -> Instant {
    Instant::from_std(later(now.into_std(), by))
}
