//! Successive messages as one byte stream.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Conn, via::Via};

/// The data messages of a connection, text and binary alike, as one byte stream with a terminator behind each.
///
/// It ends where the connection ends normally (1000, 1001 or no code); any other end is an error.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use tokio::io::{AsyncBufReadExt as _, BufReader};
/// use ws_core::{Config, Conn, Negotiated, Role};
///
/// # let (near, far) = tokio::io::duplex(1024);
/// # let mut client = Conn::new(near, Role::Client, Config::new(), Negotiated::new());
/// let mut server = Conn::new(far, Role::Server, Config::new(), Negotiated::new());
/// # client.write_message("one").await?;
/// # client.write_message("two").await?;
/// let mut lines = BufReader::new(server.join_messages("\n")).lines();
/// assert_eq!(lines.next_line().await?.as_deref(), Some("one"));
/// assert_eq!(lines.next_line().await?.as_deref(), Some("two"));
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JoinedMessages<'a, S> {
    via: Via<'a, S>,
    terminator: Bytes,
    /// What is left of the terminator behind the last message.
    tail: Bytes,
    inside: bool,
}

impl<'a, S> JoinedMessages<'a, S> {
    pub(super) fn new(via: Via<'a, S>, terminator: Bytes) -> Self {
        Self { via, terminator, tail: Bytes::new(), inside: false }
    }
}

impl<S> Conn<S> {
    /// Reads the messages from here on as one byte stream, with `terminator` behind each; see [`JoinedMessages`].
    ///
    /// Reading is cancel safe. When the stream is dropped inside a message, the next read skips the rest of it.
    pub fn join_messages(&mut self, terminator: impl Into<Bytes>) -> JoinedMessages<'_, S> {
        JoinedMessages::new(Via::Whole(self), terminator.into())
    }
}

/// Gives an [`Error`](crate::Error) inside the [`io::Error`]. Cancel safe, as reads of tokio are.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for JoinedMessages<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let this = &mut *self;
        // Empty messages without terminators give nothing; there may be many.
        for _ in 0..EMPTY_BUDGET {
            if !this.tail.is_empty() {
                let count = this.tail.len().min(buf.remaining());
                buf.put_slice(&this.tail[..count]);
                this.tail.advance(count);
                return Poll::Ready(Ok(()));
            }
            if !this.inside {
                if ready!(this.via.with(|conn| conn.poll_next_kind(cx)))?.is_none() {
                    return Poll::Ready(Ok(()));
                }
                this.inside = true;
            }
            let before = buf.filled().len();
            ready!(this.via.with(|conn| conn.poll_read_piece(cx, buf)))?;
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            this.inside = false;
            this.tail = this.terminator.clone();
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S> fmt::Debug for JoinedMessages<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinedMessages").field("terminator", &self.terminator).finish_non_exhaustive()
    }
}

/// Empty messages in one poll before other tasks get a turn.
const EMPTY_BUDGET: u32 = 64;
