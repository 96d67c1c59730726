//! A socket: both halves together.

use std::{
    fmt,
    future::{Future, poll_fn},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use ws_core::{CloseFrame, Error, Message, PreparedMessage};

use super::{
    BrowserSocket, Closing, DialError, DialErrorKind, Facts, Instant, ReadHalf, WriteHalf, inbox::Inbox,
    settings::Settings, shared::Shared, timer::Timer,
};

/// A browser's WebSocket with the method names of `ws_core::Conn`.
///
/// [`dial`](crate::dial) opens one; there it is called [`WebSocket`](crate::WebSocket).
///
/// The browser reads, answers pings and does the closing handshake by itself, whether anybody reads here or not. What arrives waits in a
/// queue that is [bounded](crate::Dialer::max_queued).
///
/// Dropping a socket closes it without a code, so that the server sees 1005, and waits for nothing. What was written before goes out
/// first. None of its handlers runs after that. End it with [`close`](Self::close) to know that the server has heard.
pub struct Socket<B: BrowserSocket> {
    pub(super) read: ReadHalf<B>,
    pub(super) write: WriteHalf<B>,
}

impl<B: BrowserSocket> Socket<B> {
    /// Waits for the opening handshake of a socket that was just made.
    pub(crate) async fn open(
        socket: B,
        inbox: Inbox<B::Blob>,
        settings: Settings,
        timeout: Option<Duration>,
    ) -> Result<Self, DialError> {
        // From here on, dropping the future closes it.
        let shared = Rc::new(Shared::new(socket, inbox, settings));
        let by = timeout.and_then(|timeout| B::now().checked_add(timeout));
        let mut timer = Timer::default();
        let opened = poll_fn(|cx| match shared.inbox.poll_opened(cx.waker()) {
            Poll::Ready(opened) => Poll::Ready(opened.map_err(|code| DialErrorKind::Failed { code })),
            Poll::Pending => timer.poll_at::<B>(by, cx).map(|()| Err(DialErrorKind::TimedOut)),
        });
        opened.await?;
        if let Some(facts) = shared.with(B::facts) {
            // It is the first to be set.
            let _ = shared.facts.set(facts);
        }
        // The standard of browsers is stricter than RFC 6455, 4.1 here; Firefox is not.
        if settings.offers && shared.subprotocol().is_none() {
            return Err(DialErrorKind::Failed { code: None }.into());
        }
        Ok(Self { read: ReadHalf::new(Rc::clone(&shared)), write: WriteHalf::new(shared) })
    }

    /// Reads the next message.
    ///
    /// `None` is a normal end: the server closed with 1000, 1001 or no code (RFC 6455, 7.4.1). What arrived before is read first.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](ws_core::ErrorKind::Closed) for any other close code,
    /// [`ErrorKind::ConnectionLost`](ws_core::ErrorKind::ConnectionLost) without a closing handshake, which is also what browsers say when the
    /// server broke the protocol, [`ErrorKind::TooBig`](ws_core::ErrorKind::TooBig) for a message over the
    /// [limit](crate::Dialer::max_message_size), [`ErrorKind::OutOfBudget`](ws_core::ErrorKind::OutOfBudget) when more waited than
    /// [may](crate::Dialer::max_queued). Every further call gives the same.
    ///
    /// [`ErrorKind::TimedOut`](ws_core::ErrorKind::TimedOut) when the [read deadline](Self::set_read_deadline) has passed; this ends nothing.
    ///
    /// # Cancel safety
    /// Safe: no message is lost.
    pub fn read_message(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> {
        self.read.read_message()
    }

    /// Sends a message: waits while the browser holds more than the [high-water mark](crate::Dialer::high_water_mark), then hands it
    /// over.
    ///
    /// A close frame only begins the closing handshake; [`close`](Self::close) finishes it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](ws_core::ErrorKind::Usage) after the close frame, and for pings and pongs, which no browser sends;
    /// [`ErrorKind::TimedOut`](ws_core::ErrorKind::TimedOut) when the [write deadline](Self::set_write_deadline) has passed; what ended the
    /// connection. That the call succeeds does not mean that the server has got the message.
    ///
    /// # Cancel safety
    /// Safe: the message is sent whole or not at all.
    pub fn write_message(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        self.write.write_message(message)
    }

    /// The same as [`write_message`](Self::write_message): a browser has a queue of its own.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is sent whole or not at all.
    pub fn queue_message(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        self.write.queue_message(message)
    }

    /// Sends a message that is sent to many. A browser encodes it each time; the payload is shared here.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is sent whole or not at all.
    pub fn write_prepared(&mut self, message: &PreparedMessage) -> impl Future<Output = Result<(), Error>> {
        self.write.write_prepared(message)
    }

    /// The same as [`write_prepared`](Self::write_prepared): a browser has a queue of its own.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: the message is sent whole or not at all.
    pub fn queue_prepared(&mut self, message: &PreparedMessage) -> impl Future<Output = Result<(), Error>> {
        self.write.queue_prepared(message)
    }

    /// Waits until the browser holds no more than the high-water mark.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: there is nothing to lose.
    pub fn flush(&mut self) -> impl Future<Output = Result<(), Error>> {
        self.write.flush()
    }

    /// Ends the connection with the closing handshake (RFC 6455, 7.1.2): what was written goes out, then a close frame, and the server's is
    /// awaited. Data that still arrives is dropped.
    ///
    /// This takes the close timeout at the longest ([`Dialer::close_timeout`](crate::Dialer::close_timeout), 5 seconds unless set). After the
    /// server has closed, there is nothing left to do.
    ///
    /// Browsers send the codes 1000 and 3000 to 4999 alone; see [the table](super) of what becomes of others.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](ws_core::ErrorKind::Usage) for a code that must not be sent, or a reason over 123 bytes,
    /// [`ErrorKind::ConnectionLost`](ws_core::ErrorKind::ConnectionLost) when the server does not answer in time or the connection is lost.
    ///
    /// # Cancel safety
    /// Safe: the close frame is sent once, and a later call to this or to a read goes on.
    pub async fn close(&mut self, frame: impl Into<Option<CloseFrame>>) -> Result<(), Error> {
        self.write.close(frame).await
    }

    /// Polls for the next message, as [`read_message`](Self::read_message).
    ///
    /// # Errors
    /// As [`read_message`](Self::read_message).
    pub fn poll_read_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.read.poll_read_message(cx)
    }

    /// Polls until the browser holds no more than the high-water mark.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.write.poll_ready(cx)
    }

    /// Sends a message without waiting, whatever the browser holds; poll [`poll_ready`](Self::poll_ready) first.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    pub fn start_send(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.write.start_send(message)
    }

    /// Sends a message that is sent to many without waiting, as [`start_send`](Self::start_send).
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    pub fn start_send_prepared(&self, message: &PreparedMessage) -> Result<(), Error> {
        self.write.start_send(message.message().clone())
    }

    /// Polls until the browser holds no more than the high-water mark.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message), but for what was sent before the close frame.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.write.poll_flush(cx)
    }

    /// Polls until the connection has ended; see [`close`](Self::close). Data that still arrives is dropped.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.write.poll_close(cx)
    }

    /// Splits the socket in two halves for different tasks; [`ReadHalf::reunite`] undoes it.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf<B>, WriteHalf<B>) {
        (self.read, self.write)
    }

    /// Until when reads may wait; `None` for as long as it takes, the default.
    ///
    /// From then on, a read that finds nothing in the queue fails with [`ErrorKind::TimedOut`](ws_core::ErrorKind::TimedOut). Nothing is lost
    /// and nothing is broken by that: with a later deadline, or none, reading goes on. Timers of a page that is in the background may be late by
    /// a second or more.
    pub fn set_read_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.read.set_read_deadline(deadline);
    }

    /// Until when writes may wait; `None` for as long as it takes, the default.
    ///
    /// From then on, a write that has to wait fails with [`ErrorKind::TimedOut`](ws_core::ErrorKind::TimedOut), and its message is not sent.
    /// [`close`](Self::close) is not bound by it.
    pub fn set_write_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.write.set_write_deadline(deadline);
    }

    /// Changes the largest message that is accepted, in bytes; `None` for any size.
    pub fn set_max_message_size(&self, limit: impl Into<Option<u64>>) {
        self.read.shared.inbox.set_max_message_size(limit.into());
    }

    /// The subprotocol that the opening handshake agreed on (RFC 6455, 1.9).
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.read.shared.subprotocol()
    }

    /// The extensions that the opening handshake agreed on, as the browser tells them: `permessage-deflate` where the server has it.
    #[must_use]
    pub fn extensions(&self) -> &str {
        self.facts().map_or("", |facts| &facts.extensions)
    }

    /// The URL, as the browser has understood it.
    #[must_use]
    pub fn url(&self) -> &str {
        self.facts().map_or("", |facts| &facts.url)
    }

    /// Looks at what the browser has, until the connection is given up.
    #[cfg(target_family = "wasm")]
    pub(crate) fn browser<T>(&self, look: impl FnOnce(&B) -> Option<T>) -> Option<T> {
        self.read.shared.with(look).flatten()
    }

    fn facts(&self) -> Option<&Facts> {
        self.read.shared.facts.get()
    }

    /// The close frames of both ends so far.
    #[must_use]
    pub fn closing(&self) -> Closing {
        self.read.closing()
    }

    /// Whether messages can be sent: neither end has closed, as far as the browser has said.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.read.shared.inbox.is_open()
    }

    /// The bytes that the browser has taken over and not handed to the network.
    #[must_use]
    pub fn buffered_amount(&self) -> u64 {
        self.write.buffered_amount()
    }

    /// The bytes of messages that wait to be read.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.read.shared.inbox.queued()
    }

    /// How many messages were dropped, by [`Overflow::DropNewest`](crate::Overflow::DropNewest) or
    /// [`Overflow::DropOldest`](crate::Overflow::DropOldest).
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.read.shared.inbox.dropped()
    }
}

impl<B: BrowserSocket> fmt::Debug for Socket<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("shared", &self.read.shared).finish_non_exhaustive()
    }
}
