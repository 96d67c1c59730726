//! The end of a connection: the rest of the closing handshake, and what it came to (RFC 6455, section 7).

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Conn, End,
    step::{Step, Want},
    waiters::Waiter,
};
use crate::{Error, ErrorKind, Message, Role, Violation, proto::Closing};

/// How far the end of a connection has come, and what it came to.
#[derive(Default)]
pub(super) struct Ending {
    stage: Stage,
    outcome: Outcome,
    /// The close frame was given out by `recv`.
    told: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Open,
    /// The last frames go out.
    Flush,
    /// The write direction of the transport is shut down.
    Shutdown,
    /// The peer's end of the transport is awaited. Closing over unread bytes would make the system reset the
    /// connection, and the peer might never see the close frame.
    Linger,
    /// The peer's end is there; this end follows, if it was not first.
    Leave,
    Over,
}

#[derive(Default)]
enum Outcome {
    /// Both close frames were exchanged.
    #[default]
    Closed,
    /// The peer broke a rule.
    Failed(Violation),
    /// The transport ended. Boxed: every connection has room for it, and few come to need that.
    Lost(Box<Lost>),
}

struct Lost {
    kind: ErrorKind,
    /// It is told once.
    cause: Option<io::Error>,
}

impl Ending {
    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    pub(super) fn is_begun(&self) -> bool {
        self.stage != Stage::Open
    }

    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// What it came to, once it is over.
    pub(super) fn end(&self) -> End {
        match &self.outcome {
            Outcome::Closed => End::Closed,
            Outcome::Failed(violation) => End::Failed(*violation),
            Outcome::Lost(lost) => End::Lost(lost.kind.clone()),
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        self.is_begun() && matches!(self.outcome, Outcome::Lost(_))
    }

    /// The peer's close frame arrived; the answer is queued.
    fn begin_closed(&mut self) {
        self.stage = Stage::Flush;
        self.outcome = Outcome::Closed;
    }

    /// The peer broke a rule; the close frame that says so is queued.
    fn begin_failed(&mut self, violation: Violation) {
        self.stage = Stage::Flush;
        self.outcome = Outcome::Failed(violation);
    }

    /// How the connection ended, for one who waits for data.
    pub(super) fn result(&mut self, closing: &Closing) -> Result<Option<Message>, Error> {
        match closing.received() {
            Some(frame) if matches!(self.outcome, Outcome::Closed) => {
                let normal = frame.is_none_or(|frame| frame.code.is_normal());
                if normal { Ok(None) } else { Err(Error::new(ErrorKind::Closed(frame.cloned()))) }
            }
            _ => self.result_without_close(),
        }
    }

    /// How the connection ended, for one who was told the close frame.
    pub(super) fn result_without_close(&mut self) -> Result<Option<Message>, Error> {
        match &mut self.outcome {
            Outcome::Closed => Ok(None),
            Outcome::Failed(violation) => Err((*violation).into()),
            Outcome::Lost(lost) => Err(match lost.cause.take() {
                Some(cause) => Error::transport(cause),
                None => Error::new(lost.kind.clone()),
            }),
        }
    }

    /// The peer's close frame, once.
    pub(super) fn tell(&mut self, closing: &Closing) -> Option<Message> {
        if std::mem::replace(&mut self.told, true) || !matches!(self.outcome, Outcome::Closed) {
            return None;
        }
        closing.received().map(|frame| Message::Close(frame.cloned()))
    }

    fn lose(&mut self, cause: Option<io::Error>) {
        self.stage = Stage::Over;
        let kind =
            cause.as_ref().map_or(ErrorKind::ConnectionLost, |cause| ErrorKind::of_transport(cause.kind()));
        self.outcome = Outcome::Lost(Box::new(Lost { kind, cause }));
    }
}

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stage.fmt(f)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Drives the end of the connection, which has begun with a close frame or a violation.
    ///
    /// `Some` is what to tell the reader; `None` means that the peer's close frame is still to be read.
    pub(super) fn poll_ending(
        &mut self,
        cx: &mut Context<'_>,
        by: Waiter,
        want: &Want<'_, '_>,
    ) -> Poll<Option<Option<Step>>> {
        loop {
            // They are too late, and would keep this from waiting.
            self.take_requests();
            let is_open = self.0.ending.stage == Stage::Open;
            // What is over at once needs no clock. Even a timeout of nothing lets out what the transport takes.
            if (is_open || self.poll_stages(cx, by).is_pending()) && self.is_close_overdue() {
                if is_open {
                    let _ = self.poll_write_out(cx, by);
                }
                self.give_up_closing();
            }
            if self.0.ending.stage == Stage::Open {
                return Poll::Ready(None);
            }
            if self.0.ending.stage == Stage::Over {
                self.end();
                let told = self.0.ending.tell(self.0.protocol.closing());
                return Poll::Ready(Some(told.map(Step::Control)));
            }
            if let Some(step) = self.check_read_deadline(want) {
                return Poll::Ready(Some(Some(step)));
            }
            if self.poll_parked(cx, by, want).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Goes through the stages of the end up to the last.
    fn poll_stages(&mut self, cx: &mut Context<'_>, by: Waiter) -> Poll<()> {
        loop {
            match self.0.ending.stage {
                Stage::Open | Stage::Over => return Poll::Ready(()),
                Stage::Flush => {
                    // If writing fails there is no one left to tell.
                    let _ = ready!(self.poll_write_out(cx, by));
                    self.0.ending.stage = Stage::Shutdown;
                }
                Stage::Shutdown => {
                    if self.0.protocol.wants_shutdown() {
                        ready!(self.poll_shutdown_io(cx, by));
                    }
                    self.0.ending.stage = Stage::Linger;
                }
                Stage::Linger => {
                    // 7.1.1: after a closing handshake the server closes first and the client waits for that. After
                    // a violation, either waits until the peer has seen the close frame.
                    if self.role() == Role::Client || matches!(self.0.ending.outcome, Outcome::Failed(_)) {
                        ready!(self.poll_discard(cx, by));
                    }
                    self.0.ending.stage = Stage::Leave;
                }
                Stage::Leave => {
                    if !self.0.protocol.wants_shutdown() {
                        ready!(self.poll_shutdown_io(cx, by));
                    }
                    self.0.ending.stage = Stage::Over;
                }
            }
        }
    }

    fn poll_shutdown_io(&mut self, cx: &Context<'_>, by: Waiter) -> Poll<()> {
        let both = self.0.waiters.both(by, cx.waker());
        let waker = both.as_ref().unwrap_or_else(|| cx.waker());
        let result = Pin::new(&mut *self.0.io).poll_shutdown(&mut Context::from_waker(waker));
        if result.is_pending() {
            self.0.waiters.waits(by, cx.waker());
        }
        result.map(drop)
    }
}

impl<S> Conn<S> {
    /// Both close frames are there, or queued.
    pub(super) fn begin_closed(&mut self) {
        self.0.ending.begin_closed();
        self.note_closing();
    }

    /// The peer broke a rule; the close frame that says so is queued.
    pub(super) fn begin_failed(&mut self, violation: Violation) {
        self.0.ending.begin_failed(violation);
        self.note_closing();
    }

    /// Ends the connection because the transport did.
    pub(super) fn lose(&mut self, cause: Option<io::Error>) {
        self.0.protocol.stop();
        self.0.ending.lose(cause);
        self.end();
    }

    /// Ends the connection because the close timeout has passed.
    pub(super) fn give_up_closing(&mut self) {
        if self.0.ending.stage == Stage::Open {
            // This endpoint has closed, and the peer has not answered.
            self.lose(Some(io::Error::new(io::ErrorKind::TimedOut, "the close frame was not answered")));
        } else {
            self.0.ending.stage = Stage::Over;
            self.end();
        }
    }

    /// Gives everything back that an ended connection does not need, and tells everybody who waits.
    fn end(&mut self) {
        if let Some(timers) = &mut self.0.timers {
            timers.stop();
        }
        if !self.0.ending.is_lost() && (self.0.protocol.wants_write() || self.0.unflushed) {
            // The close timeout has passed over it. A flush must neither wait for it nor look like success.
            self.0.broken = Some(io::ErrorKind::TimedOut);
            self.0.protocol.sender().stop();
        }
        self.0.waiters.wake_writer();
        self.0.waiters.wake_reader();
        self.0.waiters.forget();
        self.0.control.end();
        self.note_end();
        self.release_read();
        self.release_write();
    }

    /// Whether the peer has closed and a handler has left the answer to the application.
    pub(super) fn is_half_closed(&self) -> bool {
        let closing = self.0.protocol.closing();
        !self.0.ending.is_begun() && closing.received().is_some() && closing.sent().is_none()
    }
}
