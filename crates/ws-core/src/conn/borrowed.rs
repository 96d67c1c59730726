//! Messages that are looked at where they lie.

use std::{fmt, future::poll_fn};

use tokio::io::{AsyncRead, AsyncWrite};

use super::Conn;
use crate::{Error, Message, MessageKind, Utf8Bytes, text::ValidText};

/// A data message that lies in the buffers of its connection until the connection is used again.
///
/// [`Conn::read_borrowed`] gives it. Nothing is allocated for a message that arrives in one read.
#[derive(Clone, Copy)]
pub struct MessageRef<'a> {
    kind: MessageKind,
    bytes: &'a [u8],
}

impl<'a> MessageRef<'a> {
    /// Whether the message is text or binary.
    #[must_use]
    pub fn kind(self) -> MessageKind {
        self.kind
    }

    /// The payload.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The payload of a text message.
    #[must_use]
    pub fn as_text(self) -> Option<&'a str> {
        match self.kind {
            MessageKind::Text => Some(ValidText::from_validated(self.bytes).as_str()),
            MessageKind::Binary => None,
        }
    }

    /// A copy of the message, to keep.
    #[must_use]
    pub fn to_message(self) -> Message {
        match self.as_text() {
            Some(text) => Message::Text(Utf8Bytes::from(text)),
            None => Message::Binary(self.bytes.to_vec().into()),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Reads the next data message and leaves it where it is, without an allocation for it.
    ///
    /// As [`read_message`](Self::read_message) otherwise. The connection holds its buffer until it is used again.
    ///
    /// ```
    /// # async fn sum(
    /// #     mut conn: ws_core::Conn<impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>,
    /// # ) -> Result<(), ws_core::Error> {
    /// let mut bytes = 0;
    /// while let Some(message) = conn.read_borrowed().await? {
    ///     bytes += message.as_bytes().len();
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`read_message`](Self::read_message).
    ///
    /// # Cancel safety
    /// Safe: what has arrived of a message is kept.
    pub async fn read_borrowed(&mut self) -> Result<Option<MessageRef<'_>>, Error> {
        let piece = poll_fn(|cx| self.poll_whole(cx)).await?;
        Ok(piece.map(|piece| MessageRef { kind: piece.kind, bytes: self.piece(piece) }))
    }
}

impl fmt::Debug for MessageRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageRef").field("kind", &self.kind).field("len", &self.bytes.len()).finish()
    }
}
