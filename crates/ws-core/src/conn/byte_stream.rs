//! A connection as a byte stream.

use std::{
    fmt, io,
    pin::Pin,
    str,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Conn, waiters::Waiter};
use crate::{CloseCode, Error, Message, MessageKind, ProtocolError, UsageError};

/// A connection as a byte stream, for protocols that know nothing of messages.
///
/// Every write is a message of its own, of 32 KiB at the most, and handed to the transport at once as far as it takes it.
/// Reads go on from message to message. A normal close of the peer (1000, 1001 or no code) is the end of the stream.
/// Messages of the other kind fail the connection with 1003.
///
/// Shutting down closes with 1000 and waits for the peer's close frame, in the close timeout at the longest; what still
/// arrives is dropped, since a WebSocket cannot be closed in one direction only (RFC 6455, 5.5.1). The message size limit of the connection does not apply, as the size of
/// messages has no meaning here and none is ever held as a whole.
///
/// With [`MessageKind::Text`], what is written must be UTF-8; a character may be cut by the end of a write.
pub struct ByteStream<S> {
    conn: Conn<S>,
    kind: MessageKind,
    inside: bool,
    /// The beginning of a character whose end was not written yet.
    cut: [u8; 3],
    cut_len: u8,
}

impl<S> Conn<S> {
    /// Makes a byte stream of the connection, with messages of one kind in both directions; see [`ByteStream`].
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    /// use ws_core::{Config, Conn, MessageKind, Negotiated, Role};
    ///
    /// # let (near, far) = tokio::io::duplex(1024);
    /// # let client = Conn::new(near, Role::Client, Config::new(), Negotiated::new());
    /// # let server = Conn::new(far, Role::Server, Config::new(), Negotiated::new());
    /// let mut client = client.into_byte_stream(MessageKind::Binary);
    /// let mut server = server.into_byte_stream(MessageKind::Binary);
    /// client.write_all(b"any bytes").await?;
    /// let mut bytes = [0; 9];
    /// server.read_exact(&mut bytes).await?;
    /// assert_eq!(&bytes, b"any bytes");
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_byte_stream(mut self, kind: MessageKind) -> ByteStream<S> {
        self.set_max_message_size(None);
        ByteStream { conn: self, kind, inside: false, cut: [0; 3], cut_len: 0 }
    }
}

impl<S> ByteStream<S> {
    /// The connection.
    #[must_use]
    pub fn get_ref(&self) -> &Conn<S> {
        &self.conn
    }

    /// The connection. Messages that are read from it are missing in the byte stream.
    pub fn get_mut(&mut self) -> &mut Conn<S> {
        &mut self.conn
    }

    /// The connection, which still has no message size limit. The rest of a message that was read in part is skipped.
    #[must_use]
    pub fn into_inner(self) -> Conn<S> {
        self.conn
    }
}

/// Gives an [`Error`] inside the [`io::Error`]. Cancel safe, as reads of tokio are.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByteStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let this = &mut *self;
        for _ in 0..EMPTY_BUDGET {
            if !this.inside {
                match ready!(this.conn.poll_next_kind(cx))? {
                    None => return Poll::Ready(Ok(())),
                    Some(kind) if kind != this.kind => {
                        let error = ready!(this.conn.poll_fail(cx, ProtocolError::UnacceptableKind.into()));
                        return Poll::Ready(Err(error.into()));
                    }
                    Some(_) => this.inside = true,
                }
            }
            let before = buf.filled().len();
            ready!(this.conn.poll_read_piece(cx, buf))?;
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            this.inside = false;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Gives an [`Error`] inside the [`io::Error`]. Cancel safe, as writes of tokio are.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ByteStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(self.conn.poll_ready(cx))?;
        let bytes = &buf[..buf.len().min(CHUNK - usize::from(self.cut_len))];
        if let Some(message) = self.message(bytes)? {
            self.conn.start_send(message)?;
        }
        // A byte stream is not expected to hold back what was written. What the transport does not take now goes with
        // the next write, flush or read.
        let _ = self.conn.poll_flush(cx);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.conn.poll_flush(cx).map_err(io::Error::from)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.cut_len > 0 {
            return Poll::Ready(Err(Error::from(UsageError::NotText).into()));
        }
        self.conn.begin_close(CloseCode::NORMAL_CLOSURE.into())?;
        // As the writer: another task may read.
        self.conn.poll_end(cx, Waiter::Writer).map_err(io::Error::from)
    }
}

impl<S> ByteStream<S> {
    /// The message for bytes that are written; none for the mere beginning of a character.
    fn message(&mut self, bytes: &[u8]) -> Result<Option<Message>, Error> {
        if self.kind == MessageKind::Binary {
            return Ok(Some(Message::Binary(bytes.to_vec().into())));
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

impl<S: fmt::Debug> fmt::Debug for ByteStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream")
            .field("conn", &self.conn)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The largest message that is written: one that a peer with a limit of 32 KiB accepts.
const CHUNK: usize = 32 << 10;
/// Empty messages in one poll before other tasks get a turn.
const EMPTY_BUDGET: u32 = 64;
