//! A socket as a byte stream.

use std::{
    fmt, io,
    pin::Pin,
    str,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use ws_core::{CloseCode, Error, ErrorKind, Message, MessageKind, ProtocolError, UsageError};

use super::{BrowserSocket, Socket};

/// A socket as a byte stream, for protocols that know nothing of messages.
///
/// It is `AsyncRead` and `AsyncWrite` of `futures-io`, and of tokio with the feature `tokio`.
///
/// Every write is a message of its own, of 32 KiB at the most. Reads go on from message to message. A normal close of the server (1000, 1001 or
/// no code) is the end of the stream, for every further read as well. Messages of the other kind fail the connection with 1003, for which the
/// browser sends 4903.
///
/// A deadline that has passed ([`Socket::set_read_deadline`], by [`get_mut`](Self::get_mut)) is an error of the kind `TimedOut`, and the stream
/// is as usable as before.
///
/// Closing closes with 1000 and waits for the server's close frame, in the close timeout at the longest; what still arrives is dropped, since a
/// WebSocket cannot be closed in one direction only (RFC 6455, 5.5.1).
///
/// With [`MessageKind::Text`], what is written must be UTF-8; a character may be cut by the end of a write.
pub struct ByteStream<B: BrowserSocket> {
    socket: Socket<B>,
    kind: MessageKind,
    /// What was not read of the last message.
    left: Bytes,
    /// The beginning of a character whose end was not written yet.
    cut: [u8; 3],
    cut_len: u8,
}

impl<B: BrowserSocket> Socket<B> {
    /// Makes a byte stream of the socket, with messages of one kind in both directions; see [`ByteStream`].
    #[must_use]
    pub fn into_byte_stream(self, kind: MessageKind) -> ByteStream<B> {
        ByteStream { socket: self, kind, left: Bytes::new(), cut: [0; 3], cut_len: 0 }
    }
}

impl<B: BrowserSocket> ByteStream<B> {
    /// The socket.
    #[must_use]
    pub fn get_ref(&self) -> &Socket<B> {
        &self.socket
    }

    /// The socket. Messages that are read from it are missing in the byte stream.
    pub fn get_mut(&mut self) -> &mut Socket<B> {
        &mut self.socket
    }

    /// The socket. The rest of a message that was read in part is dropped.
    #[must_use]
    pub fn into_inner(self) -> Socket<B> {
        self.socket
    }

    /// Waits for bytes; none are the end.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut Bytes>> {
        while self.left.is_empty() {
            let Some(message) = ready!(self.socket.poll_read_message(cx))? else { break };
            if message.kind() != Some(self.kind) {
                let kind = ErrorKind::Protocol(ProtocolError::UnacceptableKind);
                self.socket.read.shared.fail(kind.clone(), None);
                return Poll::Ready(Err(Error::from(kind).into()));
            }
            self.left = message.into_data();
        }
        Poll::Ready(Ok(&mut self.left))
    }

    fn poll_write_bytes(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(self.socket.poll_ready(cx))?;
        let bytes = &buf[..buf.len().min(CHUNK - usize::from(self.cut_len))];
        if let Some(message) = self.message(bytes)? {
            self.socket.start_send(message)?;
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.cut_len > 0 {
            return Poll::Ready(Err(Error::from(UsageError::NotText).into()));
        }
        self.socket.read.shared.begin_close(CloseCode::NORMAL_CLOSURE.into())?;
        self.socket.poll_close(cx).map_err(io::Error::from)
    }

    /// The message for bytes that are written; none for the mere beginning of a character.
    fn message(&mut self, bytes: &[u8]) -> Result<Option<Message>, Error> {
        if self.kind == MessageKind::Binary {
            return Ok(Some(Message::from(bytes)));
        }
        let mut text = Vec::with_capacity(self.cut.len() + bytes.len());
        text.extend_from_slice(&self.cut[..usize::from(self.cut_len)]);
        text.extend_from_slice(bytes);
        if let Err(error) = str::from_utf8(&text) {
            if error.error_len().is_some() {
                return Err(UsageError::NotText.into());
            }
            let cut = text.split_off(error.valid_up_to());
            self.cut[..cut.len()].copy_from_slice(&cut);
            self.cut_len = cut.len() as u8;
        } else {
            self.cut_len = 0;
        }
        let text = String::from_utf8(text).map_err(|_| UsageError::NotText)?;
        Ok((!text.is_empty()).then(|| Message::text(text)))
    }
}

/// Gives an [`Error`] inside the [`io::Error`].
impl<B: BrowserSocket> futures_io::AsyncRead for ByteStream<B> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let left = ready!(self.poll_left(cx))?;
        let len = left.len().min(buf.len());
        left.copy_to_slice(&mut buf[..len]);
        Poll::Ready(Ok(len))
    }
}

/// Gives an [`Error`] inside the [`io::Error`].
impl<B: BrowserSocket> futures_io::AsyncWrite for ByteStream<B> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_bytes(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_flush(cx).map_err(io::Error::from)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_end(cx)
    }
}

/// Gives an [`Error`] inside the [`io::Error`].
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
impl<B: BrowserSocket> tokio::io::AsyncRead for ByteStream<B> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let left = ready!(self.poll_left(cx))?;
        buf.put_slice(&left.split_to(left.len().min(buf.remaining())));
        Poll::Ready(Ok(()))
    }
}

/// Gives an [`Error`] inside the [`io::Error`].
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
impl<B: BrowserSocket> tokio::io::AsyncWrite for ByteStream<B> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_bytes(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_flush(cx).map_err(io::Error::from)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_end(cx)
    }
}

impl<B: BrowserSocket> fmt::Debug for ByteStream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream")
            .field("socket", &self.socket)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The largest message that is written: one that a peer with a limit of 32 KiB accepts.
const CHUNK: usize = 32 << 10;
