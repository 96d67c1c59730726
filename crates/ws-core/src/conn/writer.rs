//! One outgoing message as a byte stream.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Conn, via::Via};
use crate::{Error, MessageKind};

/// One outgoing message as a byte stream; [`finish`](Self::finish) ends the message.
///
/// The message leaves in fragments of [`Config::write_buffer_size`](crate::Config::write_buffer_size) bytes, 4 KiB unless
/// set, the last one shorter; what fits into one is a single frame. Flushing sends what is there as a fragment of its own. Control frames
/// may go out between fragments, other messages may not (RFC 6455, 5.4).
///
/// Text has to be UTF-8 as a whole; a write may end inside a character. Bytes that cannot be part of a text are refused with
/// [`UsageError::NotText`](crate::UsageError::NotText), and the message cannot be finished then.
///
/// **A writer that is dropped before `finish` never looks like a whole message.** If nothing of it has left, the connection
/// is as before. Otherwise the peer waits for the rest: further messages are refused with
/// [`UsageError::MessageOpen`](crate::UsageError::MessageOpen), and the connection can only be read and closed.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use tokio::io::AsyncWriteExt as _;
/// use ws_core::{Config, Conn, Message, MessageKind, Negotiated, Role};
///
/// # let (near, far) = tokio::io::duplex(1024);
/// let mut client = Conn::new(near, Role::Client, Config::new(), Negotiated::new());
/// # let mut server = Conn::new(far, Role::Server, Config::new(), Negotiated::new());
/// let mut message = client.next_writer(MessageKind::Text).await?;
/// message.write_all(b"hel").await?;
/// message.write_all(b"lo").await?;
/// message.finish().await?;
/// # assert_eq!(server.read_message().await?, Some(Message::text("hello")));
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a message is complete only after `finish`"]
pub struct MessageWriter<'a, S> {
    via: Via<'a, S>,
    kind: MessageKind,
}

impl<S> MessageWriter<'_, S> {
    /// Whether the message is text or binary.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Until when writes may wait; see [`Conn::set_write_deadline`]. It stays when the message is finished.
    pub fn set_write_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.via.with(|conn| conn.set_write_deadline(deadline));
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> MessageWriter<'_, S> {
    /// Ends the message, and hands it to the transport.
    ///
    /// # Errors
    /// [`UsageError::NotText`](crate::UsageError::NotText) when text ends inside a character or was refused before, and
    /// the errors of [`write_message`](Conn::write_message).
    ///
    /// # Cancel safety
    /// Once this is polled, the final frame is either queued, and a later flush sends it, or the message was dropped
    /// unfinished.
    pub async fn finish(mut self) -> Result<(), Error> {
        poll_fn(|cx| self.via.with(|conn| conn.poll_finish(cx))).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Writes a data message as a byte stream; see [`MessageWriter`]. Waits only while the queue is above its high-water
    /// mark.
    ///
    /// # Errors
    /// As [`write_message`](Self::write_message).
    ///
    /// # Cancel safety
    /// Safe: no message is begun. The writer that this gives is not: dropped before its end, it leaves an unfinished
    /// message.
    pub async fn next_writer(&mut self, kind: MessageKind) -> Result<MessageWriter<'_, S>, Error> {
        poll_fn(|cx| self.poll_begin(cx, kind)).await?;
        Ok(MessageWriter { via: Via::Whole(self), kind })
    }
}

impl<'a, S> MessageWriter<'a, S> {
    pub(super) fn new(via: Via<'a, S>, kind: MessageKind) -> Self {
        Self { via, kind }
    }
}

/// Gives an [`Error`] inside the [`io::Error`]. Cancel safe, as writes of tokio are: `write` takes bytes or does not,
/// `write_all` may have taken some. Shutting down is [`finish`](MessageWriter::finish).
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for MessageWriter<'_, S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.via.with(|conn| conn.poll_write_piece(cx, buf)).map_err(io::Error::from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.via.with(|conn| conn.poll_flush_piece(cx)).map_err(io::Error::from)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.via.with(|conn| conn.poll_finish(cx)).map_err(io::Error::from)
    }
}

impl<S> Drop for MessageWriter<'_, S> {
    fn drop(&mut self) {
        self.via.with(Conn::abandon_message);
    }
}

impl<S> fmt::Debug for MessageWriter<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter").field("kind", &self.kind).finish_non_exhaustive()
    }
}
