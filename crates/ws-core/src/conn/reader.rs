//! One incoming message as a byte stream.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Conn, via::Via};
use crate::{Error, MessageKind};

/// One incoming message as a byte stream, whatever its size and the number of its frames.
///
/// It ends where the message ends. Memory does not grow with the message: what is read is what the caller asked for.
/// Text is validated on the way: what was read so far is UTF-8, but for a character that is cut at its end. Pings are
/// answered while it is read. [`Config::max_message_size`](crate::Config::max_message_size) holds for streamed messages
/// as well; lift it for those that need no limit.
///
/// If the connection ends in the middle of the message, or the peer breaks a rule, reading gives an error, never an early
/// end; the [`Error`] is inside the [`io::Error`].
///
/// Dropping it early is fine: the next read of the connection skips the rest of the message.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use tokio::io::AsyncReadExt as _;
/// use ws_core::{Config, Conn, MessageKind, Negotiated, Role};
///
/// # let (near, far) = tokio::io::duplex(1024);
/// # let mut client = Conn::new(near, Role::Client, Config::new(), Negotiated::new());
/// let mut server = Conn::new(far, Role::Server, Config::new(), Negotiated::new());
/// # client.write_message("hello").await?;
/// if let Some(mut message) = server.next_reader().await? {
///     assert_eq!(message.kind(), MessageKind::Text);
///     let mut text = String::new();
///     message.read_to_string(&mut text).await?;
///     assert_eq!(text, "hello");
/// }
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MessageReader<'a, S> {
    via: Via<'a, S>,
    kind: MessageKind,
}

impl<S> MessageReader<'_, S> {
    /// Whether the message is text or binary.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Until when reads may wait; see [`Conn::set_read_deadline`]. It stays when the message is read.
    pub fn set_read_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.via.with(|conn| conn.set_read_deadline(deadline));
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Reads the next data message as a byte stream; see [`MessageReader`].
    ///
    /// Waits for the first frame of the message. What is left of the message before is skipped. A message that
    /// [`read_message`](Self::read_message) had begun to read when it was dropped is given from its beginning.
    ///
    /// # Errors
    /// As [`read_message`](Self::read_message).
    ///
    /// # Cancel safety
    /// Safe: nothing of the message is lost.
    pub async fn next_reader(&mut self) -> Result<Option<MessageReader<'_, S>>, Error> {
        let kind = poll_fn(|cx| self.poll_next_kind(cx)).await?;
        Ok(kind.map(|kind| MessageReader { via: Via::Whole(self), kind }))
    }
}

impl<'a, S> MessageReader<'a, S> {
    pub(super) fn new(via: Via<'a, S>, kind: MessageKind) -> Self {
        Self { via, kind }
    }
}

/// Gives an [`Error`] inside the [`io::Error`]. Cancel safe, as reads of tokio are.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for MessageReader<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.via.with(|conn| conn.poll_read_piece(cx, buf)).map_err(io::Error::from)
    }
}

impl<S> fmt::Debug for MessageReader<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageReader").field("kind", &self.kind).finish_non_exhaustive()
    }
}
