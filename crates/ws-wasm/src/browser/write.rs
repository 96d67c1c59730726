//! The half of a socket that writes.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use ws_core::{CloseFrame, Error, ErrorKind, Message, PreparedMessage, UsageError, Utf8Bytes};

use super::{BrowserSocket, Closing, Instant, shared::Shared, timer::Timer};

/// The half of a socket that writes; [`Socket::into_split`](super::Socket::into_split) gives it.
///
/// Its methods are those of [`Socket`](super::Socket). The socket is closed when both halves are dropped.
pub struct WriteHalf<B: BrowserSocket> {
    pub(super) shared: Rc<Shared<B>>,
    /// When the browser is asked next, and after what time again.
    look: Option<(Instant, Duration)>,
    look_timer: Timer,
    deadline: Option<Instant>,
    deadline_timer: Timer,
    close_timer: Timer,
}

impl<B: BrowserSocket> WriteHalf<B> {
    pub(super) fn new(shared: Rc<Shared<B>>) -> Self {
        Self {
            shared,
            look: None,
            look_timer: Timer::default(),
            deadline: None,
            deadline_timer: Timer::default(),
            close_timer: Timer::default(),
        }
    }

    /// Sends a message; see [`Socket::write_message`](super::Socket::write_message).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Safe: the message is sent whole or not at all.
    pub fn write_message(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message.into());
        poll_fn(move |cx| {
            ready!(self.poll_ready(cx))?;
            Poll::Ready(message.take().map_or(Ok(()), |message| self.start_send(message)))
        })
    }

    /// The same as [`write_message`](Self::write_message): a browser has a queue of its own.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is sent whole or not at all.
    pub fn queue_message(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        self.write_message(message)
    }

    /// Sends a message that is sent to many; see [`Socket::write_prepared`](super::Socket::write_prepared).
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is sent whole or not at all.
    pub fn write_prepared(&mut self, message: &PreparedMessage) -> impl Future<Output = Result<(), Error>> {
        self.write_message(message.message().clone())
    }

    /// The same as [`write_prepared`](Self::write_prepared): a browser has a queue of its own.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is sent whole or not at all.
    pub fn queue_prepared(&mut self, message: &PreparedMessage) -> impl Future<Output = Result<(), Error>> {
        self.write_prepared(message)
    }

    /// Waits until the browser holds no more than the high-water mark.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: there is nothing to lose.
    pub fn flush(&mut self) -> impl Future<Output = Result<(), Error>> {
        poll_fn(|cx| self.poll_flush(cx))
    }

    /// Ends the connection; see [`Socket::close`](super::Socket::close).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Safe: the close frame is sent once, and a later call to this or to a read goes on.
    pub async fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> Result<(), Error> {
        self.shared.begin_close(frame.into())?;
        poll_fn(|cx| self.poll_close(cx)).await
    }

    /// Polls until the browser holds no more than the high-water mark.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            self.shared.inbox.check_writable()?;
            if self.buffered_amount() <= self.shared.settings.high_water_mark as u64 {
                self.look = None;
                return Poll::Ready(Ok(()));
            }
            self.shared.inbox.set_writer(cx.waker());
            // Browsers have no event for it, so they are asked again and again; less often if nothing moves for long.
            let (at, after) = *self.look.get_or_insert_with(|| (B::now() + FIRST_LOOK, FIRST_LOOK));
            if self.look_timer.poll_at::<B>(Some(at), cx).is_ready() {
                let after = (after * 2).min(LAST_LOOK);
                self.look = Some((B::now() + after, after));
                continue;
            }
            ready!(self.deadline_timer.poll_at::<B>(self.deadline, cx));
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
    }

    /// Sends a message without waiting, whatever the browser holds; poll [`poll_ready`](Self::poll_ready) first.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    pub fn start_send(&self, message: impl Into<Message>) -> Result<(), Error> {
        let message = message.into();
        self.shared.inbox.check_writable()?;
        let sent = match &message {
            Message::Text(text) => self.shared.with(|socket| socket.send_text(text)),
            Message::Binary(data) => self.shared.with(|socket| socket.send_binary(data)),
            Message::Close(frame) => return self.shared.begin_close(frame.clone()),
            Message::Ping(_) | Message::Pong(_) => return Err(UsageError::ControlUnsupported.into()),
        };
        sent.unwrap_or(Ok(())).map_err(|error| {
            let kind = ErrorKind::Io(io::Error::kind(&error));
            Error::from(kind).with_source(error)
        })
    }

    /// Polls until the browser holds no more than the high-water mark.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message), but for what was sent before the close frame.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match ready!(self.poll_ready(cx)) {
            // What was sent goes out before the close frame does.
            Err(error)
                if error.usage() == Some(UsageError::CloseSent)
                    || matches!(error.kind(), ErrorKind::Closed(_)) =>
            {
                Poll::Ready(Ok(()))
            }
            result => Poll::Ready(result),
        }
    }

    /// Polls until the connection has ended; see [`close`](Self::close). Data that still arrives is dropped.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let end = self.shared.inbox.poll_end(cx.waker());
        if end.is_pending() && self.shared.poll_close_timeout(&mut self.close_timer, cx).is_ready() {
            return self.shared.inbox.poll_end(cx.waker());
        }
        end
    }

    /// The subprotocol that the opening handshake agreed on (RFC 6455, 1.9).
    #[must_use]
    pub fn subprotocol(&self) -> Option<Utf8Bytes> {
        self.shared.subprotocol().map(Utf8Bytes::from)
    }

    /// The bytes that the browser has taken over and not handed to the network.
    #[must_use]
    pub fn buffered_amount(&self) -> u64 {
        self.shared.with(BrowserSocket::buffered_amount).unwrap_or(0)
    }

    /// Until when writes may wait; see [`Socket::set_write_deadline`](super::Socket::set_write_deadline).
    pub fn set_write_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.deadline = deadline.into();
    }

    /// The close frames of both ends so far.
    #[must_use]
    pub fn closing(&self) -> Closing {
        self.shared.inbox.closing()
    }
}

impl<B: BrowserSocket> fmt::Debug for WriteHalf<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").field("shared", &self.shared).finish_non_exhaustive()
    }
}

/// What the shortest timers of browsers take when they follow one another.
const FIRST_LOOK: Duration = Duration::from_millis(4);
const LAST_LOOK: Duration = Duration::from_millis(64);
