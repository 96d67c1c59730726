//! One incoming message as a byte stream.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use ws_core::{Error, MessageKind};

use super::{BrowserSocket, Instant, ReadHalf, Socket};

/// One incoming message as a byte stream, with the names of `ws_core::MessageReader`.
///
/// It is `AsyncRead` of `futures-io`, and of tokio with the feature `tokio`. A browser gives messages as a whole, so this one is in memory as
/// a whole, and [`max_message_size`](crate::Dialer::max_message_size) bounds it.
///
/// Dropping it early is fine: the rest of the message is gone with it.
pub struct MessageReader<'a, B: BrowserSocket> {
    read: &'a mut ReadHalf<B>,
    kind: MessageKind,
    left: Bytes,
}

impl<B: BrowserSocket> MessageReader<'_, B> {
    /// Whether the message is text or binary.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Until when reads may wait; see [`Socket::set_read_deadline`]. This message is there already; it stays for those that follow.
    pub fn set_read_deadline(&mut self, deadline: impl Into<Option<Instant>>) {
        self.read.set_read_deadline(deadline);
    }

    /// What was not read yet, at most so much of it.
    fn next_piece(&mut self, most: usize) -> Bytes {
        self.left.split_to(self.left.len().min(most))
    }
}

impl<B: BrowserSocket> Socket<B> {
    /// Reads the next message as a byte stream; see [`MessageReader`].
    ///
    /// # Errors
    /// As [`read_message`](Self::read_message).
    ///
    /// # Cancel safety
    /// Safe: no message is lost.
    pub async fn next_reader(&mut self) -> Result<Option<MessageReader<'_, B>>, Error> {
        self.read.next_reader().await
    }
}

impl<B: BrowserSocket> ReadHalf<B> {
    /// Reads the next message as a byte stream; see [`MessageReader`].
    ///
    /// # Errors
    /// As [`Socket::read_message`].
    ///
    /// # Cancel safety
    /// Safe: no message is lost.
    pub async fn next_reader(&mut self) -> Result<Option<MessageReader<'_, B>>, Error> {
        let Some(message) = self.read_message().await? else { return Ok(None) };
        let kind = message.kind().unwrap_or(MessageKind::Binary);
        Ok(Some(MessageReader { read: self, kind, left: message.into_data() }))
    }
}

/// Never waits, and never fails.
impl<B: BrowserSocket> futures_io::AsyncRead for MessageReader<'_, B> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let piece = self.next_piece(buf.len());
        buf[..piece.len()].copy_from_slice(&piece);
        Poll::Ready(Ok(piece.len()))
    }
}

/// Never waits, and never fails.
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
impl<B: BrowserSocket> tokio::io::AsyncRead for MessageReader<'_, B> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buf.put_slice(&self.next_piece(buf.remaining()));
        Poll::Ready(Ok(()))
    }
}

impl<B: BrowserSocket> fmt::Debug for MessageReader<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageReader")
            .field("kind", &self.kind)
            .field("left", &self.left.len())
            .finish_non_exhaustive()
    }
}
