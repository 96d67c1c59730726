//! The half of a socket that reads.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use ws_core::{Error, ErrorKind, Message, ProtocolError, Utf8Bytes};

use super::{BrowserSocket, Closing, Instant, LocalFuture, inbox::Arrived, shared::Shared, timer::Timer};

/// The half of a socket that reads; [`Socket::into_split`](super::Socket::into_split) gives it.
///
/// Its methods are those of [`Socket`](super::Socket). The socket is closed when both halves are dropped.
///
/// Nobody can read any more when this is dropped, so what waits is dropped as well, and so is what arrives. The other half goes on, and
/// sees the end of the connection. [`close_read`](Self::close_read) is for a server that must not send anything.
pub struct ReadHalf<B: BrowserSocket> {
    pub(super) shared: Rc<Shared<B>>,
    /// A message whose data is being brought to memory.
    blob: Option<LocalFuture<io::Result<Bytes>>>,
    deadline: Option<Instant>,
    deadline_timer: Timer,
    close_timer: Timer,
    pub(super) stream_ended: bool,
}

impl<B: BrowserSocket> ReadHalf<B> {
    pub(super) fn new(shared: Rc<Shared<B>>) -> Self {
        Self {
            shared,
            blob: None,
            deadline: None,
            deadline_timer: Timer::default(),
            close_timer: Timer::default(),
            stream_ended: false,
        }
    }

    /// Reads the next message; see [`Socket::read_message`](super::Socket::read_message).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Safe: no message is lost.
    pub fn read_message(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> {
        poll_fn(|cx| self.poll_read_message(cx))
    }

    /// Polls for the next message, as [`read_message`](Self::read_message).
    ///
    /// # Errors
    /// As [`read_message`](Self::read_message).
    pub fn poll_read_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let found = self.poll_queue(cx);
        if found.is_pending() {
            if self.shared.poll_close_timeout(&mut self.close_timer, cx).is_ready() {
                return self.poll_queue(cx);
            }
            ready!(self.deadline_timer.poll_at::<B>(self.deadline, cx));
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        found
    }

    fn poll_queue(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        loop {
            if let Some(blob) = &mut self.blob {
                let read = ready!(blob.as_mut().poll(cx));
                self.blob = None;
                match read {
                    Ok(data) => return Poll::Ready(Ok(Some(Message::Binary(data)))),
                    Err(error) => self.shared.fail(ErrorKind::Io(error.kind()), Some(error)),
                }
            }
            match ready!(self.shared.inbox.poll_next(cx.waker()))? {
                None => return Poll::Ready(Ok(None)),
                Some(Arrived::Message(message)) => return Poll::Ready(Ok(Some(message))),
                Some(Arrived::Blob(blob, _)) => self.blob = Some(B::read_blob(blob)),
            }
        }
    }

    /// Waits for the end of the connection, for a program that only writes. A message of the server fails the connection with 1008, for which
    /// the browser sends 4908.
    ///
    /// Spawn it, or join it with what writes.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] with [`ProtocolError::UnexpectedMessage`] for a message, and those of
    /// [`read_message`](super::Socket::read_message).
    ///
    /// # Cancel safety
    /// Dropping the future drops this half.
    pub async fn close_read(mut self) -> Result<(), Error> {
        if self.read_message().await?.is_none() {
            return Ok(());
        }
        let refused = ErrorKind::Protocol(ProtocolError::UnexpectedMessage);
        self.shared.fail(refused.clone(), None);
        Err(refused.into())
    }

    /// The subprotocol that the opening handshake agreed on (RFC 6455, 1.9).
    #[must_use]
    pub fn subprotocol(&self) -> Option<Utf8Bytes> {
        self.shared.subprotocol().map(Utf8Bytes::from)
    }

    /// Changes the largest message that is accepted; see [`Socket::set_max_message_size`](super::Socket::set_max_message_size).
    pub fn set_max_message_size(&self, limit: impl Into<Option<u64>>) {
        self.shared.inbox.set_max_message_size(limit.into());
    }

    /// Until when reads may wait; see [`Socket::set_read_deadline`](super::Socket::set_read_deadline).
    pub fn set_read_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.deadline = deadline.into();
    }

    /// The close frames of both ends so far.
    #[must_use]
    pub fn closing(&self) -> Closing {
        self.shared.inbox.closing()
    }

    /// Whether the other half is of the same socket.
    #[must_use]
    pub fn is_pair_of(&self, write: &super::WriteHalf<B>) -> bool {
        Rc::ptr_eq(&self.shared, &write.shared)
    }

    /// Joins the halves again.
    ///
    /// # Errors
    /// Gives them back if they are of different sockets.
    #[expect(clippy::result_large_err, reason = "nobody splits and joins in a loop")]
    pub fn reunite(self, write: super::WriteHalf<B>) -> Result<super::Socket<B>, ReuniteError<B>> {
        if self.is_pair_of(&write) {
            Ok(super::Socket { read: self, write })
        } else {
            Err(ReuniteError(self, write))
        }
    }
}

impl<B: BrowserSocket> Drop for ReadHalf<B> {
    fn drop(&mut self) {
        self.shared.inbox.discard();
    }
}

impl<B: BrowserSocket> fmt::Debug for ReadHalf<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").field("shared", &self.shared).finish_non_exhaustive()
    }
}

/// The halves were of different sockets. Here they are back.
#[expect(clippy::exhaustive_structs, reason = "there are two halves")]
pub struct ReuniteError<B: BrowserSocket>(pub ReadHalf<B>, pub super::WriteHalf<B>);

impl<B: BrowserSocket> fmt::Debug for ReuniteError<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReuniteError").field(&self.0).field(&self.1).finish()
    }
}

impl<B: BrowserSocket> fmt::Display for ReuniteError<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are of different sockets")
    }
}

impl<B: BrowserSocket> std::error::Error for ReuniteError<B> {}
