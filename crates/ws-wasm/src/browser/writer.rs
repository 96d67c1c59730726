//! One outgoing message as a byte stream.

use std::{
    fmt,
    future::poll_fn,
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use ws_core::{Error, Message, MessageKind, UsageError, Utf8Bytes, utf8::Utf8Validator};

use super::{BrowserSocket, Instant, Socket, WriteHalf};

/// One outgoing message as a byte stream, with the names of `ws_core::MessageWriter`; [`finish`](Self::finish) ends the message.
///
/// It is `AsyncWrite` of `futures-io`, and of tokio with the feature `tokio`. A browser takes messages as a whole, so what is written is kept
/// in memory until `finish`, and flushing does nothing.
///
/// Text has to be UTF-8 as a whole; a write may end inside a character. Bytes that cannot be part of a text are refused with
/// [`UsageError::NotText`], and the message cannot be finished then.
///
/// Dropping it before `finish` sends nothing, and leaves the socket as it was.
#[must_use = "a message is complete only after `finish`"]
pub struct MessageWriter<'a, B: BrowserSocket> {
    write: &'a mut WriteHalf<B>,
    kind: MessageKind,
    state: State,
}

enum State {
    Open {
        data: Vec<u8>,
        validator: Utf8Validator,
    },
    /// What was written is not text.
    Refused,
    Finished,
}

impl<B: BrowserSocket> MessageWriter<'_, B> {
    /// Whether the message is text or binary.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Until when writes may wait; see [`Socket::set_write_deadline`]. It stays when the message is finished.
    pub fn set_write_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.write.set_write_deadline(deadline);
    }

    /// Ends the message: waits while the browser holds more than the [high-water mark](crate::Dialer::high_water_mark), then hands it over.
    ///
    /// # Errors
    /// [`UsageError::NotText`] when text ends inside a character or was refused before, and the errors of
    /// [`write_message`](Socket::write_message).
    ///
    /// # Cancel safety
    /// The message is sent whole, or dropped with the future.
    pub async fn finish(mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_finish(cx)).await
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match &mut self.state {
            State::Finished => return Poll::Ready(Ok(())),
            State::Refused => return Poll::Ready(Err(UsageError::NotText.into())),
            State::Open { validator, .. } => validator.finish().map_err(|_| UsageError::NotText)?,
        }
        ready!(self.write.poll_ready(cx))?;
        let State::Open { data, .. } = mem::replace(&mut self.state, State::Finished) else {
            return Poll::Ready(Ok(()));
        };
        let message = match self.kind {
            MessageKind::Binary => Message::binary(data),
            MessageKind::Text => {
                Message::Text(Utf8Bytes::from(String::from_utf8(data).map_err(|_| UsageError::NotText)?))
            }
        };
        Poll::Ready(self.write.start_send(message))
    }

    fn take(&mut self, bytes: &[u8]) -> Result<usize, UsageError> {
        let State::Open { data, validator } = &mut self.state else {
            return Err(match self.state {
                State::Refused => UsageError::NotText,
                _ => UsageError::MessageFinished,
            });
        };
        if self.kind == MessageKind::Text && validator.push(bytes).is_err() {
            self.state = State::Refused;
            return Err(UsageError::NotText);
        }
        data.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_piece(&mut self, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.take(bytes).map_err(|usage| Error::from(usage).into()))
    }
}

impl<B: BrowserSocket> Socket<B> {
    /// Writes a message as a byte stream; see [`MessageWriter`]. Waits while the browser holds more than the high-water mark.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: no message is begun.
    pub async fn next_writer(&mut self, kind: MessageKind) -> Result<MessageWriter<'_, B>, Error> {
        self.write.next_writer(kind).await
    }
}

impl<B: BrowserSocket> WriteHalf<B> {
    /// Writes a message as a byte stream; see [`MessageWriter`].
    ///
    /// # Errors
    /// As [`Socket::write_message`].
    ///
    /// # Cancel safety
    /// Safe: no message is begun.
    pub async fn next_writer(&mut self, kind: MessageKind) -> Result<MessageWriter<'_, B>, Error> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        let state = State::Open { data: Vec::new(), validator: Utf8Validator::new() };
        Ok(MessageWriter { write: self, kind, state })
    }
}

/// Gives an [`Error`] inside the [`io::Error`]. Closing is [`finish`](MessageWriter::finish).
impl<B: BrowserSocket> futures_io::AsyncWrite for MessageWriter<'_, B> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.write_piece(buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_finish(cx).map_err(io::Error::from)
    }
}

/// Gives an [`Error`] inside the [`io::Error`]. Shutting down is [`finish`](MessageWriter::finish).
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
impl<B: BrowserSocket> tokio::io::AsyncWrite for MessageWriter<'_, B> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.write_piece(buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_finish(cx).map_err(io::Error::from)
    }
}

impl<B: BrowserSocket> fmt::Debug for MessageWriter<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter").field("kind", &self.kind).finish_non_exhaustive()
    }
}
